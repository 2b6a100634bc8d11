"""Fulfillment Outbound 2020-07-01: paths, words and shapes as its official model has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from bridge.connectors.amazon.protocol import Draft, address, encoded, iso
from bridge.connectors.amazon.reading import FulfilmentOrder, Item, count, moment, part, shipped_by_item, text
from bridge.connectors.amazon.wire import Call, odd, rows_in

ORDERS: Final = "/fba/outbound/2020-07-01/fulfillmentOrders"


class Version2020:
    name = "2020-07-01"

    def get(self, order_id: str) -> Call:
        return Call("GET", f"{ORDERS}/{encoded(order_id)}")

    def order(self, body: Mapping[str, Any]) -> FulfilmentOrder:
        payload = part(body, "payload")
        parcels = rows_in(payload.get("fulfillmentShipments"), "fulfillmentShipments")
        shipped = shipped_by_item([(_status(parcel), _contents(parcel)) for parcel in parcels])
        items = tuple(_item(row, shipped) for row in rows_in(payload.get("fulfillmentOrderItems"), "items"))
        return _order(part(payload, "fulfillmentOrder"), items, tuple(_status(parcel) for parcel in parcels))

    def listing(self, since: datetime, token: str | None) -> Call:
        # The token stands for the list it came from; the date is sent along, as the call's own example does.
        return Call("GET", ORDERS, {"queryStartDate": iso(since), **({"nextToken": token} if token else {})})

    def page(self, body: Mapping[str, Any]) -> tuple[Sequence[FulfilmentOrder], str | None]:
        payload = part(body, "payload")
        rows = rows_in(payload.get("fulfillmentOrders"), "fulfillmentOrders")
        return [_order(row, (), ()) for row in rows], text(payload.get("nextToken")) or None

    def cancel(self, order_id: str) -> Call:
        return Call("PUT", f"{ORDERS}/{encoded(order_id)}/cancel")

    def create(self, body: str) -> Call:
        return Call("POST", ORDERS, body=body)

    def body(self, draft: Draft) -> dict[str, Any]:
        made = {
            "sellerFulfillmentOrderId": draft.id,
            "displayableOrderId": draft.displayed_id,
            "displayableOrderDate": iso(draft.ordered_at),
            "displayableOrderComment": draft.comment,
            "shippingSpeedCategory": draft.speed,
            "fulfillmentAction": "Ship",
            "fulfillmentPolicy": draft.policy,
            "destinationAddress": address(draft.destination),
            "items": [
                {"sellerSku": line.sku, "sellerFulfillmentOrderItemId": line.id, "quantity": line.quantity}
                for line in draft.lines
            ],
        }
        return made | ({"marketplaceId": draft.marketplace_id} if draft.marketplace_id else {})

    def skus(self, body: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        return [(str(row["sellerFulfillmentOrderItemId"]), str(row["sellerSku"])) for row in body["items"]]

    def is_of(self, body: Mapping[str, Any]) -> bool:
        return "sellerFulfillmentOrderId" in body


def _order(row: Mapping[str, Any], items: tuple[Item, ...], parcels: tuple[str, ...]) -> FulfilmentOrder:
    order_id = text(row.get("sellerFulfillmentOrderId"))
    if not order_id:
        raise odd("an order has no sellerFulfillmentOrderId")
    received = moment(row.get("receivedDate"), row.get("statusUpdatedDate"))
    return FulfilmentOrder(
        id=order_id,
        displayed_id=text(row.get("displayableOrderId")),
        comment=text(row.get("displayableOrderComment")),
        said=text(row.get("fulfillmentOrderStatus")),
        received_at=received,
        updated_at=moment(row.get("statusUpdatedDate"), row.get("receivedDate")),
        items=items,
        parcels=parcels,
    )


def _item(row: Mapping[str, Any], shipped: Mapping[str, int]) -> Item:
    item_id = text(row.get("sellerFulfillmentOrderItemId"))
    if not item_id:
        raise odd("an item has no sellerFulfillmentOrderItemId")
    return Item(
        id=item_id,
        sku=text(row.get("sellerSku")),
        quantity=count(row.get("quantity"), "quantity"),
        cancelled=count(row.get("cancelledQuantity"), "cancelledQuantity"),
        unfulfillable=count(row.get("unfulfillableQuantity"), "unfulfillableQuantity"),
        shipped=shipped.get(item_id, 0),
    )


def _status(parcel: Mapping[str, Any]) -> str:
    return text(parcel.get("fulfillmentShipmentStatus"))


def _contents(parcel: Mapping[str, Any]) -> list[tuple[str, int]]:
    rows = rows_in(parcel.get("fulfillmentShipmentItem"), "fulfillmentShipmentItem")
    return [(text(row.get("sellerFulfillmentOrderItemId")), count(row.get("quantity"), "quantity")) for row in rows]
