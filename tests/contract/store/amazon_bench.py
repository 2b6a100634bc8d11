"""An Amazon seller on loopback to hold the connector against, in either version of the API."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import aiohttp
from aiohttp.test_utils import TestServer

from bridge.connectors.amazon.connect import AmazonConnector, Given
from bridge.connectors.amazon.store import AmazonStore
from bridge.domain.channel_order import ChannelOrder
from bridge.domain.outcomes import Done
from bridge.domain.pacing import Rate, Turn
from bridge.domain.plans import OrderPlan, RefundRequest
from bridge.domain.settings import ShopSettings, Tie
from bridge.domain.store_order import StoreOrder
from bridge.domain.tokens import mark
from bridge.sandbox.amazon import AmazonSandbox, create_app, life
from bridge.sandbox.amazon.model import Order, Status
from tests.unit.magento.orders import Line, order_of

TOKEN = "0123456789abcdef"
SETTINGS = ShopSettings(store=Tie(connection="c1"))
_RUN = itertools.count(1)


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


def refund(order: StoreOrder, quantities: Mapping[str, int] | None = None) -> RefundRequest:
    """Named rows, or everything that is left where none is named."""
    wanted = quantities or {row.id: row.left for row in order.rows if row.left}
    comment = f"TikTok cancellation 4035: no longer needed {mark(TOKEN)}"
    return RefundRequest(TOKEN, comment, wanted, everything=not quantities, restock_rows=frozenset(wanted))


@dataclass
class AmazonBench:
    url: str
    session: aiohttp.ClientSession
    box: AmazonSandbox
    connector: AmazonConnector
    credentials: dict[str, Any]
    store: AmazonStore
    pace: Unpaced = field(default_factory=Unpaced)

    def order(self, *skus: str, **changes: Any) -> ChannelOrder:
        lines = [Line(sku, Decimal(10)) for sku in skus or ("SKU-A", "SKU-A", "SKU-B")]
        return order_of(lines, order_id=f"5764{next(_RUN):014d}", **changes)

    async def plan(self, order: ChannelOrder) -> OrderPlan:
        found = await self.store.plan_order(order, SETTINGS, {})
        assert isinstance(found, OrderPlan), found
        return found

    async def create(self, order: ChannelOrder | None = None) -> StoreOrder:
        made = await self.store.create_order(await self.plan(order or self.order()))
        assert isinstance(made, Done), made
        return await self.read(made.reference)

    async def read(self, order_id: str) -> StoreOrder:
        found = await self.store.read_order(order_id)
        assert found is not None
        return found

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
    async with TestServer(create_app(box)) as server, aiohttp.ClientSession() as session:
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
        store = connector.store(url, kept, Given(session, WallClock(), kept), "c1")
        yield AmazonBench(url, session, box, connector, kept, store, pace)
