from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bridge.sandbox.shopify import ShopifySandbox, create_app
from tests.contract.sandbox_shopify.shopify_caller import Receiver, Store


@pytest.fixture
def box() -> ShopifySandbox:
    return ShopifySandbox()


@pytest.fixture
async def store(box: ShopifySandbox) -> AsyncIterator[Store]:
    async with TestServer(create_app(box)) as running, aiohttp.ClientSession() as session:
        yield Store(box, session, str(running.make_url("/")).rstrip("/"), box.tokens.legacy().value)


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
