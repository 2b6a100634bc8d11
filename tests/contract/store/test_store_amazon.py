"""The Amazon connector against a seller's sandbox, in both versions of the API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge.connectors.amazon.finding import MOST_PAGES
from bridge.domain.outcomes import AlreadyDone, Done, Reauth, Rejected, RemoteProblem, Retry, Unknown
from bridge.ports import Known
from bridge.sandbox.amazon import life
from bridge.sandbox.amazon.model import Status
from bridge.sandbox.faults import Fault
from tests.contract.store.amazon_bench import AmazonBench, open_amazon
from tests.contract.store.store_bench import refund
from tests.unit.magento.orders import cancelled as with_cancelled

OLD, NEW = "2020-07-01", "2026-07-04"


@pytest.fixture(params=[OLD, NEW])
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[AmazonBench]:
    async with open_amazon(api_version=request.param) as made:
        yield made


@pytest.fixture
async def old() -> AsyncIterator[AmazonBench]:
    async with open_amazon() as made:
        yield made


def is_old(bench: AmazonBench) -> bool:
    return bool(bench.credentials.get("api_version", OLD) == OLD)


# --- making -----------------------------------------------------------------------------------------------------------


async def test_what_is_made_is_read_back_row_by_row_and_a_repeat_finds_it(bench: AmazonBench) -> None:
    order = bench.sale()
    plan = await bench.plan(order)
    made = await bench.store.create_order(plan)
    assert isinstance(made, Done)
    there = bench.there(plan.number)
    assert {item.sku: item.quantity for item in there.items} == {"SKU-A": 2, "SKU-B": 1}
    assert there.address["addressLine1"] == "1 Main St"
    seen = await bench.read(made.reference)
    assert [(row.sku, row.ordered, row.left) for row in seen.rows] == [("SKU-A", 2, 2), ("SKU-B", 1, 1)]
    assert isinstance(await bench.store.create_order(plan), AlreadyDone)
    assert [one.number for one in await bench.store.find_orders(order.id, [plan.number])] == [plan.number]
    assert there.creates == 1
    assert bench.calls("POST", "[oO]rders") == 1


@pytest.mark.parametrize("kind", ["cut", "late"])
async def test_a_create_whose_answer_was_lost_is_unknown_and_found_by_a_look(bench: AmazonBench, kind: Any) -> None:
    plan = await bench.plan(bench.sale())
    bench.box.faults.add(Fault(kind=kind, method="POST", path="[oO]rders"))
    assert isinstance(await bench.store.create_order(plan), Unknown)
    while plan.number not in bench.box.orders:
        await bench.session.get(bench.url)  # a late one lands a moment after
    assert isinstance(await bench.store.create_order(plan), AlreadyDone)
    assert bench.there(plan.number).creates == 1


async def test_a_refused_create_says_why_and_nothing_about_the_buyer(bench: AmazonBench) -> None:
    told = '{"errors": [{"code": "InvalidInput", "message": "Robin Sample of 1 Main St, Austin cannot be reached"}]}'
    bench.box.faults.add(
        Fault(kind="fail", method="POST", path="[oO]rders", status=400, body=told, content_type="application/json")
    )
    refused = await bench.store.create_order(await bench.plan(bench.sale()))
    assert isinstance(refused, Rejected)
    assert "cannot be reached" in refused.because
    for private in ("Robin", "Main St", "Austin"):
        assert private not in refused.because


async def test_a_refused_create_of_an_order_that_is_there_after_all_is_found(bench: AmazonBench) -> None:
    """The one before landed between our look and our call."""
    plan = await bench.plan(bench.sale())
    bench.box.faults.add(Fault(kind="late", method="POST", path="[oO]rders", seconds=0.0))
    assert isinstance(await bench.store.create_order(plan), Unknown)
    found = await bench.store.create_order(plan)
    assert isinstance(found, (AlreadyDone, Done))
    assert len([one for one in bench.box.orders if one == plan.number]) == 1


async def test_a_plan_in_the_words_of_the_other_version_is_not_sent(bench: AmazonBench) -> None:
    plan = await bench.plan(bench.sale())
    other = bench.again(api_version=NEW if is_old(bench) else OLD)
    refused = await other.create_order(plan)
    assert isinstance(refused, Rejected)
    assert refused.code == "other_version"
    assert bench.box.orders == {}


# --- cancelling -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [Status.RECEIVED, Status.PLANNING])
async def test_a_cancellation_cancels_once_and_its_stock_is_back(bench: AmazonBench, status: Status) -> None:
    order = await bench.create(bench.sale())
    bench.move(order.id, status)
    assert bench.box.stock["SKU-A"] == 98
    done = await bench.store.refund_order(order, refund(order))
    assert isinstance(done, Done)
    seen = await bench.read(order.id)
    assert seen.state == "cancelled"
    assert [row.left for row in seen.rows] == [0, 0]
    assert bench.box.stock["SKU-A"] == 100
    assert isinstance(await bench.store.refund_order(order, refund(order)), AlreadyDone)
    assert bench.box.effects["cancel"] == 1
    assert bench.calls("PUT", "cancel") == 1


async def test_a_cancellation_that_takes_its_time_is_followed_to_its_end(bench: AmazonBench) -> None:
    order = await bench.create(bench.sale())
    bench.box.settings.cancel_seconds = None
    done = await bench.store.refund_order(order, refund(order))
    assert isinstance(done, Done)
    assert done.reference
    step = await bench.store.progress(order.id, done.reference)
    assert step is not None
    assert step.state == "working"
    assert (await bench.read(order.id)).state != "cancelled"
    life.run_due(bench.box, by_hand=True)
    assert (await bench.read(order.id)).state == "cancelled"


async def test_a_cancellation_that_lost_the_race_has_failed(bench: AmazonBench) -> None:
    """Amazon took it and picked the units all the same. The newer version shows that only when the parcel left."""
    order = await bench.create(bench.sale())
    bench.box.settings.cancel_lost_next = 1
    done = await bench.store.refund_order(order, refund(order))
    assert isinstance(done, Done)
    if not is_old(bench):
        waiting = await bench.store.progress(order.id, done.reference)
        assert waiting is not None
        assert waiting.state == "working"
        bench.move(order.id, Status.COMPLETE)
    step = await bench.store.progress(order.id, done.reference)
    assert step is not None
    assert step.state == "failed"
    assert "too late" in step.because
    assert "return or refuse" in step.because


@pytest.mark.parametrize("status", [Status.PROCESSING, Status.COMPLETE])
@pytest.mark.parametrize("answers", ["refused", "accepted"])
async def test_too_late_is_refused_with_what_to_do(bench: AmazonBench, status: Status, answers: Any) -> None:
    order = await bench.create(bench.sale())
    bench.move(order.id, status)
    bench.box.settings.cancel_too_late = answers
    outcome = await bench.store.refund_order(order, refund(order))
    is_tried = not is_old(bench) and status is Status.PROCESSING
    if is_tried and answers == "accepted":
        assert isinstance(outcome, Done)  # the newer version tells no more before the end
    else:
        assert isinstance(outcome, Rejected)
        assert "return or refuse" in outcome.because
    assert bench.calls("PUT", "cancel") == (1 if is_tried else 0)
    assert bench.box.effects["cancel"] == 0


async def test_new_is_waited_for_and_then_cancelled(old: AmazonBench) -> None:
    old.box.settings.first_status = Status.NEW
    order = await old.create(old.sale())
    assert order.barrier is not None
    assert order.barrier.passes
    outcome = await old.store.refund_order(order, refund(order))
    assert isinstance(outcome, Retry)
    assert outcome.after == 60
    assert old.calls("PUT", "cancel") == 0
    old.move(order.id, Status.RECEIVED)
    assert isinstance(await old.store.refund_order(order, refund(order)), Done)


async def test_some_units_are_never_cancelled(bench: AmazonBench) -> None:
    order = await bench.create(bench.sale())
    outcome = await bench.store.refund_order(order, refund(order, {order.rows[0].id: 1}))
    assert isinstance(outcome, Rejected)
    assert "whole orders only" in outcome.because
    # Nor when somebody thought them to be all: another unit lives in the order.
    stale = replace(order, rows=order.rows[:1])
    outcome = await bench.store.refund_order(stale, refund(stale))
    assert isinstance(outcome, Rejected)
    assert bench.calls("PUT", "cancel") == 0


@pytest.mark.parametrize("status", [Status.CANCELLED, Status.INVALID, Status.UNFULFILLABLE])
async def test_what_will_not_be_sent_needs_no_cancellation(bench: AmazonBench, status: Status) -> None:
    order = await bench.create(bench.sale())
    bench.move(order.id, status)
    assert (await bench.read(order.id)).state == "cancelled"
    assert isinstance(await bench.store.refund_order(order, refund(order)), AlreadyDone)
    assert bench.calls("PUT", "cancel") == 0


async def test_a_cancel_whose_answer_was_lost_is_unknown_and_shows_itself(bench: AmazonBench) -> None:
    order = await bench.create(bench.sale())
    bench.box.faults.add(Fault(kind="cut", method="PUT", path="cancel"))
    assert isinstance(await bench.store.refund_order(order, refund(order)), Unknown)
    assert (await bench.read(order.id)).state == "cancelled"
    assert bench.box.effects["cancel"] == 1


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (Fault(kind="refuse", method="PUT", path="cancel"), Unknown),
        (Fault(kind="fail", method="PUT", path="cancel", status=503), Unknown),
        (Fault(kind="fail", method="PUT", path="cancel", status=429), Retry),
        (Fault(kind="fail", method="GET", path="rders/", status=500), Retry),
    ],
)
async def test_trouble_on_the_way_cancels_nothing(bench: AmazonBench, fault: Fault, outcome: type) -> None:
    order = await bench.create(bench.sale())
    bench.box.faults.add(fault.model_copy())
    assert isinstance(await bench.store.refund_order(order, refund(order)), outcome)
    assert (await bench.read(order.id)).state != "cancelled"


async def test_errors_in_a_success_are_a_refusal(bench: AmazonBench) -> None:
    order = await bench.create(bench.sale())
    told = '{"errors": [{"code": "InvalidInput", "message": "not now"}]}'
    bench.box.faults.add(Fault(kind="fail", method="PUT", path="cancel", status=200, body=told))
    assert isinstance(await bench.store.refund_order(order, refund(order)), Rejected)
    assert (await bench.read(order.id)).state != "cancelled"


async def test_an_order_that_is_gone_is_said(bench: AmazonBench) -> None:
    order = await bench.create(bench.sale())
    bench.box.orders.clear()
    outcome = await bench.store.refund_order(order, refund(order))
    assert isinstance(outcome, Rejected)
    assert outcome.code == "not_found"


# --- reading and finding ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 403, 404])
async def test_an_order_that_nobody_knows_is_nothing_however_amazon_says_it(bench: AmazonBench, status: Any) -> None:
    bench.box.settings.missing_status = status
    assert await bench.store.read_order("TT-1") is None
    assert await bench.store.find_orders("576400000000000001", ["TT-1"]) == ()


async def test_a_role_that_is_lacking_is_not_taken_for_an_order_that_is_not_there(bench: AmazonBench) -> None:
    bench.box.tokens.role_granted = False
    with pytest.raises(RemoteProblem) as caught:
        await bench.store.read_order("TT-1")
    assert isinstance(caught.value.outcome, Reauth)


@pytest.mark.parametrize("seller_id", ["{id}", "TT-{id}", "AS-{id}/x y"])
async def test_another_programs_order_is_found_by_a_pattern(bench: AmazonBench, seller_id: str) -> None:
    order = bench.sale()
    named = seller_id.replace("{id}", order.id)
    theirs = await bench.create(bench.sale())
    there = bench.box.orders.pop(theirs.id)
    there.id = named
    bench.box.orders[named] = there
    found = await bench.store.find_orders(order.id, [f"TT-{order.id}", named])
    assert [one.number for one in found] == [named]
    listed = bench.calls("GET", r"(queryStartDate|updatedAfter)")
    assert listed == 1  # the one that connecting made


async def test_an_order_that_no_pattern_finds_is_found_by_the_number_on_its_papers(old: AmazonBench) -> None:
    order = old.sale()
    theirs = await old.create(old.sale())
    there = old.box.orders.pop(theirs.id)
    there.id, there.displayed_id = "AS-7781", order.id
    old.box.orders["AS-7781"] = there
    since = datetime.now(UTC) - timedelta(hours=1)
    assert [one.number for one in await old.store.find_orders(order.id, [], (), since)] == ["AS-7781"]
    before = old.calls("GET", "queryStartDate")
    assert await old.store.find_orders("576499999999999999", [], (), since) == ()
    assert old.calls("GET", "queryStartDate") == before  # one list for all sales of a minute
    silent = old.again(scan="no")
    assert await silent.find_orders(order.id, [], (), since) == ()


async def test_too_many_orders_to_look_through_are_said_and_not_passed_over(old: AmazonBench) -> None:
    old.box.settings.page_size = 1
    made = await old.create(old.sale())
    there = old.there(made.id)
    for number in range(MOST_PAGES + 1):
        old.box.orders[f"X-{number}"] = replace(there, id=f"X-{number}", displayed_id="")
    with pytest.raises(RemoteProblem, match="link_patterns"):
        await old.store.find_orders("576499999999999999", [], (), datetime.now(UTC) - timedelta(hours=1))


async def test_a_sweep_reads_every_page_and_begins_again_where_its_place_is_lost(bench: AmazonBench) -> None:
    made = [await bench.create(bench.sale()) for _ in range(5)]
    bench.box.settings.page_size = 2
    since = datetime.now(UTC) - timedelta(minutes=5)
    newest = await bench.store.newest("orders")
    assert newest is not None
    found: list[str] = []
    page: str | None = None
    while True:
        rows = await bench.store.changed("orders", since, page)
        found += [row.order_id for row in rows.items]
        page = rows.next_page
        if page is None:
            break
    assert set(found) == {order.id for order in made}
    first = await bench.store.changed("orders", since, None)
    assert first.next_page is not None
    bench.box.forget_pages()
    with pytest.raises(RemoteProblem) as caught:
        await bench.store.changed("orders", since, first.next_page)
    assert isinstance(caught.value.outcome, Rejected)
    assert all(row.number == row.order_id for row in first.items)


async def test_a_cancelled_order_is_swept_by_the_time_of_its_cancellation(bench: AmazonBench) -> None:
    order = await bench.create(bench.sale())
    bench.there(order.id).updated_at -= timedelta(hours=2)
    cursor = datetime.now(UTC) - timedelta(minutes=30)
    assert (await bench.store.changed("orders", cursor, None)).items == ()
    bench.move(order.id, Status.CANCELLED)
    [row] = (await bench.store.changed("orders", cursor, None)).items
    assert (row.order_id, row.updated_at) == (order.id, (await bench.read(order.id)).updated_at)


# --- who we are -------------------------------------------------------------------------------------------------------


async def test_a_token_that_ended_is_renewed_and_the_cancellation_made_once(bench: AmazonBench) -> None:
    order = await bench.create(bench.sale())
    bench.box.tokens.end_all()
    assert isinstance(await bench.store.refund_order(order, refund(order)), Done)
    assert bench.box.effects["cancel"] == 1


async def test_a_withdrawn_authorization_needs_a_person(bench: AmazonBench) -> None:
    order = await bench.create(bench.sale())
    bench.box.tokens.authorized = False
    outcome = await bench.store.refund_order(order, refund(order))
    assert isinstance(outcome, Reauth)
    assert "refresh token" in outcome.because
    assert "Atz" not in outcome.because


async def test_every_call_is_counted_under_the_connection(bench: AmazonBench) -> None:
    await bench.create(bench.sale())
    assert set(bench.pace.names) == {"amazon:c1"}
    assert len(bench.pace.names) == bench.calls(".*", "rders")


async def test_what_it_can_do_is_told(bench: AmazonBench) -> None:
    able = await bench.store.capabilities()
    assert able.one_way
    assert not able.partial_refunds
    assert "whole orders only" in able.partial_because
    assert able.knows_its_stock
    assert isinstance(await bench.store.invoice_order("TT-1", reserve=False), AlreadyDone)
    assert await bench.store.resolve("orders", "1") is None
    assert await bench.store.salable("", ["SKU-A"]) is None


async def test_doctor_says_what_is_right_and_what_is_wrong(bench: AmazonBench) -> None:
    async def look() -> Any:
        kept = dict(bench.credentials)
        return await bench.connector.examine("c1", bench.url, kept, "", mend=True, known=Known())

    well = await look()
    assert {one.level for one in well.findings} == {"ok"}
    assert {"reachable", "authorized", "api_version", "no_messages", "token_life"} <= {
        one.code for one in well.findings
    }
    assert abs(well.clock_offset) < 60
    bench.box.tokens.role_granted = False
    ill = await look()
    assert [one.code for one in ill.findings] == ["not_authorized", "not_checked"]
    assert "Amazon Fulfillment" in ill.findings[0].text
    bench.box.tokens.role_granted = True
    bench.box.tokens.authorized = False
    ill = await look()
    assert ill.problem is not None
    assert isinstance(ill.problem.outcome, Reauth)


async def test_connecting_with_a_wrong_secret_says_which(old: AmazonBench) -> None:
    wrong = {**old.credentials, "client_secret": "amzn1.oa2-cs.v1.wrong", "access_token": ""}
    with pytest.raises(RemoteProblem, match="client id and secret"):
        await old.connector.connect("c1", old.url, wrong, "")


async def test_an_order_made_for_the_living_units_has_no_dead_one(bench: AmazonBench) -> None:
    seen = await bench.create(with_cancelled(bench.sale(), [0], None))
    assert [(row.sku, row.ordered) for row in seen.rows] == [("SKU-A", 1), ("SKU-B", 1)]
