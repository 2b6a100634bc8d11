"""What `bridge.ports.Channel` promises, asked of every channel: a platform passes this, or it does not ship."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bridge.domain.outcomes import AlreadyDone, Done, Reauth, Rejected, RemoteProblem, Retry, Unknown
from bridge.ports import TEST_TOPIC, HookRefused, Known
from tests.contract.channel.channel_bench import ChannelBench
from tests.support.letterbox import letterbox

PUBLIC = "https://bridge.example"
MARK = "0f9c2b7a" * 4


def _shows_no_secret(bench: ChannelBench, *texts: str) -> None:
    assert bench.secrets
    for text in texts:
        assert not [secret for secret in bench.secrets if secret in text]


# --- effects ----------------------------------------------------------------------------------------------------------


async def test_an_order_is_cancelled_once_and_shows_it(any_channel: ChannelBench) -> None:
    bench = any_channel
    order = await bench.read(await bench.place())
    assert (len(order.living), order.requests()) == (2, ())
    reasons = await bench.channel.cancel_reasons(order)
    assert reasons is None or bench.reason in reasons
    outcome = await bench.channel.cancel_order(order, bench.reason, None)
    assert isinstance(outcome, Done), outcome
    read = await bench.read(order.id)
    assert read.living == ()
    assert [one.id for one in read.cancellations] == [outcome.reference]
    assert isinstance(await bench.channel.cancel_order(order, bench.reason, None), AlreadyDone)
    assert await bench.done(order.id) == 1


@pytest.mark.parametrize("act", ["cancel", "approve"])
async def test_what_was_cut_after_the_work_is_open_and_a_look_tells(any_channel: ChannelBench, act: str) -> None:
    bench = any_channel
    if act == "cancel":
        order = await bench.read(await bench.place())
        await bench.fault("cut", "cancel")
        outcome = await bench.channel.cancel_order(order, bench.reason, None)
    else:
        order, request = await bench.asked()
        await bench.fault("cut", "approve")
        outcome = await bench.channel.approve_cancellation(request.id, "token-1")
    assert isinstance(outcome, Unknown), outcome
    assert (await bench.read(order.id)).living == ()
    assert await bench.done(order.id) == 1


async def test_what_broke_before_the_work_is_open_and_changes_nothing(any_channel: ChannelBench) -> None:
    bench = any_channel
    order = await bench.read(await bench.place())
    garbage = {"status": 200, "body": "<html>welcome to the login page of a proxy</html>", "content_type": "text/html"}
    for kind, more in (("refuse", {}), ("fail", {"status": 500}), ("fail", garbage)):
        await bench.fault(kind, "cancel", **more)
        assert isinstance(await bench.channel.cancel_order(order, bench.reason, None), Unknown)
    await bench.fault("fail", "read", **garbage, times=1)
    with pytest.raises(RemoteProblem) as problem:
        await bench.channel.read_order(order.id)
    assert isinstance(problem.value.outcome, Retry)
    read = await (await bench.again()).read_order(order.id)
    assert read is not None
    assert len(read.living) == 2
    assert await bench.done(order.id) == 0


async def test_a_reason_that_is_none_changes_nothing(any_channel: ChannelBench) -> None:
    bench = any_channel
    order = await bench.read(await bench.place())
    assert isinstance(await bench.channel.cancel_order(order, "no_such_reason", None), Rejected)
    assert len((await bench.read(order.id)).living) == 2


async def test_single_lines_go_alone_or_not_at_all(any_channel: ChannelBench) -> None:
    bench = any_channel
    order = await bench.read(await bench.place())
    unit = frozenset({order.living[0].id})
    able = await bench.channel.line_cancel_reasons(order, unit)
    assert able.keys or able.because
    outcome = await bench.channel.cancel_order(order, able.keys[0] if able.keys else bench.reason, unit)
    read = await bench.read(order.id)
    if able.keys:
        assert isinstance(outcome, Done), outcome
        assert {one.id for one in read.living} == {one.id for one in order.living} - unit
    else:
        assert isinstance(outcome, Rejected), outcome
        assert len(read.living) == 2


async def test_a_buyers_request_is_read_and_approved_once(any_channel: ChannelBench) -> None:
    bench = any_channel
    order, request = await bench.asked()
    assert len(order.living) == 2, "a request kills nothing"
    assert isinstance(await bench.channel.cancel_order(order, bench.reason, None), AlreadyDone)
    assert isinstance(await bench.channel.approve_cancellation(request.id, "token-1"), Done)
    assert (await bench.read(order.id)).living == ()
    assert isinstance(await bench.channel.approve_cancellation(request.id, "token-2"), AlreadyDone)
    assert await bench.done(order.id) == 1


async def test_a_buyers_request_is_rejected_with_a_reason_that_is_listed(any_channel: ChannelBench) -> None:
    bench = any_channel
    order, request = await bench.asked()
    assert isinstance(await bench.channel.reject_cancellation(request.id, "no_such_reason", "", "token-1"), Rejected)
    listed = await bench.channel.reject_reasons(request.id)
    assert all(reason.key and reason.text for reason in listed)
    done = await bench.channel.reject_cancellation(request.id, listed[0].key, "已打包 – packed", "token-2")
    assert isinstance(done, Done), done
    read = await bench.read(order.id)
    assert (len(read.living), read.requests()) == (2, ())


# --- reading ----------------------------------------------------------------------------------------------------------


async def test_what_is_not_there_is_none(any_channel: ChannelBench) -> None:
    assert await any_channel.channel.read_order("999999999999999999") is None
    assert await any_channel.channel.read_order("1/../2") is None


async def test_an_order_tells_what_each_unit_cost(any_channel: ChannelBench) -> None:
    order = await any_channel.read(await any_channel.place())
    assert len({unit.id for unit in order.units}) == 2
    assert all(unit.seller_sku and unit.sale_price.currency == order.payment.total.currency for unit in order.units)
    assert order.created_at.tzinfo is not None


async def test_nothing_is_left_out_of_a_sweep(any_channel: ChannelBench) -> None:
    bench = any_channel
    since = datetime.now(UTC) - timedelta(hours=1)
    for stream in bench.channel.streams:
        assert await bench.channel.newest(stream.name) is None
        assert (await bench.channel.changed(stream.name, since, None)).items == ()
        assert stream.overlap > timedelta(0)
    made = {(await bench.asked())[0].id for _ in range(3)}
    for stream in bench.channel.streams:
        found, page = set[str](), None
        while True:
            read = await bench.channel.changed(stream.name, since, page)
            found |= {one.order_id for one in read.items}
            page = read.next_page
            if page is None:
                break
        if stream.name in {"orders", "cancellations"}:
            assert found == made
            assert await bench.channel.newest(stream.name) is not None


# --- trouble ----------------------------------------------------------------------------------------------------------


async def test_too_many_calls_are_put_off_and_nothing_was_done(any_channel: ChannelBench) -> None:
    bench = any_channel
    order = await bench.read(await bench.place())
    await bench.fault("fail", "cancel", status=429, headers={"Retry-After": "7"})
    put_off = await bench.channel.cancel_order(order, bench.reason, None)
    await bench.fault("fail", "read", status=429, headers={"Retry-After": "7"}, times=1)
    with pytest.raises(RemoteProblem) as problem:
        await bench.channel.read_order(order.id)
    for outcome in (put_off, problem.value.outcome):
        assert isinstance(outcome, Retry), outcome
        assert (outcome.throttled, outcome.after) == (True, 7.0)
    assert await bench.done(order.id) == 0


async def test_a_grant_that_was_withdrawn_needs_a_person_and_shows_nothing(any_channel: ChannelBench) -> None:
    bench = any_channel
    order = await bench.read(await bench.place())
    await bench.withdraw_grant()
    outcome = await bench.channel.cancel_order(order, bench.reason, None)
    with pytest.raises(RemoteProblem) as problem:
        await bench.channel.read_order(order.id)
    for answer in (outcome, problem.value.outcome):
        assert isinstance(answer, Reauth), answer
        assert answer.because
    _shows_no_secret(bench, repr(outcome), repr(problem.value), repr(bench.channel), repr(bench.connector))


async def test_no_outcome_shows_a_secret_that_an_answer_repeats(any_channel: ChannelBench) -> None:
    bench = any_channel
    order = await bench.read(await bench.place())
    await bench.fault("fail", "cancel", status=500, body=" ".join(bench.secrets))
    _shows_no_secret(bench, repr(await bench.channel.cancel_order(order, bench.reason, None)))


# --- connecting and messages ------------------------------------------------------------------------------------------


async def test_wrong_credentials_are_told_without_being_shown(any_channel: ChannelBench) -> None:
    bench = any_channel
    wrong = bench.connector.check(bench.wrong)
    with pytest.raises(RemoteProblem) as problem:
        await bench.connector.connect("c1", bench.url, wrong, PUBLIC)
    assert isinstance(problem.value.outcome, Reauth)
    _shows_no_secret(bench, str(problem.value), repr(problem.value.__cause__), repr(problem.value.__context__))
    assert "wrong-secret" not in str(problem.value)
    with pytest.raises(ValueError, match=r"\w"):
        bench.connector.check({})


async def test_doctor_looks_and_says_what_it_saw(any_channel: ChannelBench) -> None:
    bench = any_channel
    looked = await bench.connector.examine("c1", bench.url, bench.credentials, PUBLIC, mend=True, known=Known())
    assert looked.problem is None
    assert looked.connected is not None
    assert looked.connected.shops
    assert not [one for one in looked.findings if one.level == "error"]
    _shows_no_secret(bench, *(one.text for one in looked.findings), repr(looked.connected.facts))


async def test_what_is_delivered_is_verified_and_leads_to_its_order(any_channel: ChannelBench) -> None:
    bench, keys = any_channel, any_channel.platform.keys(any_channel.credentials)
    stranger = bench.platform.keys(bench.wrong)
    async with letterbox() as post:
        connected = await bench.connector.connect("c1", bench.url, bench.credentials, post.url)
        assert connected.shops
        order_id = await bench.place()
        subjects: set[str] = set()
        while order_id not in subjects:
            came = await post.next()
            topic = bench.topic_of(came.path)
            hint = bench.door.read(topic, came.headers, came.raw, keys)
            assert hint.dedupe
            assert hint.shop in {shop.channel_shop_id for shop in connected.shops}
            assert bench.door.read(topic, came.headers, came.raw, (*stranger, *keys)).dedupe == hint.dedupe
            for raw, tried in ((came.raw, stranger), (came.raw + b" ", keys)):
                with pytest.raises(HookRefused) as refused:
                    bench.door.read(topic, came.headers, raw, tried)
                assert refused.value.status == 401
            if hint.topic in bench.platform.topics:
                subjects.add(hint.subject)


async def test_doctors_test_delivery_passes_the_door_and_names_nothing(any_channel: ChannelBench) -> None:
    bench = any_channel
    sent = bench.connector.test_delivery("c1", bench.credentials, PUBLIC, MARK)
    assert sent is not None
    assert sent.url in bench.connector.hook_urls(PUBLIC, "c1", bench.credentials)
    keys = bench.platform.keys(bench.credentials)
    hint = bench.door.read(bench.topic_of(sent.url), sent.headers, sent.body, keys)
    assert (hint.topic, hint.subject) == (TEST_TOPIC, MARK)
    _shows_no_secret(bench, repr(sent))
