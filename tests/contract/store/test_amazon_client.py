"""One call to Amazon over real HTTP: what is sent, what is done with a token that ended, and what each end means."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bridge.connectors.amazon import auth
from bridge.connectors.amazon.client import LONGEST_WAIT, RATE, Client
from bridge.connectors.amazon.connect import AGENT
from bridge.connectors.amazon.wire import Answer, Call
from bridge.domain.outcomes import Reauth, Rejected, RemoteProblem, Retry, Unknown
from bridge.domain.pacing import Rate, Turn

GET = Call("GET", "/fba/outbound/2020-07-01/fulfillmentOrders/TT%2F1", {"nextToken": "a+b/="})
LIST = Call("GET", "/fba/outbound/2020-07-01/fulfillmentOrders")
PUT = Call("PUT", "/fba/outbound/2020-07-01/fulfillmentOrders/TT-1/cancel")
GRANT = {"client_id": "app-1", "client_secret": "cs-hidden", "refresh_token": "Atzr|hidden"}
Reply = web.Response | Callable[[web.Request], web.StreamResponse]


@dataclass
class Tokens:
    now: str = "Atza|first"
    renewed: list[str] = field(default_factory=list)

    async def access_token(self) -> str:
        return self.now

    async def refreshed(self, stale: str) -> str:
        self.renewed.append(stale)
        self.now = f"Atza|{len(self.renewed) + 1}"
        return self.now


@dataclass
class Bench:
    url: str
    client: Client
    tokens: Tokens
    replies: list[Any] = field(default_factory=list)
    heard: list[Any] = field(default_factory=list)
    turns: list[tuple[Rate, float]] = field(default_factory=list)
    turn: Turn = field(default_factory=lambda: Turn(is_taken=True, wait=0.0))


def told(status: int, code: str = "", message: str = "", **headers: str) -> web.Response:
    body = {"errors": [{"code": code, "message": message}]} if code else {}
    return web.json_response(body, status=status, headers={name.replace("_", "-"): v for name, v in headers.items()})


@asynccontextmanager
async def opened(*replies: Any, write_timeout: float = 5.0) -> AsyncIterator[Bench]:
    found: list[Bench] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        body = await request.read()
        found[0].heard.append((request.method, request.raw_path, dict(request.headers), body))
        reply = found[0].replies.pop(0)
        if isinstance(reply, web.Response):
            return reply
        made: web.StreamResponse = await reply(request)
        return made

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", answer)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        url, tokens = str(server.make_url("/")).rstrip("/"), Tokens()

        async def turn(rate: Rate, longest: float) -> Turn:
            found[0].turns.append((rate, longest))
            return found[0].turn

        client = Client(session, url, tokens, turn, user_agent=AGENT, allow_private=True, write_timeout=write_timeout)
        found.append(Bench(url, client, tokens, list(replies)))
        yield found[0]


async def _cut(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def test_a_call_carries_the_token_and_who_we_are_and_takes_one_turn() -> None:
    async with opened(web.json_response({"payload": {}})) as bench:
        assert await bench.client.read(GET) == {"payload": {}}
        [(method, path, headers, body)] = bench.heard
        assert (method, body) == ("GET", b"")
        assert path == "/fba/outbound/2020-07-01/fulfillmentOrders/TT%2F1?nextToken=a%2Bb/%3D"
        assert headers["x-amz-access-token"] == "Atza|first"
        assert "(Language=Python)" in headers["User-Agent"]
        assert "Authorization" not in headers
        assert bench.turns == [(RATE, LONGEST_WAIT)]
        assert bench.client.their_time is not None


@pytest.mark.parametrize("refused", [(401, "Unauthorized", "x"), (403, "Unauthorized", "The access token has expired")])
async def test_a_token_that_ended_is_renewed_once_and_the_call_made_again(refused: tuple[int, str, str]) -> None:
    async with opened(told(*refused), web.json_response({})) as bench:
        assert isinstance(await bench.client.write(PUT), Answer)
        assert bench.tokens.renewed == ["Atza|first"]
        assert [headers["x-amz-access-token"] for _, _, headers, _ in bench.heard] == ["Atza|first", "Atza|2"]
        assert len(bench.turns) == 2
    async with opened(told(*refused), told(*refused)) as bench:
        assert isinstance(await bench.client.write(PUT), Reauth)
        assert len(bench.tokens.renewed) == 1


async def test_a_role_that_is_lacking_renews_nothing() -> None:
    async with opened(told(403, "Unauthorized", "Access to requested resource is denied.")) as bench:
        outcome = await bench.client.write(PUT)
        assert isinstance(outcome, Reauth)
        assert "Amazon Fulfillment" in outcome.because
        assert bench.tokens.renewed == []


async def test_a_write_that_was_cut_off_or_kept_silent_is_unknown_and_a_read_is_tried_again() -> None:
    async with opened(_cut, _cut, _cut) as bench:
        assert isinstance(await bench.client.write(PUT), Unknown)
        assert [method for method, *_ in bench.heard] == ["PUT"]
        with pytest.raises(RemoteProblem) as caught:
            await bench.client.read(GET)
        assert isinstance(caught.value.outcome, Retry)

    async def silent(_request: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        return web.Response()

    async with opened(silent, write_timeout=0.2) as bench:
        assert isinstance(await bench.client.write(PUT), Unknown)


async def test_what_never_arrived_was_not_done() -> None:
    async with opened() as bench, aiohttp.ClientSession() as session:

        async def turn(rate: Rate, longest: float) -> Turn:
            del rate, longest
            return Turn(is_taken=True, wait=0.0)

        nobody = Client(session, "http://127.0.0.1:9", bench.tokens, turn, user_agent=AGENT, allow_private=True)
        assert isinstance(await nobody.write(PUT), Retry)


async def test_where_too_many_wait_nothing_is_sent() -> None:
    async with opened() as bench:
        bench.turn = Turn(is_taken=False, wait=42.0)
        outcome = await bench.client.write(PUT)
        assert isinstance(outcome, Retry)
        assert outcome.after == 42.0
        assert not outcome.throttled  # ours, not Amazon's: nobody else need wait for it
        assert bench.heard == []


async def test_the_rate_that_amazon_tells_is_taken_over() -> None:
    slower = web.json_response({}, headers={"x-amzn-RateLimit-Limit": "0.5"})
    async with opened(slower, web.json_response({})) as bench:
        await bench.client.read(GET)
        await bench.client.read(GET)
        assert [rate.per_second for rate, _ in bench.turns] == [2, 0.5]


async def test_there_is_no_such_order_is_an_answer_to_find_and_a_problem_to_read() -> None:
    async with opened(
        told(404, "NotFound", "x"), told(404, "NotFound", "x"), told(400, "InvalidInput", "bad")
    ) as bench:
        assert await bench.client.find(GET, LIST) is None
        with pytest.raises(RemoteProblem):
            await bench.client.read(GET)
        with pytest.raises(RemoteProblem) as caught:
            await bench.client.find(GET, LIST)
        assert isinstance(caught.value.outcome, Rejected)


@pytest.mark.parametrize(
    ("status", "body", "outcome", "says"),
    [
        (400, {"error": "invalid_grant", "error_description": "Atzr|hidden is bad"}, Reauth, "refresh token"),
        (401, {"error": "invalid_client", "error_description": "cs-hidden"}, Reauth, "client id and secret"),
        (400, {"error": "unsupported_grant_type"}, Reauth, "unsupported_grant_type"),
        (429, {}, Retry, "429"),
        (503, "<html>", Retry, "503"),
        (200, {}, Rejected, "without a token"),
        (302, {}, Rejected, "redirect"),
    ],
)
async def test_a_token_that_is_not_given_says_why_and_shows_no_secret(
    status: int, body: Any, outcome: type, says: str
) -> None:
    async with opened(web.json_response(body, status=status)) as bench, aiohttp.ClientSession() as session:
        given = {**GRANT, "token_url": f"{bench.url}/auth/o2/token"}
        with pytest.raises(RemoteProblem) as caught:
            await auth.ask(session, given, lambda: datetime.now(UTC))
        assert isinstance(caught.value.outcome, outcome)
        assert says in caught.value.outcome.because
        assert "hidden" not in "".join(traceback.format_exception(caught.value))


async def test_a_token_comes_with_its_end_and_a_new_refresh_token_is_kept() -> None:
    body = {"access_token": "Atza|new", "refresh_token": "Atzr|other", "token_type": "bearer", "expires_in": 3600}
    async with opened(web.json_response(body)) as bench, aiohttp.ClientSession() as session:
        given = {**GRANT, "token_url": f"{bench.url}/auth/o2/token"}
        now = datetime(2026, 11, 26, tzinfo=UTC)
        kept, ends = await auth.ask(session, given, lambda: now)
        assert (ends - now).total_seconds() == 3600
        assert (kept["access_token"], kept["refresh_token"]) == ("Atza|new", "Atzr|other")
        [(method, _, headers, sent)] = bench.heard
        assert method == "POST"
        assert headers["Content-Type"] == "application/x-www-form-urlencoded"
        assert b"grant_type=refresh_token" in sent
