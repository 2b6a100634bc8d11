"""Fulfillment Outbound 2026-07-04: paths, words and shapes as its official model has them.

It names all before the end PROCESSING, so whether an order can still be cancelled is seen only by trying; and it has
no number of its own for the parcel's papers, only a packing slip's `orderId`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from bridge.connectors.amazon.protocol import Draft, address, encoded, iso
from bridge.connectors.amazon.reading import FulfilmentOrder, Item, count, moment, part, shipped_by_item, text
from bridge.connectors.amazon.wire import Call, odd, rows_in

ORDERS: Final = "/fulfillment/outbound/2026-07-04/orders"
CHANNEL: Final = "TikTok Shop"
_UNIT: Final = "EACHES"
_POLICIES: Final = {"FillOrKill": "FILL_OR_KILL", "FillAll": "FILL_ALL", "FillAllAvailable": "FILL_ALL_AVAILABLE"}


class Version2026:
    name = "2026-07-04"

    def get(self, order_id: str) -> Call:
        return Call("GET", f"{ORDERS}/{encoded(order_id)}", {"shipments": "INCLUDE"})

    def order(self, body: Mapping[str, Any]) -> FulfilmentOrder:
        return _order(part(body, "order"))

    def listing(self, since: datetime, token: str | None) -> Call:
        query = {"updatedAfter": iso(since), "shipments": "EXCLUDE"}
        return Call("GET", ORDERS, {**query, **({"pageToken": token} if token else {})})

    def page(self, body: Mapping[str, Any]) -> tuple[Sequence[FulfilmentOrder], str | None]:
        rows = rows_in(body.get("orders"), "orders")
        return [_order(row) for row in rows], text(part(body, "pagination").get("nextToken")) or None

    def cancel(self, order_id: str) -> Call:
        return Call("PUT", f"{ORDERS}/{encoded(order_id)}/cancel")

    def create(self, body: str) -> Call:
        return Call("POST", ORDERS, body=body)

    def body(self, draft: Draft) -> dict[str, Any]:
        return {
            "orderId": draft.id,
            "channel": CHANNEL,
            "fulfillmentConfiguration": {
                "serviceLevel": {"serviceTiers": [draft.speed.upper()]},
                "action": "SHIP",
                "policy": _POLICIES[draft.policy],
            },
            "destination": {"deliveryAddress": address(draft.destination)},
            "lineItems": [
                {
                    "lineItemId": line.id,
                    "product": {"productIdentifier": {"amazonSku": line.sku}},
                    "amount": {"unit": _UNIT, "value": str(line.quantity)},
                }
                for line in draft.lines
            ],
        }

    def skus(self, body: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        return [
            (str(row["lineItemId"]), str(row["product"]["productIdentifier"]["amazonSku"])) for row in body["lineItems"]
        ]

    def is_of(self, body: Mapping[str, Any]) -> bool:
        return "orderId" in body


def _order(row: Mapping[str, Any]) -> FulfilmentOrder:
    order_id = text(row.get("orderId"))
    if not order_id:
        raise odd("an order has no orderId")
    parcels = rows_in(row.get("shipments"), "shipments")
    shipped = shipped_by_item([(text(parcel.get("status")), _contents(parcel)) for parcel in parcels])
    slip = part(part(part(part(row, "fulfillmentConfiguration"), "services"), "packaging"), "packingSlip")
    papers = part(slip, "templateAttributes")
    return FulfilmentOrder(
        id=order_id,
        displayed_id=text(papers.get("orderId")),
        comment=text(papers.get("orderText")),
        said=text(row.get("status")),
        received_at=moment(row.get("receiveTime"), row.get("statusUpdateTime")),
        updated_at=moment(row.get("statusUpdateTime"), row.get("receiveTime")),
        items=tuple(_item(one, shipped) for one in rows_in(row.get("lineItems"), "lineItems")),
        parcels=tuple(text(parcel.get("status")) for parcel in parcels),
        picks_unseen=True,
    )


def _item(row: Mapping[str, Any], shipped: Mapping[str, int]) -> Item:
    item_id = text(row.get("lineItemId"))
    if not item_id:
        raise odd("an item has no lineItemId")
    return Item(
        id=item_id,
        sku=text(part(part(row, "product"), "productIdentifier").get("amazonSku")),
        quantity=_amount(row, "amount"),
        cancelled=_amount(row, "cancelledAmount"),
        unfulfillable=_amount(row, "unfulfillableAmount"),
        shipped=shipped.get(item_id, 0),
    )


def _contents(parcel: Mapping[str, Any]) -> list[tuple[str, int]]:
    return [(text(row.get("lineItemId")), _amount(row, "amount")) for row in rows_in(parcel.get("items"), "items")]


def _amount(row: Mapping[str, Any], name: str) -> int:
    given = row.get(name)
    if given is None and name != "amount":
        return 0  # the two others are not required
    unit = part(row, name).get("unit")
    if unit not in {None, "", _UNIT}:
        raise odd(f"{name} is counted in {unit!r}")
    return count(part(row, name).get("value"), name)
