"""One WooCommerce store as the core asks for it: `bridge.ports.Store`."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import structlog

from bridge.connectors.woocommerce import answers, finding, reading, refunding, sweeping
from bridge.connectors.woocommerce.client import Client, object_of
from bridge.connectors.woocommerce.ordering import SOLD_AT, About, Product, plan, store_sku
from bridge.connectors.woocommerce.reading import META_KEY, Json, number_of, text
from bridge.domain.capabilities import StoreCapabilities
from bridge.domain.channel_order import ChannelOrder
from bridge.domain.money import NotMoney, decimal_of
from bridge.domain.outcomes import AlreadyDone, Done, Outcome, Rejected, RemoteProblem, Retry, Unknown
from bridge.domain.plans import CannotPlan, OrderPlan, RefundRequest
from bridge.domain.settings import ShopSettings
from bridge.domain.store_order import StoreOrder
from bridge.domain.tokens import tokens_in
from bridge.ports import ChangedPage, Progress, Stream

log: structlog.stdlib.BoundLogger = structlog.get_logger("bridge.woocommerce")

ABOUT_KEPT: Final = timedelta(hours=1)
"""How long the store's currency and decimals are believed."""
_SKUS_AT_ONCE: Final = 25
_CLOCKS_APART: Final = timedelta(hours=1)
Tend = Callable[[Client], Awaitable[Sequence[str]]]
"""Looks after the webhooks; answers with what a person should know."""


async def status_of(client: Client) -> Mapping[str, Any]:
    """What the store says of itself. Raises `RemoteProblem`."""
    return object_of(await client.read("/system_status", {"_fields": "environment,settings"}), "the system status")


def about_of(status: Json) -> About:
    """Raises `RemoteProblem` where it names no currency."""
    given = status.get("settings")
    settings: Json = given if isinstance(given, dict) else {}
    decimals, currency = settings.get("number_of_decimals"), text(settings.get("currency"))
    if len(currency) != 3:
        raise answers.odd("the system status names no currency")
    is_number = isinstance(decimals, int) and not isinstance(decimals, bool)
    return About(currency, decimals if is_number else None)


def version_of(status: Json) -> str:
    given = status.get("environment")
    return text(given.get("version")) if isinstance(given, dict) else ""


