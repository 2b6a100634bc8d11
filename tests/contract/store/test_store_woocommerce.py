"""What only a WooCommerce store has: its statuses, taxes, webhooks that fall asleep, pages in front of it."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bridge.connectors.woocommerce.connect import WooCommerceConnector
from bridge.domain.outcomes import Done, Reauth, Rejected, RemoteProblem, Retry, Unknown
from bridge.domain.store_order import StoreOrder
from tests.contract.store.store_bench import TOKEN, refund
from tests.contract.store.woocommerce_bench import PUBLIC, WallClock, WooCommerceBench, open_woocommerce
from tests.support.certificates import self_signed
from tests.support.letterbox import letterbox


@pytest.fixture
async def woo() -> AsyncIterator[WooCommerceBench]:
    async with open_woocommerce() as opened:
        yield opened


async def theirs(woo: WooCommerceBench, *lines: Mapping[str, Any], **order: Any) -> StoreOrder:
    """An order of another program or a buyer."""
    placed = await woo.control("POST", "orders", {"lines": list(lines), **order})
    return await woo.read(str(placed["id"]))


def gone(order: StoreOrder) -> list[int]:
    return [row.gone for row in order.rows]


async def test_taxes_of_the_store_do_not_change_what_the_buyer_paid(woo: WooCommerceBench) -> None:
    woo.box.settings.tax_rate = Decimal("0.19")
    order = woo.order(woo.line("50", tax="4"), shipping="5")
    read = await woo.create(order)
    assert read.grand_total.amount == order.payment.total.amount == Decimal(59)


async def test_an_order_with_taxes_of_its_own_is_given_back_to_the_cent(woo: WooCommerceBench) -> None:
    woo.box.settings.tax_rate = Decimal("0.19")
    order = await theirs(woo, {"sku": "SKU-A", "quantity": 3, "total": "33.34"}, shipping="4.99", email="b@example.com")
    row = order.rows[0].id
    for count, token in ((1, "1" * 16), (2, "2" * 16)):
        asked = refund(order, {row: 1} if count == 1 else None, token=token)
        assert isinstance(await woo.store.refund_order(order, asked), Done)
        order = await woo.read(order.id)
    first, whole = order.refunds
    # 11.12 and 2.11, of 33.34 and 6.33.
    assert [str(first.total), first.quantities, first.rest] == ["13.23 USD", {row: 1}, Decimal(0)]
    assert whole.quantities == {row: 2}
    assert order.total_refunded == order.grand_total
    assert (order.state, gone(order)) == ("refunded", [3])
    assert woo.box.real_money == 0


async def test_nothing_is_mailed_and_no_payment_service_is_asked(woo: WooCommerceBench) -> None:
    order = await woo.create()
    assert isinstance(await woo.store.refund_order(order, refund(order)), Done)
    assert not woo.box.mails
    assert woo.box.real_money == 0
    assert [one.refunded_payment for one in woo.there(order).refunds] == [False]


async def test_a_variation_is_sold_by_its_own_number_and_comes_back_to_its_own_stock(woo: WooCommerceBench) -> None:
    await woo.control("POST", "products", {"sku": "SHIRT-M", "parent": "SHIRT", "price": "50.00", "stock": 7})
    order = await woo.create(woo.order(woo.line("50", sku="SHIRT-M")))
    assert [row.sku for row in order.rows] == ["SHIRT-M"]
    assert await woo.stock("SHIRT-M") == 6
    assert isinstance(await woo.store.refund_order(order, refund(order)), Done)
    assert await woo.stock("SHIRT-M") == 7


async def test_rows_that_go_back_and_rows_that_do_not_are_never_one_refund(woo: WooCommerceBench) -> None:
    order = await woo.create(woo.order(woo.line("50"), woo.line("50", sku="SKU-B")))
    mixed = replace(refund(order), restock_rows=frozenset([order.rows[0].id]))
    assert isinstance(await woo.store.refund_order(order, mixed), Rejected)
    assert (await woo.read(order.id)).refunds == ()
    assert not (await woo.store.capabilities()).restocks_by_row


async def test_what_the_merchant_says_by_status_by_rows_and_by_money(woo: WooCommerceBench) -> None:
    by_status, by_hand, by_rows, by_money = [await woo.create() for _ in range(4)]
    await woo.control("POST", f"orders/{by_status.id}/status", {"status": "cancelled"})
    await woo.control("POST", f"orders/{by_hand.id}/status", {"status": "refunded"})
    await woo.control("POST", f"orders/{by_rows.id}/refund", {"lines": [{"sku": "SKU-A"}]})
    await woo.control("POST", f"orders/{by_money.id}/refund", {"amount": "12.00"})
    read = [await woo.read(one.id) for one in (by_status, by_hand, by_rows, by_money)]
    assert [gone(one) for one in read] == [[2], [2], [1], [0]]
    assert [one.is_cancelled for one in read] == [False] * 4
    assert not [memo for one in read for memo in one.refunds if memo.is_ours]
    assert read[3].total_refunded.amount == Decimal(12)
    # A cancel after a refund of ours takes what is left, and puts back no unit twice.
    order, stock = await woo.create(), await woo.stock()
    assert isinstance(await woo.store.refund_order(order, refund(order, {order.rows[0].id: 1})), Done)
    await woo.take_back(order)
    assert gone(await woo.read(order.id)) == [2]
    assert await woo.stock() == Decimal(stock or 0) + 2


async def test_money_that_empties_the_order_takes_no_unit_with_it(woo: WooCommerceBench) -> None:
    whole, rest, echo = [await woo.create() for _ in range(3)]
    await woo.control("POST", f"orders/{whole.id}/refund", {"amount": str(whole.grand_total.amount)})
    await woo.control("POST", f"orders/{rest.id}/refund", {"lines": [{"sku": "SKU-A"}]})
    left = rest.grand_total.amount - (await woo.read(rest.id)).total_refunded.amount
    await woo.control("POST", f"orders/{rest.id}/refund", {"amount": str(left), "reason": "late"})
    # A goodwill leaves one unit's price, and our refund of one unit uses it up.
    price = echo.rows[0].price
    await woo.control("POST", f"orders/{echo.id}/refund", {"amount": str(echo.grand_total.amount - price)})
    one = refund(await woo.read(echo.id), {echo.rows[0].id: 1})
    assert isinstance(await woo.store.refund_order(await woo.read(echo.id), one), Done)
    read = [await woo.read(order.id) for order in (whole, rest, echo)]
    assert [order.state for order in read] == ["refunded"] * 3
    assert [gone(order) for order in read] == [[0], [1], [1]]
    assert all(order.total_refunded == order.total_paid for order in read)


async def test_a_status_of_a_plugin_does_not_prove_that_the_goods_are_there(woo: WooCommerceBench) -> None:
    order = await woo.create()
    woo.there(order).status = "shipped"
    read = await woo.read(order.id)
    assert "“shipped”" in read.whereabouts
    assert (gone(read), read.barrier) == ([0], None)
    # Refunded as it is asked for, and the mark is found again.
    assert isinstance(await woo.store.refund_order(read, replace(refund(read), restock_rows=frozenset())), Done)
    assert gone(await woo.read(order.id)) == [2]


async def test_the_trash_stands_in_the_way_until_it_is_restored(woo: WooCommerceBench) -> None:
    order = await woo.create()
    await woo.control("POST", f"orders/{order.id}/trash")
    there = await woo.read(order.id)
    assert there.barrier is not None
    assert gone(there) == [0]
    refused = await woo.store.refund_order(order, refund(order))
    assert isinstance(refused, Rejected)
    assert "trash" in refused.because
    await woo.control("POST", f"orders/{order.id}/restore")
    assert isinstance(await woo.store.refund_order(order, refund(order)), Done)


async def test_a_refusal_comes_with_500_and_is_believed_when_the_order_shows_nothing(woo: WooCommerceBench) -> None:
    order = await woo.create()
    told = {"code": "woocommerce_rest_cannot_create_order_refund", "message": "Invalid refund amount.", "data": 500}
    fault = {"status": 500, "body": json.dumps(told), "content_type": "application/json"}
    await woo.fault("fail", "refund", **fault)
    refused = await woo.store.refund_order(order, refund(order))
    assert isinstance(refused, Rejected)
    assert "Invalid refund amount" in refused.because
    await woo.fault("fail", "refund", **{**fault, "body": "Fatal error", "content_type": "text/html"})
    assert isinstance(await woo.store.refund_order(order, refund(order)), Unknown)


@pytest.mark.parametrize("page", ["maintenance", "login_page"])
async def test_pages_in_front_of_the_store_are_waited_for(woo: WooCommerceBench, page: str) -> None:
    order, plan = await woo.create(), await woo.plan(woo.order())
    setattr(woo.box.settings, page, True)
    answers = [await woo.store.create_order(plan), await woo.store.refund_order(order, refund(order))]
    for reading in (woo.store.read_order(order.id), woo.store.find_orders("577", ["x"]), woo.store.newest("orders")):
        with pytest.raises(RemoteProblem) as problem:
            await reading
        answers.append(problem.value.outcome)
    assert all(isinstance(one, Retry) for one in answers), answers
    setattr(woo.box.settings, page, False)
    assert await woo.read(order.id) == order


async def test_orders_of_another_connector_are_found_by_field_note_number_and_id(woo: WooCommerceBench) -> None:
    store = woo.again(order_meta_keys="_their_tiktok_id")
    unit = {"sku": "SKU-A"}
    by_field = await theirs(woo, unit, meta={"_their_tiktok_id": "577111111111111111"})
    by_note = await theirs(woo, unit, customer_note="TikTok order 577222222222222222, fragile")
    by_number = await theirs(woo, unit, number="TTS-577333333333333333")
    looked = [
        await store.find_orders("577111111111111111", []),
        await store.find_orders("577222222222222222", [], ["577222222222222222"]),
        await store.find_orders("577333333333333333", ["TTS-577333333333333333"]),
        await store.find_orders("", [by_note.id]),
        await store.find_orders("57722222222222222", [], ["57722222222222222"]),
    ]
    expected = [(by_field.id,), (by_note.id,), (by_number.id,), (by_note.id,), ()]
    assert [tuple(one.id for one in found) for found in looked] == expected
    assert looked[0][0].channel_order_id == "577111111111111111"
    # Without its name the field says nothing.
    assert await woo.store.find_orders("577111111111111111", []) == ()


async def test_a_webhook_that_fell_asleep_is_made_anew_and_one_that_was_paused_stays_so(woo: WooCommerceBench) -> None:
    hooks = woo.box.webhooks
    assert sorted(one.topic for one in hooks.values()) == [
        "order.created",
        "order.deleted",
        "order.restored",
        "order.updated",
    ]
    first, second = [one for one in hooks.values() if one.topic in {"order.updated", "order.created"}]
    first.status, second.status = "disabled", "paused"
    told = await woo.again(PUBLIC).tend()
    assert first.id not in hooks
    assert [one.status for one in hooks.values() if one.topic == first.topic] == ["active"]
    assert second.status == "paused"
    assert len(told) == 1
    assert "paused" in told[0]
    assert await woo.again().tend() == ()


async def test_a_key_that_may_only_read_is_told_of(woo: WooCommerceBench) -> None:
    woo.box.keys.permissions = "read"
    found = await woo.connector.connect("c1", woo.url, woo.credentials, PUBLIC)
    assert "read_only" in {one.code for one in found.findings if one.level == "error"}
    order_count = len(woo.box.orders)
    assert not isinstance(await woo.store.create_order(await woo.plan(woo.order())), Done)
    assert len(woo.box.orders) == order_count


async def test_over_https_the_key_is_taken_as_basic_and_in_no_address(woo: WooCommerceBench, tmp_path: Path) -> None:
    woo.box.settings.https = True
    asked: list[str] = []

    async def passed_on(request: web.Request) -> web.Response:
        asked.append(request.raw_path)
        headers = {"Authorization": request.headers.get("Authorization", "")}
        async with woo.session.request(request.method, f"{woo.url}{request.raw_path}", headers=headers) as answer:
            return web.Response(status=answer.status, body=await answer.read(), content_type="application/json")

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", passed_on)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=self_signed(tmp_path)).start()
        trusting = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=str(tmp_path / "self-signed.pem")))
        async with aiohttp.ClientSession(connector=trusting) as session:
            connector = WooCommerceConnector(session, WallClock(), allow_private=True)
            url = f"https://localhost:{runner.addresses[0][1]}"
            assert await connector.store(url, woo.credentials, "c1", "").newest("orders") is None
            woo.box.settings.drops_authorization = True
            with pytest.raises(RemoteProblem, match="drops the Authorization header") as problem:
                await connector.store(url, woo.credentials, "c1", "").newest("orders")
    finally:
        await runner.cleanup()
    assert isinstance(problem.value.outcome, Reauth)
    assert asked
    assert not [path for path in asked for secret in woo.secrets if secret in path or "oauth" in path]


async def test_the_ping_of_a_new_webhook_is_answered(woo: WooCommerceBench) -> None:
    async with letterbox() as post:
        await woo.connector.connect("c2", woo.url, woo.credentials, post.url)
        came = await post.next()
    assert woo.is_greeting(came)
    hint = woo.door.read("", came.headers, came.raw, ()) if woo.door else None
    assert hint is not None
    assert hint.subject == ""
    assert TOKEN not in str(hint)
