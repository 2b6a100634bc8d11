from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import unused_port

from bridge.connectors.tiktok import client
from bridge.connectors.tiktok.connect import Rotating
from bridge.connectors.tiktok.credentials import tokens_of
from bridge.domain.outcomes import Done, Reauth, Rejected, RemoteProblem, Retry, Unknown
from bridge.ports import Channel
from tests.contract.channel.channel_world import World, out_of_stock, reading

OUT = out_of_stock("US")


async def test_an_expired_token_is_refreshed_once(world: World, channel: Channel, tokens: Rotating) -> None:
    order = await reading(channel, await world.place())
    old = tokens.tokens
    await world.control("POST", "/tokens/expire")
    assert isinstance(await channel.cancel_order(order, OUT, None), Done)
    assert tokens.tokens.access_token != old.access_token
    assert tokens.tokens.refresh_token != old.refresh_token
    assert (await reading(channel, order.id)).living == ()
    assert len(await world.calls("/api/v2/token/refresh")) == 1


async def test_a_refresh_token_that_was_used_is_dead(world: World, channel: Channel, tokens: Rotating) -> None:
    order_id = await world.place()
    old = tokens.tokens
    await world.control("POST", "/tokens/expire")
    await reading(channel, order_id)
    tokens.tokens = old
    with pytest.raises(RemoteProblem) as problem:
        await channel.read_order(order_id)
    assert isinstance(problem.value.outcome, Reauth)


@pytest.mark.parametrize("end", ["revoke", "expire-refresh", "scopes"])
async def test_a_grant_that_ended_needs_a_person(world: World, channel: Channel, end: str) -> None:
    order = await reading(channel, await world.place())
    if end == "expire-refresh":
        await world.control("POST", "/tokens/expire")
    await world.control("POST", f"/tokens/{end}", **({"scopes": []} if end == "scopes" else {}))
    outcome = await channel.cancel_order(order, OUT, None)
    assert isinstance(outcome, Reauth)
    assert "connect the TikTok Shop again" in outcome.because
    with pytest.raises(RemoteProblem) as problem:
        await channel.read_order(order.id)
    assert isinstance(problem.value.outcome, Reauth)


@pytest.mark.parametrize("retry_after", [7, None])
async def test_too_many_calls(world: World, channel: Channel, retry_after: int | None) -> None:
    order = await reading(channel, await world.place())
    await world.control("PATCH", "/settings", refuse_next=2, retry_after=retry_after)
    outcome = await channel.cancel_order(order, OUT, None)
    assert isinstance(outcome, Retry)
    assert outcome.throttled
    first = outcome.after or 0.0
    with pytest.raises(RemoteProblem) as problem:
        await channel.read_order(order.id)
    assert isinstance(problem.value.outcome, Retry)
    second = problem.value.outcome.after or 0.0
    if retry_after:
        assert first == second == 7.0
    else:
        assert 1.0 <= first < 2.0 <= second < 3.0
    assert isinstance(await channel.cancel_order(order, OUT, None), Done)


@pytest.mark.parametrize(
    ("fault", "write", "read"),
    [
        ({"kind": "fail", "status": 500, "body": "<html>"}, Unknown, Retry),
        ({"kind": "fail", "status": 503, "body": "busy"}, Retry, Retry),
        ({"kind": "fail", "status": 200, "body": "<html>"}, Unknown, Retry),
        ({"kind": "fail", "status": 404, "body": "gone"}, Rejected, Rejected),
        ({"kind": "fail", "status": 302, "headers": {"Location": "http://127.0.0.1:1/"}}, Unknown, Retry),
        ({"kind": "fail", "status": 200, "body": '{"code":36009003,"message":"Internal error"}'}, Unknown, Retry),
        ({"kind": "fail", "status": 200, "body": '{"code":36009007,"message":"timeout"}'}, Unknown, Retry),
        ({"kind": "fail", "status": 200, "body": '{"code":0,"data":{}}'}, Unknown, None),
        ({"kind": "refuse"}, Unknown, Retry),
    ],
)
async def test_a_platform_that_breaks(
    world: World, channel: Channel, fault: dict[str, Any], write: type, read: type | None
) -> None:
    order = await reading(channel, await world.place())
    await world.control("POST", "/faults", method="POST", path="/cancellations[?]", **fault)
    assert isinstance(await channel.cancel_order(order, OUT, None), write)
    # aiohttp repeats a GET once on a connection that was cut
    await world.control("POST", "/faults", method="GET", path="/order/202309/orders[?]", times=2, **fault)
    if read is None:
        assert await channel.read_order(order.id) is None
    else:
        with pytest.raises(RemoteProblem) as problem:
            await channel.read_order(order.id)
        assert isinstance(problem.value.outcome, read)
    await world.control("DELETE", "/faults")
    assert len((await reading(channel, order.id)).living) == 2


