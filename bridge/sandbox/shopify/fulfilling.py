"""Fulfilment orders: sent, held, worked on elsewhere, asked back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.sandbox.shopify import changes, refunding, stock
from bridge.sandbox.shopify.model import Fulfillment, FulfillmentOrder, Hold, Order
from bridge.sandbox.shopify.state import ShopifySandbox
from bridge.sandbox.shopify.views import HOLDABLE, show_fulfillment, show_fulfillment_order, show_hold
from bridge.sandbox.shopify.wire import Json, number_in, user_error

HOLDS_PER_APP = 10
HANDLE_LENGTH = 64


def open_order(box: ShopifySandbox, order: Order, location_id: int | None = None) -> FulfillmentOrder:
    """One for all unsent units that no other has."""
    place = order.location_id if location_id is None else location_id
    made = FulfillmentOrder(box.next_id(), place, "OPEN", "UNSUBMITTED", box.now(), box.now())
    for line in order.lines:
        left = line.unfulfilled - sum(one.units.get(line.id, 0) for one in order.works)
        if left > 0:
            made.units[line.id] = left
    order.fulfillment_orders.append(made)
    return made


def find(box: ShopifySandbox, given: object) -> tuple[Order, FulfillmentOrder] | None:
    number = number_in(given, "FulfillmentOrder")
    for order in box.orders.values():
        for one in order.fulfillment_orders:
            if one.id == number:
                return order, one
    return None


def move(box: ShopifySandbox, order: Order, quantities: Mapping[int, int], location_id: int) -> FulfillmentOrder:
    """Have units sent from another location. `ValueError` where there are not so many."""
    if location_id not in box.locations:
        raise ValueError(f"no location {location_id}")
    for line_id, count in quantities.items():
        line = order.line(line_id)
        if line is None or sum(one.units.get(line_id, 0) for one in order.works) < count:
            raise ValueError(f"line {line_id} has not {count} units to fulfil")
    for line in order.lines:
        for home, count in stock.leave(order, line, quantities.get(line.id, 0)):
            stock.move(line, count, home, location_id)
    refunding.close_finished(box, order)
    made = open_order(box, order, location_id)
    changes.tell(box, order)
    return made


def fulfil(box: ShopifySandbox, order: Order, quantities: Mapping[int, int] | None = None) -> Fulfillment:
    """Send units, all that wait unless told otherwise. `ValueError` where there are not so many."""
    wanted = dict(quantities) if quantities is not None else {line.id: line.unfulfilled for line in order.lines}
    wanted = {line_id: count for line_id, count in wanted.items() if count}
    if order.cancelled_at is not None or not wanted:
        raise ValueError("there is nothing to fulfil")
    for line_id, count in wanted.items():
        line = order.line(line_id)
        if line is None or not 0 < count <= line.unfulfilled:
            raise ValueError(f"line {line_id} has not {count} units to fulfil")
    places = {one.location_id for one in order.works if any(one.units.get(line_id) for line_id in wanted)}
    if len(places) > 1:
        raise ValueError("the units stand at several locations: fulfil those of each by themselves")
    place = next(iter(places), order.location_id)
    for line in order.lines:
        if line.id in wanted:
            for home, count in stock.leave(order, line, wanted[line.id], place):
                stock.send(line, count, home)
            line.fulfilled += wanted[line.id]
    made = Fulfillment(box.next_id(), "SUCCESS", box.now(), wanted, place)
    order.fulfillments.append(made)
    refunding.close_finished(box, order)
    if not any(line.unfulfilled for line in order.lines):
        order.closed_at = box.now()
    changes.tell(box, order)
    return made


def cancel_fulfillment(box: ShopifySandbox, args: Json) -> Json:
    number = number_in(args["id"], "Fulfillment")
    for order in box.orders.values():
        for one in order.fulfillments:
            if one.id != number:
                continue
            if one.status == "CANCELLED":
                return {"fulfillment": None, "userErrors": [user_error("Fulfillment is already cancelled", "id")]}
            one.status = "CANCELLED"
            order.closed_at = None
            for line in order.lines:
                count = one.quantities.get(line.id, 0)
                if count:
                    line.fulfilled -= count
                    stock.unsend(line, count, one.location_id)
            open_order(box, order, one.location_id)
            changes.tell(box, order)
            return {"fulfillment": show_fulfillment(box, order, one), "userErrors": []}
    return {"fulfillment": None, "userErrors": [user_error("Fulfillment not found", "id")]}


def hold(box: ShopifySandbox, args: Json) -> Json:
    def wrong(message: str, code: str, *field: str) -> Json:
        return {
            "fulfillmentHold": None,
            "fulfillmentOrder": None,
            "userErrors": [user_error(message, *field, code=code)],
        }

    found = find(box, args["id"])
    if found is None:
        return wrong("Fulfillment order does not exist.", "FULFILLMENT_ORDER_NOT_FOUND", "id")
    order, one = found
    given: dict[str, Any] = args["fulfillmentHold"]
    handle = given.get("handle") or ""
    if one.status not in HOLDABLE:
        return wrong("The fulfillment order is not in a state that can be held.", "TAKEN", "id")
    if len(handle) > HANDLE_LENGTH:
        message = f"Handle is too long (maximum is {HANDLE_LENGTH} characters)"
        return wrong(message, "TAKEN", "fulfillmentHold", "handle")
    if any(held.handle == handle for held in one.holds if held.by_app):
        code = "DUPLICATE_FULFILLMENT_HOLD_HANDLE"
        return wrong(
            "The handle provided for the fulfillment hold is already in use.", code, "fulfillmentHold", "handle"
        )
    if sum(held.by_app for held in one.holds) >= HOLDS_PER_APP:
        return wrong("The maximum number of holds is reached.", "FULFILLMENT_ORDER_HOLD_LIMIT_REACHED", "id")
    made = put_on_hold(box, order, one, given["reason"], handle, given.get("reasonNotes"), by_app=True)
    shown = show_fulfillment_order(box, order, one)
    return {"fulfillmentHold": show_hold(made), "fulfillmentOrder": shown, "userErrors": []}


def put_on_hold(
    box: ShopifySandbox,
    order: Order,
    one: FulfillmentOrder,
    reason: str,
    handle: str | None,
    notes: str | None,
    *,
    by_app: bool,
) -> Hold:
    made = Hold(box.next_id(), handle, reason, notes, by_app)
    one.holds.append(made)
    one.status, one.updated_at = "ON_HOLD", box.now()
    changes.tell(box, order)
    return made


def release(box: ShopifySandbox, args: Json) -> Json:
    """Without `holdIds` every hold goes, other apps' too."""
    found = find(box, args["id"])
    if found is None:
        return {"fulfillmentOrder": None, "userErrors": [user_error("Fulfillment order does not exist.", "id")]}
    order, one = found
    ids = args.get("holdIds")
    wanted = {held.id for held in one.holds}
    if ids is not None:
        named = {number_in(given, "FulfillmentHold") for given in ids}
        if not named <= wanted:
            error = user_error("The fulfillment hold does not exist.", "holdIds")
            return {"fulfillmentOrder": None, "userErrors": [error]}
        wanted = {number for number in named if number is not None}
    one.holds = [held for held in one.holds if held.id not in wanted]
    if not one.holds and one.status == "ON_HOLD":
        one.status = "OPEN"
    one.updated_at = box.now()
    changes.tell(box, order)
    return {"fulfillmentOrder": show_fulfillment_order(box, order, one), "userErrors": []}


