"""Where units of an order go back to: the location that each was to be sent from, as the fulfilment orders tell it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bridge.connectors.shopify.client import Client, pages
from bridge.connectors.shopify.documents import WORK_ROWS
from bridge.connectors.shopify.reading import NO_RESTOCK, gid, line_id, rows_in, text, units

AT_ITS_END: Final = frozenset({"CLOSED", "CANCELLED"})
Shelves = Mapping[str, Mapping[str, int]]
"""Row id → location → units of it that are still to be sent from there."""


async def shelves(client: Client, order: Mapping[str, Any]) -> Shelves:
    """As the order's open fulfilment orders say now. Raises `RemoteProblem`."""
    found: dict[str, dict[str, int]] = {}
    for work in rows_in(order.get("fulfillmentOrders"), "fulfillmentOrders"):
        assigned = work.get("assignedLocation")
        location = assigned.get("location") if isinstance(assigned, dict) else None
        place = text(location.get("id")) if isinstance(location, dict) else ""
        if not place or text(work.get("status")) in AT_ITS_END:
            continue
        for row in await pages(client, WORK_ROWS, {"id": work.get("id")}, ("node", "lineItems")):
            count = units(row, "remainingQuantity")
            if count:
                at = found.setdefault(line_id(row), {})
                at[place] = at.get(place, 0) + count
    return found


def lines_of(row_id: str, quantity: int, shelf: Mapping[str, int]) -> list[dict[str, Any]]:
    """What a refund says of these units: back to one location that has them all, else to each its own.

    `shelf`: the row's units by location, empty where none is to go back. What is at no location stays off the stock:
    another's shelf would show goods that it does not have.
    """
    whole = next((place for place, count in shelf.items() if count >= quantity), None)
    parts = {whole: quantity} if whole else dict(shelf)
    found: list[dict[str, Any]] = []
    left = quantity
    for place, count in parts.items():
        taken = min(left, count)
        if taken:
            back = {"restockType": "CANCEL", "locationId": place}
            found.append({"lineItemId": gid("LineItem", row_id), "quantity": taken, **back})
            left -= taken
    if left:
        found.append({"lineItemId": gid("LineItem", row_id), "quantity": left, "restockType": NO_RESTOCK})
    return found
