"""One Shopify shop as the core asks for it: `bridge.ports.Store`."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from bridge.connectors.shopify import answers, cancelling, finding, holding, placing, reading, sweeping
from bridge.connectors.shopify.client import Client, pages
from bridge.connectors.shopify.documents import (
    ABOUT,
    LISTED_AT_ONCE,
    ORDER,
    ORDER_CREATE,
    REFUND_ROWS,
    ROWS,
    VARIANTS,
    WORKS,
)
from bridge.connectors.shopify.ordering import Variant, plan, store_sku
from bridge.connectors.shopify.reading import gid, number_of, rows_in, text
from bridge.connectors.shopify.scopes import HOLDING, granted, lacking
from bridge.domain.capabilities import StoreCapabilities
from bridge.domain.channel_order import ChannelOrder
from bridge.domain.outcomes import AlreadyDone, Done, Outcome, Rejected, RemoteProblem, Unknown
from bridge.domain.plans import CannotPlan, OrderPlan, RefundRequest
from bridge.domain.settings import ShopSettings
from bridge.domain.store_order import StoreOrder
from bridge.ports import ChangedPage, Progress, Stream

SHOP_KEPT: Final = timedelta(hours=1)
"""How long the shop's currency is believed."""
_SKUS_AT_ONCE: Final = 25
Tend = Callable[[Client], Awaitable[Sequence[str]]]
"""Looks after the webhook subscriptions; answers with what a person should know."""


