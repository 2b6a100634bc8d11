"""The whole stage behind a small reverse proxy: the public address leads to it, and it can be made wrong."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from bridge.bootstrap import Service, running
from tests.integration.connect.parts import Ahead
from tests.support.stage import Stage, stage

JsonObject = dict[str, Any]
HOP_BY_HOP = {"host", "content-length", "connection", "keep-alive", "transfer-encoding"}


@dataclass
class Proxy:
    """Hands everything on as it came, unless told otherwise."""

    target: str = ""
    url: str = ""
    change: Callable[[dict[str, str], bytes], tuple[dict[str, str], bytes]] | None = None
    instead: Callable[[], web.Response] | None = None
    passed: list[str] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        raw = await request.read()
        self.passed.append(request.path)
        if self.instead is not None:
            return self.instead()
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
        if self.change is not None:
            headers, raw = self.change(headers, raw)
        async with (
            aiohttp.ClientSession(skip_auto_headers=("User-Agent",)) as session,
            session.request(
                request.method, self.target + request.path_qs, headers=headers, data=raw, allow_redirects=False
            ) as answer,
        ):
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP}
            return web.Response(status=answer.status, body=await answer.read(), headers=kept)

    def without(self, name: str) -> None:
        self.change = lambda headers, raw: ({k: v for k, v in headers.items() if k.lower() != name.lower()}, raw)


@dataclass
class Clinic:
    play: Stage
    service: Service
    proxy: Proxy

    async def look(self, connection_id: str, *, mend: bool = True) -> JsonObject:
        query = "" if mend else "?mend=false"
        return dict(await self.play.api("POST", f"connections/{connection_id}/doctor{query}", expect=200))

    async def store(self, *, mend: bool = True) -> JsonObject:
        return await self.look(self.play.store_id, mend=mend)

    async def channel(self, *, mend: bool = True) -> JsonObject:
        return await self.look(self.play.tiktok_id, mend=mend)

    async def patch(self, connection_id: str, **fields: Any) -> None:
        """Change what is stored, as nothing in the product would."""
        desk = self.service.desk
        await desk.db.write(lambda conn: desk.connections.update(conn, connection_id, **fields))

    async def stored(self, connection_id: str) -> Any:
        desk = self.service.desk
        return await desk.db.read(lambda conn: desk.connections.get(conn, connection_id))


def said(looked: JsonObject, code: str) -> tuple[str, str]:
    """Level and text of the one finding with this code."""
    found = [one for one in looked["findings"] if one["code"] == code]
    assert len(found) == 1, [(one["level"], one["code"], one["text"]) for one in looked["findings"]]
    return found[0]["level"], found[0]["text"]


def codes(looked: JsonObject, *levels: str) -> set[str]:
    return {one["code"] for one in looked["findings"] if not levels or one["level"] in levels}


def differs_by(text: str) -> int:
    """Seconds a clock finding tells of. A Date header tells whole seconds, so this may be one or two off."""
    match = re.search(r"clock is (\d+) s", text)
    assert match, text
    return int(match[1])


@contextlib.asynccontextmanager
async def clinic(
    folder: Path, database_url: str, clock: Ahead | None = None, public_url: str = ""
) -> AsyncIterator[Clinic]:
    """Everything up, connected and tied; the public address is the proxy's, unless one is given."""
    proxy = Proxy()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", proxy.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    proxy.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with (
            stage(folder, database_url) as play,
            running(play.config(port=0, public_url=public_url or proxy.url), clock) as service,
        ):
            play.url = proxy.target = f"http://127.0.0.1:{service.port}"
            await play.connect()
            await play.product("MUG", price="10.00")
            yield Clinic(play, service, proxy)
    finally:
        await runner.cleanup()
