"""Fulfillment Outbound 2026-07-04: its calls, and its shapes as the official model has them.

All before the end is called PROCESSING here. The books are the same as those of 2020-07-01 [not confirmed: whether an
order of one version is visible in the other].
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

from aiohttp import web

from bridge.sandbox.amazon import life, placing
from bridge.sandbox.amazon.model import OPEN, Item, Json, Order, Refused, Shipment, Status
from bridge.sandbox.amazon.state import AmazonSandbox
from bridge.sandbox.amazon.wire import Answer, stamp

ORDERS = "/fulfillment/outbound/2026-07-04/orders"
PREVIEWS = "/fulfillment/outbound/2026-07-04/previews"
VERSION = "2026-07-04"
_SHIPMENT = {
    "PENDING": "PROCESSING",
    "SHIPPED": "SHIPPED",
    "CANCELLED_BY_FULFILLER": "CANCELLED",
    "CANCELLED_BY_SELLER": "CANCELLED",
}
_TIERS = {"STANDARD": "Standard", "EXPEDITED": "Expedited", "PRIORITY": "Priority", "SCHEDULED": "ScheduledDelivery"}
_POLICIES = {"FILL_OR_KILL": "FillOrKill", "FILL_ALL": "FillAll", "FILL_ALL_AVAILABLE": "FillAllAvailable"}
_ACTIONS = {"SHIP": "Ship", "HOLD": "Hold"}
_UNIT = "EACHES"


def shown_status(status: Status) -> str:
    if status in OPEN or status is Status.PROCESSING:
        return "PROCESSING"
    return "COMPLETE_PARTIAL" if status is Status.COMPLETE_PARTIALLED else status.value.upper()


async def create(box: AmazonSandbox, _request: web.Request, body: Json) -> Answer:
    order = placing.place(box, _order(box, body))
    if box.settings.created_status == 200:
        return 200, {"order": shown(order, shipments=True)}
    return 202, {"orderId": order.id, "status": shown_status(order.status)}


async def get(box: AmazonSandbox, request: web.Request, _body: Json) -> Answer:
    return 200, {"order": shown(box.order(request.match_info["order"]), shipments=_with_shipments(request))}


async def list_orders(box: AmazonSandbox, request: web.Request, _body: Json) -> Answer:
    given = request.query.get("updatedAfter")
    since = placing.moment(given, "updatedAfter") if given else None
    shipments = _with_shipments(request)
    found, token = box.listed(VERSION, since, request.query.get("pageToken"))
    answer: Json = {"orders": [shown(order, shipments=shipments) for order in found]}
    if token:
        answer["pagination"] = {"nextToken": token}
    return 200, answer


async def cancel(box: AmazonSandbox, request: web.Request, _body: Json) -> Answer:
    life.cancel(box, box.order(request.match_info["order"]))
    return 202, {}


async def set_status(box: AmazonSandbox, request: web.Request, body: Json) -> Answer:
    """Amazon's own sandbox has this call; its production has not."""
    order = box.order(request.match_info["order"])
    wanted = placing.text(body, "status")
    found = next((one for one in reversed(Status) if shown_status(one) == wanted), None)
    if found is None:
        raise Refused("status has a value that is none.")
    try:
        life.move(box, order, found)
    except ValueError as problem:
        raise Refused(str(problem)) from None
    return 204, None


async def preview(box: AmazonSandbox, _request: web.Request, body: Json) -> Answer:
    placing.address(placing.obj(body, "destination"), "deliveryAddress")
    wanted: dict[str, int] = {}
    for row in placing.rows(body, "lineItems"):
        sku = _sku(row)
        wanted[sku] = wanted.get(sku, 0) + _count(row)
    lacking = [sku for sku, count in wanted.items() if box.stock.get(sku, 0) < count]
    items = [
        {"productIdentifier": {"amazonSku": sku}, "amount": _amount(count)}
        for sku, count in wanted.items()
        if sku not in lacking
    ]
    answer: Json = {"plannedShipments": [{"items": items}] if items else []}
    if lacking:
        answer["constraints"] = [
            {
                "message": "Not enough sellable inventory.",
                "type": "ERROR",
                "code": "INVENTORY_UNAVAILABLE",
                "details": [{"type": "AMAZON_SKU", "value": sku} for sku in lacking],
            }
        ]
    return 200, answer


