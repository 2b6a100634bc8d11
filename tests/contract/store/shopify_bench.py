"""A Shopify shop on loopback to hold the store contract against."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar
from unittest import mock

import aiohttp
from aiohttp.test_utils import TestServer

from bridge.connectors.shopify.connect import Given, ShopifyConnector
from bridge.connectors.shopify.documents import CHANGED
from bridge.connectors.shopify.door import ShopifyDoor
from bridge.connectors.shopify.platform import PLATFORM
from bridge.connectors.shopify.store import ShopifyStore
from bridge.domain.plans import RefundRequest
from bridge.domain.store_order import StoreOrder
from bridge.sandbox.shopify import ShopifySandbox, create_app
from tests.contract.store import store_bench
from tests.contract.store.store_bench import TOKEN, BoxBench, Rewords

PUBLIC = "https://bridge.example"


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
    """As the suite asks for it, or with just these rows back to stock."""
    asked = store_bench.refund(order, quantities, restock=bool(restock), token=token)
    return asked if isinstance(restock, bool) else replace(asked, restock_rows=restock)


@dataclass(kw_only=True)
class ShopifyBench(BoxBench):
    platform = PLATFORM
    unheard: ClassVar[Mapping[str, str]] = {
        r'("displayFinancialStatus":\s*)"\w+"': r'\1"BEAMED_UP"',
        r'("displayFulfillmentStatus":\s*)"\w+"': r'\1"BEAMED_UP"',
        r'("status":\s*)"OPEN"': r'\1"BEAMED_UP"',
    }
    faults: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "create": {"containing": "orderCreate"},
        "refund": {"containing": "orderCancel"},
        "part": {"containing": "refundCreate"},
        "read": {"path": "graphql"},
    }

    box: ShopifySandbox
    connector: ShopifyConnector
    store: ShopifyStore

    @property
    def secrets(self) -> tuple[str, ...]:
        named = ("client_secret", "earlier_client_secret", "access_token")
        return tuple(str(self.credentials[name]) for name in named if self.credentials.get(name))

    @property
    def wrong(self) -> Mapping[str, Any]:
        return {"client_id": self.box.tokens.client_id, "client_secret": "shpss_wrong_secret_of_nobody"}

    async def revoke(self) -> None:
        await self.control("POST", "uninstall", {})

    def made(self) -> int:
        return self.box.effects["order"]

    async def take_back(self, order: StoreOrder) -> None:
        await self.control("POST", f"orders/{order.id}/cancel", {})

    def short_pages(self, rows: int) -> AbstractContextManager[Any]:
        short = re.sub(r"first: \d+", f"first: {rows}", CHANGED, count=1)
        return mock.patch("bridge.connectors.shopify.sweeping.CHANGED", short)

    async def wake_deliveries(self) -> None:
        await self.control("PATCH", "settings", {"webhooks_paused": False})

    async def stock(self, sku: str = "") -> Decimal:
        told = await super().stock(sku)
        assert told is not None
        return told

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
    rewords = Rewords()
    async with TestServer(rewords.around(create_app(box))) as server, aiohttp.ClientSession() as session:
        url = str(server.make_url("/")).rstrip("/")
        connector = ShopifyConnector(session, WallClock(), allow_private=True)
        given = {"client_id": box.tokens.client_id, "client_secret": box.tokens.secrets[0], **credentials}
        connected = await connector.connect("c1", url, connector.check(given), PUBLIC)
        kept = dict(connected.credentials)
        tokens = Given(session, WallClock(), kept)
        yield ShopifyBench(
            rewords=rewords,
            url=url,
            session=session,
            box=box,
            connector=connector,
            door=ShopifyDoor(),
            credentials=kept,
            store=connector.store(url, kept, tokens, "c1", ""),
            sku="SKU-A",
            other_sku="SKU-B",
        )
