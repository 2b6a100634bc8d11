"""One suite for `bridge.ports.Channel`, run over real HTTP against the TikTok Shop sandbox.

Every request that arrives there is held against the published page of its operation, where the pages are at hand.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from bridge.connectors.tiktok.connect import Rotating
from bridge.connectors.tiktok.shop import ShopRef
from bridge.ports import Channel
from bridge.sandbox.tiktok import TikTokSandbox, create_app
from tests.contract import tiktok_spec
from tests.contract.channel.channel_world import World

SPEC = tiktok_spec.load()


def _problems(call: object) -> list[str]:
    method, path_qs, headers, body = (getattr(call, name) for name in ("method", "path", "headers", "body"))
    parts = urlsplit(path_qs)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    if SPEC is None:
        return []
    found = SPEC.request_problems(method, parts.path, query, headers, json.loads(body) if body else None)
    return [f"{method} {parts.path}: {problem}" for problem in found]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    box = TikTokSandbox()
    async with TestServer(create_app(box)) as server, aiohttp.ClientSession() as session:
        shops = {shop.region: ShopRef(shop.id, shop.region, shop.cipher) for shop in box.shops.values()}
        app = {"app_key": box.app.key, "app_secret": box.app.secret}
        yield World(session, str(server.make_url("/")).rstrip("/"), app, shops)
        problems = [problem for call in box.faults.calls() for problem in _problems(call)]
        leaks = [call.path for call in box.faults.calls(path="^(?!/api/v2/token/)") if "token=ROW_" in call.path]
    assert problems == []
    assert leaks == []


@pytest.fixture
async def opened(world: World) -> tuple[Channel, Rotating]:
    return await world.channel()


@pytest.fixture
def channel(opened: tuple[Channel, Rotating]) -> Channel:
    return opened[0]


@pytest.fixture
def tokens(opened: tuple[Channel, Rotating]) -> Rotating:
    return opened[1]
