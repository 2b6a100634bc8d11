"""What a store keeps: its goods, its orders, what was paid, sent, returned and given back."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any


@dataclass
class Location:
    id: int
    name: str
    is_active: bool = True
    is_fulfillment_service: bool = False


@dataclass
class Level:
    """Stock of one variant at one location. What is available is on hand and not committed."""

    on_hand: int = 0
    committed: int = 0

    @property
    def available(self) -> int:
        return self.on_hand - self.committed


@dataclass
class Variant:
    id: int
    inventory_item_id: int
    sku: str
    title: str
    price: Decimal
    tracked: bool = True
    continue_selling: bool = False
    levels: dict[int, Level] = field(default_factory=dict)

    def level(self, location_id: int) -> Level:
        return self.levels.setdefault(location_id, Level())


@dataclass
class TaxLine:
    title: str
    rate: Decimal
    amount: Decimal


@dataclass
class Line:
    """A line item. Amounts are for all `quantity` units."""

    id: int
    title: str
    sku: str | None
    variant: Variant | None
    quantity: int
    unit_price: Decimal
    taxes: list[TaxLine] = field(default_factory=list)
    discount: Decimal = Decimal(0)
    properties: list[tuple[str, str]] = field(default_factory=list)
    requires_shipping: bool = True
    taxable: bool = True
    claimed: int = 0
    """Units that took stock when they were placed and have neither been sent nor given back."""
    fulfilled: int = 0
    """Units in a fulfilment that stands."""
    removed: int = 0
    """Units taken off before they were sent: cancelled, or refunded unsent."""
    refunded: int = 0
    """Units in any refund, sent or not."""

    @property
    def unfulfilled(self) -> int:
        return self.quantity - self.fulfilled - self.removed

    @property
    def refundable(self) -> int:
        return self.quantity - self.refunded

    @property
    def total(self) -> Decimal:
        """After discounts, before tax."""
        return self.unit_price * self.quantity - self.discount

    @property
    def tax(self) -> Decimal:
        return sum((tax.amount for tax in self.taxes), Decimal(0))


@dataclass
class ShippingLine:
    id: int
    title: str
    code: str | None
    source: str | None
    price: Decimal
    taxes: list[TaxLine] = field(default_factory=list)
    discount: Decimal = Decimal(0)

    @property
    def tax(self) -> Decimal:
        return sum((tax.amount for tax in self.taxes), Decimal(0))


@dataclass
class Transaction:
    id: int
    kind: str
    status: str
    gateway: str
    manual: bool
    amount: Decimal
    created_at: datetime
    parent: Transaction | None = None
    test: bool = False


@dataclass
class RefundLine:
    id: int
    line: Line
    quantity: int
    restock_type: str
    location_id: int | None
    subtotal: Decimal
    tax: Decimal


@dataclass
class Refund:
    id: int
    note: str | None
    created_at: datetime
    lines: list[RefundLine]
    shipping: Decimal
    shipping_tax: Decimal
    transactions: list[Transaction]

    @property
    def total(self) -> Decimal:
        return sum((one.amount for one in self.transactions if one.status == "SUCCESS"), Decimal(0))


@dataclass
class Hold:
    id: int
    handle: str | None
    reason: str
    notes: str | None
    by_app: bool


@dataclass
class FulfillmentOrder:
    id: int
    location_id: int
    status: str
    request_status: str
    created_at: datetime
    updated_at: datetime
    holds: list[Hold] = field(default_factory=list)
    units: dict[int, int] = field(default_factory=dict)
    """Line id → units that it still has to send."""
    replaced: bool = False
    """Closed by `fulfillmentOrderCancel`: its work stands in another."""


@dataclass
class Fulfillment:
    id: int
    status: str
    created_at: datetime
    quantities: dict[int, int]
    location_id: int


@dataclass
class Order:
    id: int
    number: int
    name: str
    currency: str
    created_at: datetime
    updated_at: datetime
    processed_at: datetime
    lines: list[Line]
    location_id: int
    app_id: int
    app_name: str
    email: str | None = None
    note: str | None = None
    tags: list[str] = field(default_factory=list)
    attributes: list[tuple[str, str]] = field(default_factory=list)
    source_name: str = "web"
    source_identifier: str | None = None
    taxes_included: bool = False
    test: bool = False
    shipping_address: dict[str, Any] | None = None
    shipping: list[ShippingLine] = field(default_factory=list)
    said_financial_status: str | None = None
    """As `orderCreate` was told; it stands until a refund, and where no transaction says otherwise."""
    transactions: list[Transaction] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    fulfillment_orders: list[FulfillmentOrder] = field(default_factory=list)
    fulfillments: list[Fulfillment] = field(default_factory=list)
    return_status: str = "NO_RETURN"
    cancelled_at: datetime | None = None
    cancel_reason: str | None = None
    staff_note: str | None = None
    closed_at: datetime | None = None
    discount_code: str | None = None

    @property
    def works(self) -> list[FulfillmentOrder]:
        """Its fulfilment orders that are not at their end."""
        return [one for one in self.fulfillment_orders if one.status not in {"CLOSED", "CANCELLED"}]

    def line(self, line_id: int) -> Line | None:
        return next((line for line in self.lines if line.id == line_id), None)


@dataclass
class Metafield:
    id: int
    owner: int
    namespace: str
    key: str
    type: str
    value: str
    created_at: datetime


@dataclass
class Definition:
    id: int
    name: str
    namespace: str
    key: str
    type: str
    unique: bool


@dataclass
class CancelJob:
    """A cancellation on its way. `due` is a monotonic second; None waits to be run by hand."""

    id: str
    order: Order
    reason: str
    restock: bool
    refund: bool
    staff_note: str | None
    due: float | None
    status: str = "STARTED"
    errors: list[dict[str, Any]] = field(default_factory=list)

    @property
    def done(self) -> bool:
        return self.status != "STARTED"


@dataclass
class Subscription:
    id: int
    topic: str
    uri: str
    name: str | None
    filter: str | None
    include_fields: list[str]
    created_at: datetime
    failures: int = 0
    """Tries in a row that were not answered with 2xx."""
