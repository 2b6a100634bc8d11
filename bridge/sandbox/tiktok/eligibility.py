"""What may be done to an order after the sale, and what the buyer would get back.

Sources: Partner Center endpoint pages Get Aftersale Eligibility (202309; 202602 adds `request_types` and
`available_reason_names`) and Calculate Refund.
"""

from __future__ import annotations

from bridge.sandbox.tiktok.calls import Call, Field, choice
from bridge.sandbox.tiktok.cancellations import SKUS, check_state, chosen_lines
from bridge.sandbox.tiktok.cancelling import refund_for
from bridge.sandbox.tiktok.errors import Json, Refusal, bad_parameter, unknown_order
from bridge.sandbox.tiktok.model import Order
from bridge.sandbox.tiktok.reasons import seller_reasons
from bridge.sandbox.tiktok.sandbox import TikTokSandbox

CALCULATE_BODY = {
    "order_id": Field("str", required=True),
    "request_type": Field("str", required=True),
    "shipment_type": Field("str"),
    "handover_method": Field("str"),
    "reason_name": Field("str"),
    "order_line_item_ids": Field("strs"),
    "skus": SKUS,
}
REQUEST_TYPES = ("CANCEL", "REFUND", "RETURN_AND_REFUND")


async def aftersale(box: TikTokSandbox, call: Call) -> Json:
    order = box.order_of(call.shop, call.path["order_id"])
    if order is None:
        raise unknown_order(call.path["order_id"])
    newer = call.path["version"] == "202602"
    user = choice(
        call.query.get("initiate_aftersale_user", "SELLER"), "query.initiate_aftersale_user", ("SELLER", "BUYER")
    )
    if "request_types" in call.query and not newer:
        raise bad_parameter("query.request_types is not a parameter of this API")
    asked = call.query.get("request_types", ",".join(REQUEST_TYPES)).split(",")
    for name in asked:
        choice(name, "query.request_types", REQUEST_TYPES)
    by_sku: dict[str, list[str]] = {}
    for line in order.lines:
        by_sku.setdefault(line["sku_id"], []).append(line["id"])
    return {
        "sku_eligibility": [
            {
                "sku_id": sku_id,
                "line_item_eligibility": [
                    _row(box, order, line_ids, name, seller=user == "SELLER", newer=newer) for name in asked
                ],
            }
            for sku_id, line_ids in by_sku.items()
        ]
    }


def _row(box: TikTokSandbox, order: Order, line_ids: list[str], name: str, *, seller: bool, newer: bool) -> Json:
    row: Json = {"request_type": name, "order_line_items_ids": line_ids, "eligible": True}
    if (problem := _why_not(box, order, name, seller=seller)) is not None:
        row |= {"eligible": False, "ineligible_code": problem.code, "ineligible_reason": problem.message}
    if newer and name == "CANCEL":
        shop = order.shop
        keys = seller_reasons(shop.facts.market, order.status, local_seller=shop.is_local)
        row["available_reason_names"] = keys if problem is None and seller else []
    return row


def _why_not(box: TikTokSandbox, order: Order, name: str, *, seller: bool) -> Refusal | None:
    if name != "CANCEL":
        if order.status in {"DELIVERED", "AWAITING_COLLECTION"}:
            return None
        return Refusal(25001001, "invalid order status")
    if not seller and order.status == "UNPAID":
        return None
    try:
        check_state(box, order)
    except Refusal as refusal:
        return refusal
    return None


async def calculate(box: TikTokSandbox, call: Call) -> Json:
    order = box.order_of(call.shop, call.body["order_id"])
    if order is None:
        raise unknown_order(call.body["order_id"])
    choice(call.body["request_type"], "body.request_type", REQUEST_TYPES)
    lines = chosen_lines(order, call.body)
    refund, _ = refund_for(call.shop, order, lines, whole=len(lines) == len(order.living()))
    # The page lists no buyer_service_fee here, though a cancellation's refund has one.
    return {"order_refund_amount": {name: value for name, value in refund.items() if name != "buyer_service_fee"}}
