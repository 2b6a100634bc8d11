from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from bridge.sandbox.tiktok.endpoints import ENDPOINTS
from tests.contract.sandbox_tiktok.conftest import SHOPS
from tests.contract.sandbox_tiktok.tiktok_caller import Caller, Control
from tests.contract.tiktok_spec import Spec

SEARCH = "/order/202309/orders/search"


def test_every_page_at_hand_is_answered_with_its_parameters(spec: Spec) -> None:
    ours = {(one.method, f"{one.category}/{one.resource}"): one for one in ENDPOINTS}
    for page in spec.operations:
        one = ours[page.method, page.name]
        common = {"app_key", "sign", "timestamp"} | ({"shop_cipher"} if one.shop_level else set())
        assert set(page.query) - common == set(one.query), page.name
        assert {name: node.required for name, node in page.body.items()} == {
            name: field.required for name, field in one.body.items()
        } or page.name == "return_refund/refunds/calculate", page.name


def test_the_checker_can_fail(spec: Spec) -> None:
    path = "/return_refund/202309/cancellations"
    good: dict[str, Any] = {"code": 0, "message": "", "request_id": "", "data": {"cancel_id": "1"}}
    assert spec.answer_problems("POST", path, good) == []
    assert spec.answer_problems("POST", path, {**good, "data": {"cancel_id": 1}}) == [
        "data.cancel_id is not a string: 1"
    ]
    assert spec.answer_problems("POST", path, {**good, "data": {"id": "1"}}) == ["data.id is not listed"]
    query = {"app_key": "k", "sign": "s", "timestamp": "1", "shop_cipher": "c"}
    headers = {"Content-Type": "application/json", "X-TTS-Access-Token": "t"}
    body = {"order_id": "1", "cancel_reason": "r", "skus": [{"sku_id": "1"}]}
    assert spec.request_problems("POST", path, query, headers, body) == ["body.skus[].quantity is missing"]
    assert "query.idempotency_key is not listed" in spec.request_problems(
        "POST", path, {**query, "idempotency_key": "k"}, headers, {"order_id": "1", "cancel_reason": "r"}
    )
    assert "header x-tts-access-token is missing" in spec.request_problems("POST", path, query, {}, body)


async def test_an_order_adds_up(us: Caller, control: Control) -> None:
    placed = await control.place(
        lines=[
            {
                "seller_sku": "A",
                "quantity": 3,
                "sale_price": "8.00",
                "original_price": "10.00",
                "seller_discount": "1.50",
                "platform_discount": "0.50",
            },
            {"seller_sku": "GIFT", "is_gift": True},
        ],
        shipping_fee="4.00",
        shipping_fee_platform_discount="1.99",
        tax="2.00",
        shipping_fee_tax="0.30",
        retail_delivery_fee="0.28",
        overrides={"is_sample_order": True, "payment": {"payment_note": "x"}, "recipient_address": {"name": "Kim"}},
    )
    assert placed["payment"].pop("payment_note") == "x"
    await control.send("PATCH", f"orders/{placed['id']}", {"overrides": {"payment": placed["payment"]}})
    order = await control.send("GET", f"orders/{placed['id']}")
    order["order"]["payment"].pop("payment_note")
    pay = {name: Decimal(value) for name, value in placed["payment"].items() if name != "currency"}
    assert pay["sub_total"] == pay["original_total_product_price"] - pay["seller_discount"] - pay["platform_discount"]
    assert pay["shipping_fee"] == pay["original_shipping_fee"] - pay["shipping_fee_platform_discount"]
    assert pay["tax"] == pay["product_tax"] + pay["shipping_fee_tax"] == Decimal("2.30")
    assert pay["total_amount"] == Decimal("24.00") + 4 + Decimal("2.30") + Decimal("0.28")
    taxes = [Decimal(tax["tax_amount"]) for line in placed["line_items"] for tax in line["item_tax"]]
    assert sum(taxes) == 2
    assert len({line["id"] for line in placed["line_items"]}) == 4
    assert len({line["sku_id"] for line in placed["line_items"]}) == 2
    assert placed["is_sample_order"] is True
    assert placed["recipient_address"]["name"] == "Kim"
    assert placed["recipient_address"]["address_line1"]


