"""Returns a buyer has opened, to be looked at: search, and the records of one.

Sources: Partner Center endpoint pages Search Returns (page size 10 to 50) and Get Return Records, and the message
"Return status change".
"""

from __future__ import annotations

from typing import Any

import pydantic
from pydantic import BaseModel, ConfigDict

from bridge.sandbox.tiktok import cancelling
from bridge.sandbox.tiktok.calls import Call, Field, in_window, page
from bridge.sandbox.tiktok.errors import Json, Refusal
from bridge.sandbox.tiktok.model import Order, Return
from bridge.sandbox.tiktok.placing import merge
from bridge.sandbox.tiktok.reasons import text_of
from bridge.sandbox.tiktok.sandbox import TikTokSandbox

SEARCH_BODY = {
    "return_ids": Field("strs"),
    "order_ids": Field("strs"),
    "buyer_user_ids": Field("strs"),
    "return_types": Field("strs"),
    "return_status": Field("strs"),
    "seller_proposed_return_type": Field("strs"),
    "arbitration_status": Field("strs"),
    "create_time_ge": Field("int"),
    "create_time_lt": Field("int"),
    "update_time_ge": Field("int"),
    "update_time_lt": Field("int"),
    "locale": Field("str"),
}
_LISTS = (
    ("return_ids", "return_id"),
    ("order_ids", "order_id"),
    ("return_types", "return_type"),
    ("return_status", "return_status"),
    ("seller_proposed_return_type", "seller_proposed_return_type"),
    ("arbitration_status", "arbitration_status"),
)


class ReturnSpec(BaseModel):
    model_config = ConfigDict(extra="forbid")

    return_type: str = "RETURN_AND_REFUND"
    return_status: str = "RETURN_OR_REFUND_REQUEST_PENDING"
    role: str = "BUYER"
    reason: str = "ecom_order_delivered_refund_and_return_reason_wrong_product"
    lines: list[str] | None = pydantic.Field(None, description="order line item ids; all living ones when absent")
    overrides: dict[str, Any] = pydantic.Field(default_factory=dict)


def add_return(box: TikTokSandbox, order: Order, spec: ReturnSpec) -> Return:
    """KeyError for a line that is not the order's."""
    known = {line["id"]: line for line in order.lines}
    lines = order.living() if spec.lines is None else [known[line_id] for line_id in spec.lines]
    refund, by_line = cancelling.refund_for(order.shop, order, lines, whole=False)
    now = box.now()
    body: Json = {
        "order_id": order.id,
        "return_id": box.new_id("return"),
        "return_type": spec.return_type,
        "return_status": spec.return_status,
        "role": spec.role,
        "return_reason": spec.reason,
        "return_reason_text": text_of(spec.reason),
        "shipment_type": "PLATFORM",
        "handover_method": "DROP_OFF",
        "can_buyer_keep_item": False,
        "create_time": now,
        "update_time": now,
        "refund_amount": refund,
        "return_line_items": [
            {
                "return_line_item_id": box.new_id("return_line"),
                "order_line_item_id": line["id"],
                "sku_id": line["sku_id"],
                "sku_name": line["sku_name"],
                "product_name": line["product_name"],
                "seller_sku": line["seller_sku"],
                "product_image": {"url": "https://p16.example.com/product.jpeg", "width": 200, "height": 200},
                "refund_amount": by_line[line["id"]],
            }
            for line in lines
        ],
    }
    merge(body, spec.overrides)
    found = Return(order=order, body=body)
    box.returns[found.id] = found
    _record(box, found, "ORDER_RETURN")
    return found


def move(box: TikTokSandbox, found: Return, status: str) -> None:
    found.body["return_status"] = status
    found.body["update_time"] = max(box.now(), int(found.body["update_time"]))
    _record(box, found, status)


def _record(box: TikTokSandbox, found: Return, event: str) -> None:
    body = found.body
    found.records.append(
        {
            "event": event,
            "role": str(body["role"]).capitalize(),
            "description": event.replace("_", " ").capitalize(),
            "reason_text": body["return_reason_text"],
            "note": "",
            "images": [],
            "videos": [],
            "create_time": box.now(),
        }
    )
    box.announce(
        "RETURN_STATUS_CHANGE",
        found.order.shop,
        {
            "order_id": found.order.id,
            "return_role": body["role"],
            "return_type": body["return_type"],
            "return_status": body["return_status"],
            "return_id": found.id,
            "create_time": body["create_time"],
            "update_time": body["update_time"],
        },
    )


async def search(box: TikTokSandbox, call: Call) -> Json:
    body = call.body
    rows = [one.body for one in box.returns.values() if one.order.shop.id == call.shop.id and _matches(one, body)]
    cut = page(call, rows, "return_id", default=10, low=10, high=50, order="ASC")
    return {"return_orders": cut["rows"], "total_count": cut["total_count"], "next_page_token": cut["next_page_token"]}


def _matches(one: Return, body: Json) -> bool:
    buyers = body.get("buyer_user_ids")
    return (
        all(one.body.get(field) in body[name] for name, field in _LISTS if body.get(name))
        and (not buyers or one.order.body["user_id"] in buyers)
        and in_window(one.body["create_time"], body, "create_time")
        and in_window(one.body["update_time"], body, "update_time")
    )


async def records(box: TikTokSandbox, call: Call) -> Json:
    found = box.returns.get(call.path["return_id"])
    if found is None or found.order.shop.id != call.shop.id:
        raise Refusal(25007002, f"return not found: {call.path['return_id']}")
    return {"records": found.records}
