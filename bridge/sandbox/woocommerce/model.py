"""What a store keeps: products, orders with their rows, refunds, webhooks."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

Json = dict[str, Any]

STATUSES = ("pending", "processing", "on-hold", "completed", "cancelled", "refunded", "failed", "checkout-draft")
TRASH = "trash"
RATE_ID = 1
"""Of the store's one tax rate."""
REDUCED = "_reduced_stock"
"""How many units of a row were taken out of stock: what a cancellation puts back."""
RESTOCKED = "_restock_refunded_items"


@dataclass
class Meta:
    id: int
    key: str
    value: Any


@dataclass
class Metas:
    """Meta data of an order, a row or a refund. A key may be there more than once."""

    rows: list[Meta] = field(default_factory=list)

    def get(self, key: str) -> Any:
        return next((one.value for one in self.rows if one.key == key), None)

    def set(self, next_id: int, key: str, value: Any) -> None:
        """The value of this key, in place of the one before."""
        found = next((one for one in self.rows if one.key == key), None)
        if found is None:
            self.rows.append(Meta(next_id, key, value))
        else:
            found.value = value

    def delete(self, key: str) -> None:
        self.rows = [one for one in self.rows if one.key != key]


@dataclass
class Product:
    """A product or a variation. A variation whose stock its parent keeps has `manages_stock` False."""

    id: int
    sku: str
    name: str
    price: Decimal
    parent: Product | None = None
    kind: str = "simple"
    """`simple`, `variable` or `variation`."""
    manages_stock: bool = True
    stock: int = 0
    modified_at: datetime | None = None

    @property
    def keeper(self) -> Product | None:
        """Who keeps this one's stock; None where nobody does."""
        if self.manages_stock:
            return self
        return self.parent if self.parent is not None and self.parent.manages_stock else None


@dataclass
class Row:
    """A line item, a shipping line or a fee. Amounts are of the whole row, without tax; in a refund negative."""

    id: int
    kind: str
    """`line_item`, `shipping` or `fee`."""
    name: str
    total: Decimal
    subtotal: Decimal
    tax: Decimal = Decimal(0)
    subtotal_tax: Decimal = Decimal(0)
    is_taxed: bool = False
    quantity: int = 0
    product: Product | None = None
    method_id: str = ""
    metas: Metas = field(default_factory=Metas)


@dataclass
class Refund:
    id: int
    amount: Decimal
    reason: str
    created_at: datetime
    rows: list[Row]
    refunded_payment: bool = False
    metas: Metas = field(default_factory=Metas)


@dataclass
class Order:
    id: int
    number: str
    status: str
    currency: str
    created_at: datetime
    modified_at: datetime
    rows: list[Row]
    total: Decimal = Decimal(0)
    created_via: str = "rest-api"
    payment_method: str = ""
    payment_title: str = ""
    transaction_id: str = ""
    customer_note: str = ""
    billing: Json = field(default_factory=dict)
    shipping: Json = field(default_factory=dict)
    prices_include_tax: bool = False
    paid_at: datetime | None = None
    completed_at: datetime | None = None
    stock_reduced: bool = False
    before_trash: str = ""
    refunds: list[Refund] = field(default_factory=list)
    metas: Metas = field(default_factory=Metas)

    def rows_of(self, kind: str) -> list[Row]:
        return [row for row in self.rows if row.kind == kind]

    @property
    def refunded(self) -> Decimal:
        return sum((one.amount for one in self.refunds), Decimal(0))

    @property
    def remaining(self) -> Decimal:
        return self.total - self.refunded


@dataclass
class Webhook:
    id: int
    name: str
    topic: str
    url: str
    secret: str
    status: str
    """`active`, `paused` or `disabled`."""
    created_at: datetime
    failures: int = 0
    pending_delivery: bool = True
    """False once a ping got its 200. Nothing depends on it."""


class WpError(Exception):
    """WordPress' `WP_Error`. `data` is an object with the HTTP status; a bare number leaves the status at 500."""

    def __init__(self, code: str, message: str, status: int, *, bare: bool = False, params: Json | None = None) -> None:
        super().__init__(message)
        self.status = 500 if bare else status
        data: Any = status if bare else {"status": status} | ({"params": params, "details": {}} if params else {})
        self.body: Json = {"code": code, "message": message, "data": data}


def invalid(name: str, why: str) -> WpError:
    """A parameter that does not fit its schema, as WordPress' REST server says it."""
    return WpError("rest_invalid_param", f"Invalid parameter(s): {name}", 400, params={name: why})
