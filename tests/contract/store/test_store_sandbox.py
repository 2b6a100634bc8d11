"""The store port where things go wrong: what cannot be asked of a real store."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import Any, Literal

import pytest

from bridge.connectors.magento.client import Client
from bridge.connectors.magento.signing import Credentials
from bridge.connectors.magento.store import MagentoStore, refund_body
from bridge.domain.outcomes import AlreadyDone, Done, Reauth, Rejected, RemoteProblem, Retry, Unknown
from bridge.domain.plans import CannotPlan, CannotPlanKind
from bridge.domain.settings import ShopSettings, Tie
from bridge.sandbox.faults import Fault
from tests.contract.store.magento_bench import NAMES, SandboxBench, everything, open_sandbox, refund
from tests.unit.magento.orders import line, order_of

BEHAVIOUR = "as-inventory-behaviour"


def writes(bench: SandboxBench) -> list[Any]:
    return bench.calls("POST", "/V1/")


def fail(kind: Literal["fail", "slow", "refuse", "cut", "late"], path: str, **options: Any) -> Fault:
    return Fault(kind=kind, method="POST", path=path, **options)


async def test_stock_is_taken_on_the_create_and_never_on_another_call(sandbox: SandboxBench) -> None:
    order = await sandbox.create()
    await sandbox.store.refund_order(order, everything(order, restock=True))
    with_header = [call.path for call in writes(sandbox) if BEHAVIOUR in call.headers]
    assert with_header == ["/rest/default/V1/orders"]
    assert sandbox.box.effects["orders_created"] == 1


async def test_the_stored_bytes_are_sent_as_they_are(sandbox: SandboxBench) -> None:
    plan = await sandbox.plan(sandbox.order())
    await sandbox.store.create_order(plan)
    assert [call.body for call in writes(sandbox)] == [plan.body]


async def test_a_reservation_that_failed_is_told_and_can_be_repaired_on_the_invoice(sandbox: SandboxBench) -> None:
    product = sandbox.box.stock.by_sku("SKU-A")
    assert product is not None
    product.source = Decimal(1)
    made = await sandbox.store.create_order(await sandbox.plan(sandbox.order()))
    assert isinstance(made, Done)
    assert made.facts == {"reserved": "no", "reservation_message": "The requested qty is not available"}
    product.source = Decimal(10)
    repaired = await sandbox.store.invoice_order(made.reference, reserve=True)
    assert isinstance(repaired, Done)
    assert repaired.facts["reserved"] == "yes"
    assert await sandbox.salable() == 8


@pytest.mark.parametrize(("plugin", "header"), [(None, False), ("1.0.20", False), ("1.0.21", True), ("1.0.26", True)])
async def test_without_a_result_header_nothing_is_claimed(plugin: str | None, header: bool) -> None:
    async with open_sandbox(plugin) as bench:
        made = await bench.store.create_order(await bench.plan(bench.order()))
        assert isinstance(made, Done)
        assert ("reserved" in made.facts) is header


async def test_under_plugin_1_0_25_refunds_wait_for_the_upgrade(sandbox: SandboxBench) -> None:
    order = await sandbox.create()
    sandbox.box.set_plugin("1.0.25")
    outcome = await sandbox.store.refund_order(order, everything(order, restock=True))
    assert isinstance(outcome, Retry)
    assert "1.0.26" in outcome.because
    assert (await sandbox.read(order.id)).refunds == ()
    assert not (await sandbox.store.capabilities()).refunds_work
    sandbox.box.set_plugin("1.0.26")
    assert isinstance(await sandbox.store.refund_order(order, everything(order, restock=True)), Done)


async def test_the_same_error_under_another_plugin_leaves_it_open(sandbox: SandboxBench) -> None:
    order = await sandbox.create()
    text = "An error has happened during application run. See exception log for details.\n"
    sandbox.box.faults.add(fail("fail", "/refund", status=500, body=text))
    assert isinstance(await sandbox.store.refund_order(order, everything(order, restock=True)), Unknown)


async def test_maintenance_is_waited_for(sandbox: SandboxBench) -> None:
    order = await sandbox.create()
    plan = await sandbox.plan(sandbox.order())
    sandbox.box.maintenance = True
    assert isinstance(await sandbox.store.refund_order(order, everything(order, restock=True)), Retry)
    assert isinstance(await sandbox.store.create_order(plan), Retry)
    assert isinstance(await sandbox.store.invoice_order(order.id, reserve=False), Retry)
    with pytest.raises(RemoteProblem) as problem:
        await sandbox.store.read_order(order.id)
    assert isinstance(problem.value.outcome, Retry)
    sandbox.box.maintenance = False
    assert isinstance(await sandbox.store.create_order(plan), Done)


async def test_an_answer_that_is_lost_leaves_it_open_and_a_look_shows_what_happened(sandbox: SandboxBench) -> None:
    order = sandbox.order()
    plan = await sandbox.plan(order)
    sandbox.box.faults.add(fail("cut", "/V1/orders$"))
    assert isinstance(await sandbox.store.create_order(plan), Unknown)
    [found] = await sandbox.store.find_orders(order.id, [plan.number])
    assert isinstance(await sandbox.store.create_order(plan), AlreadyDone)

    sandbox.box.faults.add(fail("cut", "/invoice$"))
    assert isinstance(await sandbox.store.invoice_order(found.id, reserve=False), Unknown)
    found = await sandbox.read(found.id)
    assert found.is_invoiced

    sandbox.box.faults.add(fail("cut", "/refund$"))
    assert isinstance(await sandbox.store.refund_order(found, everything(found, restock=True)), Unknown)
    assert (await sandbox.read(found.id)).refunds[0].is_ours
    assert sandbox.box.effects["orders_created"] == 1


async def test_a_connection_cut_before_the_work_is_open_too(sandbox: SandboxBench) -> None:
    order = await sandbox.create()
    sandbox.box.faults.add(fail("refuse", "/refund$"))
    assert isinstance(await sandbox.store.refund_order(order, everything(order, restock=True)), Unknown)
    assert (await sandbox.read(order.id)).refunds == ()


async def test_a_revoked_token_asks_for_a_new_connection(sandbox: SandboxBench) -> None:
    order = await sandbox.create()
    token = sandbox.box.integrations.all[1].token
    assert token is not None
    token.revoked = True
    outcome = await sandbox.store.refund_order(order, everything(order, restock=True))
    assert isinstance(outcome, Reauth)
    with pytest.raises(RemoteProblem) as problem:
        await sandbox.store.capabilities()
    assert isinstance(problem.value.outcome, Reauth)


async def test_a_missing_permission_is_named(sandbox: SandboxBench) -> None:
    order = await sandbox.create()
    sandbox.box.integrations.all[1].resources = ["Magento_Sales::actions_view", "Magento_Backend::store"]
    outcome = await sandbox.store.refund_order(order, everything(order, restock=True))
    assert isinstance(outcome, Reauth)
    assert "Magento_Sales::creditmemo" in outcome.because
    assert await sandbox.store.salable("", ["SKU-A"]) is None


@pytest.mark.parametrize("field", ["consumer_secret", "access_token_secret"])
async def test_a_wrong_secret_is_told_with_the_proxy_that_looks_the_same(sandbox: SandboxBench, field: str) -> None:
    wrong = Credentials.of(sandbox.credentials | {field: "x" * 32})
    store = MagentoStore(Client(sandbox.session, sandbox.url, wrong, allow_private=True))
    with pytest.raises(RemoteProblem, match="offloader") as problem:
        await store.capabilities()
    assert isinstance(problem.value.outcome, Reauth)
    assert not any(sandbox.credentials[name] in str(problem.value) for name in NAMES)


async def test_a_wrong_clock_is_told(sandbox: SandboxBench) -> None:
    fast = Client(
        sandbox.session,
        sandbox.url,
        Credentials.of(sandbox.credentials),
        allow_private=True,
        now=lambda: sandbox.box.now().timestamp() + 3600,
    )
    with pytest.raises(RemoteProblem, match="clock") as problem:
        await MagentoStore(fast).capabilities()
    assert isinstance(problem.value.outcome, Reauth)
    slow = Client(
        sandbox.session,
        sandbox.url,
        Credentials.of(sandbox.credentials),
        allow_private=True,
        now=lambda: sandbox.box.now().timestamp() - 3600,
    )
    assert (await MagentoStore(slow).capabilities()).reported == "1.0.26"


async def test_a_bearer_token_works_where_the_store_allows_it(sandbox: SandboxBench) -> None:
    bearer = Credentials(bearer_token=sandbox.credentials["access_token"])
    store = MagentoStore(Client(sandbox.session, sandbox.url, bearer, allow_private=True))
    with pytest.raises(RemoteProblem, match="standalone bearer"):
        await store.capabilities()
    sandbox.box.bearer_allowed = True
    assert (await store.capabilities()).reported == "1.0.26"


async def test_two_store_views_have_their_own_website_and_currency(sandbox: SandboxBench) -> None:
    sandbox.box.add_website("eu", "eu_de", "EUR")
    store = MagentoStore(sandbox.client)
    assert [(view.code, view.id, view.website, view.currency) for view in await store.views()] == [
        ("default", "1", "base", "USD"),
        ("eu_de", "2", "eu", "EUR"),
    ]
    dollars = sandbox.order()
    euros = order_of([line("SKU-A", "50")], order_id=dollars.id, currency="EUR", region="DE")
    german = ShopSettings(store=Tie(connection="c1", store_view="eu_de"))
    for order, settings in ((dollars, german), (euros, sandbox.settings)):
        refused = await store.plan_order(order, settings, {})
        assert isinstance(refused, CannotPlan)
        assert refused.kind is CannotPlanKind.NOT_POSSIBLE
    made: list[str] = []
    for order, settings in ((dollars, sandbox.settings), (euros, german)):
        plan = await store.plan_order(order, settings, {})
        assert not isinstance(plan, CannotPlan)
        outcome = await store.create_order(plan)
        assert isinstance(outcome, Done)
        made.append(outcome.reference)
    assert [call.path for call in writes(sandbox)] == ["/rest/default/V1/orders", "/rest/eu_de/V1/orders"]
    # One number in two views: both are found, and each is paid in its own money.
    found = await store.find_orders(dollars.id, [])
    assert [(order.id, order.view, order.currency) for order in found] == [
        (made[0], "1", "USD"),
        (made[1], "2", "EUR"),
    ]


async def test_a_view_that_is_not_there_is_named(sandbox: SandboxBench) -> None:
    gone = ShopSettings(store=Tie(connection="c1", store_view="gone"))
    refused = await sandbox.store.plan_order(sandbox.order(), gone, {})
    assert isinstance(refused, CannotPlan)
    assert "gone" in refused.because


async def test_a_configurable_bought_in_the_storefront_goes_back_by_its_variant(sandbox: SandboxBench) -> None:
    box = sandbox.box
    box.add_product("CONF", price=Decimal(50), type_id="configurable")
    box.add_product("CONF-RED", price=Decimal(50), qty=Decimal(10), parent="CONF")
    body = {"items": [{"sku": "CONF-RED", "qty": 2}], "invoice": True, "shipping_amount": 5}
    placed = await sandbox.control("POST", "storefront-order", body)
    order = await sandbox.read(str(placed["id"]))
    [row] = order.rows
    assert (row.ordered, row.restock_id != row.id) == (2, True)
    request = refund({row.id: 1}, restock=frozenset({row.id}))
    assert isinstance(await sandbox.store.refund_order(order, request), Done)
    product = box.stock.by_sku("CONF-RED")
    assert product is not None
    assert product.source == 10
    assert product.salable == 9
    order = await sandbox.read(order.id)
    assert order.refunds[0].quantities == {row.id: 1}
    assert isinstance(await sandbox.store.refund_order(order, everything(order, restock=True)), Done)
    assert product.salable == 10
    refused = await sandbox.store.plan_order(sandbox.order(line("CONF", "50")), sandbox.settings, {})
    assert isinstance(refused, CannotPlan)
    assert refused.kind is CannotPlanKind.NOT_POSSIBLE


async def test_an_order_on_hold_says_to_release_it(sandbox: SandboxBench) -> None:
    order = await sandbox.create()
    await sandbox.control("POST", "hold", {"order": int(order.id)})
    order = await sandbox.read(order.id)
    assert order.is_held
    outcome = await sandbox.store.refund_order(order, everything(order, restock=True))
    assert isinstance(outcome, Rejected)
    assert outcome.code == "on_hold"


async def test_a_second_memo_beside_ours_is_read_with_ours(sandbox: SandboxBench) -> None:
    order = await sandbox.create()
    await sandbox.control("POST", "refund-beside", {"order": int(order.id)})
    assert isinstance(await sandbox.store.refund_order(order, everything(order, restock=True)), Done)
    read = await sandbox.read(order.id)
    assert sorted(memo.is_ours for memo in read.refunds) == [False, True]
    # Magento's own total forgets one of the two; only the memos tell.
    assert sum(memo.total.amount for memo in read.refunds) == 2 * read.total_paid.amount


async def test_skus_that_paths_and_lists_cannot_carry_are_still_ordered(sandbox: SandboxBench) -> None:
    order = sandbox.order(line("S/L,1", "5"), line("sku-a", "7"))
    plan = await sandbox.plan(order)
    assert {row.sku for row in plan.rows} == {"S/L,1", "SKU-A"}
    assert plan.salable_before == {"SKU-A": Decimal(100)}


async def test_a_partial_refund_must_name_rows_of_the_order(sandbox: SandboxBench) -> None:
    order = await sandbox.create()
    for quantities in ({"999": 1}, {order.rows[0].id: 0}, {order.rows[0].id: 2, "999": 1}):
        with pytest.raises(ValueError, match="partial refund"):
            refund_body(order, refund(quantities))


async def test_the_bodies_of_a_refund_are_the_measured_ones(sandbox: SandboxBench) -> None:
    order = await sandbox.create()
    row = order.rows[0].id
    comment = {"comment": refund().comment, "is_visible_on_front": 0}
    bare = {"notify": False, "appendComment": False, "comment": comment}
    assert refund_body(order, everything(order, restock=False)) == bare
    back = {"extension_attributes": {"return_to_stock_items": [int(row)]}}
    assert refund_body(order, everything(order, restock=True)) == bare | {"arguments": back}
    amounts = {"shipping_amount": 0, "adjustment_positive": 0, "adjustment_negative": 0}
    items = [{"order_item_id": int(row), "qty": 1}]
    partial = refund({row: 1}, restock=frozenset({row}))
    assert refund_body(order, partial) == bare | {"items": items, "arguments": amounts | back}
    assert json.dumps(refund_body(order, refund({row: 1}))["arguments"]) == json.dumps(amounts)


async def test_a_refund_that_falls_between_two_reads_is_read_whole(sandbox: SandboxBench) -> None:
    order = await sandbox.create()
    real = sandbox.client.get
    order_read = asyncio.Event()
    between = [order.id]

    async def get(path: str, *args: Any, **named: Any) -> object:
        if path.startswith("/rest/V1/creditmemos") and between:
            await order_read.wait()
            body = {"order": int(between.pop()), "items": [{"order_item_id": int(order.rows[0].id), "qty": 1}]}
            await sandbox.control("POST", "refund", body)
        answer = await real(path, *args, **named)
        if path.startswith("/rest/V1/orders/"):
            order_read.set()
        return answer

    sandbox.client.get = get  # type: ignore[method-assign]  # the merchant clicks after the order was read
    read = await sandbox.read(order.id)
    assert (read.rows[0].refunded, len(read.refunds)) == (1, 1)
    assert read.total_refunded == read.refunds[0].total


async def test_a_number_that_differs_in_case_is_another_order(sandbox: SandboxBench) -> None:
    plan = await sandbox.plan(sandbox.order())
    await sandbox.store.create_order(plan)
    assert await sandbox.store.find_orders("", [plan.number.lower()]) == ()
    assert len(await sandbox.store.find_orders("", [plan.number])) == 1


async def test_a_row_that_was_never_invoiced_is_not_named_for_restock(sandbox: SandboxBench) -> None:
    order = await sandbox.create(sandbox.order(sandbox.line("50"), sandbox.line("40")), invoice=False)
    first, second = order.rows
    body = {"order": int(order.id), "items": [{"order_item_id": int(first.id), "qty": 1}]}
    await sandbox.control("POST", "invoice", body)
    order = await sandbox.read(order.id)
    sent = refund_body(order, everything(order, restock=True))
    assert sent["arguments"]["extension_attributes"]["return_to_stock_items"] == [int(first.id)]
    assert isinstance(await sandbox.store.refund_order(order, everything(order, restock=True)), Done)
    assert [(row.refunded, row.id) for row in (await sandbox.read(order.id)).rows] == [(1, first.id), (0, second.id)]
