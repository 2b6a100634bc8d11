"""What `bridge.ports.Store` promises, asked of every platform: it passes this, or it does not ship.

What a platform says it cannot do, it refuses clearly, and changes nothing.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from bridge.domain.outcomes import AlreadyDone, Done, Reauth, Rejected, RemoteProblem, Retry, Unknown
from bridge.domain.plans import CannotPlan, CannotPlanKind, OrderPlan
from bridge.domain.store_order import StoreOrder
from bridge.domain.verification import BookState, differences, memo_of
from bridge.ports import HoldsFulfilment
from tests.contract.store.store_bench import TOKEN, BoxBench, StoreBench, refund
from tests.unit.magento.orders import cancelled, line

# --- creating and finding ---------------------------------------------------------------------------------------------


async def test_an_order_is_created_found_and_never_created_twice(any_store: StoreBench) -> None:
    bench = any_store
    order = bench.order(shipping="5")
    plan, before = await bench.plan(order), await bench.stock()
    # What is sent is what was stored, by whichever process.
    made = await bench.store.create_order(OrderPlan.from_json(plan.to_json()))
    assert isinstance(made, Done), made
    assert isinstance(await bench.store.create_order(plan), AlreadyDone)
    if before is not None and made.facts.get("reserved") == "yes":
        assert await bench.stock() == before - 2

    [found] = await bench.store.find_orders(order.id, [plan.number])
    assert found.id == made.reference
    assert await bench.store.find_orders("9" * 18, ["TT-nobody-has-this"]) == ()
    assert found.channel_order_id in {order.id, ""}
    assert order.id in {found.channel_order_id, found.number} or found.number == plan.number
    assert sorted((row.sku, row.ordered) for row in found.rows) == sorted((row.sku, row.quantity) for row in plan.rows)
    assert (found.refunds, [row.gone for row in found.rows]) == ((), [0] * len(found.rows))
    for moment in (found.created_at, found.updated_at):
        assert moment.tzinfo is not None
        assert moment.utcoffset() is not None
    if found.keeps_money:
        assert found.grand_total.amount == plan.total == order.payment.total.amount
        assert found.currency == order.payment.total.currency
    if isinstance(await bench.store.invoice_order(found.id, reserve=False), Done):
        assert isinstance(await bench.store.invoice_order(found.id, reserve=False), AlreadyDone)
    assert (await bench.read(found.id)).is_invoiced


async def test_the_same_order_is_planned_with_the_same_bytes(any_store: StoreBench) -> None:
    order = any_store.order(shipping="5")
    assert (await any_store.plan(order)).body == (await any_store.plan(order)).body


async def test_a_create_whose_answer_was_lost_is_open_and_is_found(any_box: BoxBench) -> None:
    bench = any_box
    order = bench.order(shipping="5")
    plan = await bench.plan(order)
    await bench.fault("cut", "create")
    assert isinstance(await bench.store.create_order(plan), Unknown)
    [found] = await bench.again().find_orders(order.id, [plan.number])
    assert isinstance(await bench.again().create_order(plan), AlreadyDone)
    assert bench.made() == 1
    assert found.id


@pytest.mark.parametrize("kind", ["refuse", "fail"])
async def test_a_create_that_broke_before_its_work_is_open_and_can_be_repeated(any_box: BoxBench, kind: str) -> None:
    bench = any_box
    order = bench.order(shipping="5")
    plan = await bench.plan(order)
    await bench.fault(kind, "create")
    answer = await bench.store.create_order(plan)
    assert isinstance(answer, Unknown), answer
    assert bench.made() == 0
    assert await bench.store.find_orders(order.id, [plan.number]) == ()
    assert isinstance(await bench.store.create_order(plan), Done)
    assert bench.made() == 1


async def test_amounts_add_up_in_the_store_to_the_cent(any_store: StoreBench) -> None:
    bench = any_store
    sold = [bench.line("33.33", seller="3.34", tax="2.47") for _ in range(3)]
    order = bench.order(*sold, shipping="15", shipping_tax="1.24", region="US")
    read = await bench.create(order)
    assert sum(row.ordered for row in read.rows) == 3
    if read.keeps_money:
        assert read.grand_total == read.total_paid == order.payment.total


async def test_units_dead_before_the_create_are_left_out(any_store: StoreBench) -> None:
    order = cancelled(any_store.order(any_store.line("50"), any_store.line("40"), shipping="5"), [0], "50")
    read = await any_store.create(order)
    assert [row.ordered for row in read.rows] == [1]
    if read.keeps_money:
        assert read.grand_total.amount == Decimal(45)


async def test_unknown_skus_are_named_before_anything_is_created(any_store: StoreBench) -> None:
    bench = any_store
    order = bench.order(line("no-such-sku-anywhere", "5"))
    found = await bench.store.plan_order(order, bench.settings, {})
    if isinstance(found, CannotPlan):
        assert found.kind is CannotPlanKind.UNKNOWN_SKU
        assert found.skus == ("no-such-sku-anywhere",)
        assert "no-such-sku-anywhere" in found.because
    else:
        # One that cannot be asked beforehand refuses the create, and makes nothing.
        answer = await bench.store.create_order(found)
        assert isinstance(answer, Rejected), answer
        assert "no-such-sku-anywhere" in answer.because
        assert await bench.store.find_orders(order.id, [found.number]) == ()
    plan = await bench.plan(order, {"no-such-sku-anywhere": bench.sku})
    assert [row.sku for row in plan.rows] == [bench.sku]


# --- refunds ----------------------------------------------------------------------------------------------------------


def _is_booked(before: BookState, read: StoreOrder, token: str, quantities: dict[str, int]) -> None:
    """The next reading shows exactly this refund, and that it is ours where the platform keeps marks."""
    if read.keeps_marks:
        assert differences(before, read, token, quantities) == []
        memo = memo_of(read, token)
        assert memo is not None
        assert memo.tokens == {token}
        assert memo.is_ours
    else:
        assert not any(memo.tokens for memo in read.refunds)
        assert sum(sum(memo.quantities.values()) for memo in read.refunds) >= sum(quantities.values())


@pytest.mark.parametrize("restock", [True, False])
async def test_everything_is_refunded_and_stock_comes_back_if_asked(any_store: StoreBench, restock: bool) -> None:
    bench = any_store
    stock = await bench.stock()
    order = await bench.create()
    books, request = BookState.of(order), refund(order, restock=restock)
    done = await bench.store.refund_order(order, request)
    assert isinstance(done, Done), done
    read = await bench.shown(order, done, request.quantities)
    _is_booked(books, read, TOKEN, dict(request.quantities))
    assert {row.left for row in read.rows} == {0}
    if read.keeps_money:
        assert read.total_refunded == read.total_paid
    if stock is not None and bench.restock_is_chosen:
        assert await bench.stock() == stock - (0 if restock else 2)
    # Again, as after a lost answer: nothing further.
    assert isinstance(await bench.store.refund_order(order, request), AlreadyDone | Done)
    assert len((await bench.read(order.id)).refunds) == 1


async def test_a_partial_refund_takes_its_units_and_the_rest_closes_to_the_cent(any_store: StoreBench) -> None:
    bench = any_store
    sold = [bench.line("33.33", seller="3.34", tax="2.47") for _ in range(3)]
    order = await bench.create(bench.order(*sold, shipping="15", shipping_tax="1.24", region="US"))
    books, row, able = BookState.of(order), order.rows[0].id, await bench.store.capabilities()
    part = await bench.store.refund_order(order, refund(order, {row: 1}, token="1" * 16))
    if not able.partial_refunds:
        assert isinstance(part, Rejected), part
        assert able.partial_because
        assert await bench.read(order.id) == order
        return
    assert isinstance(part, Done), part
    read = await bench.shown(order, part, {row: 1})
    _is_booked(books, read, "1" * 16, {row: 1})
    books, request = BookState.of(read), refund(read, token="2" * 16)
    whole = await bench.store.refund_order(read, request)
    assert isinstance(whole, Done), whole
    after = await bench.shown(read, whole, request.quantities)
    _is_booked(books, after, "2" * 16, dict(request.quantities))
    if after.keeps_money:
        assert sum(memo.total.amount for memo in after.refunds) == after.total_refunded.amount == Decimal("113.62")


async def test_more_than_is_left_books_nothing(any_store: StoreBench) -> None:
    bench = any_store
    order = await bench.create()
    row = order.rows[0].id
    if not (await bench.store.capabilities()).partial_refunds:
        assert isinstance(await bench.store.refund_order(order, refund(order, {row: 1})), Rejected)
        return
    first = await bench.store.refund_order(order, refund(order, {row: 1}, token="1" * 16))
    read = await bench.shown(order, first, {row: 1})
    again = await bench.store.refund_order(order, refund(order, {row: 2}, token="2" * 16))
    assert isinstance(again, Rejected | AlreadyDone), again
    assert (await bench.read(order.id)).refunds == read.refunds


async def test_a_refund_whose_answer_was_lost_is_open_shows_and_is_not_made_twice(any_box: BoxBench) -> None:
    bench = any_box
    order = await bench.create()
    books, request = BookState.of(order), refund(order)
    await bench.fault("cut", "refund")
    answer = await bench.store.refund_order(order, request)
    assert isinstance(answer, Unknown), answer
    read = await bench.shown(order, answer, request.quantities)
    _is_booked(books, read, TOKEN, dict(request.quantities))
    again = await bench.again().refund_order(order, request)
    assert isinstance(again, AlreadyDone | Done), again
    assert (await bench.read(order.id)).refunds == read.refunds


async def test_a_refund_that_broke_before_its_work_is_open_and_nothing_shows(any_box: BoxBench) -> None:
    bench = any_box
    order = await bench.create()
    await bench.fault("refuse", "refund")
    assert isinstance(await bench.store.refund_order(order, refund(order)), Unknown)
    await bench.fault("fail", "refund", status=502)
    assert isinstance(await bench.store.refund_order(order, refund(order)), Unknown)
    assert (await bench.read(order.id)).refunds == ()


async def test_an_answer_that_is_no_answer_is_believed_by_nobody(any_box: BoxBench) -> None:
    bench = any_box
    order = await bench.create()
    plan = await bench.plan(bench.order())
    garbage = {"status": 200, "body": "<html>welcome to the login page of a proxy</html>", "content_type": "text/html"}
    await bench.fault("fail", "refund", **garbage)
    assert isinstance(await bench.store.refund_order(order, refund(order)), Unknown)
    await bench.fault("fail", "create", **garbage)
    assert isinstance(await bench.store.create_order(plan), Unknown)
    await bench.fault("fail", "read", **garbage)
    with pytest.raises(RemoteProblem) as problem:
        await bench.store.read_order(order.id)
    assert isinstance(problem.value.outcome, Retry)
    assert (await bench.read(order.id)).refunds == ()


async def test_what_a_person_took_back_in_the_store_is_not_ours_and_not_done_again(any_box: BoxBench) -> None:
    bench = any_box
    order = await bench.create()
    await bench.take_back(order)
    read = await bench.read(order.id)
    assert {row.left for row in read.rows} == {0}
    assert read.refunds or read.is_cancelled
    assert not any(memo.is_ours for memo in read.refunds)
    again = await bench.store.refund_order(order, refund(order))
    assert isinstance(again, AlreadyDone | Rejected), again
    assert (await bench.read(order.id)).refunds == read.refunds


async def test_an_order_that_is_gone_is_refused(any_store: StoreBench) -> None:
    order = await any_store.create()
    gone = replace(order, id="99999999")
    assert isinstance(await any_store.store.refund_order(gone, refund(gone)), Rejected | AlreadyDone)
    assert await any_store.read(order.id) == order


# --- reading ----------------------------------------------------------------------------------------------------------


async def test_what_is_not_there_is_none(any_store: StoreBench) -> None:
    assert await any_store.store.read_order("99999999") is None
    assert await any_store.store.read_order("1/../2") is None
    assert await any_store.store.resolve("orders/update", "1/../2") is None
    assert await any_store.store.find_orders("", []) == ()


async def test_a_word_that_nobody_has_heard_of_takes_no_unit_and_hides_no_order(any_box: BoxBench) -> None:
    bench = any_box
    order = await bench.create()
    bench.rewords.words = bench.unheard
    read = await bench.again().read_order(order.id)
    assert bench.rewords.changed
    assert read is not None
    assert (read.rows, read.refunds, read.is_cancelled) == (order.rows, (), False)
    assert read.refund_word == bench.platform.refund_word
    assert (read.grand_total, read.total_paid, read.total_refunded) == (
        order.grand_total,
        order.total_paid,
        order.total_refunded,
    )
    page = await bench.again().changed("orders", order.updated_at, None)
    assert order.id in {one.order_id for one in page.items}


async def test_salable_leaves_out_what_the_store_cannot_tell(any_store: StoreBench) -> None:
    told = await any_store.store.salable(any_store.view, [any_store.sku, "a/b", "no-such-sku-anywhere"])
    assert told is None or set(told) == {any_store.sku}


async def test_capabilities_say_why_not(any_store: StoreBench) -> None:
    able = await any_store.store.capabilities()
    assert able.read_at is not None
    assert able.refunds_work or able.refunds_because
    assert able.restock_allowed or able.restock_because
    assert able.partial_refunds or able.partial_because
    assert able.one_way is any_store.platform.one_way
    assert isinstance(any_store.store, HoldsFulfilment) if able.holds_fulfilment else able.holds_because


# --- trouble ----------------------------------------------------------------------------------------------------------


async def test_too_many_calls_are_put_off_and_nothing_was_done(any_box: BoxBench) -> None:
    bench = any_box
    order = await bench.create()
    plan = await bench.plan(bench.order())
    await bench.fault("fail", "refund", status=429, headers={"Retry-After": "7"})
    refused = await bench.store.refund_order(order, refund(order))
    await bench.fault("fail", "create", status=429, headers={"Retry-After": "7"})
    put_off = await bench.again().create_order(plan)
    await bench.fault("fail", "read", status=429, headers={"Retry-After": "7"})
    with pytest.raises(RemoteProblem) as problem:
        await bench.again().read_order(order.id)
    for outcome in (refused, put_off, problem.value.outcome):
        assert isinstance(outcome, Retry), outcome
        assert outcome.throttled
    assert (await bench.again().read_order(order.id)) == order
    assert bench.made() == 1


async def test_credentials_that_are_taken_no_more_ask_a_person_and_show_nothing(any_box: BoxBench) -> None:
    bench = any_box
    order = await bench.create()
    plan = await bench.plan(bench.order())
    await bench.revoke()
    answers = [await bench.again().refund_order(order, refund(order)), await bench.again().create_order(plan)]
    with pytest.raises(RemoteProblem) as problem:
        await bench.again().read_order(order.id)
    answers.append(problem.value.outcome)
    for answer in answers:
        assert isinstance(answer, Reauth), answer
        assert answer.because
    _shows_no_secret(bench, *map(str, answers), str(problem.value))
    assert bench.made() == 1


def _shows_no_secret(bench: BoxBench, *texts: str) -> None:
    assert bench.secrets
    for text in texts:
        assert not [secret for secret in bench.secrets if secret in text]


async def test_no_store_connector_or_outcome_shows_a_secret(any_box: BoxBench) -> None:
    bench = any_box
    order = await bench.create()
    plan = await bench.plan(bench.order())
    texts = [repr(bench.store), repr(bench.connector), repr(bench.door), repr(vars(bench.connector))]
    told = " ".join(bench.secrets)
    await bench.fault("fail", "create", status=500, body=told)
    texts.append(repr(await bench.store.create_order(plan)))
    await bench.fault("fail", "refund", status=500, body=told)
    texts.append(repr(await bench.store.refund_order(order, refund(order))))
    _shows_no_secret(bench, *texts)
