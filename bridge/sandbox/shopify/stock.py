"""What placing, sending, cancelling and returning do to stock.

| what | available | committed | on hand |
|---|---|---|---|
| placed (stock taken) | − | + | |
| sent | | − | − |
| cancelled, restocked | + | − | |
| cancelled, not restocked | | − | − |
| returned, restocked | + | | + |
| returned, not restocked | | | |

Source: Shopify's help, "Understanding inventory states". Units placed with BYPASS take nothing, so cancelling them
gives nothing back, unless the settings say otherwise.
"""

from __future__ import annotations

from bridge.sandbox.shopify.model import FulfillmentOrder, Line, Order


def claim(line: Line, location_id: int) -> None:
    if line.variant is None or not line.variant.tracked:
        return
    line.variant.level(location_id).committed += line.quantity
    line.claimed = line.quantity


def standing(
    order: Order, line: Line, quantity: int, first: int | None = None
) -> list[tuple[FulfillmentOrder | None, int]]:
    """Which fulfilment orders have so many unsent units of a line; those at the location `first` before others.

    None where a fulfilment service gave the work back and no other took it.
    """
    found: list[tuple[FulfillmentOrder | None, int]] = []
    for one in sorted(order.works, key=lambda one: one.location_id != first):
        count = min(quantity, one.units.get(line.id, 0))
        if count:
            found.append((one, count))
            quantity -= count
    return [*found, (None, quantity)] if quantity else found


def leave(order: Order, line: Line, quantity: int, first: int | None = None) -> list[tuple[int, int]]:
    """Take units off the fulfilment orders that were to send them: (location, units)."""
    found = standing(order, line, quantity, first)
    for one, count in found:
        if one is not None:
            one.units[line.id] -= count
    return [(order.location_id if one is None else one.location_id, count) for one, count in found]


def move(line: Line, quantity: int, home: int, to: int) -> None:
    """Units are to be sent from another location: what they took is taken there."""
    if line.variant is not None and line.variant.tracked:
        taken = min(quantity, line.claimed)
        line.variant.level(home).committed -= taken
        line.variant.level(to).committed += taken


def send(line: Line, quantity: int, location_id: int) -> None:
    """Units leave. Those that took no stock change nothing."""
    taken = _unclaim(line, quantity)
    if line.variant is not None and taken:
        level = line.variant.level(location_id)
        level.committed -= taken
        level.on_hand -= taken


def unsend(line: Line, quantity: int, location_id: int) -> None:
    """A fulfilment is cancelled: its units are here again and wait to be sent."""
    if line.variant is not None and line.variant.tracked:
        level = line.variant.level(location_id)
        level.committed += quantity
        level.on_hand += quantity
        line.claimed += quantity


def take_off(line: Line, quantity: int, home: int, back_to: int | None, *, unclaimed_too: bool = False) -> None:
    """Units are cancelled before they were sent; `back_to` is the location they go back to, None for none."""
    taken = _unclaim(line, quantity)
    if line.variant is None or not line.variant.tracked:
        return
    level = line.variant.level(home)
    level.committed -= taken
    if back_to is None:
        level.on_hand -= taken
    elif back_to != home:
        level.on_hand -= taken
        line.variant.level(back_to).on_hand += taken
    if back_to is not None and unclaimed_too:
        line.variant.level(back_to).on_hand += quantity - taken


def bring_back(line: Line, quantity: int, location_id: int) -> None:
    if line.variant is not None and line.variant.tracked:
        line.variant.level(location_id).on_hand += quantity


def _unclaim(line: Line, quantity: int) -> int:
    taken = min(quantity, line.claimed)
    line.claimed -= taken
    return taken
