"""One Amazon seller's fulfilment orders as the core asks for them: `bridge.ports.Store`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from bridge.connectors.amazon import cancelling, sweeping
from bridge.connectors.amazon.client import Client
from bridge.connectors.amazon.finding import Listed, ids_to_ask, names
from bridge.connectors.amazon.ordering import Wishes, plan
from bridge.connectors.amazon.protocol import Version, is_id, personal
from bridge.connectors.amazon.reading import FulfilmentOrder, store_order
from bridge.connectors.amazon.wire import Answer, without
from bridge.domain.capabilities import StoreCapabilities
from bridge.domain.channel_order import ChannelOrder
from bridge.domain.outcomes import AlreadyDone, Done, Outcome, Rejected, RemoteProblem, Unknown
from bridge.domain.plans import CannotPlan, OrderPlan, RefundRequest
from bridge.domain.settings import ShopSettings
from bridge.domain.store_order import StoreOrder
from bridge.ports import ChangedPage, Progress, Stream

_A_MOMENT: Final = timedelta(minutes=1)


class AmazonStore:
    """One seller through one connection. `scans`: read the list for sales that no id finds."""

    def __init__(
        self,
        client: Client,
        version: Version,
        wishes: Wishes,
        *,
        scans: bool = True,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client = client
        self._version = version
        self._wishes = wishes
        self._listed = Listed(client, version, now) if scans else None
        self._now = now

    # --- reads --------------------------------------------------------------------------------------------------------

    async def capabilities(self) -> StoreCapabilities:
        """Nothing of it is asked for: what Amazon can do is a matter of the version. Whether the app may, each call
        shows.
        """
        return StoreCapabilities(
            reported=self._version.name,
            restock_allowed=True,
            restock_because="Amazon keeps the units of a cancelled order in its own stock",
            refunds_work=True,
            refunds_because="",
            creditmemo_events=False,
            reservation_result=False,
            reserves_on_create=True,
            partial_refunds=False,
            partial_because=cancelling.WHOLE_ONLY,
            knows_its_stock=True,
            one_way=True,
            read_at=self._now(),
        )

    async def resolve(self, topic: str, subject: str) -> str | None:
        """Amazon delivers nothing here."""
        del topic, subject
        return None

    async def read_order(self, order_id: str) -> StoreOrder | None:
        order = await self._look(order_id)
        return store_order(order) if order is not None else None

    async def _look(self, order_id: str) -> FulfilmentOrder | None:
        if not is_id(order_id):
            return None
        probe = self._version.listing(self._now() - _A_MOMENT, None)
        body = await self._client.find(self._version.get(order_id), probe)
        return self._version.order(body) if body is not None else None

    async def find_orders(
        self, channel_order_id: str, numbers: Sequence[str], notes: Sequence[str] = (), since: datetime | None = None
    ) -> tuple[StoreOrder, ...]:
        found = [await self.read_order(one) for one in ids_to_ask(channel_order_id, numbers)]
        orders = [order for order in found if order is not None]
        if not orders and since is not None and self._listed is not None:
            listed = await self._listed.since(since)
            ids = sorted(one.id for one in listed if names(one, channel_order_id, numbers, notes))
            orders = [order for order in [await self.read_order(one) for one in ids] if order is not None]
        return tuple({order.id: order for order in orders}.values())

    # --- planning -----------------------------------------------------------------------------------------------------

    async def plan_order(
        self, order: ChannelOrder, settings: ShopSettings, sku_map: Mapping[str, str]
    ) -> OrderPlan | CannotPlan:
        return plan(order, settings, sku_map, self._version, self._wishes)

    async def salable(self, view: str, skus: Sequence[str]) -> Mapping[str, Decimal] | None:
        """Amazon's stock is Amazon's: what it takes and gives back needs no watching."""
        del view, skus
        return None

    # --- writes -------------------------------------------------------------------------------------------------------

    async def create_order(self, plan: OrderPlan) -> Outcome:
        """Looked for before each attempt, and after a refusal: what Amazon says to an id that it has is told nowhere
        [not confirmed].
        """
        sent: Mapping[str, Any] = json.loads(plan.body)
        if not self._version.is_of(sent):
            return Rejected(
                "The order was planned in the words of another version of Amazon's API: connect with that version "
                "until it is made",
                "other_version",
            )
        try:
            there = await self._look(plan.number)
        except RemoteProblem as problem:
            return problem.outcome
        if there is not None:
            return AlreadyDone(f"Amazon has an order {plan.number} already")
        answer = await self._client.write(self._version.create(plan.body))
        if isinstance(answer, Answer):
            return Done(plan.number, {"reserved": "yes", "reserved_because": "Amazon holds the units in its own stock"})
        return await self._refused_create(plan, answer) if isinstance(answer, Rejected) else answer

    async def _refused_create(self, plan: OrderPlan, refused: Rejected) -> Outcome:
        because = without(refused.because, personal(plan.body)) + self._items_named(plan, refused)
        try:
            there = await self._look(plan.number)
        except RemoteProblem:
            return Unknown(f"{because}; and whether the order is there could not be read")
        if there is not None:
            return AlreadyDone(f"Amazon has an order {plan.number} already")
        return Rejected(because, refused.code)

    def _items_named(self, plan: OrderPlan, refused: Rejected) -> str:
        """Amazon names an item that it does not take by its id: which SKU that is."""
        named = [
            f"item {number} is {sku}"
            for number, sku in self._version.skus(json.loads(plan.body))
            if re.search(rf"\bitem id:? *{re.escape(number)}\b", refused.because, re.IGNORECASE)
        ]
        return f" ({', '.join(named)}: correct the seller SKU on TikTok, or map it to Amazon's)" if named else ""

    async def invoice_order(self, order_id: str, *, reserve: bool) -> Outcome:
        del order_id, reserve
        return AlreadyDone("Amazon has no invoices for orders of other channels")

    async def refund_order(self, order: StoreOrder, request: RefundRequest) -> Outcome:
        return await cancelling.cancel(self._client, self._version, self._look, order.id, request)

    async def progress(self, order_id: str, reference: str) -> Progress | None:
        del reference
        return await cancelling.progress(self._look, order_id)

    # --- what changed -------------------------------------------------------------------------------------------------

    @property
    def streams(self) -> tuple[Stream, ...]:
        return sweeping.STREAMS

    async def newest(self, stream: str) -> datetime | None:
        return await sweeping.newest(self._client, self._version, stream, self._now())

    async def changed(self, stream: str, since: datetime, page: str | None) -> ChangedPage:
        return await sweeping.changed(self._client, self._version, stream, since, page, self._now())
