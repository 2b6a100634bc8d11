"""The whole play on loopback: both sandbox shops and the service, connected through its own API.

The shops are real HTTP servers in this process. The service runs in this process too (`inside`) or as one of its own
(`process`), which is what can be killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from cryptography.fernet import Fernet
from sqlalchemy import text

from bridge.bootstrap import Service, running
from bridge.config import Config
from bridge.sandbox.magento import MagentoSandbox
from bridge.sandbox.magento import create_app as magento_app
from bridge.sandbox.tiktok import DEFAULT_SHOPS, TikTokSandbox
from bridge.sandbox.tiktok import create_app as tiktok_app
from bridge.storage.engine import Database

TOKEN = "test-api-token-0123456789"
SECRET_KEY = Fernet.generate_key().decode()
REASON = "seller_cancel_reason_out_of_stock"
JsonObject = dict[str, Any]


class StageError(AssertionError):
    """What was waited for did not come; says what there was instead."""


@dataclass
class Shop:
    """One sandbox server's control API, and its own."""

    url: str
    session: aiohttp.ClientSession

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        async with self.session.request(method, f"{self.url}/_control/{path}", json=body) as answer:
            text = await answer.text()
            if answer.status >= 400:
                raise StageError(f"{method} /_control/{path}: {answer.status} {text}")
            return json.loads(text) if text else None

    async def fault(self, **fault: Any) -> None:
        await self.control("POST", "faults", fault)

    async def calls(self, *, path: str, method: str = ".*", after: int = 0, wait: float = 0) -> list[JsonObject]:
        query = f"calls?after={after}&method={method}&path={path}&wait={wait}"
        found = await self.control("GET", query)
        return list(found["calls"])

    async def last_call(self) -> int:
        return int((await self.control("GET", "calls"))["last"])


