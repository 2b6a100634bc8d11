from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from tests.contract.sandbox_tiktok.conftest import SHOPS
from tests.contract.sandbox_tiktok.tiktok_caller import Caller, Control

OUT = "seller_cancel_reason_out_of_stock"
TWO = [{"seller_sku": "A", "quantity": 2, "sale_price": "5"}, {"seller_sku": "B", "sale_price": "7"}]
SUCCESS = "CANCELLATION_REQUEST_SUCCESS"
PENDING = "CANCELLATION_REQUEST_PENDING"
CLOSED = "CANCELLATION_REQUEST_CANCEL"
COMPLETE = "CANCELLATION_REQUEST_COMPLETE"


async def test_a_whole_order(us: Caller, control: Control) -> None:
    placed = await control.place(lines=TWO, shipping_fee="3", tax="1.70", shipping_fee_tax="0.10")
    found = await us.cancel(placed["id"], OUT)
    assert found.data["cancel_status"] == SUCCESS
    order = await us.order(placed["id"])
    assert (order["status"], order["cancellation_initiator"]) == ("CANCELLED", "SELLER")
    assert order["cancel_time"] == order["update_time"]
    assert {line["display_status"] for line in order["line_items"]} == {"CANCELLED"}
    assert {line["cancel_user"] for line in order["line_items"]} == {"SELLER"}
    (one,) = await us.cancellations(order_ids=[placed["id"]])
    assert one["cancel_id"] == found.data["cancel_id"]
    assert (one["cancel_type"], one["cancel_status"], one["role"]) == ("CANCEL", COMPLETE, "SELLER")
    assert one["should_replenish_stock"] is True
    assert one["refund_amount"]["refund_total"] == order["payment"]["total_amount"]
    assert {line["order_line_item_id"] for line in one["cancel_line_items"]} == {
        line["id"] for line in placed["line_items"]
    }
    state = (await control.state())["orders"][placed["id"]]
    assert state["effects"] == {"seller_cancel_calls": 1, "cancelled_by_seller": 1}
    assert set(state["line_cancels"].values()) == {1}


async def test_a_repeat_is_refused_and_counts_once(us: Caller, control: Control) -> None:
    await control.settings(completion="by_control")
    placed = await control.place()
    found = await us.cancel(placed["id"], OUT)
    assert (await us.cancel(placed["id"], OUT)).code == 25001011
    await control.send("POST", f"cancellations/{found.data['cancel_id']}/complete")
    assert (await us.cancel(placed["id"], OUT)).code == 25001051
    state = (await control.state())["orders"][placed["id"]]
    assert state["effects"]["seller_cancel_calls"] == 1


async def test_pending_first(us: Caller, control: Control) -> None:
    await control.settings(cancel_result="pending", completion="by_control")
    placed = await control.place()
    found = await us.cancel(placed["id"], OUT)
    assert found.data["cancel_status"] == PENDING
    assert (await us.order(placed["id"]))["status"] == "AWAITING_SHIPMENT"
    assert (await us.cancel(placed["id"], OUT)).code == 25001011
    (one,) = await us.cancellations(cancel_status=[PENDING])
    assert "seller_next_action_response" not in one
    await control.send("POST", f"cancellations/{one['cancel_id']}/accept")
    (one,) = await us.cancellations(cancel_ids=[one["cancel_id"]])
    assert one["cancel_status"] == SUCCESS
    assert (await us.order(placed["id"]))["status"] == "CANCELLED"
    await control.send("POST", f"cancellations/{one['cancel_id']}/accept", expect=409)


async def test_a_pending_cancel_that_fails_leaves_the_order(us: Caller, control: Control) -> None:
    await control.settings(cancel_result="pending")
    placed = await control.place()
    found = await us.cancel(placed["id"], OUT)
    await control.send("POST", f"cancellations/{found.data['cancel_id']}/withdraw")
    assert (await us.order(placed["id"]))["status"] == "AWAITING_SHIPMENT"
    assert [one["cancel_status"] for one in await us.cancellations()] == [CLOSED]
    await control.settings(cancel_result="success")
    assert (await us.cancel(placed["id"], OUT)).code == 0


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("UNPAID", 25001001),
        ("ON_HOLD", 0),
        ("AWAITING_SHIPMENT", 0),
        ("AWAITING_COLLECTION", 0),
        ("PARTIALLY_SHIPPING", 25001045),
        ("IN_TRANSIT", 25001045),
        ("DELIVERED", 25001045),
        ("COMPLETED", 25001051),
        ("SOMETHING_NEW", 25001001),
    ],
)
async def test_the_state_matrix(us: Caller, control: Control, status: str, code: int) -> None:
    placed = await control.place(status=status)
    path = f"/return_refund/202602/orders/{placed['id']}/aftersale_eligibility"
    rows = (await us.ok("GET", path, {"request_types": "CANCEL"}))["sku_eligibility"][0]["line_item_eligibility"]
    assert rows[0]["eligible"] is (code == 0)
    assert rows[0].get("ineligible_code", 0) == code
    assert (OUT in rows[0]["available_reason_names"]) is (code == 0)
    assert (await us.cancel(placed["id"], OUT)).code == code


