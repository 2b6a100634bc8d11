"""Whether a store order took its units out of the salable stock. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from bridge.domain.plans import OrderPlan, Reserved


def reserved_by(
    header: str | None, message: str, plan: OrderPlan, salable_after: Mapping[str, Decimal] | None
) -> tuple[Reserved, str]:
    """The create's own reservation header decides. Without one (old plugin, answer lost) only the salable quantities
    can tell: enough of every row before, and fallen by at least the quantity after. Otherwise nobody knows.
    """
    if header == "yes":
        return Reserved.YES, "the plugin reported the reservation as done"
    if header == "no":
        return Reserved.NO, f"the plugin reported no reservation: {message or 'no reason given'}"
    before = plan.salable_before
    if before is None or salable_after is None:
        return Reserved.UNKNOWN, "no reservation report reached us and the store could not tell the salable quantities"
    wanted: dict[str, int] = {}
    for row in plan.rows:
        wanted[row.sku] = wanted.get(row.sku, 0) + row.quantity
    for sku, quantity in wanted.items():
        if sku not in before or sku not in salable_after:
            return Reserved.UNKNOWN, f"no reservation report reached us and the salable quantity of {sku} is not known"
        if before[sku] < quantity:
            return (
                Reserved.UNKNOWN,
                f"no reservation report reached us and only {before[sku]} of {sku} were salable before",
            )
        if before[sku] - salable_after[sku] < quantity:
            moved = f"went from {before[sku]} to {salable_after[sku]} salable for an order of {quantity}"
            return Reserved.UNKNOWN, f"no reservation report reached us and {sku} {moved}"
    return Reserved.YES, "the salable quantity of every row fell by what was ordered"
