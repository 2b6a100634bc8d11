"""A Shopify shop on loopback to hold the store contract against."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import aiohttp
from aiohttp.test_utils import TestServer

from bridge.connectors.shopify.connect import Given, ShopifyConnector
from bridge.connectors.shopify.store import ShopifyStore
from bridge.domain.channel_order import ChannelOrder
from bridge.domain.outcomes import Done
from bridge.domain.plans import OrderPlan, RefundRequest
from bridge.domain.settings import ShopSettings, Tie
from bridge.domain.store_order import StoreOrder
from bridge.domain.tokens import mark
from bridge.sandbox.shopify import ShopifySandbox, create_app
from tests.unit.magento.orders import Line, order_of

TOKEN = "0123456789abcdef"
PUBLIC = "https://bridge.example"
_RUN = itertools.count(1)


class WallClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


def refund(
    order: StoreOrder,
    quantities: Mapping[str, int] | None = None,
    *,
    restock: frozenset[str] | bool = True,
    token: str = TOKEN,
) -> RefundRequest:
    """Named rows, or everything that is left where none is named."""
    wanted = quantities or {row.id: row.left for row in order.rows if row.left}
    rows = frozenset(wanted) if restock is True else restock or frozenset()
    comment = f"TikTok cancellation 4035: no longer needed {mark(token)}"
    return RefundRequest(token, comment, wanted, everything=not quantities, restock_rows=rows)


@dataclass
class ShopifyBench:
    url: str
    session: aiohttp.ClientSession
    box: ShopifySandbox
    connector: ShopifyConnector
    credentials: dict[str, Any]
    store: ShopifyStore

    settings = ShopSettings(store=Tie(connection="c1"))

    def order(self, *lines: Line, **amounts: Any) -> ChannelOrder:
        number = f"5764{next(_RUN):014d}"
        return order_of(lines or [self.line("50"), self.line("50")], order_id=number, **amounts)

    def line(self, price: str, sku: str = "SKU-A", seller: str = "0", tax: str = "0") -> Line:
        return Line(sku, Decimal(price), Decimal(seller), Decimal(0), Decimal(tax))

    async def plan(self, order: ChannelOrder) -> OrderPlan:
        found = await self.store.plan_order(order, self.settings, {})
        assert isinstance(found, OrderPlan), found
        return found

    async def create(self, order: ChannelOrder | None = None) -> StoreOrder:
        made = await self.store.create_order(await self.plan(order or self.order(shipping="5")))
        assert isinstance(made, Done), made
        return await self.read(made.reference)

    async def read(self, order_id: str) -> StoreOrder:
        found = await self.store.read_order(order_id)
        assert found is not None
        return found

    async def cancelled(self, order: StoreOrder, reference: str) -> StoreOrder:
        """The order once its cancellation shows."""

        async def shows() -> bool:
            step = await self.store.progress(order.id, reference)
            assert step is None or step.state == "working", step
            return (await self.read(order.id)).state == "cancelled"

        async with asyncio.timeout(10):
            while not await shows():
                await asyncio.sleep(0.02)
        return await self.read(order.id)

    async def stock(self, sku: str = "SKU-A") -> Decimal:
        told = await self.store.salable("", [sku])
        assert told is not None
        return told[sku]

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        async with self.session.request(method, f"{self.url}/_control/{path}", json=body) as answer:
            text = await answer.text()
            assert answer.status in {200, 201}, text
            return json.loads(text)

    def again(self, credentials: Mapping[str, Any] | None = None, public_url: str = "") -> ShopifyStore:
        """The same shop through another client, with no memory."""
        kept = {**(credentials or self.credentials), "token_url": f"{self.url}/admin/oauth/access_token"}
        tokens = Given(self.session, WallClock(), kept)
        return self.connector.store(self.url, kept, tokens, "c1", public_url)


@asynccontextmanager
async def open_shopify(**credentials: Any) -> AsyncIterator[ShopifyBench]:
    box = ShopifySandbox()
    box.settings.webhooks_paused = True
    for sku in ("SKU-A", "SKU-B"):
        box.add_variant(sku, price=Decimal(50), available=100)
    async with TestServer(create_app(box)) as server, aiohttp.ClientSession() as session:
        url = str(server.make_url("/")).rstrip("/")
        connector = ShopifyConnector(session, WallClock(), allow_private=True)
        given = {"client_id": box.tokens.client_id, "client_secret": box.tokens.secrets[0], **credentials}
        connected = await connector.connect("c1", url, connector.check(given), PUBLIC)
        kept = dict(connected.credentials)
        tokens = Given(session, WallClock(), kept)
        yield ShopifyBench(url, session, box, connector, kept, connector.store(url, kept, tokens, "c1", ""))
