"""Taking an order: what is checked at once, whichever version it came in.

Two items of the same SKU are two items. Source of the limits: `CreateFulfillmentOrderRequest` in the 2020-07-01 model;
of the words for an unknown SKU: answers that sellers have published.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bridge.sandbox.amazon import life
from bridge.sandbox.amazon.model import Item, Json, Order, Refused
from bridge.sandbox.amazon.state import AmazonSandbox

ID_LENGTH = 40
SKU_LENGTH = 50
MOST_ITEMS = 100
MOST_UNITS = 250
SPEEDS = ("Standard", "Expedited", "Priority", "ScheduledDelivery")
ACTIONS = ("Ship", "Hold")
POLICIES = ("FillOrKill", "FillAll", "FillAllAvailable")
_ADDRESS = ("name", "addressLine1", "postalCode", "countryCode")


def place(box: AmazonSandbox, order: Order) -> Order:
    """Keep a new order and hold its units. Raises `Refused`, and nothing is kept then."""
    before = box.orders.get(order.id)
    if before is not None:
        box.effects["create_again"] += 1
        if box.settings.repeated_create == "refused":
            raise Refused(f"Value {order.id} for parameter SellerFulfillmentOrderId is invalid. Reason: Duplicate.")
        before.creates += 1
        return before
    _check(box, order)
    order.status = box.settings.first_status
    box.orders[order.id] = order
    life.hold(box, order)
    box.effects["create"] += 1
    return order


def _check(box: AmazonSandbox, order: Order) -> None:
    if order.speed not in SPEEDS or order.action not in ACTIONS or order.policy not in POLICIES:
        raise Refused("Value for parameter ShippingSpeedCategory, FulfillmentAction or FulfillmentPolicy is invalid.")
    if len({item.id for item in order.items}) != len(order.items):
        raise Refused("SellerFulfillmentOrderItemId must be unique within the order.")
    if len(order.items) > MOST_ITEMS or sum(item.quantity for item in order.items) > MOST_UNITS:
        raise Refused(f"An order has at most {MOST_ITEMS} items and {MOST_UNITS} units.")
    for item in order.items:
        if item.sku not in box.stock:
            raise Refused(f"the SellerSKU for Item Id: {item.id} is invalid.")


def text(body: Json, name: str, longest: int | None = None) -> str:
    """A field that must be there. Raises `Refused`."""
    value = body.get(name)
    if not isinstance(value, str) or not value.strip():
        raise Refused(f"{name} is missing or empty.")
    if longest is not None and len(value) > longest:
        raise Refused(f"{name} must have at most {longest} characters.")
    return value


def obj(body: Json, name: str) -> Json:
    """An object; empty where it is absent. Raises `Refused` for anything else."""
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Refused(f"{name} must be an object.")
    return value


def rows(body: Json, name: str) -> list[Json]:
    value = body.get(name)
    if not isinstance(value, list) or not value or not all(isinstance(one, dict) for one in value):
        raise Refused(f"{name} is missing or empty.")
    return value


def address(body: Json, name: str) -> Json:
    given = obj(body, name)
    missing = [one for one in _ADDRESS if not str(given.get(one) or "").strip()]
    if missing:
        raise Refused(f"{name}.{missing[0]} is missing or empty.")
    if len(str(given["countryCode"])) != 2:
        raise Refused(f"{name}.countryCode must be an ISO 3166-1 alpha-2 code.")
    if given["countryCode"] == "JP" and given.get("city"):
        raise Refused(f"{name}.city must not be given for Japan.")
    if given["countryCode"] != "JP" and not given.get("city"):
        raise Refused(f"{name}.city is missing or empty.")
    return given


def moment(value: Any, name: str) -> datetime:
    """Raises `Refused`."""
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        raise Refused(f"{name} must be an ISO 8601 date and time.") from None
    if found.tzinfo is None:
        raise Refused(f"{name} must have a time zone.")
    return found


def item(item_id: str, sku: str, quantity: object, extra: Json) -> Item:
    if not isinstance(quantity, int) or isinstance(quantity, bool) or quantity < 1:
        raise Refused(f"The quantity of item {item_id} is invalid.")
    return Item(item_id, sku, quantity, extra=extra)
