"""A channel under test and the hand that moves the shop behind it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp

from bridge.connectors.tiktok.connect import Rotating, TikTokConnector
from bridge.connectors.tiktok.credentials import tokens_of
from bridge.connectors.tiktok.shop import ShopRef, shop_limiter
from bridge.domain.channel_order import ChannelOrder
from bridge.ports import Channel

Json = dict[str, Any]
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
        credentials = await self.grant()
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
