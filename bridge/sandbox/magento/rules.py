"""What an order allows and where its state goes (Magento 2.4.6 `Sales\\Model\\Order` and `Handler\\State`)."""

from __future__ import annotations

from decimal import Decimal

from bridge.sandbox.magento.state import Order
from bridge.sandbox.magento.stock import CONFIGURABLE
from bridge.sandbox.magento.wire import Row, amount

NOTHING = Decimal("0.0001")


def is_child(item: Row) -> bool:
    """A row that follows its parent (the variant of a configurable): Magento calls it a dummy."""
    return item.get("parent_item_id") is not None


def is_crippled(order: Order) -> bool:
    """A configurable row without its child: made through `POST /V1/orders`, can be neither shipped nor refunded."""
    return any(item.get("product_type") == CONFIGURABLE and not order.children(item) for item in order.items)


def to_invoice(item: Row) -> Decimal:
    return max(amount(item, "qty_ordered") - amount(item, "qty_invoiced") - amount(item, "qty_canceled"), Decimal(0))


def to_ship(item: Row) -> Decimal:
    """Refunded units count as not to be shipped."""
    if item.get("is_virtual") in {1, "1"}:
        return Decimal(0)
    gone = max(amount(item, "qty_shipped"), amount(item, "qty_refunded"))
    return max(amount(item, "qty_ordered") - gone - amount(item, "qty_canceled"), Decimal(0))


def to_refund(item: Row) -> Decimal:
    return max(amount(item, "qty_invoiced") - amount(item, "qty_refunded"), Decimal(0))


def unshipped(order: Order, item: Row) -> Decimal:
    """Units of the row that neither left nor were refunded: what a refund uses up before it reaches shipped ones."""
    parent = order.item(int(item["parent_item_id"])) if is_child(item) else None
    shipped = amount(parent or item, "qty_shipped")
    left = amount(item, "qty_ordered") - shipped - amount(item, "qty_canceled") - amount(item, "qty_refunded")
    return max(left, Decimal(0))


def own_rows(order: Order) -> list[Row]:
    return [item for item in order.items if not is_child(item)]


def can_invoice(order: Order) -> bool:
    if order.row.get("state") in {"holded", "payment_review", "canceled", "complete", "closed"}:
        return False
    return any(to_invoice(item) > 0 for item in own_rows(order))


def can_ship(order: Order) -> bool:
    if order.row.get("state") in {"holded", "payment_review", "canceled"}:
        return False
    return any(to_ship(item) > 0 for item in own_rows(order))


def can_cancel(order: Order) -> bool:
    """False once every row is invoiced; a partly invoiced order can still be cancelled for the rest."""
    if order.row.get("state") in {"holded", "payment_review", "canceled", "complete", "closed"}:
        return False
    return any(to_invoice(item) > 0 for item in own_rows(order))


def can_refund(order: Order) -> bool:
    if order.row.get("state") in {"holded", "payment_review", "canceled", "closed"}:
        return False
    return amount(order.row, "total_paid") - amount(order.row, "total_refunded") >= NOTHING


def refundable(order: Order, prefix: str = "base_") -> Decimal:
    """The most money that a credit memo may still give back; negative where too much was given."""
    return amount(order.row, f"{prefix}total_paid") - amount(order.row, f"{prefix}total_refunded")


def check_state(order: Order) -> None:
    """Runs on every save of an order."""
    row = order.row
    if row.get("state") in {"canceled", "holded"} or can_invoice(order):
        return
    physical = row.get("is_virtual") not in {1, "1"}
    if (
        row.get("state") in {"processing", "complete"}
        and physical
        and not can_ship(order)
        and not can_refund(order)
        and amount(row, "total_refunded")
    ):
        row["state"] = row["status"] = "closed"
    elif row.get("state") == "processing" and not can_ship(order):
        row["state"] = row["status"] = "complete"