@pytest.mark.parametrize(
    ("region", "currency", "price", "shown"),
    [
        ("US", "USD", "10", "10.00"),
        ("GB", "GBP", "10", "10.00"),
        ("DE", "EUR", "10", "10.00"),
        ("MX", "MXN", "10", "10.00"),
        ("JP", "JPY", "1000", "1000"),
        ("VN", "VND", "168000", "168000"),
        ("ID", "IDR", "168000", "168000"),
    ],
)
async def test_money_of_the_region(
    caller: Callable[[str], Caller], control: Control, region: str, currency: str, price: str, shown: str
) -> None:
    placed = await control.place(shop_id=SHOPS[region].id, lines=[{"seller_sku": "A", "sale_price": price}])
    order = await caller(region).order(placed["id"])
    assert (order["payment"]["currency"], order["payment"]["total_amount"]) == (currency, shown)
    assert order["line_items"][0]["sale_price"] == shown


async def test_a_line_that_does_not_add_up_is_refused(control: Control) -> None:
    line = {"seller_sku": "A", "sale_price": "8", "original_price": "10", "seller_discount": "1"}
    answer = await control.send("POST", "orders", {"lines": [line]}, expect=422)
    assert "original_price" in answer[0]["msg"]
    await control.send("POST", "orders", {"lines": [{"seller_sku": "A"}], "shop_id": "no"}, expect=422)


async def test_detail_takes_fifty_ids_and_only_its_own_shop(us: Caller, control: Control) -> None:
    mine = await control.place()
    other = await control.place(shop_id=SHOPS["GB"].id)
    found = await us.ok("GET", "/order/202309/orders", {"ids": f"{mine['id']},{other['id']},1"})
    assert [order["id"] for order in found["orders"]] == [mine["id"]]
    assert (await us.call("GET", "/order/202309/orders", {"ids": ",".join(map(str, range(50)))})).code == 0
    assert (await us.call("GET", "/order/202309/orders", {"ids": ",".join(map(str, range(51)))})).code == 36009004
    assert (await us.call("GET", "/order/202309/orders")).code == 36009004
    assert (await us.call("GET", "/order/202507/orders", {"ids": mine["id"]})).code == 0


async def _search(us: Caller, query: dict[str, str] | None = None, **body: Any) -> list[str]:
    data = await us.ok("POST", SEARCH, {"page_size": "100", **(query or {})}, body)
    return [order["id"] for order in data["orders"]]


async def test_search_filters(us: Caller, control: Control) -> None:
    orders = [await control.place(create_time=1700000000 + number) for number in range(4)]
    ids = [order["id"] for order in orders]
    assert await _search(us) == ids[::-1]
    assert await _search(us, {"sort_order": "ASC"}) == ids
    window: dict[str, Any] = {"create_time_ge": 1700000001, "create_time_lt": 1700000003}
    assert sorted(await _search(us, **window)) == ids[1:3]
    await control.send("POST", f"orders/{ids[0]}/advance", {"status": "AWAITING_COLLECTION"})
    assert await _search(us, order_status="AWAITING_COLLECTION") == [ids[0]]
    assert await _search(us, update_time_ge=1700001000) == [ids[0]]
    assert await _search(us, {"sort_field": "update_time"}) == [ids[0], *ids[:0:-1]]
    await control.send("POST", f"orders/{ids[1]}/cancel", {"role": "BUYER"})
    assert await _search(us, is_buyer_request_cancel=True) == [ids[1]]
    assert await _search(us, buyer_user_id=orders[2]["user_id"]) == [ids[2]]
    assert await _search(us, warehouse_ids=["1"]) == []
    assert sorted(await _search(us, warehouse_ids=[orders[0]["warehouse_id"]])) == ids


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ({"page_size": "0"}, {}),
        ({"page_size": "101"}, {}),
        ({"sort_order": "asc"}, {}),
        ({"sort_field": "id"}, {}),
        ({"page_token": "nonsense!"}, {}),
        ({}, {"order_status": "CANCEL"}),
        ({}, {"update_time_ge": "1700000000"}),
        ({}, {"is_buyer_request_cancel": "true"}),
    ],
)
async def test_search_refuses(us: Caller, query: dict[str, str], body: dict[str, Any]) -> None:
    assert (await us.call("POST", SEARCH, {"page_size": "5", **query}, body)).code == 36009004