def cancel_order(box: ShopifySandbox, args: Json) -> Json:
    """Closes a fulfilment order and opens another in its place: nothing stops being sent by this."""

    def answer(order: FulfillmentOrder | None, other: FulfillmentOrder | None, *errors: Json) -> Json:
        shown = [show_fulfillment_order(box, found[0], one) if found and one else None for one in (order, other)]
        return {"fulfillmentOrder": shown[0], "replacementFulfillmentOrder": shown[1], "userErrors": list(errors)}

    found = find(box, args["id"])
    if found is None:
        return answer(
            None, None, user_error("Fulfillment order does not exist.", "id", code="FULFILLMENT_ORDER_NOT_FOUND")
        )
    order, one = found
    if one.request_status not in {"SUBMITTED", "CANCELLATION_REQUESTED"}:
        message = "Fulfillment order is not in cancelable request state and can't be canceled."
        code = "FULFILLMENT_ORDER_CANNOT_BE_CANCELLED"
        return answer(None, None, user_error(message, "id", code=code))
    one.status, one.replaced, one.updated_at = "CLOSED", True, box.now()
    other = open_order(box, order, one.location_id)
    changes.tell(box, order)
    return answer(one, other)


def request_cancellation(box: ShopifySandbox, args: Json) -> Json:
    found = find(box, args["id"])
    if found is None:
        return {"fulfillmentOrder": None, "userErrors": [user_error("Fulfillment order does not exist.", "id")]}
    order, one = found
    if one.request_status != "ACCEPTED":
        error = user_error("Cannot request cancellation for the fulfillment order.", "id")
        return {"fulfillmentOrder": None, "userErrors": [error]}
    one.request_status, one.updated_at = "CANCELLATION_REQUESTED", box.now()
    changes.tell(box, order)
    return {"fulfillmentOrder": show_fulfillment_order(box, order, one), "userErrors": []}


def answer_cancellation(box: ShopifySandbox, order: Order, one: FulfillmentOrder, *, accept: bool) -> None:
    """The fulfilment service answers. `ValueError` where nothing was asked."""
    if one.request_status != "CANCELLATION_REQUESTED":
        raise ValueError(f"nobody asked to cancel fulfilment order {one.id}")
    one.request_status = "CANCELLATION_ACCEPTED" if accept else "CANCELLATION_REJECTED"
    if accept:
        one.status = "CANCELLED"
    one.updated_at = box.now()
    topic = f"FULFILLMENT_ORDERS_CANCELLATION_REQUEST_{'ACCEPTED' if accept else 'REJECTED'}"
    body = {"fulfillment_order": {"id": f"gid://shopify/FulfillmentOrder/{one.id}", "status": one.status.lower()}}
    box.deliveries.publish(topic, body, str(box.next_id()))
    changes.tell(box, order)
