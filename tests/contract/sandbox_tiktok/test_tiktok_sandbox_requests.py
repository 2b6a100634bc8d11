"""What buyers, the platform and a person in Seller Center do, and how a seller answers."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.contract.sandbox_tiktok.conftest import SHOPS
from tests.contract.sandbox_tiktok.tiktok_caller import Answer, Caller, Control, Json

PENDING = "CANCELLATION_REQUEST_PENDING"
CLOSED = "CANCELLATION_REQUEST_CANCEL"
COMPLETE = "CANCELLATION_REQUEST_COMPLETE"
PACKED = "seller_reject_apply_product_has_been_packed"


async def _ask(control: Control, order_id: str, *, expect: int | None = None, **fields: Any) -> Json:
    answer: Json = await control.send("POST", f"orders/{order_id}/cancel", fields, expect=expect)
    return answer


async def _approve(us: Caller, cancel_id: str, key: str | None = None) -> Answer:
    query = {"idempotency_key": key} if key else {}
    return await us.call("POST", f"/return_refund/202309/cancellations/{cancel_id}/approve", query, {})


async def _reject(us: Caller, cancel_id: str, reason: str, key: str | None = None, **body: Any) -> Answer:
    query = {"idempotency_key": key} if key else {}
    path = f"/return_refund/202309/cancellations/{cancel_id}/reject"
    return await us.call("POST", path, query, {"reject_reason": reason, **body})


async def test_on_hold_a_buyer_needs_nobody(us: Caller, control: Control) -> None:
    placed = await control.place(status="ON_HOLD")
    await _ask(control, placed["id"])
    assert (await us.order(placed["id"]))["status"] == "CANCELLED"
    (one,) = await us.cancellations()
    assert (one["cancel_type"], one["role"], one["cancel_status"]) == ("CANCEL", "BUYER", COMPLETE)
    assert (await us.order(placed["id"]))["cancellation_initiator"] == "BUYER"


@pytest.mark.parametrize(("region", "hours"), [("US", 24), ("GB", 48), ("TH", 24), ("VN", 48)])
async def test_later_the_seller_is_asked(
    caller: Callable[[str], Caller], control: Control, region: str, hours: int
) -> None:
    placed = await control.place(shop_id=SHOPS[region].id, lines=[{"seller_sku": "A", "sale_price": "100"}])
    await _ask(control, placed["id"])
    there = caller(region)
    (one,) = await there.cancellations()
    assert (one["cancel_type"], one["cancel_status"], one["role"]) == ("BUYER_CANCEL", PENDING, "BUYER")
    (action,) = one["seller_next_action_response"]
    assert action["action"] == "SELLER_RESPOND_CANCEL"
    assert abs(action["deadline"] - time.time() - hours * 3600) < 60
    order = await there.order(placed["id"])
    assert (order["status"], order["is_buyer_request_cancel"]) == ("AWAITING_SHIPMENT", True)
    assert order["request_cancel_time"]
    assert order["update_time"] == placed["update_time"]
    assert (await there.cancel(placed["id"], "seller_cancel_reason_out_of_stock")).code == 25001011
    await _ask(control, placed["id"], expect=409)


async def test_approve(us: Caller, control: Control) -> None:
    placed = await control.place()
    asked = await _ask(control, placed["id"])
    cancel_id = asked["cancellation"]["cancel_id"]
    assert (await _approve(us, cancel_id)).data == {}
    assert (await us.order(placed["id"]))["status"] == "CANCELLED"
    assert (await _approve(us, cancel_id)).code == 25020009
    assert (await _reject(us, cancel_id, PACKED)).code == 25020010
    state = (await control.state())["orders"][placed["id"]]
    assert state["effects"] == {"approve_calls": 1, "cancelled_by_buyer": 1}
    assert (await _approve(us, "1")).code == 25007002


async def test_reject(us: Caller, control: Control) -> None:
    placed = await control.place()
    cancel_id = (await _ask(control, placed["id"]))["cancellation"]["cancel_id"]
    assert (await _reject(us, cancel_id, "no_such")).code == 25001014
    assert (await _reject(us, cancel_id, "reverse_reject_request_reason_5")).code == 25001016
    image = {"image_id": "i", "mime_type": "image/png", "height": 1, "width": 1}
    assert (await _reject(us, cancel_id, PACKED, comment="déjà emballé", images=[image])).code == 0
    order = await us.order(placed["id"])
    assert (order["status"], order["is_buyer_request_cancel"]) == ("AWAITING_SHIPMENT", False)
    assert [one["cancel_status"] for one in await us.cancellations()] == [CLOSED]
    assert (await _reject(us, cancel_id, PACKED)).code == 25011011
    assert (await _approve(us, cancel_id)).code == 25011012
    missing = await us.call("POST", f"/return_refund/202309/cancellations/{cancel_id}/reject", body={})
    assert "body.reject_reason is missing" in missing.message


async def test_idempotency_keys(us: Caller, control: Control) -> None:
    first, second = [(await _ask(control, (await control.place())["id"]))["cancellation"] for _ in range(2)]
    for _ in range(2):
        assert (await _approve(us, first["cancel_id"], "k1")).code == 0
    assert (await _approve(us, first["cancel_id"], "k2")).code == 25020009
    assert (await _approve(us, second["cancel_id"], "k1")).code == 36009004
    assert (await _approve(us, second["cancel_id"], "k" * 256)).code == 36009004
    # A refused call leaves its key free.
    assert (await _reject(us, second["cancel_id"], "no_such", "k3")).code == 25001014
    assert (await _reject(us, second["cancel_id"], PACKED, "k3")).code == 0
    assert (await _reject(us, second["cancel_id"], PACKED, "k3")).code == 0
    effects = [order["effects"] for order in (await control.state())["orders"].values()]
    assert effects == [{"approve_calls": 1, "cancelled_by_buyer": 1}, {"reject_calls": 1}]


async def test_a_sellers_own_pending_cancel_is_not_decided(us: Caller, control: Control) -> None:
    await control.settings(cancel_result="pending")
    placed = await control.place()
    cancel_id = (await us.cancel(placed["id"], "seller_cancel_reason_out_of_stock")).data["cancel_id"]
    assert (await _approve(us, cancel_id)).code == 25020004
    assert (await _reject(us, cancel_id, PACKED)).code == 25020004


async def test_what_may_be_answered(us: Caller, control: Control) -> None:
    cancel_id = (await _ask(control, (await control.place())["id"]))["cancellation"]["cancel_id"]
    query = {"return_or_cancel_id": cancel_id}
    reasons = await us.ok("GET", "/return_refund/202309/reject_reasons", {**query, "locale": "en-US"})
    assert PACKED in [reason["name"] for reason in reasons["reasons"]]
    path = "/return_refund/202601/decision_eligibility"
    decisions = (await us.ok("GET", path, query))["decisions"]
    assert [(row["decision"], row["eligible"]) for row in decisions] == [
        ("APPROVE_REQUEST_CANCEL", True),
        ("REJECT_REQUEST_CANCEL", True),
    ]
    assert decisions[1]["available_reject_reasons"] == reasons["reasons"]
    await _approve(us, cancel_id)
    only = await us.ok("GET", path, {**query, "check_decisions": "APPROVE_REQUEST_CANCEL"})
    assert [(row["eligible"], row["ineligible_code"]) for row in only["decisions"]] == [(False, 25020009)]
    assert (await us.call("GET", path, {**query, "check_decisions": "SHRUG"})).code == 36009004
    assert (await us.call("GET", path)).code == 36009004
    assert (await us.call("GET", "/return_refund/202309/reject_reasons", {"return_or_cancel_id": "1"})).code == 25007002


async def test_silence_is_consent(us: Caller, control: Control) -> None:
    placed = await control.place()
    asked = await _ask(control, placed["id"])
    deadline = asked["cancellation"]["seller_next_action_response"][0]["deadline"]
    await control.send("POST", "clock", {"set": deadline, "frozen": True})
    us.skew = deadline - time.time()
    assert (await us.order(placed["id"]))["status"] == "AWAITING_SHIPMENT"
    await control.send("POST", "clock", {"advance": 1})
    assert (await us.order(placed["id"]))["status"] == "CANCELLED"
    (one,) = await us.cancellations()
    assert one["cancel_status"] == COMPLETE
    assert "seller_next_action_response" not in one
    assert "approve_calls" not in (await control.state())["orders"][placed["id"]]["effects"]


async def test_time_out_of_one_request(us: Caller, control: Control) -> None:
    first, second = [(await _ask(control, (await control.place())["id"]))["cancellation"] for _ in range(2)]
    await control.send("POST", f"cancellations/{first['cancel_id']}/time-out")
    assert [one["cancel_status"] for one in await us.cancellations()] == [COMPLETE, PENDING]
    await control.send("POST", f"cancellations/{first['cancel_id']}/time-out", expect=409)
    await control.send("POST", f"cancellations/{second['cancel_id']}/withdraw")
    assert [one["cancel_status"] for one in await us.cancellations()] == [COMPLETE, CLOSED]
    assert (await us.order(second["order_id"]))["status"] == "AWAITING_SHIPMENT"


@pytest.mark.parametrize(("region", "code"), [("US", None), ("GB", "21011007")])
async def test_shipping_while_a_request_waits(
    caller: Callable[[str], Caller], control: Control, region: str, code: str | None
) -> None:
    placed = await control.place(shop_id=SHOPS[region].id)
    await _ask(control, placed["id"])
    answer = await control.send("POST", f"orders/{placed['id']}/ship", {}, expect=200 if code is None else 409)
    assert code is None or code in answer["error"]
    (one,) = await caller(region).cancellations()
    assert one["cancel_status"] == (CLOSED if code is None else PENDING)


async def test_an_order_that_left_is_not_approved(us: Caller, control: Control) -> None:
    placed = await control.place()
    asked = await _ask(control, placed["id"])
    await control.send("POST", f"orders/{placed['id']}/advance", {"status": "IN_TRANSIT"})
    assert (await _approve(us, asked["cancellation"]["cancel_id"])).code == 25001045


@pytest.mark.parametrize(
    ("role", "status", "expect"),
    [
        ("BUYER", "UNPAID", 201),
        ("BUYER", "AWAITING_COLLECTION", 409),
        ("BUYER", "IN_TRANSIT", 409),
        ("SELLER", "AWAITING_SHIPMENT", 201),
        ("SELLER", "UNPAID", 409),
        ("SELLER", "DELIVERED", 409),
        ("SYSTEM", "UNPAID", 201),
        ("SYSTEM", "IN_TRANSIT", 201),
        ("OPERATOR", "DELIVERED", 201),
        ("SYSTEM", "COMPLETED", 409),
    ],
)
async def test_who_may_cancel_when(us: Caller, control: Control, role: str, status: str, expect: int) -> None:
    placed = await control.place(status=status)
    await _ask(control, placed["id"], role=role, expect=expect)
    rows = await us.cancellations()
    if expect == 409:
        assert rows == []
        await _ask(control, placed["id"], role=role, force=True, pending=False, expect=201)
        return
    order = await us.order(placed["id"])
    assert order["status"] == "CANCELLED"
    assert order["cancellation_initiator"] == ("SYSTEM" if role == "OPERATOR" else role)
    assert order["line_items"][0]["cancel_user"] == role
    assert (rows[0]["role"], rows[0]["cancel_type"]) == (role, "CANCEL")


async def test_in_south_east_asia_a_buyer_may_ask_after_the_label(
    caller: Callable[[str], Caller], control: Control
) -> None:
    placed = await control.place(shop_id=SHOPS["TH"].id, status="AWAITING_COLLECTION")
    await _ask(control, placed["id"], expect=201)
    (one,) = await caller("TH").cancellations()
    assert (one["cancel_status"], one["should_replenish_stock"]) == (PENDING, False)


async def test_should_replenish_stock(us: Caller, control: Control) -> None:
    shown: list[Any] = []
    for fields in ({}, {"should_replenish_stock": False}, {"should_replenish_stock": "absent"}):
        placed = await control.place()
        await _ask(control, placed["id"], role="SELLER", **fields)
        (one,) = await us.cancellations(order_ids=[placed["id"]])
        shown.append(one.get("should_replenish_stock"))
    lost = await control.place(status="IN_TRANSIT")
    await _ask(control, lost["id"], role="SYSTEM", reason="package_lost")
    shown.append((await us.cancellations(order_ids=[lost["id"]]))[0]["should_replenish_stock"])
    await control.settings(replenish="absent")
    last = await control.place()
    await us.cancel(last["id"], "seller_cancel_reason_out_of_stock")
    shown.append((await us.cancellations(order_ids=[last["id"]]))[0].get("should_replenish_stock"))
    assert shown == [True, False, None, False, None]


async def test_cash_on_delivery_has_no_refund(us: Caller, control: Control) -> None:
    placed = await control.place(is_cod=True)
    await us.cancel(placed["id"], "seller_cancel_reason_out_of_stock")
    (one,) = await us.cancellations()
    assert "refund_amount" not in one
    assert "refund_amount" not in one["cancel_line_items"][0]


async def test_an_order_may_die_without_a_record(us: Caller, control: Control) -> None:
    placed = await control.place(status="UNPAID")
    await _ask(control, placed["id"], role="SYSTEM", reason="system_cancel_unpaid_time_out", record=False)
    assert (await us.order(placed["id"]))["status"] == "CANCELLED"
    assert await us.cancellations() == []


async def test_a_buyer_asks_for_one_line(us: Caller, control: Control) -> None:
    placed = await control.place(lines=[{"seller_sku": "A", "quantity": 2, "sale_price": "5"}])
    line = placed["line_items"][1]["id"]
    asked = await _ask(control, placed["id"], lines=[line])
    await _approve(us, asked["cancellation"]["cancel_id"])
    order = await us.order(placed["id"])
    assert order["status"] == "AWAITING_SHIPMENT"
    assert [one["display_status"] for one in order["line_items"]] == ["AWAITING_SHIPMENT", "CANCELLED"]
    await _ask(control, placed["id"], lines=[line], expect=422)


async def test_returns(us: Caller, control: Control) -> None:
    placed = await control.place(lines=[{"seller_sku": "A", "quantity": 2, "sale_price": "5"}], status="DELIVERED")
    line = placed["line_items"][0]["id"]
    made = await control.send("POST", f"orders/{placed['id']}/returns", {"lines": [line], "return_type": "REFUND"})
    path = "/return_refund/202309/returns/search"

    async def found(**body: Any) -> list[Json]:
        rows: list[Json] = (await us.ok("POST", path, {"page_size": "10"}, body))["return_orders"]
        return rows

    assert await found(order_ids=[placed["id"]]) == [made]
    assert await found(return_types=["REPLACEMENT"]) == []
    assert made["return_line_items"][0]["order_line_item_id"] == line
    await control.send("PATCH", f"returns/{made['return_id']}", {"return_status": "RETURN_OR_REFUND_REQUEST_COMPLETE"})
    assert len(await found(return_status=["RETURN_OR_REFUND_REQUEST_COMPLETE"])) == 1
    records = await us.ok("GET", f"/return_refund/202309/returns/{made['return_id']}/records", {"locale": "en-US"})
    assert [record["event"] for record in records["records"]] == ["ORDER_RETURN", "RETURN_OR_REFUND_REQUEST_COMPLETE"]
    assert (await us.call("POST", path, {"page_size": "9"}, {})).code == 36009004
    assert (await us.call("GET", "/return_refund/202309/returns/1/records")).code == 25007002


async def test_an_open_return_blocks_a_cancel(us: Caller, control: Control) -> None:
    placed = await control.place(status="AWAITING_COLLECTION")
    await control.send("POST", f"orders/{placed['id']}/returns", {})
    assert (await us.cancel(placed["id"], "seller_cancel_reason_out_of_stock")).code == 25001011


async def test_the_platform_overtakes_a_waiting_request(us: Caller, control: Control) -> None:
    placed = await control.place()
    asked = await _ask(control, placed["id"])
    await _ask(control, placed["id"], role="SYSTEM", expect=201)
    assert [one["cancel_status"] for one in await us.cancellations()] == [CLOSED, COMPLETE]
    assert (await _approve(us, asked["cancellation"]["cancel_id"])).code == 25011012
    state = (await control.state())["orders"][placed["id"]]
    assert set(state["line_cancels"].values()) == {1}
    assert state["effects"] == {"cancelled_by_system": 1}
