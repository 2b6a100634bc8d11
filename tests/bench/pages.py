"""How long each page takes on a large database: asked one at a time over HTTP, by somebody who signed in."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import statistics
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any, Final

import aiohttp

from bridge.storage.rows import pack_cursor
from tests.bench.crowd import channel_order_id, store_number
from tests.bench.figures import table
from tests.bench.pages_data import Built
from tests.support.mariadb import free_port

HERE: Final = Path(__file__).parent
PASSWORD: Final = "long enough for a bench"
PROMISED_MS: Final = 30.0
PROMISED_BYTES: Final = 100_000
WARM: Final = 5
_CSRF: Final = re.compile(r'name="csrf" value="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Measured:
    page: str
    median: float
    """Milliseconds from sending the request to having read the answer."""
    p95: float
    first: float
    """Of the very first request."""
    processor: float
    """Milliseconds of processor time a request, of the service and of the database server: what a busy machine does
    not change much.
    """
    size: int
    """Bytes of the page."""
    travels: int
    """Bytes of the answer, head and all, as a browser asks for it."""
    statements: int


class Browser:
    """One connection that is kept, and the cookies of who signed in."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url
        self._cookies: dict[str, str] = {}

    async def ask(self, method: str, path: str, **more: Any) -> tuple[int, bytes, int]:
        """Status, body, and how many bytes travelled."""
        headers = {"Accept": "text/html", "Accept-Encoding": "gzip, deflate", "Origin": self._url}
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        async with self._session.request(
            method, self._url + path, headers=headers, allow_redirects=False, **more
        ) as answer:
            body = await answer.read()
            for header in answer.headers.getall("Set-Cookie", []):
                self._cookies |= {name: morsel.value for name, morsel in SimpleCookie(header).items()}
            head = sum(len(name) + len(value) + 4 for name, value in answer.raw_headers)
            return answer.status, body, head + int(answer.headers.get("Content-Length", len(body)))

    async def sign_in(self) -> None:
        status, _, _ = await self.ask(
            "POST", "/sign-in", data={"name": "admin", "password": PASSWORD, **await self._csrf()}
        )
        if status != 303:
            raise RuntimeError(f"signing in was answered with {status}")

    async def _csrf(self) -> dict[str, str]:
        _, body, _ = await self.ask("GET", "/sign-in")
        found = _CSRF.search(body.decode())
        return {"csrf": found[1]} if found else {}


@dataclass(frozen=True, slots=True)
class Served:
    url: str
    pids: tuple[int, ...]
    """The service, and the database server."""

    def processor(self) -> float:
        """Milliseconds of processor time so far."""
        ticks = 0
        for pid in self.pids:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks * 1000 / os.sysconf("SC_CLK_TCK")


@contextlib.asynccontextmanager
async def serving(
    folder: Path, database_url: str, built: Built, *flags: str, server: int | None = None
) -> AsyncIterator[Served]:
    """`bridge serve` with workers and rounds at rest: what is measured stays as it was built."""
    port = free_port()
    environment = {
        "BRIDGE_DATABASE_URL": database_url,
        "BRIDGE_DATA_DIR": str(folder / "data"),
        "BRIDGE_SECRET_KEY": built.secret_key,
        "BRIDGE_ADMIN_PASSWORD": PASSWORD,
        "BRIDGE_LOG_LEVEL": "warning",
        "BRIDGE_PORT": str(port),
    }
    program = [str(HERE / "served.py"), "--no-workers", "--no-rounds", *flags]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *program, cwd=HERE.parents[1], env={**os.environ, **environment}
    )
    try:
        await _answers(process, f"http://127.0.0.1:{port}/healthz")
        pids = (process.pid,) if server is None else (process.pid, server)
        yield Served(f"http://127.0.0.1:{port}", pids)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _answers(process: asyncio.subprocess.Process, url: str) -> None:
    # The first start brings the database to this program's revision.
    end = time.monotonic() + 600
    async with aiohttp.ClientSession() as session:
        while time.monotonic() < end and process.returncode is None:
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get(url) as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.05)
    raise RuntimeError("the service does not answer")


