"""One service as a process of its own, connected to two sandbox shops that note when calls come and when they are
answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from cryptography.fernet import Fernet

from bridge.sandbox.magento import MagentoSandbox
from bridge.sandbox.magento import create_app as magento_app
from bridge.sandbox.tiktok import TikTokSandbox
from bridge.sandbox.tiktok import create_app as tiktok_app
from tests.bench.deliveries import Senders
from tests.support.mariadb import free_port
from tests.support.stage import TOKEN, Shop, Stage

HERE = Path(__file__).parent
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class Seen:
    """One call at a sandbox: when its head was there, and when its answer was made (monotonic seconds)."""

    side: str
    method: str
    path: str
    came: float
    answered: float = 0.0


@dataclass
class House:
    play: Stage
    port: int
    seen: list[Seen]
    senders: Senders | None = None
    _readers: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def process(self) -> asyncio.subprocess.Process:
        assert self.play.process is not None
        return self.play.process

    @property
    def who(self) -> Senders:
        assert self.senders is not None
        return self.senders

    async def start(self, *flags: str, plain: bool = False, **environment: str) -> float:
        """Start the service, `bridge serve` itself where `plain`; seconds until /healthz says 200."""
        program = ["-m", "bridge", "serve"] if plain else [str(HERE / "served.py"), *flags]
        began = time.monotonic()
        self.play.process = await asyncio.create_subprocess_exec(
            sys.executable,
            *program,
            cwd=HERE.parents[1],
            env={**os.environ, **self.play.environment, "BRIDGE_PORT": str(self.port), **environment},
            stderr=asyncio.subprocess.PIPE,
        )
        reader = asyncio.create_task(self.play._read(self.process))
        self._readers.add(reader)
        reader.add_done_callback(self._readers.discard)
        self.play.url = f"http://127.0.0.1:{self.port}"
        while not await self.play._answers():
            await asyncio.sleep(0.005)
            if time.monotonic() - began > 30:
                raise RuntimeError("the service does not answer:\n" + "\n".join(self.play.logs[-20:]))
        return time.monotonic() - began

    async def stop(self) -> float:
        """Ask the service to end; seconds until it has."""
        began = time.monotonic()
        process = self.process
        process.terminate()
        code = await self.play.ended()
        if code:
            raise RuntimeError(f"the service ended with {code}:\n" + "\n".join(self.play.logs[-20:]))
        return time.monotonic() - began

    def pause(self) -> None:
        """So that it takes no processor time while another one is measured."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    async def connect(self) -> None:
        """Both shops, tied, both directions on. The sandboxes' own deliveries stay off: the bench delivers."""
        await self.play.connect()
        await self.play.magento.control("POST", "consumer", {"paused": True})
        await self.play.tiktok.control("PATCH", "settings", {"webhooks_paused": True})
        app = self.play.tiktok_box.app
        integration = next(iter(self.play.magento_box.integrations.all.values()))
        self.senders = Senders(
            self.play.store_id, integration.consumer_key, app.key, app.secret, self.play.channel_shop_id
        )

    def memory(self) -> tuple[float, float]:
        """Resident memory now and at its greatest, in MB (10^6 bytes)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        now, most = (
            int(re.search(rf"{name}:\s+(\d+) kB", status)[1]) * 1024 / 1e6  # type: ignore[index]  # Linux has both
            for name in ("VmRSS", "VmHWM")
        )
        return now, most

    def processor(self) -> float:
        """Seconds of processor time so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async def load(self, requests: Path, *, connections: int = 64, seconds: float, warm: float = 0.0) -> dict[str, Any]:
        """Deliver what the file has, from another process."""
        before = self.processor()
        sender = await asyncio.create_subprocess_exec(
            sys.executable,
            str(HERE / "load.py"),
            *(str(value) for value in (requests, self.port, connections, seconds, warm)),
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await sender.communicate()
        if sender.returncode:
            raise RuntimeError(f"the load generator ended with {sender.returncode}")
        told: dict[str, Any] = json.loads(out)
        told["service_cpu_seconds"] = self.processor() - before
        told["service_cpu"] = told["service_cpu_seconds"] / seconds
        return told


@contextlib.asynccontextmanager
async def house(folder: Path, database_url: str) -> AsyncIterator[House]:
    """Both shops up; the service is to be started."""
    folder.mkdir(parents=True, exist_ok=True)
    tiktok_box, magento_box = TikTokSandbox(), MagentoSandbox("1.0.26")
    seen: list[Seen] = []
    async with contextlib.AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        tiktok_url = await _serve(stack, tiktok_app(tiktok_box), "tiktok", seen)
        magento_url = await _serve(stack, magento_app(magento_box), "magento", seen)
        play = Stage(
            session=session,
            tiktok=Shop(tiktok_url, session),
            magento=Shop(magento_url, session),
            tiktok_box=tiktok_box,
            magento_box=magento_box,
            environment={
                "BRIDGE_DATABASE_URL": database_url,
                "BRIDGE_DATA_DIR": str(folder / "data"),
                "BRIDGE_SECRET_KEY": Fernet.generate_key().decode(),
                "BRIDGE_API_TOKEN": TOKEN,
                "BRIDGE_ALLOW_PRIVATE_URLS": "true",
                "BRIDGE_SWEEP_INTERVAL": "3600",
                "BRIDGE_LOG_LEVEL": "warning",
            },
            folder=folder,
        )
        stack.push_async_callback(play.kill)
        yield House(play, free_port(), seen)


async def _serve(stack: contextlib.AsyncExitStack, app: web.Application, side: str, seen: list[Seen]) -> str:
    @web.middleware
    async def note(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith("/_control"):
            return await handler(request)
        call = Seen(side, request.method, request.path, time.monotonic())
        seen.append(call)
        try:
            return await handler(request)
        finally:
            call.answered = time.monotonic()

    app.middlewares.insert(0, note)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return f"http://127.0.0.1:{runner.addresses[0][1]}"
