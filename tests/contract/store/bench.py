"""One store to hold the contract against: the sandbox on loopback, or a real one named by MAGENTO_URL.

Everything here goes through the store's public interface, so that the same tests run on both.
"""

from __future__ import annotations

import itertools
import json
import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import aiohttp
from aiohttp.test_utils import TestServer

from bridge.connectors.magento.client import Client
from bridge.connectors.magento.search import criteria
from bridge.connectors.magento.signing import Credentials
from bridge.connectors.magento.store import MagentoStore
from bridge.domain.channel_order import ChannelOrder
from bridge.domain.outcomes import Done
from bridge.domain.plans import OrderPlan, RefundRequest
from bridge.domain.settings import ShopSettings, Tie
from bridge.domain.store_order import StoreOrder
from bridge.domain.tokens import mark
from bridge.sandbox.magento import MagentoSandbox, create_app
from tests.unit.magento.orders import Line, order_of

NAMES = ("consumer_key", "consumer_secret", "access_token", "access_token_secret")
_RUN = itertools.count(int(time.time()) * 1000)


@dataclass
class Bench:
    url: str
    session: aiohttp.ClientSession
    credentials: dict[str, str]
    client: Client
    store: MagentoStore
    sku: str
    currency: str = "USD"
    view: str = ""
    settings: ShopSettings = field(default_factory=lambda: ShopSettings(store=Tie(connection="c1")))

    def order(self, *lines: Line, order_id: str = "", **amounts: Any) -> ChannelOrder:
        """A channel order of a number that this store has never seen."""
        number = order_id or f"5764{next(_RUN):014d}"
        return order_of(lines or [self.line("50"), self.line("50")], order_id=number, currency=self.currency, **amounts)

    def line(self, price: str, seller: str = "0", tax: str = "0") -> Line:
        return Line(self.sku, Decimal(price), Decimal(seller), Decimal(0), Decimal(tax))

    async def plan(self, order: ChannelOrder, sku_map: Mapping[str, str] | None = None) -> OrderPlan:
        found = await self.store.plan_order(order, self.settings, sku_map or {})
        assert isinstance(found, OrderPlan), found
        return found

    async def create(self, order: ChannelOrder | None = None, *, invoice: bool = True) -> StoreOrder:
        plan = await self.plan(order or self.order(shipping="5"))
        made = await self.store.create_order(plan)
        assert isinstance(made, Done), made
        if invoice:
            assert isinstance(await self.store.invoice_order(made.reference, reserve=False), Done)
        return await self.read(made.reference)

    async def read(self, order_id: str) -> StoreOrder:
        found = await self.store.read_order(order_id)
        assert found is not None
        return found

    async def salable(self) -> Decimal:
        told = await self.store.salable(self.view, [self.sku])
        assert told is not None
        return told[self.sku]

    async def source(self) -> Decimal:
        """The physical quantity, over all sources."""
        query = criteria([("sku", "eq", self.sku)])
        found: Any = await self.client.get("/rest/V1/inventory/source-items", query)
        return sum((Decimal(str(row["quantity"])) for row in found["items"]), Decimal(0))

    async def ship(self, order: StoreOrder, quantities: Mapping[str, int]) -> None:
        items = [{"order_item_id": int(row), "qty": quantity} for row, quantity in quantities.items()]
        answer = await self.client.post(f"/rest/V1/order/{order.id}/ship", json.dumps({"items": items}).encode())
        assert answer.is_ok, answer.text


def refund(
    quantities: Mapping[str, int] | None = None,
    *,
    token: str = "0123456789abcdef",
    restock: frozenset[str] = frozenset(),
) -> RefundRequest:
    """Named rows, or everything where none is named."""
    return RefundRequest(token, f"TikTok cancellation 4035 {mark(token)}", quantities or {}, not quantities, restock)


def everything(order: StoreOrder, *, restock: bool, token: str = "0123456789abcdef") -> RefundRequest:
    rows = frozenset(row.id for row in order.rows) if restock else frozenset()
    return replace(refund(token=token, restock=rows), quantities={row.id: row.left for row in order.rows})


@dataclass
class SandboxBench(Bench):
    box: MagentoSandbox = field(default_factory=MagentoSandbox)

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        async with self.session.request(method, f"{self.url}/_control/{path}", json=body) as answer:
            text = await answer.text()
            assert answer.status in {200, 201}, text
            return json.loads(text)

    def calls(self, method: str = ".*", path: str = ".*") -> list[Any]:
        return list(self.box.faults.calls(method=method, path=path))


@asynccontextmanager
async def open_sandbox(plugin: str | None = "1.0.26", **options: Any) -> AsyncIterator[SandboxBench]:
    box = MagentoSandbox(plugin, **options)
    async with TestServer(create_app(box)) as server, aiohttp.ClientSession() as session:
        url = str(server.make_url("/")).rstrip("/")
        for sku in ("SKU-A", "SKU-B", "S/L,1"):
            box.add_product(sku, price=Decimal(50), qty=Decimal(100))
        made = box.integrations.create("Bridge", resources=None)
        assert made.token is not None
        values = (made.consumer_key, made.consumer_secret, made.token.token, made.token.secret)
        credentials = dict(zip(NAMES, values, strict=True))
        client = Client(session, url, Credentials.of(credentials), allow_private=True, write_timeout=20.0)
        yield SandboxBench(url, session, credentials, client, MagentoStore(client), "SKU-A", box=box)


def live_settings() -> dict[str, str] | None:
    """The real store, where the environment names one with all four values."""
    url = os.environ.get("MAGENTO_URL")
    values = {name: os.environ.get(f"MAGENTO_{name.upper()}", "") for name in NAMES}
    return {"url": url, **values} if url and all(values.values()) else None


@asynccontextmanager
async def open_live(named: Mapping[str, str]) -> AsyncIterator[Bench]:
    async with aiohttp.ClientSession() as session:
        credentials = {name: named[name] for name in NAMES}
        client = Client(session, named["url"], Credentials.of(credentials), allow_private=True)
        store = MagentoStore(client)
        view = next(found for found in await store.views())
        sku = os.environ.get("MAGENTO_SKU") or await _first_simple(client)
        tie = Tie(connection="live", store_view=view.code)
        yield Bench(
            named["url"], session, credentials, client, store, sku, view.currency, view.code, ShopSettings(store=tie)
        )


async def _first_simple(client: Client) -> str:
    query = criteria([("type_id", "eq", "simple")], page_size=1)
    found: Any = await client.get("/rest/V1/products", query)
    return str(found["items"][0]["sku"])
