"""One Magento store as the core asks for it: `bridge.ports.Store`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from bridge.connectors.magento import answers, finding, reading, stock, sweeping
from bridge.connectors.magento.answers import Absent, Answer, CutOff, NotReached, Write
from bridge.connectors.magento.client import Client, expect_object, expect_rows
from bridge.connectors.magento.ordering import plan, store_sku
from bridge.connectors.magento.search import PAGE_SIZE, criteria, encode
from bridge.connectors.magento.views import capabilities, find_view, read_report, read_views
from bridge.domain.capabilities import StoreCapabilities
from bridge.domain.channel_order import ChannelOrder
from bridge.domain.outcomes import Done, Outcome, RemoteProblem, Retry, Unknown
from bridge.domain.plans import CannotPlan, CannotPlanKind, OrderPlan, RefundRequest
from bridge.domain.settings import ShopSettings
from bridge.domain.store_order import StoreOrder
from bridge.ports import ChangedPage, Progress, StoreView, Stream
from plugin_contract import inventory
from plugin_contract.inventory import Call

VIEWS_KEPT: Final = timedelta(minutes=10)
"""How long store views, websites and currencies are believed: they change when a merchant rebuilds the store."""
_IDENTITY: Final = "items[entity_id,increment_id,ext_order_id],total_count"


class MagentoStore:
    """One store through one connection. `plugin_override`: the version an operator says is really installed."""

    def __init__(
        self,
        client: Client,
        *,
        plugin_override: str | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client = client
        self._override = plugin_override
        self._now = now
        self._views: tuple[StoreView, ...] = ()
        self._views_read_at: datetime | None = None

    # --- reads --------------------------------------------------------------------------------------------------------

    async def capabilities(self) -> StoreCapabilities:
        found = await read_report(self._client)
        return capabilities(found.version.reported, self._override, self._now())

    async def resolve(self, topic: str, subject: str) -> str | None:
        """The order behind a delivery; None for ids that lead nowhere (yet) and topics that name no order."""
        if not subject.isascii() or not subject.isdigit():
            return None
        if topic == "orders/update":
            return subject
        if topic != "creditmemos/update":
            return None
        memo = await self._client.get(f"/rest/V1/creditmemo/{encode(subject)}", "fields=order_id", absent=Absent.ENTITY)
        return None if memo is None else reading.text(expect_object(memo, "credit memo").get("order_id")) or None

    async def read_order(self, order_id: str) -> StoreOrder | None:
        if not order_id.isascii() or not order_id.isdigit():
            return None
        read = await self._read_order(order_id)
        if read is None or reading.agrees(read):
            return read
        # A refund fell between the two reads, or Magento's books really disagree: the second look tells.
        return await self._read_order(order_id)

    async def _read_order(self, order_id: str) -> StoreOrder | None:
        # Both at once: a credit memo that falls between them shows as a disagreement, in whichever order they are read.
        order, memos = await asyncio.gather(
            self._client.get(f"/rest/V1/orders/{encode(order_id)}", absent=Absent.ENTITY), self._memos(order_id)
        )
        return None if order is None else reading.read_order(expect_object(order, "order"), memos)

    async def find_orders(
        self, channel_order_id: str, numbers: Sequence[str], notes: Sequence[str] = (), since: datetime | None = None
    ) -> tuple[StoreOrder, ...]:
        """Orders of all store views: `GET /V1/orders` knows no view."""
        searches = [("ext_order_id", channel_order_id)] if channel_order_id else []
        searches += [("increment_id", number) for number in dict.fromkeys(numbers) if number]
        found: set[str] = set()
        for field, value in searches:
            query = criteria([(field, "eq", value)], page_size=PAGE_SIZE, fields=_IDENTITY)
            page = expect_object(await self._client.get("/rest/V1/orders", query), "orders")
            for row in expect_rows(page.get("items"), "orders"):
                # MySQL compares without regard to case and trailing blanks; only the very same value is a match.
                if reading.text(row.get(field)) == value:
                    found.add(reading.text(row.get("entity_id")))
        for note in notes:
            found |= await finding.by_note(self._client, note, since)
        orders = [
            await self.read_order(order_id) for order_id in sorted(found, key=lambda number: (len(number), number))
        ]
        return tuple(order for order in orders if order is not None)

    async def _memos(self, order_id: str) -> list[Mapping[str, Any]]:
        memos: list[Mapping[str, Any]] = []
        last = "0"
        while True:
            query = criteria(
                [("order_id", "eq", order_id)],
                [("entity_id", "gt", last)],
                sort=("entity_id", "ASC"),
                page_size=PAGE_SIZE,
            )
            page = expect_object(await self._client.get("/rest/V1/creditmemos", query), "credit memos")
            rows = expect_rows(page.get("items"), "credit memos")
            memos += rows
            if len(rows) < PAGE_SIZE:
                return memos
            last = reading.text(rows[-1].get("entity_id"))

    # --- planning -----------------------------------------------------------------------------------------------------

    async def views(self) -> tuple[StoreView, ...]:
        now = self._now()
        if self._views_read_at is None or now - self._views_read_at > VIEWS_KEPT:
            self._views = await read_views(self._client, (await read_report(self._client)).configs)
            self._views_read_at = now
        return self._views

    async def plan_order(
        self, order: ChannelOrder, settings: ShopSettings, sku_map: Mapping[str, str]
    ) -> OrderPlan | CannotPlan:
        wanted = settings.store.store_view if settings.store else ""
        view = find_view(await self.views(), wanted)
        if view is None:
            return CannotPlan(
                CannotPlanKind.NOT_POSSIBLE,
                f"The store has no view {wanted or 'at all'}. Choose one of its store views in the shop's settings.",
            )
        skus = [store_sku(unit, sku_map) for unit in order.living]
        products = await stock.read_products(self._client, skus)
        first = plan(order, settings, sku_map, products, view, None)
        if isinstance(first, CannotPlan):
            return first
        told = await stock.read_salable(self._client, view.website, [row.sku for row in first.rows])
        return plan(order, settings, sku_map, products, view, told)

    async def salable(self, view: str, skus: Sequence[str]) -> Mapping[str, Decimal] | None:
        found = find_view(await self.views(), view)
        return None if found is None else await stock.read_salable(self._client, found.website, skus)

    # --- writes -------------------------------------------------------------------------------------------------------

    async def create_order(self, plan: OrderPlan) -> Outcome:
        path = f"/rest/{encode(plan.view)}/V1/orders"
        headers = inventory.request_headers(Call.CREATE)
        answer = await self._write(Write.CREATE, path, plan.body.encode(), headers)
        if not isinstance(answer, Answer):
            return answer
        order_id = reading.text(_parsed(answer).get("entity_id"))
        if not order_id:
            return Unknown("The store answered the create without an order id")
        return Done(order_id, _reservation(answer))

    async def invoice_order(self, order_id: str, *, reserve: bool) -> Outcome:
        path = f"/rest/V1/order/{encode(order_id)}/invoice"
        headers = inventory.request_headers(Call.INVOICE, known_unreserved=reserve)
        answer = await self._write(Write.INVOICE, path, _body({"capture": True, "notify": False}), headers)
        if not isinstance(answer, Answer):
            return answer
        return _done(answer, "invoice", _reservation(answer) if reserve else {})

    async def progress(self, order_id: str, reference: str) -> Progress | None:
        del order_id, reference
        return None

    async def refund_order(self, order: StoreOrder, request: RefundRequest) -> Outcome:
        path = f"/rest/V1/order/{encode(order.id)}/refund"
        answer = await self._write(Write.REFUND, path, _body(refund_body(order, request)), {})
        if isinstance(answer, Answer):
            return _done(answer, "credit memo", {})
        return answer

    async def _write(self, write: Write, path: str, body: bytes, headers: Mapping[str, str]) -> Answer | Outcome:
        try:
            answer = await self._client.post(path, body, headers)
        except NotReached as problem:
            return Retry(str(problem))
        except CutOff as problem:
            return Unknown(str(problem))
        if answer.is_ok:
            return answer
        if write is Write.REFUND and answers.is_application_error(answer):
            return await self._explain_failed_refund(answer)
        return answers.write_outcome(answer, write)

    async def _explain_failed_refund(self, answer: Answer) -> Outcome:
        """Under plugin 1.0.25 every refund ends like this and nothing is booked: that may be repeated, later."""
        try:
            now = await self.capabilities()
        except RemoteProblem:
            return answers.write_outcome(answer, Write.REFUND)
        if now.refunds_work:
            return answers.write_outcome(answer, Write.REFUND)
        return Retry(now.refunds_because, after=600.0)

    # --- what changed -------------------------------------------------------------------------------------------------

    @property
    def streams(self) -> tuple[Stream, ...]:
        return sweeping.STREAMS

    async def newest(self, stream: str) -> datetime | None:
        return await sweeping.newest(self._client, stream)

    async def changed(self, stream: str, since: datetime, page: str | None) -> ChangedPage:
        return await sweeping.changed(self._client, stream, since, page)


def refund_body(order: StoreOrder, request: RefundRequest) -> dict[str, Any]:
    """The body of `POST /V1/order/:id/refund`.

    Everything: no items and no shipping amount, so that Magento takes what is left, shipping included. Part of it: the
    rows by name and `shipping_amount` 0, without which all remaining shipping would be refunded (measured).
    """
    comment = {"comment": request.comment, "is_visible_on_front": 0}
    body: dict[str, Any] = {"notify": False, "appendComment": False, "comment": comment}
    rows = [
        row
        for row in order.rows
        if (row.invoiced - row.refunded if request.everything else request.quantities.get(row.id, 0)) > 0
    ]
    # A row that is not in the memo must not be named: the whole refund would be refused.
    returning = [int(row.restock_id) for row in rows if row.id in request.restock_rows]
    back = {"extension_attributes": {"return_to_stock_items": returning}} if returning else {}
    if request.everything:
        return body | ({"arguments": back} if back else {})
    unknown = set(request.quantities) - {row.id for row in order.rows}
    if unknown or not rows or any(quantity < 0 for quantity in request.quantities.values()):
        raise ValueError(
            f"a partial refund names rows of the order with quantities above zero, not {request.quantities}"
        )
    body["items"] = [{"order_item_id": int(row.id), "qty": request.quantities[row.id]} for row in rows]
    body["arguments"] = {"shipping_amount": 0, "adjustment_positive": 0, "adjustment_negative": 0, **back}
    return body


def _body(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _parsed(answer: Answer) -> Mapping[str, Any]:
    try:
        value = answer.json()
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _done(answer: Answer, what: str, facts: Mapping[str, str]) -> Outcome:
    """Magento answers with the id of what was made, as JSON text or number."""
    try:
        made = reading.text(answer.json())
    except ValueError:
        made = ""
    if not made.isdigit():
        return Unknown(f"The store answered without the id of the {what}")
    return Done(made, facts)


def _reservation(answer: Answer) -> dict[str, str]:
    """What the plugin says of the stock this very call took; nothing where it says nothing that can be read."""
    try:
        result = inventory.read_result(answer.headers)
    except inventory.UnreadableResult as problem:
        return {"reservation_message": str(problem)}
    if result is None:
        return {}
    facts = {"reservation_message": result.message}
    if result.reserved is not None:
        facts["reserved"] = "yes" if result.reserved else "no"
    return facts
