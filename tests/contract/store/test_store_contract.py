"""What only Magento has, asked of the sandbox and a real store; the rest is in `test_every_store.py`."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from bridge.domain.outcomes import AlreadyDone, Done, Rejected
from bridge.domain.verification import BookState, differences
from tests.contract.store.magento_bench import Bench, everything, refund


async def test_an_order_is_created_found_and_never_created_twice(bench: Bench) -> None:
    order = bench.order(shipping="5")
    plan = await bench.plan(order)
    before = await bench.salable()
    made = await bench.store.create_order(plan)
    assert isinstance(made, Done)
    assert made.facts["reserved"] == "yes"
    assert await bench.salable() == before - 2
    assert plan.salable_before == {bench.sku: before}

    again = await bench.store.create_order(plan)
    assert isinstance(again, AlreadyDone)
    assert await bench.salable() == before - 2

    by_id = await bench.store.find_orders(order.id, [])
    by_number = await bench.store.find_orders("", [plan.number, "TT-nobody-has-this"])
    assert [found.id for found in by_id] == [found.id for found in by_number] == [made.reference]
    assert await bench.store.find_orders("9" * 18, ["TT-nobody-has-this"]) == ()

    [found] = by_id
    assert (found.number, found.channel_order_id) == (plan.number, order.id)
    assert found.grand_total.amount == plan.total == Decimal(105)
    assert [(row.sku, row.price, row.ordered) for row in found.rows] == [
        (row.sku, row.price, row.quantity) for row in plan.rows
    ]
    assert not found.is_invoiced
    assert found.created_at.tzinfo is not None


async def test_an_invoice_is_made_once(bench: Bench) -> None:
    order = await bench.create(invoice=False)
    before = await bench.salable()
    first = await bench.store.invoice_order(order.id, reserve=False)
    assert isinstance(first, Done)
    assert first.reference.isdigit()
    assert first.facts == {}
    assert isinstance(await bench.store.invoice_order(order.id, reserve=False), AlreadyDone)
    read = await bench.read(order.id)
    assert read.is_invoiced
    assert read.total_paid == read.grand_total
    assert await bench.salable() == before


@pytest.mark.parametrize("restock", [True, False])
async def test_everything_is_refunded_shipping_included_and_stock_comes_back_if_asked(
    bench: Bench, restock: bool
) -> None:
    salable, source = await bench.salable(), await bench.source()
    order = await bench.create()
    done = await bench.store.refund_order(order, everything(order, restock=restock))
    assert isinstance(done, Done)
    read = await bench.read(order.id)
    assert read.state == "closed"
    assert read.total_refunded == read.total_paid
    assert [row.left for row in read.rows] == [0]
    [memo] = read.refunds
    assert memo.id == done.reference
    assert memo.tokens == {"0123456789abcdef"}
    assert memo.total == read.total_paid
    assert read.refunded_by_us() == {order.rows[0].id: 2}
    if restock:
        assert (await bench.salable(), await bench.source()) == (salable, source)
    else:
        # Not shipped and not restocked: the units are written off the physical stock.
        assert (await bench.salable(), await bench.source()) == (salable - 2, source - 2)

    again = await bench.store.refund_order(order, everything(order, restock=restock))
    assert isinstance(again, AlreadyDone)
    assert len((await bench.read(order.id)).refunds) == 1


async def test_a_partial_refund_takes_its_units_and_no_shipping_and_the_rest_closes_to_the_cent(bench: Bench) -> None:
    sold = [bench.line("33.33", seller="3.34", tax="2.47") for _ in range(3)]
    order = await bench.create(bench.order(*sold, shipping="15", shipping_tax="1.24", region="US"))
    assert order.grand_total.amount == Decimal("113.62")
    row = order.rows[0].id
    salable = await bench.salable()
    request = refund({row: 1}, token="1111111111111111", restock=frozenset({row}))
    assert isinstance(await bench.store.refund_order(order, request), Done)
    read = await bench.read(order.id)
    assert read.refunds[0].quantities == {row: 1}
    assert read.refunds[0].total.amount == Decimal("32.46")
    assert await bench.salable() == salable + 1
    last = await bench.store.refund_order(read, everything(read, restock=True, token="2222222222222222"))
    assert isinstance(last, Done)
    read = await bench.read(order.id)
    assert read.state == "closed"
    assert sum(memo.total.amount for memo in read.refunds) == read.total_refunded.amount == Decimal("113.62")
    assert [memo.tokens for memo in read.refunds] == [{"1111111111111111"}, {"2222222222222222"}]
    assert await bench.salable() == salable + 3


async def test_partial_after_partial_over_two_prices_of_one_sku_adds_up(bench: Bench) -> None:
    salable = await bench.salable()
    sold = [bench.line("50"), bench.line("50"), bench.line("40")]
    order = await bench.create(bench.order(*sold, shipping="5"))
    dear, cheap = order.rows
    assert (dear.sku, dear.price, cheap.price) == (cheap.sku, Decimal(50), Decimal(40))
    totals = []
    for number, row in enumerate([cheap.id, dear.id]):
        request = refund({row: 1}, token=f"{number}" * 16, restock=frozenset({row}))
        before = BookState.of(await bench.read(order.id))
        assert isinstance(await bench.store.refund_order(order, request), Done)
        read = await bench.read(order.id)
        assert differences(before, read, request.token, request.quantities) == []
        totals.append(read.refunds[-1].total.amount)
    assert totals == [Decimal(40), Decimal(50)]
    read = await bench.read(order.id)
    assert {row.id: row.left for row in read.rows} == {dear.id: 1, cheap.id: 0}
    assert read.state != "closed"
    assert isinstance(await bench.store.refund_order(read, everything(read, restock=True, token="9" * 16)), Done)
    read = await bench.read(order.id)
    assert (read.state, read.total_refunded.amount) == ("closed", Decimal(145))
    assert [memo.quantities for memo in read.refunds] == [{cheap.id: 1}, {dear.id: 1}, {dear.id: 1}]
    assert await bench.salable() == salable


async def test_of_two_rows_one_goes_back_to_stock_and_the_other_does_not(bench: Bench) -> None:
    salable, source = await bench.salable(), await bench.source()
    order = await bench.create(bench.order(bench.line("50"), bench.line("40")))
    first, second = order.rows
    request = replace(everything(order, restock=False), restock_rows=frozenset({first.id}))
    assert isinstance(await bench.store.refund_order(order, request), Done)
    assert {row.left for row in (await bench.read(order.id)).rows} == {0}
    assert second.id not in request.restock_rows
    assert (await bench.salable(), await bench.source()) == (salable - 1, source - 1)


@pytest.mark.parametrize("restock", [True, False])
async def test_shipped_units_come_back_if_asked(bench: Bench, restock: bool) -> None:
    order = await bench.create()
    await bench.ship(order, {order.rows[0].id: 2})
    order = await bench.read(order.id)
    assert order.is_shipped
    salable, source = await bench.salable(), await bench.source()
    assert isinstance(await bench.store.refund_order(order, everything(order, restock=restock)), Done)
    back = 2 if restock else 0
    assert (await bench.salable(), await bench.source()) == (salable + back, source + back)


async def test_more_than_is_left_is_told_as_done_by_somebody_else(bench: Bench) -> None:
    order = await bench.create()
    row = order.rows[0].id
    assert isinstance(await bench.store.refund_order(order, refund({row: 1})), Done)
    answer = await bench.store.refund_order(order, refund({row: 2}))
    assert isinstance(answer, AlreadyDone)
    assert (await bench.read(order.id)).rows[0].refunded == 1


async def test_an_order_without_an_invoice_cannot_be_refunded(bench: Bench) -> None:
    order = await bench.create(invoice=False)
    answer = await bench.store.refund_order(order, everything(order, restock=False))
    assert isinstance(answer, Rejected)
    assert (await bench.read(order.id)).refunds == ()


async def test_a_credit_memo_leads_to_its_order(bench: Bench) -> None:
    order = await bench.create()
    done = await bench.store.refund_order(order, everything(order, restock=True))
    assert isinstance(done, Done)
    assert await bench.store.resolve("creditmemos/update", done.reference) == order.id
    assert await bench.store.resolve("orders/update", order.id) == order.id
    assert await bench.store.resolve("creditmemos/update", "99999999") is None
    assert await bench.store.resolve("products/update", "1") is None
    assert await bench.store.resolve("creditmemos/update", "1/../2") is None


async def test_capabilities_say_what_the_plugin_can_do(bench: Bench) -> None:
    found = await bench.store.capabilities()
    assert found.refunds_work
    assert found.read_at is not None
    assert found.restock_because
