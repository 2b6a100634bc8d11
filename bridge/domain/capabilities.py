"""What a store can do for us, as last read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class StoreCapabilities:
    """What the store, or the plugin in it, can do, as last read."""

    reported: str | None
    """Version as the store reports it: the plugin's, or that of its API; None: no plugin seen."""
    restock_allowed: bool
    restock_because: str
    refunds_work: bool
    refunds_because: str
    creditmemo_events: bool
    reservation_result: bool
    reserves_on_create: bool
    partial_refunds: bool = True
    """Whether some units of an order can be refunded, or the whole order only."""
    partial_because: str = ""
    restocks_by_row: bool = True
    """Whether one refund can put some of its rows back to stock and others not; else it is all of them or none."""
    knows_its_stock: bool = False
    """It puts back only what it took itself, so that nobody needs to know whether it did."""
    holds_fulfilment: bool = False
    """Whether what is not sent yet can be held, and let go again (`ports.HoldsFulfilment`)."""
    holds_because: str = "this kind of store cannot"
    """Why not."""
    one_way: bool = False
    """What happens to an order there is never a wish towards the channel."""
    warnings: tuple[str, ...] = ()
    read_at: datetime | None = None