async def test_switches_of_the_matrix(us: Caller, control: Control) -> None:
    await control.settings(courier_may_be_stopped=False, seller_may_cancel_unpaid=True)
    labelled = await control.place(status="AWAITING_COLLECTION")
    assert (await us.cancel(labelled["id"], OUT)).code == 25001045
    unpaid = await control.place(status="UNPAID")
    assert (await us.cancel(unpaid["id"], OUT)).code == 25001021
    assert (await us.cancel(unpaid["id"], "seller_cancel_unpaid_reason_out_of_stock")).code == 0
    (one,) = await us.cancellations(order_ids=[unpaid["id"]])
    assert "refund_amount" not in one
    assert "refund_amount" not in one["cancel_line_items"][0]


@pytest.mark.parametrize(
    ("region", "reason", "code"),
    [
        ("US", "seller_cancel_paid_reason_buyer_requested_cancellation", 0),
        ("US", "seller_cancel_reason_out_of_stock_uk", 25001015),
        ("US", "seller_cancel_unpaid_reason_out_of_stock", 25001021),
        ("US", "no_such_reason", 25001014),
        ("US", "ecom_order_to_ship_canceled_reason_better_price", 25001015),
        ("GB", "seller_cancel_reason_out_of_stock_uk", 0),
        ("GB", "seller_cancel_reason_out_of_stock", 25001015),
        ("DE", "seller_cancel_reason_wrong_price", 0),
        ("MX", "seller_cancel_reason_wrong_price", 25001015),
        ("MX", "seller_cancel_paid_reason_buyer_requested_cancellation", 0),
        ("BR", "seller_cancel_reason_wrong_price", 25001015),
        ("JP", "seller_cancel_order_reason_potential_fraud", 0),
        ("PH", "seller_cancel_paid_reason_buyer_requested_cancellation", 0),
        ("ID", "seller_cancel_paid_reason_address_not_deliver", 25001020),
        ("SG", "seller_cancel_unable_to_deliver_to_buyer_address", 25001020),
        ("VN", "seller_cancel_reason_wrong_price", 0),
        ("TH", OUT, 0),
    ],
)
async def test_reasons_by_region(
    caller: Callable[[str], Caller], control: Control, region: str, reason: str, code: int
) -> None:
    placed = await control.place(shop_id=SHOPS[region].id)
    assert (await caller(region).cancel(placed["id"], reason)).code == code


async def test_single_lines_in_the_us(us: Caller, control: Control) -> None:
    placed = await control.place(lines=TWO, shipping_fee="3")
    first, second, third = (line["id"] for line in placed["line_items"])
    sku = placed["line_items"][0]["sku_id"]
    refused = await us.cancel(placed["id"], "seller_cancel_reason_wrong_price", order_line_item_ids=[first])
    assert refused.code == 25005010
    before = await us.order(placed["id"])
    assert (await us.cancel(placed["id"], OUT, order_line_item_ids=[first])).code == 0
    order = await us.order(placed["id"])
    assert (order["status"], order["update_time"]) == ("AWAITING_SHIPMENT", before["update_time"])
    assert [line["display_status"] for line in order["line_items"]] == ["CANCELLED", *["AWAITING_SHIPMENT"] * 2]
    (one,) = await us.cancellations()
    assert (one["refund_amount"]["refund_total"], one["refund_amount"]["refund_shipping_fee"]) == ("5.00", "0.00")

    assert (await us.cancel(placed["id"], OUT, order_line_item_ids=[first])).code == 25005011
    assert (await us.cancel(placed["id"], OUT, skus=[{"sku_id": sku, "quantity": 2}])).code == 25005011
    assert (await us.cancel(placed["id"], OUT, order_line_item_ids=["1"])).code == 25001001
    assert (await us.cancel(placed["id"], OUT, skus=[{"sku_id": "1", "quantity": 1}])).code == 25001001
    both: dict[str, Any] = {"order_line_item_ids": [third], "skus": [{"sku_id": sku, "quantity": 1}]}
    assert (await us.cancel(placed["id"], OUT, **both)).code == 25001001
    assert (await us.cancel(placed["id"], OUT, skus=[{"sku_id": sku, "quantity": 1}])).code == 0
    assert (await us.order(placed["id"]))["line_items"][1]["display_status"] == "CANCELLED"
    # The last living unit: whole, any reason, shipping comes back with it.
    last = await us.cancel(placed["id"], "seller_cancel_reason_wrong_price", order_line_item_ids=[third])
    assert last.code == 0
    assert (await us.order(placed["id"]))["status"] == "CANCELLED"
    rows = await us.cancellations(order_ids=[placed["id"]])
    assert rows[-1]["refund_amount"]["refund_total"] == "10.00"
    assert second in rows[1]["cancel_line_items"][0]["order_line_item_id"]


