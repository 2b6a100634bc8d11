from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bridge.sandbox.tiktok import Shop, TikTokSandbox, create_app
from tests.contract import tiktok_spec
from tests.contract.sandbox_tiktok.tiktok_caller import Caller, Control
from tests.contract.tiktok_spec import Spec

REGIONS = ("US", "GB", "DE", "MX", "BR", "JP", "ID", "PH", "SG", "TH", "VN")
SHOPS = {
    region: Shop(id=f"74950000000000000{number:02d}", name=f"Shop {region}", region=region, cipher=f"ROW_{region}+/=x")
    for number, region in enumerate(REGIONS, 10)
}


@pytest.fixture(scope="session")
def spec_or_none() -> Spec | None:
    return tiktok_spec.load()


@pytest.fixture
def spec(spec_or_none: Spec | None) -> Spec:
    if spec_or_none is None:
        pytest.skip(tiktok_spec.ABSENT)
    return spec_or_none


@pytest.fixture
def box() -> TikTokSandbox:
    return TikTokSandbox(shops=list(SHOPS.values()))


@pytest.fixture
async def server(box: TikTokSandbox) -> AsyncIterator[TestServer]:
    running = TestServer(create_app(box))
    async with running:
        yield running


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture
def base(server: TestServer) -> str:
    return str(server.make_url("/")).rstrip("/")


@pytest.fixture
def caller(
    box: TikTokSandbox, base: str, session: aiohttp.ClientSession, spec_or_none: Spec | None
) -> Callable[[str], Caller]:
    grant = box.tokens.grant(list(box.shops))

    def make(region: str) -> Caller:
        return Caller(
            session=session,
            base=base,
            key=box.app.key,
            secret=box.app.secret,
            token=grant.access_token,
            cipher=SHOPS[region].cipher,
            spec=spec_or_none,
        )

    return make


@pytest.fixture
def us(caller: Callable[[str], Caller]) -> Caller:
    return caller("US")


@pytest.fixture
def control(base: str, session: aiohttp.ClientSession) -> Control:
    return Control(session, base)


@dataclass
class Receiver:
    """A subscriber: keeps what arrives and answers with the next of `answers`, then 200."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    got: list[tuple[str, bytes]] = field(default_factory=list)
    stall: asyncio.Event | None = None

    def bodies(self) -> list[Any]:
        return [json.loads(body) for _, body in self.got]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    found = Receiver()

    async def take(request: web.Request) -> web.Response:
        found.got.append((request.headers.get("Authorization", ""), await request.read()))
        if found.stall is not None:
            await found.stall.wait()
        return web.Response(status=found.answers.pop(0) if found.answers else 200)

    app = web.Application()
    app.router.add_post("/{path:.*}", take)
    async with TestServer(app) as running:
        found.url = str(running.make_url("/hooks"))
        yield found
        if found.stall is not None:
            found.stall.set()
