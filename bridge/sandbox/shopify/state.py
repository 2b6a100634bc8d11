"""The books of one sandbox store, in memory."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from bridge.sandbox.faults import Faults
from bridge.sandbox.shopify.bucket import Bucket
from bridge.sandbox.shopify.deliveries import Deliveries
from bridge.sandbox.shopify.model import (
    CancelJob,
    Definition,
    Level,
    Location,
    Metafield,
    Order,
    Refund,
    Subscription,
    Variant,
)
from bridge.sandbox.shopify.settings import Settings
from bridge.sandbox.shopify.tokens import Tokens

APP_ID = 1234567
APP_NAME = "Bridge"
FIRST_ORDER_NUMBER = 1001
FIRST_ID = 5_324_790_000_000
"""Real ids are this long: one that loses digits on its way through a float shows."""


class ShopifySandbox:
    """A Shopify store with one app installed: ours."""

    def __init__(
        self, *, domain: str = "bridge-sandbox.myshopify.com", currency: str = "USD", settings: Settings | None = None
    ) -> None:
        self.domain = domain
        self.name = "Bridge sandbox"
        self.currency = currency
        self.settings = settings or Settings()
        self.clock_offset = timedelta(0)
        self.locations: dict[int, Location] = {655441491: Location(655441491, "Main warehouse")}
        self.variants: dict[int, Variant] = {}
        self.orders: dict[int, Order] = {}
        self.jobs: dict[str, CancelJob] = {}
        self.metafields: list[Metafield] = []
        self.definitions: list[Definition] = []
        self.subscriptions: dict[int, Subscription] = {}
        self.idempotency: dict[str, tuple[str, Order, Refund]] = {}
        """Per key of a refund: what was asked, and what became of it."""
        self.real_money = Decimal(0)
        """What was given back through gateways that move money. Nobody wants to see this by accident."""
        self.mails: Counter[str] = Counter()
        """Messages to customers, by what they are about."""
        self.effects: Counter[str] = Counter()
        self.search_warnings: list[str] = []
        """Fields of the last search that do not exist."""
        self._ids = FIRST_ID
        self._number = FIRST_ORDER_NUMBER - 1
        self.faults = Faults()
        self.tokens = Tokens(self.now, self.settings)
        self.bucket = Bucket(self.settings)
        self.deliveries = Deliveries(self.settings, self.domain, self.tokens, self.subscriptions, self.now)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.clock_offset

    def next_id(self) -> int:
        self._ids += 11
        return self._ids

    def next_number(self) -> int:
        self._number += 1
        return self._number

    @property
    def home(self) -> Location:
        """Where orders are sent from: the first location that works."""
        return next((one for one in self.locations.values() if one.is_active), next(iter(self.locations.values())))

    def add_location(self, name: str, *, is_fulfillment_service: bool = False) -> Location:
        made = Location(self.next_id(), name, is_fulfillment_service=is_fulfillment_service)
        self.locations[made.id] = made
        return made

    def by_sku(self, sku: str) -> Variant | None:
        return next((one for one in self.variants.values() if one.sku == sku), None)

    def add_variant(
        self,
        sku: str,
        *,
        price: Decimal | None = None,
        available: int = 0,
        title: str = "",
        tracked: bool = True,
        continue_selling: bool = False,
        location_id: int | None = None,
    ) -> Variant:
        """A variant, or new values for the one with this SKU; what is committed stays."""
        found = self.by_sku(sku)
        if found is None:
            found = Variant(self.next_id(), self.next_id(), sku, title or sku, price or Decimal(0))
            self.variants[found.id] = found
        found.title = title or found.title
        found.price = found.price if price is None else price
        found.tracked, found.continue_selling = tracked, continue_selling
        where = location_id or self.home.id
        level = found.level(where)
        found.levels[where] = Level(available + level.committed, level.committed)
        return found

    def touch(self, order: Order) -> None:
        """An order changed."""
        order.updated_at = self.now()

    async def close(self) -> None:
        await self.deliveries.close()
        await self.faults.close()
