from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bridge.sandbox.woocommerce import WooCommerceSandbox, create_app
from tests.contract.sandbox_woocommerce.woo_caller import Receiver, Shop


@pytest.fixture
def box() -> WooCommerceSandbox:
    return WooCommerceSandbox()


@pytest.fixture
async def shop(box: WooCommerceSandbox) -> AsyncIterator[Shop]:
    async with TestServer(create_app(box)) as running, aiohttp.ClientSession() as session:
        yield Shop(box, session, str(running.make_url("/")).rstrip("/"))


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    found = Receiver()

    async def take(request: web.Request) -> web.Response:
        found.got.append((dict(request.headers), await request.read()))
        return web.Response(status=found.answers.pop(0) if found.answers else 200)

    app = web.Application()
    app.router.add_post("/{path:.*}", take)
    async with TestServer(app) as running:
        found.url = str(running.make_url("/hooks"))
        yield found
