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

from bridge.sandbox.shopify.model import Line


def claim(line: Line, location_id: int) -> None:
    if line.variant is None or not line.variant.tracked:
        return
    line.variant.level(location_id).committed += line.quantity
    line.claimed = line.quantity


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
