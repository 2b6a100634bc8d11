"""The life of a fulfilment order: stock held, units picked and sent, cancelled, or found missing.

Source: `FulfillmentOrderStatus` and `FulfillmentShipment` in the 2020-07-01 model.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from bridge.sandbox.amazon.model import NOTHING_SENT, OPEN, Order, Refused, Shipment, Status
from bridge.sandbox.amazon.state import AmazonSandbox

_ENDED = NOTHING_SENT | {Status.COMPLETE, Status.COMPLETE_PARTIALLED}


def hold(box: AmazonSandbox, order: Order) -> None:
    """Take its units out of what can be sold. Units that are not there are unfulfillable; with FillOrKill, all are."""
    held = {item.id: min(item.quantity, max(0, box.stock.get(item.sku, 0))) for item in order.items}
    if order.policy == "FillOrKill" and any(held[item.id] < item.quantity for item in order.items):
        held = dict.fromkeys(held, 0)
    for item in order.items:
        item.unfulfillable = item.quantity - held[item.id]
        box.stock[item.sku] = box.stock.get(item.sku, 0) - held[item.id]
    if not any(held.values()):
        order.status = Status.UNFULFILLABLE


def cancel(box: AmazonSandbox, order: Order) -> None:
    """A seller's cancellation. Raises `Refused`.

    Received and Planning can be cancelled, Processing cannot [the model's words]; what is answered then is settable.
    """
    if order.status is Status.CANCELLED or order.cancel_asked:
        box.effects["cancel_again"] += 1
        if box.settings.cancel_again == "refused":
            raise Refused(f"Fulfillment order {order.id} is already cancelled.")
        return
    if order.status is Status.NEW and box.settings.cancel_new == "refused":
        raise Refused(f"Fulfillment order {order.id} is in status New and cannot be cancelled yet.")
    if order.status not in OPEN:
        box.effects["cancel_too_late"] += 1
        if box.settings.cancel_too_late == "refused":
            raise Refused(f"Fulfillment order {order.id} is in status {order.status} and cannot be cancelled.")
        return
    box.effects["cancel"] += 1
    order.cancel_asked = True
    if box.settings.cancel_lost_next > 0:
        box.settings.cancel_lost_next -= 1
        order.cancel_loses = True
    if box.settings.cancel_seconds is not None:
        order.cancel_due = box.now() + timedelta(seconds=box.settings.cancel_seconds)
        run_due(box)


def run_due(box: AmazonSandbox, *, by_hand: bool = False) -> int:
    """End the cancellations whose time has come (or all of them); how many ended."""
    due = [
        order
        for order in box.orders.values()
        if order.cancel_asked and (by_hand or (order.cancel_due is not None and order.cancel_due <= box.now()))
    ]
    for order in due:
        _end_cancel(box, order)
    return len(due)


def _end_cancel(box: AmazonSandbox, order: Order) -> None:
    order.cancel_asked, order.cancel_due = False, None
    if order.cancel_loses or order.status not in OPEN:
        order.cancel_loses = False
        if order.status in OPEN:
            pick(box, order)
        return
    stop(box, order, Status.CANCELLED)


def stop(box: AmazonSandbox, order: Order, status: Status) -> None:
    """Nothing more of it is sent: units that are not sent go back into what can be sold, or are missing."""
    for item in order.items:
        rest = item.rest
        if status is Status.UNFULFILLABLE:
            item.unfulfillable += rest
        else:
            item.cancelled += rest
            box.stock[item.sku] = box.stock.get(item.sku, 0) + rest
    for shipment in order.shipments:
        if shipment.status == "PENDING":
            shipment.status = "CANCELLED_BY_SELLER" if status is Status.CANCELLED else "CANCELLED_BY_FULFILLER"
    order.status = status
    box.touch(order)


def pick(box: AmazonSandbox, order: Order) -> None:
    """Picking has begun: a shipment waits for its parcel."""
    _require_open(order)
    if not any(one.status == "PENDING" for one in order.shipments):
        quantities = {item.id: item.rest for item in order.items if item.rest}
        if quantities:
            _shipment(box, order, quantities, "PENDING")
    order.status = Status.PROCESSING
    box.touch(order)


def ship(box: AmazonSandbox, order: Order, quantities: Mapping[str, int]) -> None:
    """A parcel leaves with these units by item id; without any, with all that is left. The order may be complete then.

    Raises ValueError for units that are not there to send.
    """
    _require_open(order)
    sent = dict(quantities) or {item.id: item.rest for item in order.items if item.rest}
    for item_id, count in sent.items():
        item = order.item(item_id)
        if item is None or count > item.rest:
            raise ValueError(f"{order.id} has no {count} of the item {item_id!r} left to send")
    for waiting in [one for one in order.shipments if one.status == "PENDING"]:
        order.shipments.remove(waiting)
    made = _shipment(box, order, sent, "SHIPPED")
    made.shipped_at = box.now()
    for item in order.items:
        item.shipped += sent.get(item.id, 0)
    left = {item.id: item.rest for item in order.items if item.rest}
    if left:
        _shipment(box, order, left, "PENDING")
        order.status = Status.PROCESSING
    else:
        whole = all(item.shipped == item.quantity for item in order.items)
        order.status = Status.COMPLETE if whole else Status.COMPLETE_PARTIALLED
    box.touch(order)


def lose(box: AmazonSandbox, order: Order, quantities: Mapping[str, int]) -> None:
    """The warehouse finds no sellable unit. Raises ValueError for units that are not left."""
    _require_open(order)
    for item_id, count in quantities.items():
        item = order.item(item_id)
        if item is None or count > item.rest:
            raise ValueError(f"{order.id} has no {count} of the item {item_id!r} left")
        item.unfulfillable += count
    if all(item.rest == 0 for item in order.items):
        sent = any(item.shipped for item in order.items)
        order.status = Status.COMPLETE_PARTIALLED if sent else Status.UNFULFILLABLE
    box.touch(order)


def move(box: AmazonSandbox, order: Order, status: Status) -> None:
    """To any status, with what it means for stock and parcels. Raises ValueError where it cannot be."""
    if status is order.status:
        return
    if status in OPEN:
        if order.status not in OPEN:
            raise ValueError(f"{order.id} is {order.status}; it cannot become {status} again")
        order.status = status
        box.touch(order)
    elif status is Status.PROCESSING:
        pick(box, order)
    elif status in {Status.COMPLETE, Status.COMPLETE_PARTIALLED}:
        ship(box, order, {})
    else:
        _require_open(order)
        stop(box, order, status)


def refulfil(box: AmazonSandbox, order: Order) -> None:
    """Amazon cancels the waiting shipment by itself and makes it anew, elsewhere."""
    waiting = [one for one in order.shipments if one.status == "PENDING"]
    if not waiting:
        raise ValueError(f"no shipment of {order.id} waits")
    for one in waiting:
        one.status = "CANCELLED_BY_FULFILLER"
        _shipment(box, order, one.quantities, "PENDING")
    box.touch(order)


def _shipment(box: AmazonSandbox, order: Order, quantities: Mapping[str, int], status: str) -> Shipment:
    number = box.next_id()
    made = Shipment(f"D{number:08d}", status, dict(quantities), number, f"TBA{number:012d}", box.now())
    order.shipments.append(made)
    return made


def _require_open(order: Order) -> None:
    if order.status in _ENDED:
        raise ValueError(f"{order.id} is {order.status}")
