"""The books of one seller, in memory."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from bridge.sandbox.amazon.model import Order, Refused
from bridge.sandbox.amazon.rates import Rates
from bridge.sandbox.amazon.settings import Settings
from bridge.sandbox.amazon.tokens import Tokens
from bridge.sandbox.faults import Faults

MARKETPLACE = "ATVPDKIKX0DER"
"""Amazon.com in the United States."""


class AmazonSandbox:
    """A seller with one app authorized: ours."""

    def __init__(self, *, marketplace_id: str = MARKETPLACE, settings: Settings | None = None) -> None:
        self.marketplace_id = marketplace_id
        self.settings = settings or Settings()
        self.clock_offset = timedelta(0)
        self.stock: dict[str, int] = {}
        """Sellable units at Amazon by seller SKU, without those that orders hold."""
        self.orders: dict[str, Order] = {}
        self.effects: Counter[str] = Counter()
        """What writes did, by name: a repeated create or cancel shows here."""
        self.faults = Faults()
        self.tokens = Tokens(self.now, self.settings)
        self.rates = Rates(self.settings)
        self._pages: dict[str, tuple[str, datetime | None, int]] = {}
        self._ids = 0

    def now(self) -> datetime:
        return datetime.now(UTC) + self.clock_offset

    def next_id(self) -> int:
        self._ids += 1
        return self._ids

    def order(self, order_id: str) -> Order:
        """Raises `Refused` for one that nobody knows."""
        found = self.orders.get(order_id)
        if found is not None:
            return found
        status = self.settings.missing_status
        if status == 403:
            raise Refused("Access to requested resource is denied.", "Unauthorized", 403)
        code = "NotFound" if status == 404 else "InvalidInput"
        raise Refused(f"Fulfillment order {order_id} does not exist.", code, status)

    def touch(self, order: Order) -> None:
        order.updated_at = self.now()

    def listed(self, version: str, since: datetime | None, token: str | None) -> tuple[Sequence[Order], str | None]:
        """One page, oldest change first, and the token of the next. Raises `Refused` for a token that is none."""
        start = 0
        if token:
            known = self._pages.get(token)
            if known is None or known[0] != version:
                raise Refused("The next token is invalid.")
            _, since, start = known
        until = self.now() - timedelta(seconds=self.settings.list_lag)
        found = sorted(
            (
                order
                for order in self.orders.values()
                if (since is None or order.updated_at.replace(microsecond=0) >= since) and order.updated_at <= until
            ),
            key=lambda order: (order.updated_at, order.id),
        )
        end = start + self.settings.page_size
        following = None
        if end < len(found):
            following = secrets.token_urlsafe(24)
            self._pages[following] = (version, since, end)
        return found[start:end], following

    def forget_pages(self) -> int:
        """Make every token of a next page invalid; how many there were."""
        count = len(self._pages)
        self._pages.clear()
        return count

    async def close(self) -> None:
        await self.faults.close()
