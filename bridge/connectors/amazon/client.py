"""One seller's Selling Partner API over HTTP: takes its turn, sends one call, hands back what came."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, Protocol

import aiohttp
from yarl import URL

from bridge.addresses import normalise_url
from bridge.connectors.amazon.wire import (
    Answer,
    Call,
    CutOff,
    NotReached,
    is_missing,
    is_stale,
    read_answer,
    read_problem,
    told_rate,
    write_problem,
)
from bridge.connectors.bodies import TooLong, read_body
from bridge.connectors.once import once
from bridge.domain.outcomes import Outcome, RemoteProblem, Retry, Unknown
from bridge.domain.pacing import Rate, Turn

CONNECT_TIMEOUT: Final = 10.0
READ_TIMEOUT: Final = 60.0
WRITE_TIMEOUT: Final = 90.0
"""Seconds for a whole write: the hard time-out a lease must outlast."""
RATE: Final = Rate(per_second=2, burst=30)
"""Of every call used here, in both versions, per seller and app (the models' usage plans)."""
LONGEST_WAIT: Final = 10.0
"""Seconds a call waits here for its turn; what would wait longer is put off, so that no worker stands still."""


class TokenSource(Protocol):
    """Where the access token comes from. Storing, and renewing once for all callers, is the owner's part."""

    async def access_token(self) -> str: ...

    async def refreshed(self, stale: str) -> str:
        """A token newer than `stale`. Raises `RemoteProblem` with `Reauth` when there is none to be had."""
        ...


TakeTurn = Callable[[Rate, float], Awaitable[Turn]]
"""`ports.Pace.take` for this connection: one bucket for all processes."""


class Client:
    """Calls of one seller. Unless private addresses are allowed, `session` must resolve names through `PublicResolver`.

    Raises `AddressRefused` for an address that may not be called.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base_url: str,
        tokens: TokenSource,
        turn: TakeTurn,
        *,
        user_agent: str,
        allow_private: bool = False,
        write_timeout: float = WRITE_TIMEOUT,
    ) -> None:
        self._session = session
        self._base = normalise_url(base_url, allow_private=allow_private)
        self._host = URL(self._base).host
        self._tokens = tokens
        self._turn = turn
        self._rate = RATE
        self._agent = user_agent
        self._write_timeout = write_timeout
        self.their_time: datetime | None = None
        """Amazon's own time, as its last answer told it."""

    async def read(self, call: Call) -> Mapping[str, Any]:
        """The body of a read. Raises `RemoteProblem`."""
        answer = await self._read(call)
        if not answer.is_ok or answer.body is None:
            raise read_problem(answer)
        return answer.body

    async def find(self, call: Call, probe: Call) -> Mapping[str, Any] | None:
        """The same; None where there is no such order.

        Amazon may hide what it does not have behind 403 [not confirmed]: then `probe`, a read that the same role
        allows, tells it from a role that is lacking.
        """
        answer = await self._read(call)
        if is_missing(answer):
            return None
        if answer.status == 403 and not is_stale(answer):
            await self.read(probe)
            return None
        if not answer.is_ok or answer.body is None:
            raise read_problem(answer)
        return answer.body

    async def write(self, call: Call) -> Answer | Outcome:
        """What a write that went well answered; or what else it came to."""
        try:
            answer = await self._send(call, self._write_timeout)
        except NotReached as problem:
            return Retry(str(problem))
        except CutOff as problem:
            return Unknown(str(problem))
        except RemoteProblem as problem:
            return problem.outcome
        return answer if answer.is_ok else write_problem(answer)

    async def _read(self, call: Call) -> Answer:
        try:
            return await self._send(call, READ_TIMEOUT)
        except (NotReached, CutOff) as problem:
            raise RemoteProblem(Retry(str(problem))) from None

    async def _send(self, call: Call, seconds: float) -> Answer:
        await self._take_turn()
        token = await self._tokens.access_token()
        answer = await self._once(call, token, seconds)
        if is_stale(answer):
            # Refused before anything was done.
            token = await self._tokens.refreshed(token)
            await self._take_turn()
            answer = await self._once(call, token, seconds)
        rate = told_rate(answer)
        if rate is not None:
            self._rate = Rate(rate, RATE.burst)
        self.their_time = _date(answer) or self.their_time
        return answer

    async def _take_turn(self) -> None:
        turn = await self._turn(self._rate, LONGEST_WAIT)
        if not turn.is_taken:
            text = "So many calls wait for Amazon, which takes two a second, that this one is put off"
            raise RemoteProblem(Retry(text, turn.wait))
        if turn.wait > 0:
            await asyncio.sleep(turn.wait)

    async def _once(self, call: Call, token: str, seconds: float) -> Answer:
        headers = {"Accept": "application/json", "x-amz-access-token": token, "User-Agent": self._agent}
        if call.body is not None:
            headers["Content-Type"] = "application/json"
        url = URL(f"{self._base}{call.path}", encoded=True).with_query(dict(call.query))
        body = call.body.encode() if call.body is not None else None
        limits = aiohttp.ClientTimeout(total=seconds, sock_connect=CONNECT_TIMEOUT)
        # Problems are told in our own words and not chained: aiohttp's carry the request with the token in its headers.
        try:
            async with self._session.request(
                call.method,
                url,
                data=body,
                headers=headers,
                timeout=limits,
                allow_redirects=False,
                middlewares=() if call.method == "GET" else (once,),
            ) as response:
                return read_answer(response.status, response.headers, await read_body(response))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as problem:
            raise NotReached(f"{self._host} cannot be reached: {type(problem).__name__}") from None
        except TimeoutError:
            raise CutOff(f"{self._host} did not answer within {seconds:.0f} seconds") from None
        except TooLong as problem:
            raise CutOff(f"{self._host}: {problem}") from None
        except aiohttp.ClientError as problem:
            raise CutOff(f"The connection to {self._host} broke: {type(problem).__name__}") from None


def _date(answer: Answer) -> datetime | None:
    try:
        when = parsedate_to_datetime(answer.headers.get("date", ""))
    except ValueError:
        return None
    return when.astimezone(UTC) if when.tzinfo else None
