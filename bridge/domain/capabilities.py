"""What a store can do for us, as last read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class StoreCapabilities:
    """What the store's plugin can do, as last read."""

    reported: str | None
    """Plugin version as the store reports it; None: no plugin seen."""
    restock_allowed: bool
    restock_because: str
    refunds_work: bool
    refunds_because: str
    creditmemo_events: bool
    reservation_result: bool
    reserves_on_create: bool
    warnings: tuple[str, ...] = ()
    read_at: datetime | None = None