class WooCommerceStore:
    """One store through one connection. `tend`: what looks after its webhooks; None where it sends no messages.

    `keys`: order fields in which other connectors keep TikTok's order id.
    """

    def __init__(
        self,
        client: Client,
        *,
        keys: tuple[str, ...] = (),
        tend: Tend | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client = client
        self._keys = keys
        self._tend = tend
        self._now = now
        self._about: About | None = None
        self._about_read_at: datetime | None = None

    # --- reads --------------------------------------------------------------------------------------------------------

    async def capabilities(self) -> StoreCapabilities:
        status = await status_of(self._client)
        return StoreCapabilities(
            reported=version_of(status) or None,
            restock_allowed=True,
            restock_because="WooCommerce puts back the units whose stock the order took",
            refunds_work=True,
            refunds_because="",
            creditmemo_events=True,
            reservation_result=False,
            reserves_on_create=True,
            knows_its_stock=True,
            restocks_by_row=False,
            read_at=self._now(),
        )

    async def tend(self) -> Sequence[str]:
        return await self._tend(self._client) if self._tend else ()

    async def resolve(self, topic: str, subject: str) -> str | None:
        """Every delivery that names anything names its order."""
        del topic
        return number_of(subject) or None

    async def read_order(self, order_id: str) -> StoreOrder | None:
        if not number_of(order_id):
            return None
        raw = await self._raw(order_id)
        return None if raw is None else reading.read_order(*raw, self._keys)

    async def _raw(self, order_id: str) -> tuple[Json, list[Json]] | None:
        """The order and its refunds, of one moment. Raises `RemoteProblem`."""
        for _ in range(2):
            order = await self._order(order_id)
            if order is None:
                return None
            refunds: list[Json] = []
            if reading.rows_in(order, "refunds"):
                refunds = await self._client.rows(f"/orders/{order_id}/refunds")
            if _ids(reading.rows_in(order, "refunds")) == _ids(refunds):
                return order, refunds
        # A refund fell between the two reads, twice; or one of them came from a cache.
        because = f"order {order_id} and the list of its refunds name different ones"
        raise RemoteProblem(Retry(f"{because}: a cache in front of /wp-json/ must be switched off, if it stays so"))

    async def _order(self, order_id: str) -> Json | None:
        answer = await self._client.look(f"/orders/{order_id}")
        if answers.is_absent(answer):
            return None
        if not answer.is_ok:
            raise answers.read_problem(answer)
        order = object_of(answer, "an order")
        if number_of(order.get("id")) != order_id:
            raise answers.odd(
                "another order came than was asked for: a cache in front of /wp-json/ must be switched off"
            )
        return order

    async def find_orders(
        self, channel_order_id: str, numbers: Sequence[str], notes: Sequence[str] = (), since: datetime | None = None
    ) -> tuple[StoreOrder, ...]:
        found = await finding.ids(self._client, channel_order_id, numbers, notes, since, self._keys)
        orders = [await self.read_order(one) for one in sorted(found, key=lambda number: (len(number), number))]
        return tuple(order for order in orders if order is not None)

    # --- planning -----------------------------------------------------------------------------------------------------

    async def plan_order(
        self, order: ChannelOrder, settings: ShopSettings, sku_map: Mapping[str, str]
    ) -> OrderPlan | CannotPlan:
        skus = [store_sku(unit, sku_map) for unit in order.living]
        found: dict[str, list[Product]] = {}
        for row in await self._products(skus):
            own, parent = row.get("id"), row.get("parent_id") or 0
            if isinstance(own, int) and isinstance(parent, int):
                product = (
                    Product(parent, own, text(row.get("sku"))) if parent else Product(own, 0, text(row.get("sku")))
                )
                found.setdefault(product.sku, []).append(product)
        return plan(order, settings, sku_map, found, await self._read_about())

    async def salable(self, view: str, skus: Sequence[str]) -> Mapping[str, Decimal] | None:
        """Stock of the SKUs that one product has and that WooCommerce counts."""
        del view
        told: dict[str, list[Decimal]] = {}
        for row in await self._products(skus):
            if not row.get("manage_stock") or row.get("stock_quantity") is None:
                continue
            try:
                told.setdefault(text(row.get("sku")), []).append(decimal_of(row["stock_quantity"]))
            except NotMoney:
                raise answers.odd("a stock quantity is no number") from None
        return {sku: given[0] for sku, given in told.items() if len(given) == 1}

    async def _products(self, skus: Sequence[str]) -> list[Json]:
        """Products and variations of exactly these SKUs: the search knows no case. A comma parts SKUs in it."""
        wanted = [sku for sku in dict.fromkeys(skus) if sku and "," not in sku]
        found: dict[int, Json] = {}
        fields = "id,parent_id,type,sku,status,manage_stock,stock_quantity"
        for begin in range(0, len(wanted), _SKUS_AT_ONCE):
            query = {"sku": ",".join(wanted[begin : begin + _SKUS_AT_ONCE]), "_fields": fields}
            for row in await self._client.rows("/products", query):
                if text(row.get("sku")) in wanted and isinstance(row.get("id"), int):
                    found[row["id"]] = row
        return list(found.values())

    async def _read_about(self) -> About:
        fresh = self._about_read_at is not None and self._now() - self._about_read_at <= ABOUT_KEPT
        if self._about is None or not fresh:
            self._about = about_of(await status_of(self._client))
            self._about_read_at = self._now()
        return self._about

    # --- writes -------------------------------------------------------------------------------------------------------

    async def create_order(self, plan: OrderPlan) -> Outcome:
        """WooCommerce keeps nothing unique, so what is there is looked for before each attempt."""
        sale, sold_at = _sale(plan)
        since = sold_at - _CLOCKS_APART if sold_at else None
        try:
            there = await finding.ids(self._client, sale, (), (), since, self._keys)
        except RemoteProblem as problem:
            return problem.outcome
        if there:
            return AlreadyDone(f"An order for TikTok order {sale} is in the store already")
        answer = await self._client.write("POST", "/orders", plan.body)
        if not isinstance(answer, answers.Answer):
            return answer
        if not answer.is_ok:
            return answers.write_problem(answer)
        made: Json = answer.body if isinstance(answer.body, dict) else {}
        order_id = number_of(made.get("id"))
        if not order_id:
            return Unknown("WooCommerce answered the create without an order id")
        if reading.amount(made, "total") != plan.total:
            log.warning("woocommerce.total_differs", order=order_id, planned=str(plan.total), made=made.get("total"))
        return Done(order_id, {"reserved": "yes", "reserved_because": "WooCommerce takes the units of a paid order"})

    async def invoice_order(self, order_id: str, *, reserve: bool) -> Outcome:
        del order_id, reserve
        return AlreadyDone("WooCommerce has no invoices: the order is paid as it is created")

    async def refund_order(self, order: StoreOrder, request: RefundRequest) -> Outcome:
        """One refund; looked at once more right before, because WooCommerce knows no key against repeats."""
        try:
            now = await self._raw(order.id)
            if now is None:
                return Rejected("WooCommerce no longer has the order", "not_found")
            refused = _refusal(*now, request)
            if refused is not None:
                return refused
            body = refunding.body_of(*now, request)
        except RemoteProblem as problem:
            return problem.outcome
        if isinstance(body, refunding.Mixed):
            return Rejected("One WooCommerce refund puts all its rows back to stock or none of them", "mixed_restock")
        answer = await self._client.write("POST", f"/orders/{order.id}/refunds", body)
        if not isinstance(answer, answers.Answer):
            return answer
        if answer.code == answers.REFUND_FAILED:
            return await self._refused(order.id, request, answer)
        if not answer.is_ok:
            return answers.write_problem(answer)
        made = number_of(answer.body.get("id")) if isinstance(answer.body, dict) else ""
        return Done(made) if made else Unknown("WooCommerce answered the refund without its id")

    async def _refused(self, order_id: str, request: RefundRequest, answer: answers.Answer) -> Outcome:
        """A refusal comes as a failure of the server (HTTP 500): believed when the order shows no refund of it."""
        try:
            after = await self._order(order_id)
        except RemoteProblem:
            return Unknown(f"WooCommerce refuses the refund: {answer.said}; and the order could not be read again")
        if after is not None and _is_there(after, request):
            return AlreadyDone("The refund is there")
        return Rejected(f"WooCommerce refuses the refund: {answer.said}", answers.REFUND_FAILED)

    async def progress(self, order_id: str, reference: str) -> Progress | None:
        del order_id, reference
        return None

    # --- what changed -------------------------------------------------------------------------------------------------

    @property
    def streams(self) -> tuple[Stream, ...]:
        return sweeping.STREAMS

    async def newest(self, stream: str) -> datetime | None:
        return await sweeping.newest(self._client, stream)

    async def changed(self, stream: str, since: datetime, page: str | None) -> ChangedPage:
        return await sweeping.changed(self._client, stream, since, page, self._keys)


def _ids(rows: Sequence[Json]) -> frozenset[str]:
    return frozenset(number_of(row.get("id")) for row in rows)


def _is_there(order: Json, request: RefundRequest) -> bool:
    return any(request.token in tokens_in(text(one.get("reason"))) for one in reading.rows_in(order, "refunds"))


def _refusal(order: Json, refunds: Sequence[Json], request: RefundRequest) -> Outcome | None:
    """Why nothing is sent: it is there already, or the order is not what was decided upon any more."""
    if _is_there(order, request):
        return AlreadyDone("The refund is there")
    status = text(order.get("status"))
    if status == "cancelled":
        return AlreadyDone("The order is cancelled in WooCommerce")
    barrier = reading.barrier(status)
    if barrier is not None:
        return Rejected(barrier.because, "barrier")
    left = refunding.left_of(order, refunds)
    skus = {number_of(line.get("id")): text(line.get("sku")) for line in reading.rows_in(order, "line_items")}
    short = [skus.get(row) or row for row, count in request.quantities.items() if left.get(row, 0) < count]
    return AlreadyDone(f"Less is left of {', '.join(short)} than was asked for") if short else None


def _sale(plan: OrderPlan) -> tuple[str, datetime | None]:
    """TikTok's order id and when it was sold, out of the body that will be sent."""
    fields: dict[str, str] = {one["key"]: one["value"] for one in json.loads(plan.body)["meta_data"]}
    return fields[META_KEY], reading.read_time(fields.get(SOLD_AT))
