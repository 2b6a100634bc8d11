"""Sends signed requests to TikTok Shop: one attempt, signed at that second, the same bytes that were signed.

The only repeat is after a refused access token, which TikTok checks before it does anything.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field

import aiohttp
from aiolimiter import AsyncLimiter
from yarl import URL

from bridge.connectors.bodies import read_body
from bridge.connectors.tiktok.auth import TokenSource
from bridge.connectors.tiktok.errors import is_expired, read_failure, write_outcome
from bridge.connectors.tiktok.protocol import TOKEN_HEADER, Answer, Call, read_answer, sign
from bridge.domain.outcomes import Outcome, RemoteProblem, Retry, Unknown
from bridge.ports import Clock

READ_TIMEOUT = aiohttp.ClientTimeout(total=30, connect=10)
WRITE_TIMEOUT = aiohttp.ClientTimeout(total=60, connect=10)
SEND_WITHIN = 30.0
"""Seconds a call may wait for its token and its turn; later it is not sent. So no write is under way 90 s after it was
asked for, and a caller's lease needs to outlast no more than that.
"""
MAX_BACKOFF = 60.0
"""Seconds; Partner Center recommends 1 s doubling to 60 s with up to 500 ms of jitter."""


@dataclass(frozen=True, slots=True)
class Silence:
    """No answer. `was_sent`: the request may have reached TikTok."""

    because: str
    was_sent: bool


@dataclass(slots=True)
class Client:
    """One app's access to TikTok Shop. `limiter` is the shop's own share of calls a second."""

    session: aiohttp.ClientSession
    base_url: str
    app_key: str
    app_secret: str = field(repr=False)
    tokens: TokenSource = field(repr=False)
    clock: Clock
    limiter: AsyncLimiter | None = None
    _throttled: int = 0
    skew: float | None = None
    """Our clock less TikTok's in seconds, as last seen in a Date header."""

    async def read(self, request: Call) -> Answer:
        """A successful answer. Raises `RemoteProblem`."""
        answer = await self.ask(request)
        if not answer.is_success:
            raise self.problem(answer)
        return answer

    async def ask(self, request: Call) -> Answer:
        """Any answer to a read. Raises `RemoteProblem` where there is none."""
        answer = await self._send(request, READ_TIMEOUT)
        if isinstance(answer, Silence):
            raise RemoteProblem(Retry(answer.because))
        return answer

    def problem(self, answer: Answer) -> RemoteProblem:
        return RemoteProblem(read_failure(answer, self.skew, self._backoff()))

    async def write(self, request: Call) -> Answer | Outcome:
        """The successful answer, or what the failure comes to. Raises nothing remote."""
        try:
            answer = await self._send(request, WRITE_TIMEOUT)
        except RemoteProblem as problem:  # no token: nothing was sent
            return problem.outcome
        if isinstance(answer, Silence):
            return Unknown(answer.because) if answer.was_sent else Retry(answer.because)
        return answer if answer.is_success else write_outcome(answer, self.skew, self._backoff())

    async def _send(self, request: Call, limits: aiohttp.ClientTimeout) -> Answer | Silence:
        latest = asyncio.get_running_loop().time() + SEND_WITHIN
        token = await self.tokens.access_token()
        answer = await self._once(request, token, limits, latest)
        if isinstance(answer, Answer) and is_expired(answer):
            newer = await self.tokens.refreshed(token)
            answer = await self._once(request, newer, limits, latest)
        return answer

    async def _once(self, request: Call, token: str, limits: aiohttp.ClientTimeout, latest: float) -> Answer | Silence:
        if self.limiter is not None:
            await self.limiter.acquire()
        if asyncio.get_running_loop().time() > latest:
            return Silence("the call waited too long for its token or its turn and was not sent", was_sent=False)
        began = self.clock.now()
        signed = sign(request, self.app_key, self.app_secret, int(began.timestamp()))
        try:
            async with self.session.request(
                signed.method,
                URL(self.base_url + signed.target, encoded=True),
                data=signed.body or None,
                headers={**signed.headers, TOKEN_HEADER: token},
                timeout=limits,
                allow_redirects=False,
            ) as response:
                answer = read_answer(response.status, response.headers, await read_body(response))
        # What aiohttp raises carries the URL; only the kind of trouble is told.
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as problem:
            return Silence(f"TikTok could not be reached ({type(problem).__name__})", was_sent=False)
        except (aiohttp.ClientError, TimeoutError, OSError) as problem:
            return Silence(f"{request.name} was sent and got no answer ({type(problem).__name__})", was_sent=True)
        if answer.date is not None:
            self.skew = (began - answer.date).total_seconds()
        self._throttled = self._throttled + 1 if answer.status == 429 or answer.code == 36009002 else 0
        return answer

    def _backoff(self) -> float:
        return min(MAX_BACKOFF, 2.0 ** max(0, self._throttled - 1) + secrets.randbelow(500) / 1000)
