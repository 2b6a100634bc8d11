"""A channel under test and the hand that moves the shop behind it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp
from aiohttp.test_utils import TestServer

from bridge.connectors.tiktok.connect import Rotating, TikTokConnector
from bridge.connectors.tiktok.credentials import tokens_of
from bridge.connectors.tiktok.shop import ShopRef, shop_limiter
from bridge.domain.channel_order import ChannelOrder
from bridge.ports import Channel
from bridge.sandbox.tiktok import TikTokSandbox, create_app
from tests.contract import tiktok_spec

Json = dict[str, Any]
SPEC = tiktok_spec.load()
OUT_OF_STOCK = {"GB": "seller_cancel_reason_out_of_stock_uk"}


def out_of_stock(region: str) -> str:
    return OUT_OF_STOCK.get(region, "seller_cancel_reason_out_of_stock")


@dataclass
class MovableClock:
    offset: timedelta = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset


@dataclass
class World:
    """The sandbox's control API, and channels to its shops over real HTTP."""

    session: aiohttp.ClientSession
    base: str
    app: Json
    shops: dict[str, ShopRef]
    clock: MovableClock = field(default_factory=MovableClock)

    async def control(self, method: str, path: str, /, **body: Any) -> Json:
        async with self.session.request(method, f"{self.base}/_control{path}", json=body) as response:
            text = await response.text()
            assert response.status < 300, f"{method} {path}: {response.status} {text}"
            answer: Json = json.loads(text)
            return answer

    async def grant(self) -> Json:
        """Credentials as a merchant would enter them."""
        data = await self.control("POST", "/tokens")
        pair = {name: data[name] for name in ("access_token", "refresh_token")}
        return dict(self.connector.check({**self.app, **pair, "auth_url": self.base}))

    @property
    def connector(self) -> TikTokConnector:
        return TikTokConnector(self.session, self.clock, allow_private_urls=True)

    async def channel(self, region: str = "US") -> tuple[Channel, Rotating]:
        return self.channel_of(await self.grant(), region)

    def channel_of(self, credentials: Json, region: str = "US") -> tuple[Channel, Rotating]:
        tokens = Rotating(self.connector.authorizer(credentials), tokens_of(credentials))
        shop = self.connector.shop(self.base, credentials, tokens, self.shops[region], shop_limiter())
        return shop, tokens

    async def place(self, region: str = "US", quantity: int = 2, **more: Any) -> str:
        line = {"seller_sku": "BOTTLE-1", "quantity": quantity, "original_price": "10.00", "sale_price": "10.00"}
        body = {"shop_id": self.shops[region].id, "lines": [line], "shipping_fee": "4.00", "tax": "1.00", **more}
        return str((await self.control("POST", "/orders", **body))["id"])

    async def seen(self, order_id: str) -> Json:
        summary: Json = (await self.control("GET", f"/orders/{order_id}"))["summary"]
        return summary

    async def calls(self, path: str, method: str = ".*") -> list[Json]:
        async with self.session.get(
            f"{self.base}/_control/calls", params={"path": path, "method": method, "after": "0"}
        ) as response:
            found: list[Json] = (await response.json())["calls"]
            return found


async def reading(channel: Channel, order_id: str) -> ChannelOrder:
    order = await channel.read_order(order_id)
    assert order is not None
    return order


def _problems(call: object) -> list[str]:
    method, path_qs, headers, body = (getattr(call, name) for name in ("method", "path", "headers", "body"))
    parts = urlsplit(path_qs)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    if SPEC is None:
        return []
    found = SPEC.request_problems(method, parts.path, query, headers, json.loads(body) if body else None)
    return [f"{method} {parts.path}: {problem}" for problem in found]


@asynccontextmanager
async def open_world() -> AsyncIterator[World]:
    """Every request that arrives is held against the published page of its operation, where the pages are at hand."""
    box = TikTokSandbox()
    async with TestServer(create_app(box)) as server, aiohttp.ClientSession() as session:
        shops = {shop.region: ShopRef(shop.id, shop.region, shop.cipher) for shop in box.shops.values()}
        app = {"app_key": box.app.key, "app_secret": box.app.secret}
        yield World(session, str(server.make_url("/")).rstrip("/"), app, shops)
        problems = [problem for call in box.faults.calls() for problem in _problems(call)]
        leaks = [call.path for call in box.faults.calls(path="^(?!/api/v2/token/)") if "token=ROW_" in call.path]
    assert problems == []
    assert leaks == []