async def measure(
    folder: Path, place: str, database_url: str, built: Built, requests: int, server: int | None = None
) -> list[Measured]:
    """`server`: the database server's process."""
    trace = folder / "trace"
    async with (
        serving(folder, database_url, built, server=server) as served,
        aiohttp.ClientSession() as session,
    ):
        browser = Browser(session, served.url)
        await browser.sign_in()
        pages = await _pages(browser, built, built.shops[place])
        timed = {name: await _timed(browser, served, path, requests) for name, path in pages.items()}
    trace.unlink(missing_ok=True)
    async with (
        serving(folder, database_url, built, "--trace", str(trace)) as served,
        aiohttp.ClientSession() as session,
    ):
        browser = Browser(session, served.url)
        await browser.sign_in()
        found = []
        for name, path in pages.items():
            # The second time: what a process remembers from the first is not asked again.
            await browser.ask("GET", path)
            before = _statements(trace)
            _, body, travels = await browser.ask("GET", path)
            statements = _statements(trace) - before
            found.append(Measured(name, *timed[name], len(body), travels, statements))
    trace.unlink(missing_ok=True)
    return found


async def _timed(browser: Browser, served: Served, path: str, requests: int) -> tuple[float, float, float, float]:
    took: list[float] = []
    before = 0.0
    for _ in range(WARM + requests):
        if len(took) == WARM:
            before = served.processor()
        began = time.perf_counter()
        status, _, _ = await browser.ask("GET", path)
        if status != 200:
            raise RuntimeError(f"{path} was answered with {status}")
        took.append((time.perf_counter() - began) * 1000)
    each = (served.processor() - before) / requests
    return statistics.median(took[WARM:]), statistics.quantiles(took[WARM:], n=20)[-1], took[0], each


def _statements(trace: Path) -> int:
    """But those that begin and end a transaction."""
    lines = trace.read_text(errors="replace").splitlines() if trace.exists() else []
    return sum(
        " sql " in line and line.split(" sql ")[1].split()[0] not in {"BEGIN", "COMMIT", "ROLLBACK"} for line in lines
    )


async def _pages(browser: Browser, built: Built, shops: list[str]) -> dict[str, str]:
    """Name → address."""
    last = built.orders - 1
    middle = channel_order_id(built.orders // 2)
    deep = pack_cursor([built.middle_id])
    _, listed, _ = await browser.ask("GET", "/attention/items")
    items = re.findall(r'href="/attention/(att_\w+)"', listed.decode())
    _, shown, _ = await browser.ask("GET", "/connections")
    connections = re.findall(r'href="(/connections/con_\w+)"', shown.decode())
    pages = {
        "overview": "/",
        "needs attention, 2,000 open": "/attention",
        "its items": "/attention/items",
        "its items of one kind": "/attention/items?kind=buyer_request",
        "its items, settled": "/attention/items?state=closed",
        "one item": f"/attention/{items[0]}",
        "orders": "/orders",
        "orders, deep in": f"/orders?cursor={deep}",
        "orders of a shop": f"/orders?shop={shops[2]}",
        "orders that wait": "/orders?state=waiting",
        "orders held, of a shop": f"/orders?state=held&shop={shops[0]}",
        "orders settled, deep in": f"/orders?state=settled&cursor={deep}",
        "search: TikTok's id": f"/orders?query={middle}",
        "search: its beginning": f"/orders?query={middle[:6]}",
        "search: store number": f"/orders?query={store_number(built.orders // 3)}",
        "search: its beginning, TT-": "/orders?query=TT-",
        "search: TT- and a state": "/orders?query=TT-&state=waiting",
        "search: no hit": "/orders?query=nothing-like-it",
        "an order": f"/orders/{channel_order_id(built.orders // 2)}",
        "an order with 400 entries": f"/orders/{channel_order_id(last - 1)}",
        "with 500 entries, 200 units": f"/orders/{channel_order_id(last)}",
        "channel settings": f"/settings/cancellation-sync/{shops[0]}",
        "connections": "/connections",
        "audit": "/audit",
        "users": "/users",
        "API tokens": "/tokens",
    }
    return pages | ({"one connection": connections[0]} if connections else {})


def show(place: str, found: list[Measured]) -> str:
    rows = [
        [
            one.page,
            f"{one.median:.1f}",
            f"{one.p95:.1f}",
            f"{one.first:.0f}",
            f"{one.processor:.1f}",
            f"{one.size / 1000:.1f}",
            f"{one.travels / 1000:.1f}",
            str(one.statements),
            "" if one.median <= PROMISED_MS and one.size <= PROMISED_BYTES else "not kept",
        ]
        for one in found
    ]
    heads = ["page", "median ms", "p95 ms", "first ms", "processor ms", "kB", "travels kB", "statements", ""]
    return table(
        f"{place}: pages; promised {PROMISED_MS:g} ms in the median and {PROMISED_BYTES // 1000} kB", heads, rows
    )


def to_json(found: list[Measured]) -> list[dict[str, Any]]:
    return [asdict(one) for one in found]
