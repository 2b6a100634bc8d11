"""A WooCommerce store on loopback to hold the store contract against."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar
from unittest import mock

import aiohttp
from aiohttp.test_utils import TestServer

from bridge.connectors.woocommerce.connect import WooCommerceConnector
from bridge.connectors.woocommerce.door import WooCommerceDoor
from bridge.connectors.woocommerce.platform import PLATFORM
from bridge.connectors.woocommerce.store import WooCommerceStore
from bridge.domain.store_order import StoreOrder
from bridge.sandbox.woocommerce import WooCommerceSandbox, create_app
from bridge.sandbox.woocommerce.model import Order
from tests.contract.store.store_bench import BoxBench, Rewords
from tests.support.letterbox import Delivery

PUBLIC = "https://bridge.example"


class WallClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(kw_only=True)
class WooCommerceBench(BoxBench):
    platform = PLATFORM
    unheard: ClassVar[Mapping[str, str]] = {
        r'("status":\s*)"processing"': r'\1"beamed-up"',
    }
    faults: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "create": {"method": "POST", "path": r"/orders(\?|$)"},
        "refund": {"method": "POST", "path": r"/refunds(\?|$)"},
        "part": {"method": "POST", "path": r"/refunds(\?|$)"},
        "read": {"method": "GET", "path": r"/orders/\d+(\?|$)"},
    }

    box: WooCommerceSandbox
    connector: WooCommerceConnector
    store: WooCommerceStore

    @property
    def secrets(self) -> tuple[str, ...]:
        return tuple(str(self.credentials[name]) for name in ("consumer_key", "consumer_secret", "webhook_secret"))

    @property
    def wrong(self) -> Mapping[str, Any]:
        return {"consumer_key": self.credentials["consumer_key"], "consumer_secret": "cs_a_secret_of_nobody_at_all"}

    def again(self, public_url: str = "", **credentials: Any) -> WooCommerceStore:
        return self.connector.store(self.url, {**self.credentials, **credentials}, "c1", public_url)

    async def revoke(self) -> None:
        self.box.keys.key = "ck_another"

    def made(self) -> int:
        return self.box.effects["create"]

    async def take_back(self, order: StoreOrder) -> None:
        await self.control("POST", f"orders/{order.id}/status", {"status": "cancelled"})

    def short_pages(self, rows: int) -> AbstractContextManager[Any]:
        return mock.patch("bridge.connectors.woocommerce.client.PER_PAGE", rows)

    async def wake_deliveries(self) -> None:
        await self.control("PATCH", "settings", {"webhooks_paused": False})

    def is_greeting(self, came: Delivery) -> bool:
        return re.fullmatch(rb"webhook_id=\d+", came.raw) is not None

    def there(self, order: StoreOrder) -> Order:
        return self.box.orders[int(order.id)]


@asynccontextmanager
async def open_woocommerce(**credentials: Any) -> AsyncIterator[WooCommerceBench]:
    box = WooCommerceSandbox()
    box.settings.webhooks_paused = True
    rewords = Rewords()
    async with TestServer(rewords.around(create_app(box))) as server, aiohttp.ClientSession() as session:
        url = str(server.make_url("/")).rstrip("/")
        connector = WooCommerceConnector(session, WallClock(), allow_private=True)
        given = {"consumer_key": box.keys.key, "consumer_secret": box.keys.secret, **credentials}
        kept = dict(connector.check(given))
        made = WooCommerceBench(
            rewords=rewords,
            url=url,
            session=session,
            box=box,
            connector=connector,
            door=WooCommerceDoor(),
            credentials=kept,
            store=connector.store(url, kept, "c1", ""),
            sku="SKU-A",
            other_sku="SKU-B",
        )
        for sku in ("SKU-A", "SKU-B"):
            await made.control("POST", "products", {"sku": sku, "price": "50.00", "stock": 100})
        await connector.connect("c1", url, kept, PUBLIC)
        yield made
