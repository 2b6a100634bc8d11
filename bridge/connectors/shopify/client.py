"""One shop's Admin GraphQL API over HTTP: sends one document, keeps to the shop's points, hands back what came."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

import aiohttp
from yarl import URL

from bridge.addresses import normalise_url
from bridge.connectors.bodies import TooLong, read_body
from bridge.connectors.shopify.answers import (
    Answer,
    Cost,
    CutOff,
    NotReached,
    cost_of,
    read_answer,
    read_problem,
    write_problem,
)
from bridge.connectors.shopify.documents import PINNED
from bridge.domain.outcomes import Outcome, Rejected, RemoteProblem, Retry, Unknown

CONNECT_TIMEOUT: Final = 10.0
READ_TIMEOUT: Final = 60.0
WRITE_TIMEOUT: Final = 90.0
"""Seconds for a whole write: the hard time-out a lease must outlast."""
LONGEST_WAIT: Final = 10.0
"""Seconds a call waits here for points; what would wait longer is put off, so that no worker stands still."""
PARALLEL_CALLS: Final = 4


class TokenSource(Protocol):
    """Where the access token comes from. Storing, and renewing once for all callers, is the owner's part."""

    async def access_token(self) -> str: ...

    async def refreshed(self, stale: str) -> str:
        """A token newer than `stale`. Raises `RemoteProblem` with `Reauth` when there is none to be had."""
        ...


class Points:
    """The shop's points as the last answer told them, filled up by the clock since."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._told: Cost | None = None
        self._at = 0.0
        self._asked: dict[str, float] = {}

    def told(self, document: str, cost: Cost) -> None:
        self._told, self._at = cost, self._monotonic()
        if cost.requested:
            self._asked[document] = cost.requested

    def wait(self, document: str) -> float:
        """Seconds until this document can be paid for; 0 while nothing is known."""
        if self._told is None:
            return 0.0
        return max(0.0, self._told.wait(self._asked.get(document, 0.0)) - (self._monotonic() - self._at))


class Client:
    """Calls to one shop. Unless private addresses are allowed, `session` must resolve names through `PublicResolver`.

    Raises `AddressRefused` for an address that may not be called.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base_url: str,
        tokens: TokenSource,
        *,
        version: str = PINNED,
        allow_private: bool = False,
        write_timeout: float = WRITE_TIMEOUT,
        points: Points | None = None,
    ) -> None:
        self._session = session
        base = normalise_url(base_url, allow_private=allow_private)
        self._url = URL(f"{base}/admin/api/{version}/graphql.json")
        self._tokens = tokens
        self._write_timeout = write_timeout
        self._points = points or Points()
        self._slots = asyncio.Semaphore(PARALLEL_CALLS)
        self.version = version
        self.answered_version = ""
        """The version Shopify says it answered with: a version that is over falls forward without a word."""

    async def read(self, document: str, variables: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        """The data of a query. Raises `RemoteProblem`."""
        try:
            answer = await self._send(document, variables or {}, READ_TIMEOUT)
        except (NotReached, CutOff) as problem:
            raise RemoteProblem(Retry(str(problem))) from None
        if not answer.is_ok or answer.data is None:
            raise read_problem(answer)
        return answer.data

    async def write(self, document: str, variables: Mapping[str, Any], field: str) -> Mapping[str, Any] | Outcome:
        """What a mutation answered under `field`, its user errors included; or why there is no such answer."""
        return await self.write_text(json.dumps({"query": document, "variables": variables}), document, field)

    async def write_text(self, body: str, document: str, field: str) -> Mapping[str, Any] | Outcome:
        """The same with the exact bytes of a body that was made before."""
        try:
            answer = await self._send_text(body, document, self._write_timeout)
        except NotReached as problem:
            return Retry(str(problem))
        except CutOff as problem:
            return Unknown(str(problem))
        except RemoteProblem as problem:
            return problem.outcome
        payload = answer.data.get(field) if answer.is_ok and answer.data else None
        return payload if isinstance(payload, dict) else write_problem(answer)

    async def _send(self, document: str, variables: Mapping[str, Any], seconds: float) -> Answer:
        return await self._send_text(json.dumps({"query": document, "variables": variables}), document, seconds)

    async def _send_text(self, body: str, document: str, seconds: float) -> Answer:
        wait = self._points.wait(document)
        if wait > LONGEST_WAIT:
            raise RemoteProblem(Retry("The shop's points at Shopify are used up", wait, throttled=True))
        if wait:
            await asyncio.sleep(wait)
        token = await self._tokens.access_token()
        async with self._slots:
            answer = await self._once(body, token, seconds)
        if answer.status == 401:
            # Refused before anything was done: the token may have ended a moment ago.
            token = await self._tokens.refreshed(token)
            async with self._slots:
                answer = await self._once(body, token, seconds)
        cost = cost_of(answer)
        if cost is not None:
            self._points.told(document, cost)
        self.answered_version = answer.headers.get("x-shopify-api-version", "") or self.answered_version
        return answer

    async def _once(self, body: str, token: str, seconds: float) -> Answer:
        headers = {"Content-Type": "application/json", "Accept": "application/json", "X-Shopify-Access-Token": token}
        limits = aiohttp.ClientTimeout(total=seconds, sock_connect=CONNECT_TIMEOUT)
        host = self._url.host
        # Problems are told in our own words and not chained: aiohttp's carry the request with the token in its headers.
        try:
            async with self._session.post(
                self._url, data=body.encode(), headers=headers, timeout=limits, allow_redirects=False
            ) as response:
                return read_answer(response.status, response.headers, await read_body(response))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as problem:
            raise NotReached(f"{host} cannot be reached: {type(problem).__name__}") from None
        except TimeoutError:
            raise CutOff(f"{host} did not answer within {seconds:.0f} seconds") from None
        except TooLong as problem:
            raise CutOff(f"{host}: {problem}") from None
        except aiohttp.ClientError as problem:
            raise CutOff(f"The connection to {host} broke: {type(problem).__name__}") from None


async def pages(
    client: Client, document: str, variables: Mapping[str, Any], path: tuple[str, ...], most: int = 20
) -> list[Mapping[str, Any]]:
    """All rows of a connection found under `path`, in order. Raises `RemoteProblem`, also beyond `most` pages."""
    rows: list[Mapping[str, Any]] = []
    after: str | None = None
    for _ in range(most):
        value: Any = await client.read(document, {**variables, "after": after})
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        if value is None:
            return rows
        found, after = page_of(value)
        rows += found
        if after is None:
            return rows
    raise RemoteProblem(Rejected(f"Shopify lists more than {most} pages of {path[-1]}", "too_many"))


def page_of(connection: Any) -> tuple[list[Mapping[str, Any]], str | None]:
    """The rows of one page of a connection, and where the next begins. Raises `RemoteProblem`."""
    nodes = connection.get("nodes") if isinstance(connection, dict) else None
    info = connection.get("pageInfo") if isinstance(connection, dict) else None
    if not isinstance(nodes, list) or not all(isinstance(row, dict) for row in nodes):
        raise RemoteProblem(Rejected("Shopify's answer has an unexpected shape", "shape"))
    more = isinstance(info, dict) and info.get("hasNextPage") and info.get("endCursor")
    return nodes, str(more) if more else None
