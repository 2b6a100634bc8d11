"""The seller cancels an order, and looks for cancellations.

Sources: Partner Center endpoint pages Cancel Order and Search Cancellations, the after-sales overview (state matrix,
item-level cancel only in US and UK and only out of stock), answers seen live in other markets (25001011, 11050001).
"""

from __future__ import annotations

from collections import Counter

from bridge.sandbox.tiktok import cancelling
from bridge.sandbox.tiktok.calls import Call, Field, choice, in_window, page
from bridge.sandbox.tiktok.errors import Json, Refusal, unknown_order
from bridge.sandbox.tiktok.model import CLOSED, COMPLETE, PENDING, SUCCESS, Cancellation, Order
from bridge.sandbox.tiktok.reasons import PAID, check_seller_reason, is_out_of_stock, text_of
from bridge.sandbox.tiktok.sandbox import TikTokSandbox

SKUS = Field("objects", inside={"sku_id": Field("str", required=True), "quantity": Field("int", required=True)})
CANCEL_BODY = {
    "order_id": Field("str", required=True),
    "cancel_reason": Field("str", required=True),
    "skus": SKUS,
    "order_line_item_ids": Field("strs"),
}
SEARCH_BODY = {
    "cancel_ids": Field("strs"),
    "order_ids": Field("strs"),
    "buyer_user_ids": Field("strs"),
    "cancel_types": Field("strs"),
    "cancel_status": Field("strs"),
    "create_time_ge": Field("int"),
    "create_time_lt": Field("int"),
    "update_time_ge": Field("int"),
    "update_time_lt": Field("int"),
    "locale": Field("str"),
}
STATUSES = (PENDING, SUCCESS, CLOSED, COMPLETE)
TYPES = ("CANCEL", "BUYER_CANCEL")


async def cancel(box: TikTokSandbox, call: Call) -> Json:
    order = box.order_of(call.shop, call.body["order_id"])
    if order is None:
        raise unknown_order(call.body["order_id"])
    check_state(box, order)
    reason = call.body["cancel_reason"]
    check_seller_reason(call.shop.facts.market, order.status, reason, local_seller=call.shop.is_local)
    lines = chosen_lines(order, call.body)
    if len(lines) < len(order.living()):
        _check_partial(order, reason)
    cancellation = cancelling.open_cancellation(box, order, lines, role="SELLER", kind="CANCEL", reason=reason)
    order.effects["seller_cancel_calls"] += 1
    if box.settings.cancel_result == "pending":
        cancelling.request(box, cancellation)
        return {"cancel_id": cancellation.id, "cancel_status": PENDING}
    cancelling.accept(box, cancellation)
    return {"cancel_id": cancellation.id, "cancel_status": SUCCESS}


def check_state(box: TikTokSandbox, order: Order) -> None:
    """Refusal unless the seller may cancel this order now."""
    status = order.status
    running = [one for one in box.cancellations_of(order) if one.status == PENDING]
    if running or box.open_returns_of(order):
        raise Refusal(25001011, "there are processing reverse order exists")
    if status == "CANCELLED":
        if any(one.status == SUCCESS for one in box.cancellations_of(order)):
            raise Refusal(25001011, "there are processing reverse order exists")
        raise Refusal(25001051, "the order is completed or cancelled")
    if status == "COMPLETED":
        raise Refusal(25001051, "the order is completed or cancelled")
    if status in {"IN_TRANSIT", "DELIVERED", "PARTIALLY_SHIPPING"}:
        raise Refusal(25001045, "the order has been shipped, the courier can not cancel")
    if status == "AWAITING_COLLECTION" and not box.settings.courier_may_be_stopped:
        raise Refusal(25001045, "the order has been shipped, the courier can not cancel")
    if status == "UNPAID" and not box.settings.seller_may_cancel_unpaid:
        raise Refusal(25001001, "invalid order status")
    if status != "UNPAID" and status not in PAID:
        raise Refusal(25001001, "invalid order status")


def _check_partial(order: Order, reason: str) -> None:
    facts = order.shop.facts
    if facts.market == "MX":
        raise Refusal(11050001, "invalid param")
    if not facts.lines_may_be_cancelled or not is_out_of_stock(reason):
        raise Refusal(25005010, "can not cancel individual lines of this order")


