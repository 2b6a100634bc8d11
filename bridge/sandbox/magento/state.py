"""The books of one sandbox store, in memory."""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from bridge.sandbox.faults import Faults
from bridge.sandbox.magento.deliveries import Deliveries
from bridge.sandbox.magento.integrations import Integrations
from bridge.sandbox.magento.plugin import Plugin, plugin
from bridge.sandbox.magento.stock import Product, Stock
from bridge.sandbox.magento.wire import RestError, Row, internal_error, stamp


@dataclass
class Website:
    id: int
    code: str
    name: str


@dataclass
class Store:
    """A store view. `store_id` of an order is its `id`."""

    id: int
    code: str
    name: str
    website: Website
    currency: str
    locale: str = "en_US"


@dataclass
class Order:
    """An order as its tables hold it: whatever was sent, plus what Magento adds."""

    row: Row
    items: list[Row]
    payment: Row
    billing: Row | None = None
    shipping: Row | None = None
    shipping_method: str | None = None
    histories: list[Row] = field(default_factory=list)

    @property
    def id(self) -> int:
        return int(self.row["entity_id"])

    def item(self, item_id: int) -> Row | None:
        return next((item for item in self.items if item["item_id"] == item_id), None)

    def children(self, item: Row) -> list[Row]:
        return [child for child in self.items if child.get("parent_item_id") == item["item_id"]]


@dataclass
class Document:
    """An invoice, a shipment or a credit memo."""

    row: Row
    items: list[Row]
    comments: list[Row] = field(default_factory=list)
    tracks: list[Row] = field(default_factory=list)

    @property
    def id(self) -> int:
        return int(self.row["entity_id"])


class MagentoSandbox:
    """A Magento Open Source 2.4.6-p11 store with the AfterShip_TikTokShop plugin, or without (`plugin_version=None`).

    `websites` are added to the default one: `{"website": "eu", "store": "eu_de", "currency": "EUR"}` each.
    """

    def __init__(
        self,
        plugin_version: str | None = "1.0.26",
        *,
        websites: list[dict[str, str]] | None = None,
        bearer_allowed: bool = False,
    ) -> None:
        self.plugin: Plugin | None = plugin(plugin_version)
        self.bearer_allowed = bearer_allowed
        self.maintenance = False
        self.inventory = True
        """Whether the routes of the inventory modules (MSI) are there; stock itself is kept the same."""
        self.clock_offset = timedelta(0)
        self.stock = Stock()
        self.websites: list[Website] = [Website(1, "base", "Main Website")]
        self.stores: list[Store] = [Store(1, "default", "Default Store View", self.websites[0], "USD")]
        self.orders: dict[int, Order] = {}
        self.invoices: dict[int, Document] = {}
        self.shipments: dict[int, Document] = {}
        self.memos: dict[int, Document] = {}
        self.webhooks: list[Row] = []
        self.beside: set[int] = set()
        """Orders whose next refund by REST meets the merchant's own click: both are booked."""
        self.effects: Counter[str] = Counter()
        self._ids: Counter[str] = Counter()
        self.faults = Faults()
        self.integrations = Integrations(self.now)
        self.deliveries = Deliveries(self._registrations, self.integrations.consumer_key)
        for website in websites or []:
            self.add_website(**website)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.clock_offset

    def stamp(self) -> str:
        return stamp(self.now())

    def next_id(self, table: str) -> int:
        self._ids[table] += 1
        return self._ids[table]

    def skip_ids(self, table: str, up_to: int) -> None:
        self._ids[table] = max(self._ids[table], up_to)

    def set_plugin(self, version: str | None) -> None:
        self.plugin = plugin(version)

    def add_website(self, website: str, store: str, currency: str, name: str = "", locale: str = "en_US") -> Store:
        """A second website with one store view; continues the one that is there already."""
        if any(found.code == store for found in self.stores):
            raise ValueError(f"store view {store} exists")
        home = next((found for found in self.websites if found.code == website), None)
        if home is None:
            home = Website(len(self.websites) + 1, website, name or website)
            self.websites.append(home)
        view = Store(len(self.stores) + 1, store, name or store, home, currency, locale)
        self.stores.append(view)
        return view

    def store(self, store_id: object) -> Store:
        return next((view for view in self.stores if str(view.id) == str(store_id)), self.stores[0])

    def add_product(
        self,
        sku: str,
        *,
        price: Decimal = Decimal(0),
        qty: Decimal = Decimal(0),
        name: str = "",
        type_id: str = "simple",
        parent: str | None = None,
    ) -> Product:
        """A product, or new price and quantity for the one with this SKU; reservations stay."""
        product = self.stock.by_sku(sku)
        if product is None:
            product = Product(self.next_id("product"), sku, name or sku, price, type_id, created_at=self.stamp())
            self.stock.products[product.id] = product
        product.name = name or product.name
        product.price = price
        product.source = qty
        product.in_stock = qty > 0
        product.updated_at = self.stamp()
        if parent is not None:
            configurable = self.stock.by_sku(parent) or self.add_product(parent, price=price, type_id="configurable")
            product.visibility = 1
            if configurable.id not in product.parent_ids:
                product.parent_ids.append(configurable.id)
        return product

    def memos_of(self, order: Order) -> list[Document]:
        return [memo for memo in self.memos.values() if memo.row.get("order_id") == order.id]

    def internal_error(self) -> RestError:
        return internal_error(secrets.token_hex(7))

    def _registrations(self, topic: str) -> list[Row]:
        return [hook for hook in self.webhooks if hook["topic"] == topic]

    async def close(self) -> None:
        await self.deliveries.close()
        await self.faults.close()
