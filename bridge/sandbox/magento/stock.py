"""Multi-source inventory with one source and one stock: physical quantity, reservations, and what a sale, a shipment,
a cancellation and a refund do to them (measured; see `restock_matrix.json` among the recordings).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from bridge.sandbox.magento.wire import Row, amount

CONFIGURABLE = "configurable"


@dataclass
class Product:
    """One catalog product. `source` is the physical quantity, `reserved` the sum of its reservations (mostly negative).

    `in_stock` falls when the source is emptied and does not rise again by a refund: only saving the product sets it.
    """

    id: int
    sku: str
    name: str
    price: Decimal
    type_id: str = "simple"
    source: Decimal = Decimal(0)
    reserved: Decimal = Decimal(0)
    in_stock: bool = True
    visibility: int = 4
    weight: Decimal = Decimal(1)
    parent_ids: list[int] = field(default_factory=list)
    created_at: str = ""
    updated_at: str = ""

    @property
    def salable(self) -> Decimal:
        return self.source + self.reserved

    @property
    def salable_reading(self) -> Decimal:
        """What `get-product-salable-quantity` answers: 0 while the in-stock flag is down."""
        return self.salable if self.in_stock else Decimal(0)

    def take_source(self, quantity: Decimal) -> None:
        self.source -= quantity
        if self.source <= 0:
            self.in_stock = False


@dataclass(frozen=True)
class Reservation:
    """The result of one request to take stock, as the plugin's response header tells it."""

    status: Literal["success", "failed"]
    message: str


class Stock:
    """The catalog and its quantities."""

    def __init__(self) -> None:
        self.products: dict[int, Product] = {}

    def by_sku(self, sku: str) -> Product | None:
        return next((item for item in self.products.values() if item.sku.casefold() == sku.casefold()), None)

    def of_row(self, item: Row) -> Product | None:
        """The product of an order row, by its product id, as MSI looks it up."""
        try:
            return self.products.get(int(item.get("product_id") or 0))
        except (TypeError, ValueError):
            return None

    def reserve(self, items: list[Row]) -> Reservation:
        """Reserve the whole order: every row or none."""
        unknown = [str(item.get("product_id") or "") for item in items if self.of_row(item) is None]
        if unknown:
            return Reservation("failed", f"Following products with requested ids were not found: {', '.join(unknown)}")
        wanted: dict[int, Decimal] = {}
        for item in items:
            product = self.of_row(item)
            if product is not None and product.type_id != CONFIGURABLE:
                wanted[product.id] = wanted.get(product.id, Decimal(0)) + amount(item, "qty_ordered")
        if any(self.products[product].salable < quantity for product, quantity in wanted.items()):
            return Reservation("failed", "The requested qty is not available")
        for product_id, quantity in wanted.items():
            self.products[product_id].reserved -= quantity
        return Reservation("success", "OK")

    def ship(self, item: Row, quantity: Decimal) -> None:
        product = self.of_row(item)
        if product is not None and product.type_id != CONFIGURABLE:
            product.take_source(quantity)
            product.reserved += quantity

    def give_back_cancelled(self, item: Row, quantity: Decimal) -> None:
        """A cancellation always gives the quantity back, whether or not the order ever took any."""
        product = self.of_row(item)
        if product is not None and product.type_id != CONFIGURABLE:
            product.reserved += quantity

    def refund(self, item: Row, quantity: Decimal, unshipped: Decimal, *, back: bool) -> None:
        """`unshipped` is the part of the row not yet shipped, cancelled or refunded; a refund uses it up first."""
        product = self.of_row(item)
        if product is None or product.type_id == CONFIGURABLE:
            return
        before_shipment = min(quantity, max(unshipped, Decimal(0)))
        after_shipment = quantity - before_shipment
        product.reserved += before_shipment
        if back:
            product.source += after_shipment
        elif before_shipment:
            product.take_source(before_shipment)
