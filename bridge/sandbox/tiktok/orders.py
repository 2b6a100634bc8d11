"""Authorized shops, order detail and order search.

Sources: Partner Center endpoint pages Get Authorized Shops, Get Order Detail (at most 50 ids), Get Order List.
"""

from __future__ import annotations

from typing import Any

from bridge.sandbox.tiktok.calls import Call, Field, in_window, page
from bridge.sandbox.tiktok.errors import Json, bad_parameter, missing_parameter
from bridge.sandbox.tiktok.sandbox import TikTokSandbox

SEARCH_BODY = {
    "order_status": Field("str"),
    "create_time_ge": Field("int"),
    "create_time_lt": Field("int"),
    "update_time_ge": Field("int"),
    "update_time_lt": Field("int"),
    "shipping_type": Field("str"),
    "buyer_user_id": Field("str"),
    "is_buyer_request_cancel": Field("bool"),
    "warehouse_ids": Field("strs"),
}
STATUSES = frozenset(
    {
        "UNPAID",
        "ON_HOLD",
        "AWAITING_SHIPMENT",
        "PARTIALLY_SHIPPING",
        "AWAITING_COLLECTION",
        "IN_TRANSIT",
        "DELIVERED",
        "COMPLETED",
        "CANCELLED",
    }
)
_EQUAL = {
    "order_status": "status",
    "shipping_type": "shipping_type",
    "buyer_user_id": "user_id",
    "is_buyer_request_cancel": "is_buyer_request_cancel",
}


async def authorized_shops(box: TikTokSandbox, call: Call) -> Json:
    return {"shops": [box.shops[shop_id].render() for shop_id in call.grant.shop_ids if shop_id in box.shops]}


async def detail(box: TikTokSandbox, call: Call) -> Json:
    """Orders of this shop; ids it does not know are left out."""
    ids = [order_id for order_id in call.query.get("ids", "").split(",") if order_id]
    if not ids:
        raise missing_parameter("query.ids")
    if len(ids) > 50:
        raise bad_parameter("query.ids takes at most 50 ids")
    found = [box.order_of(call.shop, order_id) for order_id in dict.fromkeys(ids)]
    return {"orders": [order.body for order in found if order is not None]}


async def search(box: TikTokSandbox, call: Call) -> Json:
    body = call.body
    status = body.get("order_status")
    if status is not None and status not in STATUSES:
        raise bad_parameter("body.order_status is not an order status")
    rows = [order.body for order in box.orders.values() if order.shop.id == call.shop.id and _matches(order.body, body)]
    # The page gives 20 as default and DESC as default order.
    cut = page(call, rows, "id", default=20, low=1, high=100, order="DESC")
    return {"orders": cut["rows"], "total_count": cut["total_count"], "next_page_token": cut["next_page_token"]}


def _matches(order: Json, body: Json) -> bool:
    wanted: list[tuple[str, Any]] = [(field, body[name]) for name, field in _EQUAL.items() if name in body]
    return (
        all(order.get(field) == value for field, value in wanted)
        and in_window(order["create_time"], body, "create_time")
        and in_window(order["update_time"], body, "update_time")
        and order["warehouse_id"] in body.get("warehouse_ids", [order["warehouse_id"]])
    )
