"""One store's REST API over HTTP: signs, sends, waits no longer than it says, and hands back what came."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping

import aiohttp
from yarl import URL

from bridge.addresses import clock_offset, normalise_url
from bridge.connectors.bodies import TooLong, read_body
from bridge.connectors.magento.answers import Absent, Answer, CutOff, NotReached, is_absent, is_nonce_used, read_problem
from bridge.connectors.magento.signing import Credentials, Method, authorization
from bridge.domain.outcomes import Rejected, RemoteProblem, Retry

CONNECT_TIMEOUT = 10.0
"""Seconds until a connection must stand."""
READ_TIMEOUT = 60.0
"""Seconds for a whole read. The first call after a configuration change takes up to 6 (caches are rebuilt)."""
WRITE_TIMEOUT = 90.0
"""Seconds for a whole write, the connection included: the hard time-out a lease must outlast."""
PARALLEL_CALLS = 4
"""Calls at one time to one store: PHP workers are few, and shoppers need them."""


class Client:
    """Calls to one store. Unless private addresses are allowed, `session` must resolve names through `PublicResolver`.

    Raises `AddressRefused` for an address that may not be called.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base_url: str,
        credentials: Credentials,
        *,
        allow_private: bool = False,
        now: Callable[[], float] = time.time,
        write_timeout: float = WRITE_TIMEOUT,
        verifier: str | None = None,
    ) -> None:
        self._session = session
        # Refused here too where the address was written in digits: aiohttp asks no resolver for those.
        self._base = normalise_url(base_url, allow_private=allow_private, keep_path=True)
        self._credentials = credentials
        self._now = now
        self._write_timeout = write_timeout
        self._verifier = verifier
        self._slots = asyncio.Semaphore(PARALLEL_CALLS)
        self.skew: float | None = None
        """Our clock less the store's in seconds, as last seen in a Date header."""

    @property
    def is_bearer(self) -> bool:
        """Calls carry a bearer token and no signature."""
        return self._credentials.is_bearer

    async def get(self, path: str, query: str = "", *, absent: Absent = Absent.IS_A_PROBLEM) -> object:
        """The parsed answer of a read; None where `absent` allows it. Raises `RemoteProblem`."""
        try:
            answer = await self.send("GET", path, query, timeout=READ_TIMEOUT)
        except (NotReached, CutOff) as problem:
            raise RemoteProblem(Retry(str(problem))) from None
        if is_absent(answer, absent):
            return None
        if not answer.is_ok:
            raise read_problem(answer)
        try:
            return answer.json()
        except ValueError:
            raise read_problem(answer) from None

    async def post(self, path: str, body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
        """The answer to a write, whatever it is. Raises `NotReached` and `CutOff`."""
        return await self.send("POST", path, body=body, headers=headers, timeout=self._write_timeout)

    async def send(
        self,
        method: Method,
        path: str,
        query: str = "",
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float,  # noqa: ASYNC109 - it is aiohttp that enforces it, connecting included
    ) -> Answer:
        """One signed call; a nonce that was used before is cured by one fresh signature."""
        url = f"{self._base}{path}" + (f"?{query}" if query else "")
        async with self._slots:
            deadline = time.monotonic() + timeout
            answer = await self._once(method, url, body, headers, timeout)
            if is_nonce_used(answer) and time.monotonic() < deadline:
                answer = await self._once(method, url, body, headers, deadline - time.monotonic())
        return answer

    def _sign(self, url: str, method: Method) -> str:
        return authorization(
            self._credentials, url, method, verifier=self._verifier, timestamp=lambda: int(self._now())
        )

    def _compare_clocks(self, date: str | None, ours: float) -> None:
        found = clock_offset(date, ours)
        self.skew = self.skew if found is None else found

    async def _once(
        self, method: Method, url: str, body: bytes | None, headers: Mapping[str, str] | None, seconds: float
    ) -> Answer:
        sent = {
            "Accept": "application/json",
            "Authorization": self._sign(url, method),
            **({"Content-Type": "application/json"} if body else {}),
            **(headers or {}),
        }
        limits = aiohttp.ClientTimeout(total=seconds, sock_connect=CONNECT_TIMEOUT)
        host = URL(url).host
        began = self._now()
        # Problems are told in our own words and not chained: aiohttp's carry the request with its Authorization header.
        try:
            async with self._session.request(
                method, URL(url, encoded=True), data=body, headers=sent, timeout=limits, allow_redirects=False
            ) as response:
                text = (await read_body(response)).decode("utf-8", errors="replace")
                self._compare_clocks(response.headers.get("Date"), (began + self._now()) / 2)
                low = {name.lower(): value for name, value in response.headers.items()}
                return Answer(response.status, low, text)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as problem:
            raise NotReached(f"{host} cannot be reached: {_why(problem)}") from None
        except TimeoutError:
            raise CutOff(f"{host} did not answer within {seconds:.0f} seconds") from None
        except TooLong as problem:
            raise CutOff(f"{host}: {problem}") from None
        except aiohttp.ClientError as problem:
            raise CutOff(f"The connection to {host} broke: {type(problem).__name__}") from None


def _why(problem: Exception) -> str:
    if isinstance(problem, aiohttp.ClientConnectorError):
        # A refused certificate has its own attribute and no os_error.
        cause = getattr(problem, "certificate_error", None) or problem.os_error
        return getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
    return f"no connection within {CONNECT_TIMEOUT:.0f} seconds"


def expect_object(value: object, what: str) -> dict[str, object]:
    """Raises `RemoteProblem` where the store's answer has another shape."""
    if isinstance(value, dict):
        return value
    raise RemoteProblem(Rejected(f"The store's answer for {what} has an unexpected shape", code="shape"))


def expect_rows(value: object, what: str) -> list[dict[str, object]]:
    """A list of objects; `null`, which Magento sends for an empty page, is an empty one. Raises `RemoteProblem`."""
    if value is None:
        return []
    if isinstance(value, list) and all(isinstance(row, dict) for row in value):
        return value
    raise RemoteProblem(Rejected(f"The store's answer for {what} has an unexpected shape", code="shape"))