def shown(order: Order, *, shipments: bool) -> Json:
    """`definitions.FulfillmentOrder`."""
    tier = next(name for name, speed in _TIERS.items() if speed == order.speed)
    settings: Json = {
        "serviceLevel": {"serviceTiers": [tier]},
        "action": order.action.upper(),
        "policy": next(name for name, policy in _POLICIES.items() if policy == order.policy),
    }
    if order.services:
        settings["services"] = order.services
    made: Json = {
        "orderId": order.id,
        "receiveTime": stamp(order.received_at),
        "status": shown_status(order.status),
        "statusUpdateTime": stamp(order.updated_at),
        "fulfillmentConfiguration": settings,
        "destination": {"deliveryAddress": order.address},
        "lineItems": [_item(one) for one in order.items],
    }
    if order.channel:
        made["channel"] = order.channel
    if shipments:
        made["shipments"] = [_shipment(order, one) for one in order.shipments]
    return made


def _with_shipments(request: web.Request) -> bool:
    given = request.query.get("shipments", "INCLUDE")
    if given not in {"INCLUDE", "EXCLUDE"}:
        raise Refused("shipments must be INCLUDE or EXCLUDE.")
    return given == "INCLUDE"


def _order(box: AmazonSandbox, body: Json) -> Order:
    now = box.now()
    order_id = placing.text(body, "orderId", placing.ID_LENGTH)
    wishes = placing.obj(body, "fulfillmentConfiguration")
    services = placing.obj(wishes, "services")
    slip = placing.obj(placing.obj(placing.obj(services, "packaging"), "packingSlip"), "templateAttributes")
    tiers = placing.obj(wishes, "serviceLevel").get("serviceTiers") or ["STANDARD"]
    channel = body.get("channel") or ""
    if not isinstance(channel, str) or len(channel) > 40:
        raise Refused("channel must have at most 40 characters.")
    return Order(
        id=order_id,
        displayed_id=str(slip.get("orderId") or order_id),
        ordered_at=placing.moment(slip.get("orderTime") or stamp(now), "orderTime"),
        comment=str(slip.get("orderText") or ""),
        speed=_TIERS.get(str(tiers[0]), ""),
        action=_ACTIONS.get(wishes.get("action") or "SHIP", ""),
        policy=_POLICIES.get(wishes.get("policy") or "FILL_OR_KILL", ""),
        marketplace_id=box.marketplace_id,
        address=placing.address(placing.obj(body, "destination"), "deliveryAddress"),
        items=[
            placing.item(placing.text(row, "lineItemId", 50), _sku(row), _count(row), {})
            for row in placing.rows(body, "lineItems")
        ],
        received_at=now,
        updated_at=now,
        status=Status.NEW,
        channel=channel,
        services=services,
    )


def _sku(row: Json) -> str:
    return placing.text(placing.obj(placing.obj(row, "product"), "productIdentifier"), "amazonSku", placing.SKU_LENGTH)


def _count(row: Json) -> int:
    given = placing.obj(row, "amount")
    value = given.get("value")
    # A decimal as text: numbers as such are refused, as the model has none.
    if not isinstance(value, str) or not re.fullmatch(r"\d+(\.0+)?", value) or given.get("unit", _UNIT) != _UNIT:
        raise Refused("amount.value must be a whole number of EACHES, written as text.")
    try:
        return int(Decimal(value))
    except InvalidOperation:
        raise Refused("amount.value is invalid.") from None


def _amount(count: int) -> Json:
    return {"unit": _UNIT, "value": f"{count}.0"}


def _item(item: Item) -> Json:
    return {
        "lineItemId": item.id,
        "product": {"productIdentifier": {"amazonSku": item.sku}},
        "amount": _amount(item.quantity),
        "cancelledAmount": _amount(item.cancelled),
        "unfulfillableAmount": _amount(item.unfulfillable),
    }


def _shipment(order: Order, one: Shipment) -> Json:
    made: Json = {
        "amazonShipmentId": one.id,
        "amazonFacility": {"facilityId": "PHX6"},
        "status": _SHIPMENT[one.status],
        "items": [
            {
                "productIdentifier": {"amazonSku": item.sku},
                "lineItemId": item.id,
                "amount": _amount(one.quantities[item.id]),
                "packageId": str(one.package),
            }
            for item in order.items
            if item.id in one.quantities
        ],
    }
    if one.shipped_at is not None:
        made["shipTime"] = stamp(one.shipped_at)
        made["packages"] = [
            {
                "packageId": str(one.package),
                "tracking": {"carrier": {"carrierCode": "AMZN_US", "trackingNumber": one.tracking}},
            }
        ]
    return made