@pytest.mark.parametrize(
    ("region", "reason", "code"), [("GB", f"{OUT}_uk", 0), ("MX", OUT, 11050001), ("DE", OUT, 25005010)]
)
async def test_single_lines_elsewhere(
    caller: Callable[[str], Caller], control: Control, region: str, reason: str, code: int
) -> None:
    placed = await control.place(shop_id=SHOPS[region].id, lines=TWO)
    ids = [line["id"] for line in placed["line_items"]]
    there = caller(region)
    assert (await there.cancel(placed["id"], reason, order_line_item_ids=ids[:1])).code == code
    living = ids[1:] if code == 0 else ids
    assert (await there.cancel(placed["id"], reason, order_line_item_ids=living)).code == 0
    assert (await there.order(placed["id"]))["status"] == "CANCELLED"


async def test_another_shops_order_is_unknown(us: Caller, control: Control) -> None:
    placed = await control.place(shop_id=SHOPS["GB"].id)
    assert (await us.cancel(placed["id"], OUT)).code == 25007006


async def test_search_filters_and_pages(us: Caller, control: Control) -> None:
    await control.settings(response_hours=1_000_000)
    orders = [await control.place() for _ in range(5)]
    for number, order in enumerate(orders):
        await control.send("POST", "clock", {"set": 1700000000 + number, "frozen": True})
        await control.send("POST", f"orders/{order['id']}/cancel", {"role": "SELLER" if number % 2 else "BUYER"})
    await control.send("POST", "clock", {"reset": True})
    everything = [one["order_id"] for one in await us.cancellations()]
    assert everything == [order["id"] for order in orders]
    assert len(await us.cancellations(cancel_types=["BUYER_CANCEL"])) == 3
    assert len(await us.cancellations(cancel_status=[COMPLETE])) == 2
    assert len(await us.cancellations(update_time_ge=1700000001, update_time_lt=1700000003)) == 2
    assert len(await us.cancellations(create_time_ge=1700000004)) == 1
    assert len(await us.cancellations(order_ids=everything[:2])) == 2
    assert len(await us.cancellations(buyer_user_ids=[orders[0]["user_id"]])) == 1
    path = "/return_refund/202309/cancellations/search"
    seen: list[str] = []
    token = None
    while token != "":
        query = {"page_size": "2", "sort_field": "update_time", "sort_order": "DESC"}
        data = await us.ok("POST", path, query | ({"page_token": token} if token else {}), {})
        assert data["total_count"] == 5
        seen += [one["order_id"] for one in data["cancellations"]]
        token = data["next_page_token"]
    assert seen == everything[::-1]
    for query in ({"page_size": "51"}, {"page_size": "0"}, {"sort_order": "desc"}):
        assert (await us.call("POST", path, query, {})).code == 36009004
    assert (await us.call("POST", path, body={"cancel_status": ["CANCEL"]})).code == 36009004
    assert (await us.call("GET", "/return_refund/202309/cancellations/1")).code == 36009009


async def test_refund_preview_and_old_eligibility(us: Caller, control: Control) -> None:
    placed = await control.place(lines=TWO, shipping_fee="3", buyer_service_fee="1")
    path = "/return_refund/202309/refunds/calculate"
    body = {"order_id": placed["id"], "request_type": "CANCEL", "reason_name": OUT}
    whole = (await us.ok("POST", path, None, body))["order_refund_amount"]
    assert whole["refund_total"] == "21.00"
    lines = {"order_line_item_ids": [placed["line_items"][0]["id"]]}
    assert (await us.ok("POST", path, None, body | lines))["order_refund_amount"]["refund_total"] == "5.00"
    assert (await us.call("POST", path, None, {**body, "order_id": "1"})).code == 25007006

    old = f"/return_refund/202309/orders/{placed['id']}/aftersale_eligibility"
    new = old.replace("202309", "202602")
    for sku in (await us.ok("GET", old, {"initiate_aftersale_user": "SELLER"}))["sku_eligibility"]:
        assert {row["request_type"] for row in sku["line_item_eligibility"]} == {
            "CANCEL",
            "REFUND",
            "RETURN_AND_REFUND",
        }
        assert all("available_reason_names" not in row for row in sku["line_item_eligibility"])
    assert (await us.call("GET", new)).code == 0
    await control.settings(eligibility_202602=False)
    for missing in (new, old.replace("202309", "202507")):
        found = await us.call("GET", missing)
        assert (found.code, found.message) == (36009004, "Invalid API version")
    assert (await us.call("GET", old)).code == 0


async def test_a_cut_connection_hides_a_cancel_that_landed(us: Caller, control: Control) -> None:
    placed = await control.place()
    await control.send("POST", "faults", {"kind": "cut", "method": "POST", "path": "/cancellations\\?"})
    with pytest.raises(aiohttp.ClientConnectionError):
        await us.cancel(placed["id"], OUT)
    assert (await us.order(placed["id"]))["status"] == "CANCELLED"
    assert (await control.state())["orders"][placed["id"]]["effects"]["seller_cancel_calls"] == 1
    await control.send("POST", "faults", {"kind": "refuse", "method": "POST", "path": "/cancellations\\?"})
    other = await control.place()
    with pytest.raises(aiohttp.ClientConnectionError):
        await us.cancel(other["id"], OUT)
    assert (await us.order(other["id"]))["status"] == "AWAITING_SHIPMENT"
