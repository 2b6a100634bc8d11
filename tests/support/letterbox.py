"""A server of ours that keeps what is delivered to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web
from aiohttp.test_utils import TestServer

SECONDS = 10.0


@dataclass(frozen=True)
class Delivery:
    """One message as it arrived."""

    path: str
    headers: Mapping[str, str]
    raw: bytes


class Letterbox:
    """A server of ours that keeps what is delivered to it."""

    def __init__(self) -> None:
        self.url = ""
        self._come: asyncio.Queue[Delivery] = asyncio.Queue()

    async def next(self) -> Delivery:
        async with asyncio.timeout(SECONDS):
            return await self._come.get()

    async def take(self, request: web.Request) -> web.Response:
        self._come.put_nowait(Delivery(request.path, dict(request.headers), await request.read()))
        return web.Response()


@asynccontextmanager
async def letterbox() -> AsyncIterator[Letterbox]:
    box = Letterbox()
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", box.take)
    async with TestServer(app) as server:
        box.url = str(server.make_url("/")).rstrip("/")
        yield box
