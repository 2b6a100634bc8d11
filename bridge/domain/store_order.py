"""What a store (Magento) says of an order: its rows, its credit memos, what was paid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from bridge.domain.money import Money


@dataclass(frozen=True, slots=True)
class StoreRow:
    """One row of the store's order. Quantities are whole units."""

    id: str
    sku: str
    price: Decimal
    """Unit price as the row was created with, before discount."""
    ordered: int
    invoiced: int = 0
    shipped: int = 0
    refunded: int = 0
    cancelled: int = 0
    restock_id: str = ""
    """The row that a restock names: the child row of a configurable, else the row itself."""

    @property
    def gone(self) -> int:
        """Units refunded or cancelled: the store's book."""
        return self.refunded + self.cancelled

    @property
    def left(self) -> int:
        return self.ordered - self.gone


@dataclass(frozen=True, slots=True)
class StoreRefund:
    """One credit memo."""

    id: str
    created_at: datetime
    updated_at: datetime
    quantities: Mapping[str, int]
    """Units by row id; empty for a memo of shipping or adjustments alone."""
    total: Money
    tokens: frozenset[str] = frozenset()
    """Our tokens found in its comments: a memo with one is ours."""
    number: str = ""
    amounts: Mapping[str, Decimal] = field(default_factory=dict)
    """What it gives back by row id: after discount, with tax, in the currency of `total`."""
    shipping: Decimal = Decimal(0)
    """Shipping with its tax, after its discount."""
    adjustment: Decimal = Decimal(0)
    """What a person added (positive) or kept (negative) by hand."""
    kept: Mapping[str, int] = field(default_factory=dict)
    """Units by row id that it says did not go back to stock, where it says anything of it."""

    @property
    def is_ours(self) -> bool:
        return bool(self.tokens)

    @property
    def rest(self) -> Decimal:
        """What of the total its rows, shipping and adjustment do not explain."""
        return self.total.amount - sum(self.amounts.values(), self.shipping + self.adjustment)


@dataclass(frozen=True, slots=True)
class Barrier:
    """Why the store takes no refund of the order now."""

    because: str
    passes: bool
    """By itself, and soon: it is waited for. Otherwise a person is asked."""


@dataclass(frozen=True, slots=True)
class FulfilmentHold:
    """A hold of ours on what is not sent yet, known by our mark on it. Nobody else's is ever read as one."""

    id: str
    place: str
    """What of the order it holds, as the store names it."""


@dataclass(frozen=True, slots=True)
class StoreOrder:
    """One reading of a store order, in full, with its credit memos."""

    id: str
    number: str
    """The number people see: Magento's increment id."""
    view: str
    """Id of the store view the order lives in."""
    channel_order_id: str
    """The channel's order id as the store keeps it (Magento: `ext_order_id`); empty when it keeps none."""
    state: str
    status: str
    created_at: datetime
    updated_at: datetime
    currency: str
    grand_total: Money
    total_paid: Money
    total_refunded: Money
    total_invoiced: Money
    rows: tuple[StoreRow, ...]
    refunds: tuple[StoreRefund, ...] = ()
    is_held: bool = False
    """The merchant put it on hold: no refund is possible until it is released."""
    notes: tuple[str, ...] = field(default=())
    barrier: Barrier | None = None
    keeps_marks: bool = True
    """Whether a refund shows our token again; where it does not, its quantities are all there is to know it by."""
    keeps_money: bool = True
    """Whether it holds amounts at all; where it only sends the goods, its totals are zero and mean nothing."""
    holds: tuple[FulfilmentHold, ...] = ()
    """Our own holds that stand."""
    can_hold: bool = False
    """Something is not sent yet and not held by us, so that it could be."""
    customer_note: str = ""
    """What stands in the order's note to or from the customer; some connectors name the sale there."""
    whereabouts: str = ""
    """Why its rows do not tell whether units left, in words; empty where `shipped` is to be believed. No unit counts as
    on the shelf then, nor as sent."""
    refund_word: str = "refund"
    """What its platform calls one of them: Magento's is a credit memo."""

    def told(self, amount: Money) -> str:
        """One of its totals for people; empty where it keeps none."""
        return str(amount) if self.keeps_money else ""

    @property
    def is_invoiced(self) -> bool:
        """Every living unit stands on an invoice: the order counts as paid."""
        return all(row.invoiced >= row.ordered - row.cancelled for row in self.rows) and any(
            row.invoiced for row in self.rows
        )

    @property
    def is_cancelled(self) -> bool:
        return all(row.cancelled >= row.ordered for row in self.rows)

    @property
    def is_shipped(self) -> bool:
        return any(row.shipped for row in self.rows)

    def row(self, row_id: str) -> StoreRow | None:
        return next((row for row in self.rows if row.id == row_id), None)

    def refunded_by_us(self) -> dict[str, int]:
        """Units per row id that credit memos with our token refunded."""
        ours: dict[str, int] = {}
        for refund in self.refunds:
            if refund.is_ours:
                for row_id, quantity in refund.quantities.items():
                    ours[row_id] = ours.get(row_id, 0) + quantity
        return ours