@pytest.mark.parametrize("minutes", [10, -10])
async def test_a_clock_ten_minutes_off_is_told_and_mends_itself(world: World, channel: Channel, minutes: int) -> None:
    order = await reading(channel, await world.place())
    world.clock.offset = timedelta(minutes=minutes)
    outcome = await channel.cancel_order(order, OUT, None)
    assert isinstance(outcome, Retry)
    assert "clock is" in outcome.because
    assert "NTP" in outcome.because
    world.clock.offset = timedelta(0)
    assert isinstance(await channel.cancel_order(order, OUT, None), Done)


async def test_a_wrong_secret(world: World) -> None:
    order_id = await world.place()
    for code in (106001, 36009004):
        await world.control("PATCH", "/settings", wrong_sign_code=code)
        credentials = await world.grant() | {"app_secret": "wrong"}
        tokens = Rotating(world.connector.authorizer(credentials), tokens_of(credentials))
        channel = world.connector.shop(world.base, credentials, tokens, world.shops["US"])
        with pytest.raises(RemoteProblem) as problem:
            await channel.read_order(order_id)
        assert isinstance(problem.value.outcome, Reauth)
        assert "app secret" in problem.value.outcome.because


async def test_nobody_there(world: World) -> None:
    order = await reading((await world.channel())[0], await world.place())
    credentials = await world.grant()
    tokens = Rotating(world.connector.authorizer(credentials), tokens_of(credentials))
    gone = world.connector.shop(f"http://127.0.0.1:{unused_port()}", credentials, tokens, world.shops["US"])
    assert isinstance(await gone.cancel_order(order, OUT, None), Retry)
    with pytest.raises(RemoteProblem) as problem:
        await gone.read_order(order.id)
    assert isinstance(problem.value.outcome, Retry)
    assert "sign" not in problem.value.outcome.because


async def test_no_answer_in_time_is_unknown_for_a_write_and_a_retry_for_a_read(
    world: World, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await reading(channel, await world.place())
    for name in ("READ_TIMEOUT", "WRITE_TIMEOUT"):
        monkeypatch.setattr(client, name, aiohttp.ClientTimeout(total=0.1))
    await world.control("POST", "/faults", kind="slow", seconds=0.5, path="/cancellations[?]|/order/202309/", times=2)
    assert isinstance(await channel.cancel_order(order, OUT, None), Unknown)
    with pytest.raises(RemoteProblem) as problem:
        await channel.read_order(order.id)
    assert isinstance(problem.value.outcome, Retry)


async def test_a_write_that_waited_too_long_for_its_token_is_not_sent(
    world: World, channel: Channel, tokens: Rotating, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lease under which it was decided may have run out meanwhile."""
    order = await reading(channel, await world.place())
    monkeypatch.setattr(client, "SEND_WITHIN", 0.3)
    await world.control("POST", "/tokens/expire")
    await world.control("POST", "/faults", kind="slow", seconds=0.5, path="/api/v2/token/refresh")
    assert isinstance(await channel.cancel_order(order, OUT, None), Retry)
    assert len(await world.calls("/cancellations[?]", "POST")) == 1  # the one that was refused
    assert isinstance(await channel.cancel_order(order, OUT, None), Done)


async def test_records_of_another_order_are_not_mixed_in(world: World, channel: Channel) -> None:
    """A filter that is not honoured: the answer holds somebody else's cancellation."""
    order_id = await world.place()
    stranger = {
        "cancel_id": "1",
        "order_id": "577999999999999999",
        "cancel_status": "CANCELLATION_REQUEST_SUCCESS",
        "create_time": 1795000000,
    }
    body = json.dumps({"code": 0, "data": {"cancellations": [stranger]}})
    await world.control("POST", "/faults", kind="fail", status=200, body=body, path="cancellations/search")
    assert (await reading(channel, order_id)).cancellations == ()


@pytest.mark.parametrize("data", [{"orders": [1]}, {"orders": {"a": 1}}, {"orders": [{"id": "ID"}]}])
async def test_answers_of_another_shape_are_refused_not_guessed(
    world: World, channel: Channel, data: dict[str, Any]
) -> None:
    order_id = await world.place()
    body = json.dumps({"code": 0, "data": data}).replace("ID", order_id)
    await world.control("POST", "/faults", kind="fail", status=200, body=body, path="/order/202309/orders[?]")
    with pytest.raises(RemoteProblem) as problem:
        await channel.read_order(order_id)
    assert isinstance(problem.value.outcome, Rejected)
    assert problem.value.outcome.code == "unreadable"


async def test_refusals_travelling_with_http_200(world: World, channel: Channel) -> None:
    await world.control("PATCH", "/settings", errors_with_http_200=True)
    order = await reading(channel, await world.place())
    await world.control("POST", "/tokens/expire")
    refused = await channel.cancel_order(order, "no_such_reason", None)
    assert isinstance(refused, Rejected)
    assert refused.code == "25001014"
