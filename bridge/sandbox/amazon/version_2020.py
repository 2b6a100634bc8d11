"""Fulfillment Outbound 2020-07-01: its calls, and its shapes as the official model has them."""

from __future__ import annotations

from datetime import datetime, timedelta

from aiohttp import web

from bridge.sandbox.amazon import life, placing
from bridge.sandbox.amazon.model import Item, Json, Order, Refused, Shipment, Status
from bridge.sandbox.amazon.state import AmazonSandbox
from bridge.sandbox.amazon.wire import Answer, stamp

ORDERS = "/fba/outbound/2020-07-01/fulfillmentOrders"
VERSION = "2020-07-01"
_SHOWN_AGAIN = ("giftMessage", "displayableComment", "perUnitPrice", "perUnitTax", "perUnitDeclaredValue")


async def create(box: AmazonSandbox, _request: web.Request, body: Json) -> Answer:
    placing.place(box, _order(box, body))
    return 200, {}


async def get(box: AmazonSandbox, request: web.Request, _body: Json) -> Answer:
    order = box.order(request.match_info["order"])
    payload = {
        "fulfillmentOrder": shown(box, order),
        "fulfillmentOrderItems": [_item(one) for one in order.items],
        "fulfillmentShipments": [_shipment(order, one) for one in order.shipments],
        "returnItems": [],
        "returnAuthorizations": [],
    }
    return 200, {"payload": payload}


async def list_orders(box: AmazonSandbox, request: web.Request, _body: Json) -> Answer:
    given = request.query.get("queryStartDate")
    since = placing.moment(given, "queryStartDate") if given else None
    found, token = box.listed(VERSION, since, request.query.get("nextToken"))
    payload: Json = {"fulfillmentOrders": [shown(box, order) for order in found]}
    if token:
        payload["nextToken"] = token
    return 200, {"payload": payload}


async def cancel(box: AmazonSandbox, request: web.Request, _body: Json) -> Answer:
    life.cancel(box, box.order(request.match_info["order"]))
    return 200, {}


async def set_status(box: AmazonSandbox, request: web.Request, body: Json) -> Answer:
    """Amazon's own sandbox has this call; its production has not."""
    order = box.order(request.match_info["order"])
    try:
        life.move(box, order, Status(placing.text(body, "fulfillmentOrderStatus")))
    except ValueError as problem:
        raise Refused(str(problem)) from None
    return 200, {}


async def preview(box: AmazonSandbox, _request: web.Request, body: Json) -> Answer:
    placing.address(body, "address")
    wanted = [_wanted(row) for row in placing.rows(body, "items")]
    marketplace = body.get("marketplaceId") or box.marketplace_id
    lacking = [item for item in wanted if box.stock.get(item.sku, 0) < item.quantity]
    found = []
    for speed in body.get("shippingSpeedCategories") or ["Standard", "Expedited"]:
        if speed not in placing.SPEEDS:
            raise Refused("shippingSpeedCategories has a value that is none.")
        one: Json = {
            "shippingSpeedCategory": speed,
            "isFulfillable": not lacking,
            "isCODCapable": False,
            "marketplaceId": marketplace,
        }
        if lacking:
            one["unfulfillablePreviewItems"] = [
                {**_named(item), "itemUnfulfillableReasons": ["InventoryUnavailable"]} for item in lacking
            ]
        else:
            one["fulfillmentPreviewShipments"] = [
                {
                    "earliestShipDate": stamp(box.now() + timedelta(days=1)),
                    "fulfillmentPreviewItems": [_named(item) for item in wanted],
                }
            ]
        found.append(one)
    return 200, {"payload": {"fulfillmentPreviews": found}}


def shown(box: AmazonSandbox, order: Order) -> Json:
    """`definitions.FulfillmentOrder`."""
    status = order.status.value
    made: Json = {
        "sellerFulfillmentOrderId": order.id,
        "marketplaceId": order.marketplace_id,
        "displayableOrderId": order.displayed_id,
        "displayableOrderDate": stamp(order.ordered_at),
        "displayableOrderComment": order.comment,
        "shippingSpeedCategory": order.speed,
        "destinationAddress": order.address,
        "fulfillmentAction": order.action,
        "fulfillmentPolicy": order.policy,
        "receivedDate": stamp(order.received_at),
        "fulfillmentOrderStatus": status.upper() if box.settings.status_upper else status,
        "statusUpdatedDate": stamp(order.updated_at),
    }
    return made | ({"notificationEmails": order.emails} if order.emails else {})


def _order(box: AmazonSandbox, body: Json) -> Order:
    now = box.now()
    emails = body.get("notificationEmails") or []
    return Order(
        id=placing.text(body, "sellerFulfillmentOrderId", placing.ID_LENGTH),
        displayed_id=placing.text(body, "displayableOrderId", placing.ID_LENGTH),
        ordered_at=placing.moment(body.get("displayableOrderDate"), "displayableOrderDate"),
        comment=placing.text(body, "displayableOrderComment", 750),
        speed=placing.text(body, "shippingSpeedCategory"),
        action=body.get("fulfillmentAction") or "Ship",
        policy=body.get("fulfillmentPolicy") or "FillOrKill",
        marketplace_id=body.get("marketplaceId") or box.marketplace_id,
        address=placing.address(body, "destinationAddress"),
        items=[_wanted(row) for row in placing.rows(body, "items")],
        received_at=now,
        updated_at=now,
        status=Status.NEW,
        emails=[str(one) for one in emails] if isinstance(emails, list) else [],
    )


def _wanted(row: Json) -> Item:
    return placing.item(
        placing.text(row, "sellerFulfillmentOrderItemId", 50),
        placing.text(row, "sellerSku", placing.SKU_LENGTH),
        row.get("quantity"),
        {name: row[name] for name in _SHOWN_AGAIN if name in row},
    )


def _named(item: Item) -> Json:
    return {"sellerSku": item.sku, "sellerFulfillmentOrderItemId": item.id, "quantity": item.quantity}


def _item(item: Item) -> Json:
    counts = {"cancelledQuantity": item.cancelled, "unfulfillableQuantity": item.unfulfillable}
    return _named(item) | counts | {"orderItemDisposition": "Sellable"} | item.extra


def _shipment(order: Order, one: Shipment) -> Json:
    made: Json = {
        "amazonShipmentId": one.id,
        "fulfillmentCenterId": "PHX6",
        "fulfillmentShipmentStatus": one.status,
        "fulfillmentShipmentItem": [
            {
                "sellerSku": item.sku,
                "sellerFulfillmentOrderItemId": item.id,
                "quantity": one.quantities[item.id],
                "packageNumber": one.package,
            }
            for item in order.items
            if item.id in one.quantities
        ],
    }
    if one.shipped_at is not None:
        made["shippingDate"] = stamp(one.shipped_at)
        made["fulfillmentShipmentPackage"] = [_parcel(one, one.shipped_at)]
    return made


def _parcel(one: Shipment, shipped_at: datetime) -> Json:
    return {
        "packageNumber": one.package,
        "carrierCode": "AMZN_US",
        "trackingNumber": one.tracking,
        "estimatedArrivalDate": stamp(shipped_at + timedelta(days=3)),
    }
