"""What only a Shopify shop has; what it shares with every store is in `test_every_store.py`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio

from bridge.domain.outcomes import AlreadyDone, Done, Reauth, Rejected, RemoteProblem, Retry, Unknown
from bridge.domain.verification import BookState, differences
from bridge.ports import HoldsFulfilment, Tended
from tests.contract.store.shopify_bench import ShopifyBench, open_shopify, refund
from tests.contract.store.store_bench import TOKEN


@pytest_asyncio.fixture
async def shop() -> AsyncIterator[ShopifyBench]:
    async with open_shopify() as opened:
        yield opened


# --- creating and finding ---------------------------------------------------------------------------------------------


async def test_an_order_is_created_paid_found_and_never_created_twice(shop: ShopifyBench) -> None:
    order = shop.order(shipping="5")
    plan, before = await shop.plan(order), await shop.stock()
    made = await shop.store.create_order(plan)
    assert isinstance(made, Done)
    assert made.facts["reserved"] == "yes"
    assert await shop.stock() == before - 2
    assert isinstance(await shop.store.create_order(plan), AlreadyDone)
    assert shop.box.effects["order"] == 1
    assert not shop.box.mails

    by_id = await shop.store.find_orders(order.id, [])
    by_number = await shop.store.find_orders("", [plan.number, "TT-nobody-has-this"])
    assert [found.id for found in by_id] == [found.id for found in by_number] == [made.reference]
    assert await shop.store.find_orders("9" * 18, ["TT-nobody-has-this"]) == ()
    [found] = by_id
    assert (found.number, found.channel_order_id) == (plan.number, order.id)
    assert found.grand_total.amount == found.total_paid.amount == plan.total == Decimal(105)
    assert [(row.sku, row.price, row.ordered) for row in found.rows] == [
        (row.sku, row.price, row.quantity) for row in plan.rows
    ]
    assert found.is_invoiced
    assert isinstance(await shop.store.invoice_order(found.id, reserve=False), AlreadyDone)


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ({"source_identifier": "576461413038785752"}, {}),
        ({"tags": ["TikTokOrderID:576461413038785752"]}, {}),
        ({"tags": ["576461413038785752"]}, {}),
        ({"name": "AS-576461413038785752"}, {"numbers": ["AS-576461413038785752"]}),
        ({"note": "TikTok 576461413038785752."}, {"notes": ["TikTok 576461413038785752"]}),
        ({"attributes": {"order": "576461413038785752"}}, {"notes": ["order: 576461413038785752"]}),
    ],
)
async def test_an_order_that_another_connector_made_is_found(
    shop: ShopifyBench, written: dict[str, Any], asked: dict[str, Any]
) -> None:
    other = {"lines": [{"sku": "SKU-A"}], "note": "TikTok 5764614130387857521", "name": "other"}
    await shop.control("POST", "orders", other)
    made = await shop.control("POST", "orders", {"lines": [{"sku": "SKU-A"}], **written})
    found = await shop.store.find_orders("576461413038785752", asked.get("numbers", ["TT-1"]), asked.get("notes", ()))
    assert [one.id for one in found] == [str(made["id"]).rpartition("/")[2]]


# --- cancelling -------------------------------------------------------------------------------------------------------


async def test_an_order_of_more_rows_than_one_page_is_refunded_whole_and_never_twice(shop: ShopifyBench) -> None:
    await shop.control("PATCH", "settings", {"restore_rate": 100_000})
    lines = [{"sku": "SKU-A", "price": f"{1 + number}.00"} for number in range(60)]
    made = await shop.control("POST", "orders", {"lines": lines})
    order = await shop.read(str(made["id"]).rpartition("/")[2])
    assert len(order.rows) == 60
    last, kept = order.rows[58].id, order.rows[0].id
    part = refund(order, {last: 1}, token="1" * 16)
    assert isinstance(await shop.store.refund_order(order, part), Done)
    # A row of the second page: it is seen to be gone, so that nobody asks for it again.
    again = await shop.store.refund_order(order, refund(order, {last: 1}, token="2" * 16))
    assert isinstance(again, AlreadyDone)
    assert "SKU-A" in again.because
    left = await shop.read(order.id)
    everything = refund(left, restock=frozenset({row.id for row in left.rows} - {kept}))
    assert isinstance(await shop.store.refund_order(left, everything), Done)
    after = await shop.read(order.id)
    assert not any(row.left for row in after.rows)
    assert [len(one.quantities) for one in after.refunds] == [1, 59]
    assert after.total_refunded == after.total_paid
    assert await shop.stock() == 100 - 1
    assert shop.box.effects["refund"] == 2


@pytest.mark.parametrize("restock", [True, False])
async def test_everything_is_cancelled_and_stock_comes_back_if_asked(shop: ShopifyBench, restock: bool) -> None:
    before = await shop.stock()
    order = await shop.create()
    books = BookState.of(order)
    request = refund(order, restock=restock)
    done = await shop.store.refund_order(order, request)
    assert isinstance(done, Done), done
    read = await shop.cancelled(order, done.reference)
    [memo] = read.refunds
    assert memo.tokens == {TOKEN}
    assert memo.quantities == request.quantities
    assert memo.total == read.total_paid == read.total_refunded
    assert differences(books, read, TOKEN, request.quantities) == []
    assert await shop.stock() == before - (0 if restock else 2)
    kept = next(iter(shop.box.orders.values()))
    assert kept.cancel_reason == "OTHER"
    assert "no longer needed" in str(kept.staff_note)
    assert not shop.box.mails
    assert shop.box.real_money == 0
    assert isinstance(await shop.store.refund_order(order, request), AlreadyDone)


async def test_no_money_is_moved_where_the_payment_was_real(shop: ShopifyBench) -> None:
    made = await shop.control(
        "POST", "orders", {"lines": [{"sku": "SKU-A", "quantity": 2}], "gateway": "shopify_payments"}
    )
    order = await shop.read(str(made["id"]).rpartition("/")[2])
    row = order.rows[0].id
    books = BookState.of(order)
    part = refund(order, {row: 1}, token="1" * 16)
    assert isinstance(await shop.store.refund_order(order, part), Done)
    read = await shop.read(order.id)
    assert differences(books, read, "1" * 16, {row: 1}) == []
    done = await shop.store.refund_order(read, refund(read))
    assert isinstance(done, Done)
    read = await shop.cancelled(order, done.reference)
    assert shop.box.real_money == 0
    assert read.total_refunded.amount == 0
    assert [one.quantities for one in read.refunds] == [{row: 1}, {row: 1}]


async def test_a_job_is_waited_for_and_its_failure_told(shop: ShopifyBench) -> None:
    await shop.control("PATCH", "settings", {"cancel_seconds": None})
    order = await shop.create()
    done = await shop.store.refund_order(order, refund(order))
    assert isinstance(done, Done)
    step = await shop.store.progress(order.id, done.reference)
    assert step is not None
    assert step.state == "working"
    await shop.control("PATCH", "settings", {"cancel_fails_next": 1})
    await shop.control("POST", "jobs/run", {})
    step = await shop.store.progress(order.id, done.reference)
    assert step is not None
    assert (step.state, "Something went wrong" in step.because) == ("failed", True)
    assert (await shop.read(order.id)).refunds == ()


@pytest.mark.parametrize("version", ["2026-10", "2026-07"])
async def test_where_the_result_cannot_be_read_the_job_and_the_order_tell(version: str) -> None:
    async with open_shopify(api_version=version) as shop:
        await shop.control("PATCH", "settings", {"cancel_seconds": None, "node_knows_jobs": False})
        order = await shop.create()
        done = await shop.store.refund_order(order, refund(order))
        assert isinstance(done, Done), done
        step = await shop.store.progress(order.id, done.reference)
        assert step is not None
        assert step.state == "working"
        await shop.control("POST", "jobs/run", {})
        read = await shop.cancelled(order, done.reference)
        assert read.refunds[0].tokens == {TOKEN}


async def test_a_partial_refund_takes_its_units_and_no_shipping_and_the_rest_closes_to_the_cent(
    shop: ShopifyBench,
) -> None:
    sold = [shop.line("33.33", seller="3.34", tax="2.47") for _ in range(3)]
    order = await shop.create(shop.order(*sold, shipping="15", shipping_tax="1.24", region="US"))
    row, before = order.rows[0].id, await shop.stock()
    books = BookState.of(order)
    done = await shop.store.refund_order(order, refund(order, {row: 1}, token="1" * 16))
    assert isinstance(done, Done), done
    read = await shop.read(order.id)
    assert differences(books, read, "1" * 16, {row: 1}) == []
    assert read.refunds[0].total.amount == Decimal("32.46")
    assert await shop.stock() == before + 1
    # The same again, as after a lost answer: the key makes it the same refund.
    assert await shop.store.refund_order(order, refund(order, {row: 1}, token="1" * 16)) == done
    assert shop.box.effects["refund"] == 1
    books = BookState.of(read)
    whole = await shop.store.refund_order(read, refund(read, token="2" * 16))
    assert isinstance(whole, Done)
    after = await shop.cancelled(read, whole.reference)
    assert differences(books, after, "2" * 16, {row: 2}) == []
    assert after.total_refunded == after.total_paid == order.grand_total


async def test_of_two_rows_one_goes_back_to_stock_and_the_other_does_not(shop: ShopifyBench) -> None:
    a, b = await shop.stock(), await shop.stock("SKU-B")
    order = await shop.create(shop.order(shop.line("50"), shop.line("40", sku="SKU-B"), shipping="5"))
    first, _ = order.rows
    books = BookState.of(order)
    request = refund(order, restock=frozenset({first.id}))
    assert isinstance(await shop.store.refund_order(order, request), Done)
    read = await shop.read(order.id)
    assert differences(books, read, TOKEN, request.quantities) == []
    assert {row.left for row in read.rows} == {0}
    assert (await shop.stock(), await shop.stock("SKU-B")) == (a, b - 1)
    assert read.total_refunded == read.total_paid


@pytest.mark.parametrize(
    ("path", "body"),
    [("fulfil", {}), ("return", {"status": "IN_PROGRESS"}), ("fulfillment-order", {"status": "IN_PROGRESS"})],
)
async def test_what_left_returns_or_is_being_packed_is_never_forced(
    shop: ShopifyBench, path: str, body: dict[str, Any]
) -> None:
    order = await shop.create()
    await shop.control("POST", f"orders/{order.id}/{path}", body)
    read = await shop.read(order.id)
    assert read.barrier is not None
    assert not read.barrier.passes
    # Also where it happened since the order was read.
    for request in (refund(order), refund(order, {order.rows[0].id: 1})):
        answer = await shop.store.refund_order(order, request)
        assert isinstance(answer, Rejected)
    assert not shop.box.effects["cancel"] + shop.box.effects["refund"]


# --- trouble ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 429])
async def test_throttled_is_put_off_and_nothing_was_done(shop: ShopifyBench, status: int) -> None:
    order = await shop.create()
    await shop.control("PATCH", "settings", {"throttled_status": status, "throttle_next": 1})
    answer = await shop.store.refund_order(order, refund(order))
    assert isinstance(answer, Retry)
    assert answer.throttled
    await shop.control("PATCH", "settings", {"throttle_next": 1})
    with pytest.raises(RemoteProblem) as problem:
        await shop.again().read_order(order.id)
    assert isinstance(problem.value.outcome, Retry)
    assert shop.box.effects["cancel"] == 0


async def test_a_token_that_ended_is_asked_for_anew_and_a_legacy_one_is_not(shop: ShopifyBench) -> None:
    order = await shop.create()
    await shop.control("POST", "tokens/expire", {"legacy_too": True})
    assert (await shop.read(order.id)).id == order.id
    dead = shop.again({"access_token": "shpat_dead"})
    with pytest.raises(RemoteProblem) as problem:
        await dead.read_order(order.id)
    assert isinstance(problem.value.outcome, Reauth)
    assert "shpat_dead" not in str(problem.value)


# --- where units go back to -------------------------------------------------------------------------------------------


def on_hand(shop: ShopifyBench, sku: str, place: int) -> tuple[int, int]:
    """What a location has of a SKU, and what of it waits to be sent."""
    variant = shop.box.by_sku(sku)
    assert variant is not None
    level = variant.level(place)
    return level.on_hand, level.committed


async def test_each_row_goes_back_to_the_location_it_was_to_be_sent_from(shop: ShopifyBench) -> None:
    made = await shop.control(
        "POST", "orders", {"lines": [{"sku": "SKU-A", "quantity": 4}, {"sku": "SKU-B", "quantity": 2}]}
    )
    order = await shop.read(str(made["id"]).rpartition("/")[2])
    a, b = (row.id for row in order.rows)
    other = shop.box.add_location("Second warehouse").id
    home = next(iter(shop.box.locations))
    moved = [{"sku": "SKU-A", "quantity": 1}, {"sku": "SKU-B", "quantity": 2}]
    await shop.control("POST", f"orders/{order.id}/move", {"location": other, "lines": moved})
    # SKU-B from the second warehouse alone; of SKU-A two units from the first, which has them all.
    done = await shop.store.refund_order(order, refund(order, {a: 2, b: 1}, token="1" * 16))
    assert isinstance(done, Done), done
    assert [on_hand(shop, "SKU-A", home), on_hand(shop, "SKU-A", other)] == [(100, 1), (0, 1)]
    assert [on_hand(shop, "SKU-B", home), on_hand(shop, "SKU-B", other)] == [(100, 0), (0, 1)]
    # The last two of SKU-A stand in two places: each goes back to its own.
    left = await shop.read(order.id)
    done = await shop.store.refund_order(left, refund(left, {a: 2}, token="2" * 16))
    assert isinstance(done, Done), done
    assert [on_hand(shop, "SKU-A", home), on_hand(shop, "SKU-A", other)] == [(100, 0), (0, 0)]
    read = await shop.read(order.id)
    assert [(dict(one.quantities), dict(one.kept)) for one in read.refunds] == [({a: 2, b: 1}, {}), ({a: 2}, {})]
    assert read.total_refunded.amount == Decimal(250)


async def test_a_row_of_which_no_location_is_told_is_refunded_and_not_put_back(shop: ShopifyBench) -> None:
    made = await shop.control("POST", "orders", {"lines": [{"sku": "SKU-A", "quantity": 3}]})
    order = await shop.read(str(made["id"]).rpartition("/")[2])
    given_back = {"status": "CANCELLED", "request_status": "CANCELLATION_ACCEPTED"}
    await shop.control("POST", f"orders/{order.id}/fulfillment-order", given_back)
    row, stock = order.rows[0].id, await shop.stock()
    assert isinstance(await shop.store.refund_order(order, refund(order, {row: 2})), Done)
    read = await shop.read(order.id)
    assert [(dict(one.quantities), dict(one.kept)) for one in read.refunds] == [({row: 2}, {row: 2})]
    assert await shop.stock() == stock


# --- connecting, registering, sweeping --------------------------------------------------------------------------------


async def test_connecting_says_what_the_shop_is_and_asks_for_its_messages(shop: ShopifyBench) -> None:
    again = await shop.connector.connect("c1", shop.url, shop.credentials, "https://bridge.example")
    assert {one.level for one in again.findings} == {"ok"}
    assert again.facts["mode"] == "full"
    assert len(shop.box.subscriptions) == 5
    assert {one.uri for one in shop.box.subscriptions.values()} == {"https://bridge.example/hooks/shopify/c1"}
    await shop.control("POST", "scopes", {"scopes": ["read_orders"]})
    expired = await shop.control("POST", "tokens/expire", {})
    assert expired["expired"] >= 1
    fresh = {name: value for name, value in shop.credentials.items() if name.startswith("client")}
    found = await shop.connector.connect("c1", shop.url, fresh, "")
    missing = {one.text.split()[5].strip(",") for one in found.findings if one.code == "scope_missing"}
    assert "write_orders" in missing
    assert found.facts["mode"] == "sweep-only"


async def test_subscriptions_that_were_dropped_are_made_again(shop: ShopifyBench) -> None:
    await shop.control("DELETE", "subscriptions")
    store = shop.again(public_url="https://bridge.example")
    assert list(await store.tend()) == []
    assert len(shop.box.subscriptions) == 5
    assert isinstance(store, Tended)
    assert list(await shop.again().tend()) == []


async def test_capabilities_say_what_the_app_may_do(shop: ShopifyBench) -> None:
    able = await shop.store.capabilities()
    assert (able.refunds_work, able.restock_allowed, able.knows_its_stock) == (True, True, True)
    assert able.reported == "2026-10"


async def test_a_sweep_reads_every_order_that_changed_whatever_moves(shop: ShopifyBench) -> None:
    orders = [await shop.create() for _ in range(3)]
    newest = await shop.store.newest("orders")
    assert newest is not None
    page = await shop.store.changed("orders", newest - timedelta(hours=1), None)
    assert [one.order_id for one in page.items] == [one.id for one in orders]
    assert [one.other_id for one in page.items] == [one.channel_order_id for one in orders]
    assert page.next_page is None
    rest = await shop.store.changed("orders", newest - timedelta(hours=1), orders[0].id)
    assert [one.order_id for one in rest.items] == [one.id for one in orders[1:]]
    assert (await shop.store.changed("orders", newest + timedelta(hours=1), None)).items == ()
    with pytest.raises(ValueError, match="stream"):
        await shop.store.newest("creditmemos")


# --- holding the fulfilment -------------------------------------------------------------------------------------------


async def test_the_fulfilment_is_held_once_under_our_handle_and_only_our_hold_is_released(shop: ShopifyBench) -> None:
    order = await shop.create()
    await shop.control("POST", f"orders/{order.id}/hold", {"reason": "OTHER", "handle": "bridge-of-somebody-else"})
    order = await shop.read(order.id)
    assert (order.holds, order.can_hold) == ((), True)
    assert isinstance(shop.store, HoldsFulfilment)
    assert (await shop.store.capabilities()).holds_fulfilment

    # The answer is lost: a look by the mark finds it, and a repeat makes no second one.
    await shop.control("POST", "faults", {"kind": "cut", "containing": "fulfillmentOrderHold"})
    assert isinstance(await shop.store.hold_fulfilment(order, TOKEN, "the buyer asks to cancel"), Unknown)
    held = await shop.read(order.id)
    assert (len(held.holds), held.can_hold) == (1, False)
    assert isinstance(await shop.store.hold_fulfilment(order, TOKEN, "the buyer asks to cancel"), AlreadyDone)
    kept = next(iter(shop.box.orders.values())).fulfillment_orders[0]
    assert [one.handle for one in kept.holds] == ["bridge-of-somebody-else", f"bridge-{TOKEN}"]
    assert kept.holds[1].notes == "the buyer asks to cancel"

    assert isinstance(await shop.store.release_fulfilment(held), Done)
    after = await shop.read(order.id)
    assert after.holds == ()
    assert [one.handle for one in kept.holds] == ["bridge-of-somebody-else"]
    # Released by hand meanwhile: what the order shows decides.
    assert isinstance(await shop.store.release_fulfilment(held), AlreadyDone)


async def test_without_the_scope_nothing_is_held_and_the_shop_goes_on(shop: ShopifyBench) -> None:
    order = await shop.create()
    scopes = [one for one in shop.box.tokens.scopes if one != "write_merchant_managed_fulfillment_orders"]
    await shop.control("POST", "scopes", {"scopes": scopes})
    store = shop.again({name: shop.credentials[name] for name in ("client_id", "client_secret")})
    able = await store.capabilities()
    assert not able.holds_fulfilment
    assert "write_merchant_managed_fulfillment_orders" in able.holds_because
    assert isinstance(await store.hold_fulfilment(order, TOKEN, "the buyer asks to cancel"), Rejected)
