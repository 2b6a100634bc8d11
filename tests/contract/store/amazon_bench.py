"""An Amazon seller on loopback to hold the store contract against, in either version of the API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar
from unittest import mock

import aiohttp
from aiohttp.test_utils import TestServer

from bridge.connectors.amazon.connect import AmazonConnector, Given
from bridge.connectors.amazon.platform import PLATFORM
from bridge.connectors.amazon.store import AmazonStore
from bridge.domain.channel_order import ChannelOrder
from bridge.domain.pacing import Rate, Turn
from bridge.domain.store_order import StoreOrder
from bridge.sandbox.amazon import AmazonSandbox, create_app, life
from bridge.sandbox.amazon.model import Order, Status
from tests.contract.store.store_bench import BoxBench, Rewords


class WallClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class Unpaced:
    """A pace that lets everything through and notes what was asked."""

    def __init__(self) -> None:
        self.names: list[str] = []

    async def take(self, name: str, rate: Rate, longest: float) -> Turn:
        del rate, longest
        self.names.append(name)
        return Turn(is_taken=True, wait=0.0)


@dataclass(kw_only=True)
class AmazonBench(BoxBench):
    platform = PLATFORM
    restock_is_chosen = False
    unheard: ClassVar[Mapping[str, str]] = {
        r'("fulfillmentOrderStatus":\s*)"\w+"': r'\1"BeamedUp"',
        r'("status":\s*)"\w+"': r'\1"BEAMED_UP"',
    }
    faults: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "create": {"method": "POST", "path": "rders$"},
        "refund": {"method": "PUT", "path": "/cancel$"},
        "read": {"method": "GET", "path": "rders/"},
    }

    box: AmazonSandbox
    connector: AmazonConnector
    store: AmazonStore
    pace: Unpaced = field(default_factory=Unpaced)

    @property
    def secrets(self) -> tuple[str, ...]:
        named = ("client_secret", "refresh_token", "access_token")
        return tuple(str(self.credentials[name]) for name in named if self.credentials.get(name))

    @property
    def wrong(self) -> Mapping[str, Any]:
        named = ("client_id", "refresh_token", "token_url")
        return {**{name: self.credentials[name] for name in named}, "client_secret": "amzn1.oa2-cs.v1.of-nobody"}

    async def revoke(self) -> None:
        self.box.tokens.authorized = False

    def made(self) -> int:
        return self.box.effects["create"]

    async def take_back(self, order: StoreOrder) -> None:
        await self.control("POST", f"orders/{order.id}/cancel", {})

    def short_pages(self, rows: int) -> AbstractContextManager[Any]:
        return mock.patch.object(self.box, "settings", self.box.settings.model_copy(update={"page_size": rows}))

    def sale(self, **changes: Any) -> ChannelOrder:
        """Two of one SKU and one of another."""
        return self.order(*(self.line("10", sku=sku) for sku in (self.sku, self.sku, self.other_sku)), **changes)

    def there(self, order_id: str) -> Order:
        return self.box.orders[order_id]

    def move(self, order_id: str, status: Status) -> None:
        life.move(self.box, self.there(order_id), status)

    def calls(self, method: str, path: str) -> int:
        return len(self.box.faults.calls(0, method, path))

    def again(self, **credentials: Any) -> AmazonStore:
        """The same seller through another client, with no memory."""
        kept = {**self.credentials, **credentials}
        return self.connector.store(self.url, kept, Given(self.session, WallClock(), kept), "c1")


@asynccontextmanager
async def open_amazon(**credentials: Any) -> AsyncIterator[AmazonBench]:
    box = AmazonSandbox()
    box.settings.rate = 1000
    box.settings.burst = 1000
    for sku in ("SKU-A", "SKU-B"):
        box.stock[sku] = 100
    rewords = Rewords()
    async with TestServer(rewords.around(create_app(box))) as server, aiohttp.ClientSession() as session:
        url = str(server.make_url("/")).rstrip("/")
        pace = Unpaced()
        connector = AmazonConnector(session, WallClock(), pace, allow_private=True)
        given = {
            "client_id": box.tokens.client_id,
            "client_secret": box.tokens.client_secret,
            "refresh_token": box.tokens.refresh_token,
            "token_url": f"{url}/auth/o2/token",
            **credentials,
        }
        connected = await connector.connect("c1", url, connector.check(given), "")
        kept = dict(connected.credentials)
        yield AmazonBench(
            rewords=rewords,
            url=url,
            session=session,
            box=box,
            connector=connector,
            credentials=kept,
            store=connector.store(url, kept, Given(session, WallClock(), kept), "c1"),
            pace=pace,
            sku="SKU-A",
            other_sku="SKU-B",
        )