async def test_pages_show_every_order_once_even_when_one_moves(us: Caller, control: Control) -> None:
    ids = [(await control.place(create_time=1700000000 + number // 2))["id"] for number in range(7)]
    query = {"page_size": "3", "sort_field": "update_time", "sort_order": "ASC"}
    seen: list[str] = []
    token = ""
    for round_number in range(4):
        data = await us.ok("POST", SEARCH, {**query, **({"page_token": token} if token else {})}, {})
        assert data["total_count"] == 7
        seen += [order["id"] for order in data["orders"]]
        token = data["next_page_token"]
        if round_number == 0:
            await control.send("POST", f"orders/{ids[0]}/advance")
        if not token:
            break
    assert seen == [*ids, ids[0]]


async def test_the_way_of_an_order(us: Caller, control: Control) -> None:
    placed = await control.place(status="UNPAID")
    assert "paid_time" not in placed
    assert placed["recipient_address"]["full_address"] == ""
    seen = []
    for _ in range(6):
        await control.send("POST", f"orders/{placed['id']}/advance")
        order = await us.order(placed["id"])
        seen.append(order["status"])
        if order["status"] == "ON_HOLD":
            assert order["is_on_hold_order"] is True
            assert order["recipient_address"]["full_address"] == ""
        elif order["status"] == "AWAITING_SHIPMENT":
            assert order["is_on_hold_order"] is False
            assert order["recipient_address"]["full_address"]
            assert "rts_time" not in order
        elif order["status"] == "AWAITING_COLLECTION":
            assert order["rts_time"]
            assert order["packages"]
            assert order["line_items"][0]["tracking_number"]
    assert seen == ["ON_HOLD", "AWAITING_SHIPMENT", "AWAITING_COLLECTION", "IN_TRANSIT", "DELIVERED", "COMPLETED"]
    await control.send("POST", f"orders/{placed['id']}/advance", expect=409)


async def test_the_hour_on_hold_ends_by_the_clock(us: Caller, control: Control) -> None:
    placed = await control.place(status="ON_HOLD")
    await control.send("POST", "clock", {"advance": 3500})
    us.skew = 3500
    assert (await us.order(placed["id"]))["status"] == "ON_HOLD"
    await control.send("POST", "clock", {"advance": 200})
    us.skew = 3700
    assert (await us.order(placed["id"]))["status"] == "AWAITING_SHIPMENT"


async def test_shipping_line_by_line(us: Caller, control: Control) -> None:
    placed = await control.place(lines=[{"seller_sku": "A", "quantity": 2, "sale_price": "5"}])
    first, second = (line["id"] for line in placed["line_items"])
    await control.send("POST", f"orders/{placed['id']}/ship", {"lines": [first], "tracking_number": "T1"})
    order = await us.order(placed["id"])
    assert order["status"] == "PARTIALLY_SHIPPING"
    assert [line["display_status"] for line in order["line_items"]] == ["AWAITING_COLLECTION", "AWAITING_SHIPMENT"]
    assert order["line_items"][0]["tracking_number"] == "T1"
    await control.send("POST", f"orders/{placed['id']}/ship", {"lines": [second], "collected": True})
    order = await us.order(placed["id"])
    assert order["status"] == "IN_TRANSIT"
    assert len(order["packages"]) == 2
    assert {line["package_status"] for line in order["line_items"]} == {"FULFILLING"}
    half = await control.place(status="PARTIALLY_SHIPPING", lines=[{"seller_sku": "A", "quantity": 2}])
    shown = [line["display_status"] for line in half["line_items"]]
    assert shown == ["AWAITING_COLLECTION", "AWAITING_SHIPMENT"]
    held = await control.place(status="ON_HOLD")
    answer = await control.send("POST", f"orders/{held['id']}/ship", {}, expect=409)
    assert "21011044" in answer["error"]
