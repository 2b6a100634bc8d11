"""The books of one store, in memory."""

from __future__ import annotations

import secrets
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

from bridge.sandbox.faults import Faults
from bridge.sandbox.woocommerce.deliveries import Deliveries
from bridge.sandbox.woocommerce.keys import Keys
from bridge.sandbox.woocommerce.model import TRASH, Order, Product, Webhook
from bridge.sandbox.woocommerce.settings import Settings

FIRST_ID = 4711


class WooCommerceSandbox:
    """A store with one API key: ours."""

    def __init__(self, *, currency: str = "USD", settings: Settings | None = None) -> None:
        self.currency = currency
        self.settings = settings or Settings()
        self.clock_offset = timedelta(0)
        self.products: dict[int, Product] = {}
        self.orders: dict[int, Order] = {}
        self.webhooks: dict[int, Webhook] = {}
        self.real_money = Decimal(0)
        """What gateways gave back by themselves. Nobody wants to see this by accident."""
        self.mails: Counter[str] = Counter()
        """Messages to buyers whose e-mail address is known, by what they are about."""
        self.effects: Counter[str] = Counter()
        self._ids = FIRST_ID
        self.faults = Faults()
        self.keys = Keys(f"ck_{secrets.token_hex(20)}", f"cs_{secrets.token_hex(20)}")
        self.deliveries = Deliveries(self.settings, self.webhooks)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.clock_offset

    @property
    def zone(self) -> timezone:
        return timezone(timedelta(hours=self.settings.timezone_hours))

    def next_id(self) -> int:
        """Posts, orders, refunds and products share their ids, as in WordPress; here rows and meta data do too."""
        self._ids += 1
        return self._ids

    def by_sku(self, sku: str) -> Product | None:
        return next((one for one in self.products.values() if one.sku == sku), None)

    def touch(self, order: Order) -> None:
        order.modified_at = self.now()

    def changed(self, order: Order) -> None:
        """An order changed: told once for all that one call changed."""
        self.touch(order)
        if order.status != TRASH:
            self.deliveries.publish("order.updated", order.id)

    def stock_changed(self, product: Product, stock: int) -> None:
        product.stock = stock
        product.modified_at = self.now()
        self.deliveries.publish("product.updated", product.id)

    async def close(self) -> None:
        await self.deliveries.close()
        await self.faults.close()