class ShopifyStore:
    """One shop through one connection. `tend`: what looks after its subscriptions; None where it sends no messages."""

    def __init__(
        self, client: Client, *, tend: Tend | None = None, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._client = client
        self._tend = tend
        self._now = now
        self._currency = ""
        self._currency_read_at: datetime | None = None

    # --- reads --------------------------------------------------------------------------------------------------------

    async def capabilities(self) -> StoreCapabilities:
        about = await self._client.read(ABOUT)
        installed = about.get("currentAppInstallation")
        missing = lacking(installed if isinstance(installed, dict) else {})
        have = granted(installed if isinstance(installed, dict) else {})
        can_cancel = "write_orders" not in missing
        return StoreCapabilities(
            reported=self._client.answered_version or self._client.version,
            restock_allowed=True,
            restock_because="Shopify puts units back to the location that they were to be sent from",
            refunds_work=can_cancel,
            refunds_because="" if can_cancel else "the app lacks the scope write_orders, so it cannot cancel orders",
            creditmemo_events=True,
            reservation_result=False,
            reserves_on_create=True,
            knows_its_stock=True,
            holds_fulfilment=HOLDING in have,
            holds_because=f"the app lacks the scope {HOLDING}",
            warnings=tuple(f"the app lacks the scope {name}" for name in missing),
            read_at=self._now(),
        )

    async def tend(self) -> Sequence[str]:
        return await self._tend(self._client) if self._tend else ()

    async def resolve(self, topic: str, subject: str) -> str | None:
        """Every delivery that names anything names its order."""
        del topic
        return subject if subject.isascii() and subject.isdigit() else None

    async def read_order(self, order_id: str) -> StoreOrder | None:
        if not order_id.isascii() or not order_id.isdigit():
            return None
        read = await self._read(order_id)
        if read is None or _agrees(read[0], read[1]):
            return read[0] if read else None
        # A refund fell between two of the reads: the second look tells.
        again = await self._read(order_id)
        return again[0] if again else None

    async def _read(self, order_id: str) -> tuple[StoreOrder, Mapping[str, int]] | None:
        """The order, and what of each row is still there."""
        order = await self._raw(order_id)
        if order is None:
            return None
        lines = rows_in(order.get("lineItems"), "lineItems")
        refund_rows: dict[str, Sequence[Mapping[str, Any]]] = {}
        for refund in rows_in(order.get("refunds"), "refunds"):
            found = await pages(self._client, REFUND_ROWS, {"id": refund.get("id")}, ("node", "refundLineItems"))
            refund_rows[str(refund.get("id"))] = found
        left = {number_of(line.get("id")): reading.units(line, "currentQuantity") for line in lines}
        works = rows_in(order.get("fulfillmentOrders"), "fulfillmentOrders")
        read = reading.read_order(order, lines, refund_rows)
        return replace(read, holds=holding.holds_in(works), can_hold=bool(holding.holdable(works))), left

    async def _raw(self, order_id: str) -> Mapping[str, Any] | None:
        """The order with all its rows and fulfilment orders, however many pages they fill."""
        order = (await self._client.read(ORDER, {"id": gid("Order", order_id)})).get("order")
        if not isinstance(order, dict):
            return None
        for name, document in (("lineItems", ROWS), ("fulfillmentOrders", WORKS)):
            found = order.get(name)
            info = found.get("pageInfo") if isinstance(found, dict) else None
            if isinstance(info, dict) and info.get("hasNextPage"):
                order[name] = {"nodes": await pages(self._client, document, {"id": order["id"]}, ("order", name))}
        for name in ("refunds", "transactions", "fulfillments"):
            # Lists without pages: what is beyond them cannot be seen.
            if len(rows_in(order.get(name), name)) >= LISTED_AT_ONCE:
                raise reading.odd(f"it has {LISTED_AT_ONCE} {name} or more")
        return order

    async def find_orders(
        self, channel_order_id: str, numbers: Sequence[str], notes: Sequence[str] = (), since: datetime | None = None
    ) -> tuple[StoreOrder, ...]:
        found = await finding.ids(self._client, channel_order_id, numbers, notes, since)
        orders = [await self.read_order(one) for one in sorted(found, key=lambda number: (len(number), number))]
        return tuple(order for order in orders if order is not None)

    # --- planning -----------------------------------------------------------------------------------------------------

    async def plan_order(
        self, order: ChannelOrder, settings: ShopSettings, sku_map: Mapping[str, str]
    ) -> OrderPlan | CannotPlan:
        skus = [store_sku(unit, sku_map) for unit in order.living]
        return plan(order, settings, sku_map, await self._variants(skus), await self._shop_currency())

    async def salable(self, view: str, skus: Sequence[str]) -> Mapping[str, Decimal] | None:
        """What Shopify calls available, over all locations, of the SKUs that one variant has."""
        del view
        rows = await self._variant_rows(skus)
        told: dict[str, list[Decimal]] = {}
        for row in rows:
            quantity = row.get("inventoryQuantity")
            if isinstance(quantity, int) and not isinstance(quantity, bool):
                told.setdefault(text(row.get("sku")), []).append(Decimal(quantity))
        return {sku: given[0] for sku, given in told.items() if sku in skus and len(given) == 1}

    async def _variant_rows(self, skus: Sequence[str]) -> list[Mapping[str, Any]]:
        wanted = [sku for sku in dict.fromkeys(skus) if sku]
        rows: list[Mapping[str, Any]] = []
        for begin in range(0, len(wanted), _SKUS_AT_ONCE):
            query = " OR ".join(f"sku:{finding.quoted(sku)}" for sku in wanted[begin : begin + _SKUS_AT_ONCE])
            rows += await pages(self._client, VARIANTS, {"q": query}, ("productVariants",))
        return rows

    async def _variants(self, skus: Sequence[str]) -> dict[str, list[Variant]]:
        found: dict[str, list[Variant]] = {}
        for row in await self._variant_rows(skus):
            # The search knows no case and takes parts of words: only the very same SKU is a match.
            sku = text(row.get("sku"))
            if sku in skus and all(one.id != row.get("id") for one in found.get(sku, ())):
                found.setdefault(sku, []).append(Variant(text(row.get("id")), sku, text(row.get("title"))))
        return found

    async def _shop_currency(self) -> str:
        if self._currency_read_at is None or self._now() - self._currency_read_at > SHOP_KEPT:
            shop = (await self._client.read(ABOUT)).get("shop")
            self._currency = text(shop.get("currencyCode")) if isinstance(shop, dict) else ""
            self._currency_read_at = self._now()
        return self._currency

    # --- writes -------------------------------------------------------------------------------------------------------

    async def create_order(self, plan: OrderPlan) -> Outcome:
        """Shopify keeps no order number unique, so what is there is looked for before each attempt."""
        try:
            there = await finding.ids(self._client, _sale(plan), [plan.number], (), None)
        except RemoteProblem as problem:
            return problem.outcome
        if there:
            return AlreadyDone(f"An order of the number {plan.number} is in the shop already")
        answer = await self._client.write_text(plan.body, ORDER_CREATE, "orderCreate")
        if not isinstance(answer, Mapping):
            return answer
        errors = rows_in(answer.get("userErrors"), "errors")
        if errors:
            return answers.create_refused(errors)
        made = answer.get("order")
        order_id = number_of(made.get("id")) if isinstance(made, dict) else ""
        facts = {"reserved": "yes", "reserved_because": "Shopify took the units with the order"}
        return Done(order_id, facts) if order_id else Unknown("Shopify answered the create without an order id")

    async def invoice_order(self, order_id: str, *, reserve: bool) -> Outcome:
        del order_id, reserve
        return AlreadyDone("Shopify has no invoices: the order is paid as it is created")

    async def refund_order(self, order: StoreOrder, request: RefundRequest) -> Outcome:
        """Everything by `orderCancel`, units by `refundCreate`; looked at once more right before."""
        try:
            now = await self._raw(order.id)
        except RemoteProblem as problem:
            return problem.outcome
        if now is None:
            return Rejected("Shopify no longer has the order", "not_found")
        if now.get("cancelledAt"):
            return AlreadyDone("The order is cancelled in Shopify")
        barrier = reading.barrier(now)
        if barrier is not None:
            return Rejected(barrier.because, "barrier")
        short = _short(now, request)
        if short:
            return AlreadyDone(f"Less is left of {short} than was asked for")
        manual = cancelling.is_manual(rows_in(now.get("transactions"), "transactions"))
        if cancelling.cancels_whole(order, request):
            return await self._cancel(order.id, request, manual=manual)
        try:
            shelves = await placing.shelves(self._client, now) if request.restock_rows else {}
        except RemoteProblem as problem:
            return problem.outcome
        return await cancelling.refund(self._client, order, request, shelves, manual=manual)

    async def _cancel(self, order_id: str, request: RefundRequest, *, manual: bool) -> Outcome:
        """A refusal is believed only when the order does not show itself as cancelled: its texts tell nothing."""
        outcome = await cancelling.cancel(self._client, order_id, request, manual=manual)
        if not isinstance(outcome, Rejected):
            return outcome
        try:
            after = await self._raw(order_id)
        except RemoteProblem:
            return Unknown(f"{outcome.because}; and the order could not be read again")
        return AlreadyDone("The order is cancelled in Shopify") if after and after.get("cancelledAt") else outcome

    async def hold_fulfilment(self, order: StoreOrder, token: str, because: str) -> Outcome:
        try:
            now = await self._raw(order.id)
        except RemoteProblem as problem:
            return problem.outcome
        works = rows_in((now or {}).get("fulfillmentOrders"), "fulfillmentOrders")
        return await holding.hold(self._client, works, token, because)

    async def release_fulfilment(self, order: StoreOrder) -> Outcome:
        return await holding.release(self._client, order)

    async def progress(self, order_id: str, reference: str) -> Progress | None:
        return await cancelling.progress(self._client, order_id, reference)

    # --- what changed -------------------------------------------------------------------------------------------------

    @property
    def streams(self) -> tuple[Stream, ...]:
        return sweeping.STREAMS

    async def newest(self, stream: str) -> datetime | None:
        return await sweeping.newest(self._client, stream)

    async def changed(self, stream: str, since: datetime, page: str | None) -> ChangedPage:
        return await sweeping.changed(self._client, stream, since, page)


def _agrees(order: StoreOrder, left: Mapping[str, int]) -> bool:
    """Whether rows and refunds tell the same: no more is refunded than is gone."""
    if order.state == "cancelled":
        return True
    return all(row.refunded <= row.ordered - left.get(row.id, 0) for row in order.rows)


def _sale(plan: OrderPlan) -> str:
    """TikTok's order id, out of the body that will be sent."""
    return str(json.loads(plan.body)["variables"]["order"]["sourceIdentifier"])


def _short(order: Mapping[str, Any], request: RefundRequest) -> str:
    """SKUs of which fewer units are left than were asked for."""
    lines = rows_in(order.get("lineItems"), "lineItems")
    left = {
        number_of(line.get("id")): (reading.units(line, "currentQuantity"), text(line.get("sku"))) for line in lines
    }
    found = [left[row][1] for row, count in request.quantities.items() if row in left and left[row][0] < count]
    return ", ".join(found)
