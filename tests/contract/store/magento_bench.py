"""One store to hold the contract against: the sandbox on loopback, or a real one named by MAGENTO_URL.

Everything here goes through the store's public interface, so that the same tests run on both.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, ClassVar
from unittest import mock

import aiohttp
from aiohttp.test_utils import TestServer

from bridge.connectors.magento import sweeping
from bridge.connectors.magento.client import Client
from bridge.connectors.magento.connect import MagentoConnector
from bridge.connectors.magento.door import MagentoDoor
from bridge.connectors.magento.platform import PLATFORM
from bridge.connectors.magento.search import criteria
from bridge.connectors.magento.signing import Credentials
from bridge.connectors.magento.store import MagentoStore
from bridge.domain.plans import RefundRequest
from bridge.domain.settings import ShopSettings, Tie
from bridge.domain.store_order import StoreOrder
from bridge.domain.tokens import mark
from bridge.sandbox.magento import MagentoSandbox, create_app
from tests.contract.store.store_bench import BoxBench, Rewords, StoreBench

NAMES = ("consumer_key", "consumer_secret", "access_token", "access_token_secret")


@dataclass(kw_only=True)
class Bench(StoreBench):
    platform = PLATFORM

    client: Client
    store: MagentoStore

    async def salable(self) -> Decimal:
        told = await self.stock()
        assert told is not None
        return told

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


@dataclass(kw_only=True)
class SandboxBench(BoxBench, Bench):
    unheard: ClassVar[Mapping[str, str]] = {
        r'("(?:state|status)":\s*)"\w+"': r'\1"beamed_up"',
        r'("product_type":\s*)"simple"': r'\1"hologram"',
    }
    faults: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "create": {"method": "POST", "path": "/V1/orders$"},
        "refund": {"method": "POST", "path": "/refund$"},
        "part": {"method": "POST", "path": "/refund$"},
        "read": {"method": "GET", "path": "/V1/orders/"},
    }

    box: MagentoSandbox

    @property
    def secrets(self) -> tuple[str, ...]:
        return tuple(self.credentials[name] for name in NAMES if name != "consumer_key")

    @property
    def wrong(self) -> Mapping[str, Any]:
        return {**self.credentials, "access_token_secret": "wrong-secret-of-nobody-at-all"}

    def again(self) -> MagentoStore:
        return MagentoStore(_client(self.session, self.url, self.credentials))

    async def revoke(self) -> None:
        token = self.box.integrations.all[1].token
        assert token is not None
        token.revoked = True

    def made(self) -> int:
        return self.box.effects["orders_created"]

    async def take_back(self, order: StoreOrder) -> None:
        await self.control("POST", "refund", {"order": int(order.id)})

    def short_pages(self, rows: int) -> AbstractContextManager[Any]:
        return mock.patch.object(sweeping, "PAGE_SIZE", rows)

    def calls(self, method: str = ".*", path: str = ".*") -> list[Any]:
        return list(self.box.faults.calls(method=method, path=path))


@asynccontextmanager
async def open_sandbox(plugin: str | None = "1.0.26", **options: Any) -> AsyncIterator[SandboxBench]:
    box = MagentoSandbox(plugin, **options)
    rewords = Rewords()
    async with TestServer(rewords.around(create_app(box))) as server, aiohttp.ClientSession() as session:
        url = str(server.make_url("/")).rstrip("/")
        for sku in ("SKU-A", "SKU-B", "S/L,1"):
            box.add_product(sku, price=Decimal(50), qty=Decimal(100))
        made = box.integrations.create("Bridge", resources=None)
        assert made.token is not None
        values = (made.consumer_key, made.consumer_secret, made.token.token, made.token.secret)
        credentials = dict(zip(NAMES, values, strict=True))
        client = _client(session, url, credentials)
        yield SandboxBench(
            rewords=rewords,
            url=url,
            session=session,
            credentials=credentials,
            client=client,
            store=MagentoStore(client),
            sku="SKU-A",
            other_sku="SKU-B",
            connector=MagentoConnector(session, allow_private=True),
            door=MagentoDoor(),
            box=box,
        )


def _client(session: aiohttp.ClientSession, url: str, credentials: Mapping[str, str]) -> Client:
    return Client(session, url, Credentials.of(credentials), allow_private=True, write_timeout=20.0)


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
            url=named["url"],
            session=session,
            credentials=credentials,
            client=client,
            store=store,
            sku=sku,
            currency=view.currency,
            view=view.code,
            settings=ShopSettings(store=tie),
        )


async def _first_simple(client: Client) -> str:
    query = criteria([("type_id", "eq", "simple")], page_size=1)
    found: Any = await client.get("/rest/V1/products", query)
    return str(found["items"][0]["sku"])