@dataclass
class Stage:
    session: aiohttp.ClientSession
    tiktok: Shop
    magento: Shop
    tiktok_box: TikTokSandbox
    magento_box: MagentoSandbox
    environment: dict[str, str]
    folder: Path
    url: str = ""
    shop_id: str = ""
    store_id: str = ""
    tiktok_id: str = ""
    region: str = "US"
    process: asyncio.subprocess.Process | None = None
    logs: list[str] = field(default_factory=list)
    opened: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)
    """Closed with the stage."""

    # --- the service ------------------------------------------------------------------------------------------------

    async def api(self, method: str, path: str, body: Any = None, *, expect: int | None = None) -> Any:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with self.session.request(method, f"{self.url}/api/v1/{path}", json=body, headers=headers) as answer:
            text = await answer.text()
            if answer.status != expect if expect else answer.status >= 400:
                raise StageError(f"{method} /api/v1/{path}: {answer.status} {text}")
            return json.loads(text) if text else None

    def config(self, **changes: Any) -> Config:
        plain = {name.removeprefix("BRIDGE_").lower(): value for name, value in self.environment.items()}
        return Config(**{**plain, **changes})

    @contextlib.asynccontextmanager
    async def inside(self, **changes: Any) -> AsyncIterator[Service]:
        """The service in this process."""
        async with running(self.config(**{"port": 0, **changes})) as service:
            self.url = f"http://127.0.0.1:{service.port}"
            yield service

    async def start(self, port: int, **environment: str) -> None:
        """The service as a process of its own; waits until it answers."""
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bridge",
            "serve",
            env={**os.environ, **self.environment, "BRIDGE_PORT": str(port), **environment},
            stderr=asyncio.subprocess.PIPE,
        )
        reader = asyncio.create_task(self._read(self.process))
        self._readers.add(reader)
        reader.add_done_callback(self._readers.discard)
        self.url = f"http://127.0.0.1:{port}"
        await self.until(self._answers, "the service answers", 20)

    _readers: set[asyncio.Task[None]] = field(default_factory=set)

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        async for line in process.stderr:
            self.logs.append(line.decode(errors="replace").rstrip())

    async def _answers(self) -> bool:
        if self.process is not None and self.process.returncode is not None:
            raise StageError(f"the service ended with {self.process.returncode}:\n" + "\n".join(self.logs[-30:]))
        try:
            async with self.session.get(f"{self.url}/healthz") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    async def ended(self, seconds: float = 30) -> int:
        """Wait for the process to end by itself (a kill point)."""
        assert self.process is not None
        try:
            async with asyncio.timeout(seconds):
                code = await self.process.wait()
        except TimeoutError:
            raise StageError("the process did not end:\n" + "\n".join(self.logs[-40:])) from None
        self.process = None
        return code

    async def kill(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        self.process = None

    async def leases_run_out(self) -> None:
        """Time passes for whoever held a lease and died; only a server database has to wait for that."""
        url = self.environment["BRIDGE_DATABASE_URL"]
        if not url.startswith("mysql"):
            return
        database = await Database.open(url)
        try:
            await database.write(lambda conn: conn.execute(text("UPDATE leases SET lease_until = 0")))
        finally:
            await database.close()

    async def terminate(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return await self.ended()

    async def open(self, app: web.Application) -> Shop:
        """One more sandbox server, until the stage ends."""
        runner, url = await _serve(app)
        self.opened.push_async_callback(runner.cleanup)
        return Shop(url, self.session)

    # --- connecting -------------------------------------------------------------------------------------------------

    async def connect(self, *, hold_minutes: int = 0, restock: bool = True, store_to_channel: bool = True) -> None:
        """Both shops through the API, tied, both directions on."""
        integration = await self.magento.control("POST", "integrations", {"name": "Bridge"})
        wanted = ("consumer_key", "consumer_secret", "access_token", "access_token_secret")
        body = {
            "kind": "magento",
            "name": "Store",
            "url": self.magento.url,
            "credentials": {name: integration[name] for name in wanted},
        }
        self.store_id = (await self.api("POST", "connections", body, expect=201))["id"]
        tokens = await self.tiktok.control("POST", "tokens", {})
        app = self.tiktok_box.app
        body = {
            "kind": "tiktok",
            "name": "TikTok",
            "url": self.tiktok.url,
            "auth_url": self.tiktok.url,
            "credentials": {
                "app_key": app.key,
                "app_secret": app.secret,
                "access_token": tokens["access_token"],
                "refresh_token": tokens["refresh_token"],
            },
        }
        connected = await self.api("POST", "connections", body, expect=201)
        self.tiktok_id = connected["id"]
        shop = next(found for found in connected["shops"] if found["region"] == self.region)
        self.shop_id = shop["id"]
        self.channel_shop_id = next(s.id for s in self.tiktok_box.shops.values() if s.region == self.region)
        settings = {"store": {"connection": self.store_id}, "create_orders": True, "hold_minutes": hold_minutes}
        await self.api("PUT", f"shops/{self.shop_id}", settings)
        await self.api(
            "PUT",
            f"shops/{self.shop_id}/cancellation-sync",
            {
                "store_to_channel": {"enabled": store_to_channel, "default_reason": REASON},
                "channel_to_store": {"enabled": True, "restock": restock},
            },
        )

    channel_shop_id: str = ""

    # --- the play ---------------------------------------------------------------------------------------------------

    async def product(self, sku: str, *, price: str = "10.00", quantity: int = 100) -> None:
        await self.magento.control("POST", "products", [{"sku": sku, "price": float(price), "qty": quantity}])

    async def place(self, *lines: JsonObject, **order: Any) -> str:
        """Place a TikTok order; answers its id."""
        body = {"shop_id": self.channel_shop_id, "lines": list(lines), "shipping_fee": "4.00", **order}
        placed = await self.tiktok.control("POST", "orders", body)
        return str((placed.get("order") or placed)["id"])

    async def order(self, order_id: str) -> JsonObject | None:
        """Our order by TikTok's id; None while it is not known."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with self.session.get(f"{self.url}/api/v1/orders/{order_id}", headers=headers) as answer:
            if answer.status == 404:
                return None
            body: JsonObject = await answer.json()
            if answer.status != 200:
                raise StageError(f"order {order_id}: {body}")
            return body

    async def until(self, check: Callable[[], Awaitable[Any]], what: str, seconds: float = 15) -> Any:
        """Ask until it is so. Not a sleep for luck: it ends as soon as it is so, and fails with what there was."""
        deadline = time.monotonic() + seconds
        found: Any = None
        pause = 0.03
        while time.monotonic() < deadline:
            found = await check()
            if found:
                return found
            # Asking costs the service, and the machine all other tests, more than waiting does.
            await asyncio.sleep(pause)
            pause = min(1.3 * pause, 0.15)
        raise StageError(f"waited {seconds} s: {what}; last seen: {found!r}")

    async def settled(self, order_id: str, because: str = "both books agree", seconds: float = 15) -> JsonObject:
        """Wait until the order's last word contains this."""
        last: JsonObject | None = None

        async def look() -> JsonObject | None:
            nonlocal last
            last = await self.order(order_id)
            return last if last and because in last["because"] else None

        try:
            found: JsonObject = await self.until(look, f"order {order_id} says {because!r}", seconds)
        except StageError as problem:
            story = [f"{entry['event']}: {entry['because']}" for entry in (last or {}).get("changelog", [])]
            logs = "\n".join(self.logs[-20:])
            raise StageError(
                f"{problem}\nstate {(last or {}).get('state')}: {(last or {}).get('because')}\n"
                + "\n".join(story)
                + f"\n{logs}"
            ) from None
        return found

    async def imported(self, order_id: str) -> JsonObject:
        return await self.settled(order_id, "alive on both sides")

    async def at_rest(self, seconds: float = 20) -> None:
        """Nothing is due, nothing waits for a later look, nothing is in hand."""

        async def rests() -> bool:
            async with self.session.get(f"{self.url}/metrics") as answer:
                lines = (await answer.text()).splitlines()
            work = {
                line.split('"')[1]: float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith("bridge_work{")
            }
            return bool(work) and all(work[state] == 0 for state in ("due", "waiting", "leased"))

        await self.until(rests, "the service is at rest", seconds)

    async def store_order(self, order_id: str) -> JsonObject:
        """The Magento order of a TikTok order, with its memos, from the sandbox's own state."""
        state = await self.magento.control("GET", "state")
        found = [order for order in state["orders"] if order["ext_order_id"] == order_id]
        if len(found) != 1:
            raise StageError(f"{len(found)} store orders for {order_id}")
        return dict(found[0])

    async def stock(self, sku: str) -> JsonObject:
        return dict(await self.magento.control("GET", f"stock/{sku}"))

    async def channel_order(self, order_id: str) -> JsonObject:
        return dict(await self.tiktok.control("GET", f"orders/{order_id}"))


async def _serve(app: web.Application) -> tuple[web.AppRunner, str]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}"


@contextlib.asynccontextmanager
async def stage(
    folder: Path, database_url: str, *, plugin: str | None = "1.0.26", regions: int | None = None
) -> AsyncIterator[Stage]:
    """Both shops up; the service is the test's to start. `regions`: so many of the seller's shops, the US one first."""
    tiktok_box, magento_box = TikTokSandbox(shops=DEFAULT_SHOPS[:regions]), MagentoSandbox(plugin)
    async with contextlib.AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        tiktok_runner, tiktok_url = await _serve(tiktok_app(tiktok_box))
        stack.push_async_callback(tiktok_runner.cleanup)
        magento_runner, magento_url = await _serve(magento_app(magento_box))
        stack.push_async_callback(magento_runner.cleanup)
        play = Stage(
            session=session,
            tiktok=Shop(tiktok_url, session),
            magento=Shop(magento_url, session),
            tiktok_box=tiktok_box,
            magento_box=magento_box,
            environment={
                "BRIDGE_DATABASE_URL": database_url,
                "BRIDGE_DATA_DIR": str(folder / "data"),
                "BRIDGE_SECRET_KEY": SECRET_KEY,
                "BRIDGE_API_TOKEN": TOKEN,
                "BRIDGE_ALLOW_PRIVATE_URLS": "true",
                "BRIDGE_QUIET_PERIOD": "0.6",
                "BRIDGE_SWEEP_INTERVAL": "3600",
                "BRIDGE_LEASE": "120",
                "BRIDGE_STOP_TIMEOUT": "2",
            },
            folder=folder,
            opened=stack,
        )
        stack.push_async_callback(play.kill)
        yield play
