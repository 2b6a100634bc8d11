"""Whether a store order that was found is the one that was meant. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.domain.money import cents
from bridge.domain.plans import OrderPlan
from bridge.domain.store_order import StoreOrder, StoreRow


def match_rows(plan: OrderPlan, order: StoreOrder) -> dict[str, str] | None:
    """Planned row key → store row id when the order has exactly the planned rows (SKU, price, quantity), else None."""
    left = list(order.rows)
    ids: dict[str, str] = {}
    for planned in plan.rows:
        found = _take(left, planned.sku, planned.quantity, str(cents(planned.price)))
        if found is None:
            return None
        ids[planned.key] = found.id
    return None if left else ids


def _take(rows: list[StoreRow], sku: str, quantity: int, price: str) -> StoreRow | None:
    for position, row in enumerate(rows):
        if row.sku == sku and row.ordered == quantity and str(cents(row.price)) == price:
            return rows.pop(position)
    return None


def mismatch(plan: OrderPlan, orders: Sequence[StoreOrder]) -> str:
    """The two sets of rows side by side, for a person."""
    wanted = ", ".join(f"{row.quantity} × {row.sku} at {cents(row.price)}" for row in plan.rows)
    found = "; ".join(
        f"{order.number}: " + ", ".join(f"{row.ordered} × {row.sku} at {cents(row.price)}" for row in order.rows)
        for order in orders
    )
    return f"meant {wanted}; found {found}"