def chosen_lines(order: Order, body: Json) -> list[Json]:
    """The units a call names, by line id or by SKU and quantity; all living ones when it names none."""
    ids: list[str] = body.get("order_line_item_ids", [])
    wanted: Counter[str] = Counter()
    for sku in body.get("skus", []):
        wanted[sku["sku_id"]] += sku["quantity"]
    if any(count < 1 for count in wanted.values()):
        raise Refusal(25001001, "invalid parameter: quantity")
    if not ids and not wanted:
        return order.living()
    known = {line["id"]: line for line in order.lines}
    if any(line_id not in known for line_id in ids) or len(set(ids)) != len(ids):
        raise Refusal(25001001, "invalid parameter: order_line_item_ids")
    if any(sku_id not in {line["sku_id"] for line in order.lines} for sku_id in wanted):
        raise Refusal(25001001, "invalid parameter: sku_id")
    living = order.living()
    if ids:
        lines = [known[line_id] for line_id in ids]
        if any(line not in living for line in lines):
            raise Refusal(25005011, "the line quantity exceeds the limit")
        if wanted and wanted != Counter(line["sku_id"] for line in lines):
            raise Refusal(25001001, "invalid parameter: skus do not match order_line_item_ids")
        return lines
    if any(count > sum(line["sku_id"] == sku_id for line in living) for sku_id, count in wanted.items()):
        raise Refusal(25005011, "the line quantity exceeds the limit")
    chosen: list[Json] = []
    for line in living:
        if wanted[line["sku_id"]] > 0:
            wanted[line["sku_id"]] -= 1
            chosen.append(line)
    return chosen


async def search(box: TikTokSandbox, call: Call) -> Json:
    body = call.body
    for status in body.get("cancel_status", []):
        choice(status, "body.cancel_status", STATUSES)
    for kind in body.get("cancel_types", []):
        choice(kind, "body.cancel_types", TYPES)
    rows = [
        render(one) for one in box.cancellations.values() if one.order.shop.id == call.shop.id and _matches(one, body)
    ]
    cut = page(call, rows, "cancel_id", default=10, low=1, high=50, order="ASC")
    return {"cancellations": cut["rows"], "total_count": cut["total_count"], "next_page_token": cut["next_page_token"]}


def _matches(one: Cancellation, body: Json) -> bool:
    asked = (
        ("cancel_ids", one.id),
        ("order_ids", one.order.id),
        ("buyer_user_ids", one.order.body["user_id"]),
        ("cancel_types", one.type),
        ("cancel_status", one.status),
    )
    # An empty list is no filter.
    return (
        all(value in body[name] for name, value in asked if body.get(name))
        and in_window(one.create_time, body, "create_time")
        and in_window(one.update_time, body, "update_time")
    )


def render(one: Cancellation) -> Json:
    row: Json = {
        "cancel_id": one.id,
        "order_id": one.order.id,
        "cancel_type": one.type,
        "cancel_status": one.status,
        "role": one.role,
        "cancel_reason": one.reason,
        "cancel_reason_text": text_of(one.reason),
        "create_time": one.create_time,
        "update_time": one.update_time,
        "cancel_line_items": [_render_line(one, line_id, cancel_line) for line_id, cancel_line in one.line_ids.items()],
    }
    if one.is_open and one.type == "BUYER_CANCEL" and one.deadline is not None:
        row["seller_next_action_response"] = [{"action": "SELLER_RESPOND_CANCEL", "deadline": one.deadline}]
    if one.replenish is not None:
        row["should_replenish_stock"] = one.replenish
    if one.refund is not None:
        row["refund_amount"] = one.refund
    return row


def _render_line(one: Cancellation, line_id: str, cancel_line: str) -> Json:
    line = one.order.line(line_id)
    row: Json = {
        "cancel_line_item_id": cancel_line,
        "order_line_item_id": line_id,
        "sku_id": line["sku_id"],
        "sku_name": line["sku_name"],
        "product_name": line["product_name"],
        "product_image": {"url": "https://p16.example.com/product.jpeg", "width": 200, "height": 200},
        "seller_sku": line["seller_sku"],
    }
    if line_id in one.line_refunds:
        row["refund_amount"] = one.line_refunds[line_id]
    return row
