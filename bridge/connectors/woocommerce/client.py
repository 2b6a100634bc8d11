"""One store's REST API over HTTP: authorizes, sends, waits no longer than it says, and hands back what came."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

import aiohttp
from yarl import URL

from bridge.addresses import normalise_url
from bridge.connectors.bodies import TooLong, read_body
from bridge.connectors.woocommerce.answers import Answer, CutOff, NotReached, odd, read_answer, read_problem
from bridge.connectors.woocommerce.signing import ApiKey, Method, authorized
from bridge.domain.outcomes import Outcome, Rejected, RemoteProblem, Retry, Unknown

API: Final = "/wp-json/wc/v3"
CONNECT_TIMEOUT: Final = 10.0
READ_TIMEOUT: Final = 60.0
WRITE_TIMEOUT: Final = 90.0
"""Seconds for a whole write: the hard time-out a lease must outlast."""
PARALLEL_CALLS: Final = 4
"""Calls at one time to one store: PHP workers are few, and shoppers need them."""
PER_PAGE: Final = 100
"""The most WooCommerce gives at once."""
Query = Mapping[str, str | int]


class Client:
    """Calls to one store. Unless private addresses are allowed, `session` must resolve names through `PublicResolver`.

    Raises `AddressRefused` for an address that may not be called.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base_url: str,
        api_key: ApiKey,
        *,
        allow_private: bool = False,
        write_timeout: float = WRITE_TIMEOUT,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._session = session
        self._base = normalise_url(base_url, allow_private=allow_private, keep_path=True) + API
        self._api_key = api_key
        self._write_timeout = write_timeout
        self._now = now
        self._slots = asyncio.Semaphore(PARALLEL_CALLS)

    async def read(self, path: str, query: Query | None = None) -> Answer:
        """A plainly answered read. Raises `RemoteProblem`."""
        answer = await self.look(path, query)
        if not answer.is_ok:
            raise read_problem(answer)
        return answer

    async def look(self, path: str, query: Query | None = None) -> Answer:
        """The answer to a read, whatever it is. Raises `RemoteProblem` where none came.

        Caches in front of WordPress keep answers that depend on a key; a query that never was cannot be in one.
        """
        asked = {**(query or {}), "_": time.time_ns()}
        try:
            return await self._send("GET", path, asked, None, READ_TIMEOUT)
        except (NotReached, CutOff) as problem:
            raise RemoteProblem(Retry(str(problem))) from None

    async def write(self, method: Method, path: str, body: str, query: Query | None = None) -> Answer | Outcome:
        """The answer to a write, whatever it is; or why there is none."""
        try:
            return await self._send(method, path, query or {}, body.encode(), self._write_timeout)
        except NotReached as problem:
            return Retry(str(problem))
        except CutOff as problem:
            return Unknown(str(problem))

    async def rows(self, path: str, query: Query | None = None, most: int = 20) -> list[Mapping[str, Any]]:
        """All rows of a list that is short. Raises `RemoteProblem`, also beyond `most` pages."""
        found: list[Mapping[str, Any]] = []
        for page in range(1, most + 1):
            answer = await self.read(path, {**(query or {}), "per_page": PER_PAGE, "page": page})
            rows = rows_of(answer, path)
            found += rows
            # Rows that the key may not see are left out, so that a short page need not be the last one.
            if not rows or (len(found) >= answer.total if answer.total is not None else len(rows) < PER_PAGE):
                return found
        raise RemoteProblem(Rejected(f"WooCommerce lists more than {most * PER_PAGE} rows of {path}", "too_many"))

    async def _send(self, method: Method, path: str, query: Query, body: bytes | None, seconds: float) -> Answer:
        asked = urlencode(sorted((name, str(value)) for name, value in query.items()), quote_via=quote)
        url = f"{self._base}{path}" + (f"?{asked}" if asked else "")
        async with self._slots:
            return await self._once(method, url, body, seconds)

    async def _once(self, method: Method, url: str, body: bytes | None, seconds: float) -> Answer:
        signed, headers = authorized(self._api_key, url, method, timestamp=lambda: int(self._now()))
        headers |= {"Accept": "application/json", "Cache-Control": "no-cache"}
        headers |= {"Content-Type": "application/json"} if body is not None else {}
        limits = aiohttp.ClientTimeout(total=seconds, sock_connect=CONNECT_TIMEOUT)
        host = URL(url).host
        # Problems are told in our own words and not chained: aiohttp's carry the request with its Authorization header.
        try:
            async with self._session.request(
                method,
                URL(signed, encoded=True),
                data=body,
                headers=headers,
                timeout=limits,
                allow_redirects=False,
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


def rows_of(answer: Answer, what: str) -> list[Mapping[str, Any]]:
    """Raises `RemoteProblem` where it is no list of objects."""
    if isinstance(answer.body, list) and all(isinstance(row, dict) for row in answer.body):
        return answer.body
    raise odd(f"{what} is no list of objects")


def object_of(answer: Answer, what: str) -> Mapping[str, Any]:
    if isinstance(answer.body, dict):
        return answer.body
    raise odd(f"{what} is no object")


async def walked(
    client: Client, path: str, query: Query, offset: int, last: int
) -> tuple[list[Mapping[str, Any]], tuple[int, int] | None, int | None]:
    """One page of a long list in the order of ids: rows, where the next begins (None at the end), rows left.

    Orders that are deleted meanwhile move the others to the front, and a page number would step over some. So each page
    begins with the last row of the one before; where that is gone, the walk goes back a page. Rows come twice then.
    """
    asked = {**query, "orderby": "id", "order": "asc", "per_page": PER_PAGE, "offset": offset}
    answer = await client.read(path, asked)
    rows = rows_of(answer, path)
    ids = [row_id(row) for row in rows]
    if last and offset and (not ids or ids[0] > last):
        return rows, (max(0, offset - PER_PAGE + 1), 0), None
    total = answer.total
    end = offset + PER_PAGE >= total if total is not None else len(rows) < PER_PAGE
    if end or not ids:
        return rows, None, 0
    left = None if total is None else max(0, total - offset - len(rows))
    # A page with rows left out says nothing of where its last one stands.
    return rows, (offset + PER_PAGE - 1, ids[-1] if len(rows) == PER_PAGE else 0), left


async def walk(client: Client, path: str, query: Query, most: int) -> AsyncIterator[Mapping[str, Any]]:
    """Every row, some twice. Raises `RemoteProblem`, also beyond `most` pages: what is not read is not absent."""
    place: tuple[int, int] | None = (0, 0)
    for _ in range(most):
        if place is None:
            return
        rows, place, _left = await walked(client, path, query, *place)
        for row in rows:
            yield row
    if place is not None:
        because = f"more than {most * (PER_PAGE - 1)} rows of {path} changed since then"
        raise RemoteProblem(Rejected(f"WooCommerce cannot be searched for the order: {because}", "too_many"))


def row_id(row: Mapping[str, Any]) -> int:
    value = row.get("id")
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        raise odd("a row has no id")
    return value
