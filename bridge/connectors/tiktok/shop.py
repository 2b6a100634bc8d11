"""One TikTok Shop as the core's channel: read orders, cancel, answer buyers' requests, list what changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiolimiter import AsyncLimiter

from bridge.connectors.tiktok.client import Client
from bridge.connectors.tiktok.errors import is_version
from bridge.connectors.tiktok.protocol import (
    APPROVE,
    CANCEL_ORDER,
    ELIGIBILITY,
    GET_ORDERS,
    OLD_ELIGIBILITY,
    REJECT,
    REJECT_REASONS,
    SEARCH_CANCELLATIONS,
    SEARCH_RETURNS,
    Answer,
    Call,
    Endpoint,
    Json,
    call,
)
from bridge.connectors.tiktok.reading import (
    Unreadable,
    cancellation_status,
    items,
    may_have_returns,
    moment,
    read_order,
)
from bridge.connectors.tiktok.reasons import LINE_MARKETS, is_known, is_out_of_stock, market_of, reasons_for
from bridge.connectors.tiktok.sweeping import LISTINGS, Listing, Place, next_place
from bridge.domain.channel_order import CancellationStatus, ChannelOrder
from bridge.domain.outcomes import Done, Outcome, Rejected, RemoteProblem, Unknown
from bridge.ports import Changed, ChangedPage, LineReasons, RejectReason, Stream

CALLS_PER_SECOND = 50
"""Documented per API, app and shop (Partner Center, "Rate limits"); we keep it for all APIs of a shop together."""
MAX_PAGES = 40
"""Pages of one order's records; more than this is a fault, not a list."""
PARTIAL_REFUSED = "partial_not_offered"


def shop_limiter() -> AsyncLimiter:
    """A shop's share of calls; make it where the loop runs."""
    return AsyncLimiter(CALLS_PER_SECOND, 1)


@dataclass(frozen=True, slots=True)
class ShopRef:
    """Which shop: the id webhooks name, its region code, and the cipher its calls carry."""

    id: str
    region: str
    cipher: str


class TikTokShop:
    """Implements `bridge.ports.Channel`."""

    def __init__(self, client: Client, shop: ShopRef) -> None:
        self._client = client
        self._shop = shop
        self._eligibility: Endpoint = ELIGIBILITY

    # --- reading --------------------------------------------------------------------------------------------------

    async def read_order(self, order_id: str) -> ChannelOrder | None:
        """The order first, its cancellations and returns after: what they add is never older than the order."""
        if not _is_id(order_id):
            return None
        try:
            answer = await self._client.read(self._call(GET_ORDERS, query={"ids": order_id}))
        except RemoteProblem as problem:
            if isinstance(problem.outcome, Rejected) and problem.outcome.code in {"21008111", "25007006"}:
                return None
            raise
        try:
            order = next((one for one in items(answer.data, "orders") if str(one.get("id")) == order_id), None)
            if order is None:
                return None
            cancellations = [one async for one in self._records(SEARCH_CANCELLATIONS, "cancellations", order_id)]
            returns: list[Json] = []
            if may_have_returns(order):
                returns = [one async for one in self._records(SEARCH_RETURNS, "return_orders", order_id)]
            return read_order(order, cancellations, returns, shop_id=self._shop.id, region=self._shop.region)
        except Unreadable as problem:
            raise _unreadable(problem, answer) from problem

    async def _records(self, endpoint: Endpoint, name: str, order_id: str) -> AsyncIterator[Json]:
        query = {"page_size": "50", "sort_field": "create_time", "sort_order": "ASC"}
        for _ in range(MAX_PAGES):
            answer = await self._client.read(self._call(endpoint, query=query, body={"order_ids": [order_id]}))
            for record in items(answer.data, name):
                # A filter that TikTok stopped honouring must not mix another order's records in.
                if str(record.get("order_id")) == order_id:
                    yield record
            token = str(answer.data.get("next_page_token") or "")
            if not token:
                return
            query = {**query, "page_token": token}
        raise Unreadable(f"TikTok's list of {name} of one order does not end")

    # --- what may be done -----------------------------------------------------------------------------------------

    async def cancel_reasons(self, order: ChannelOrder) -> tuple[str, ...] | None:
        """By eligibility 202602; where that is not offered, 202309 for whether, and the market's table for which."""
        rows = await self._eligibility_of(order.id, {unit.id for unit in order.living})
        eligible = [row for row in rows if row.get("eligible") is True]
        if rows and not eligible:
            return ()
        told = [names for row in eligible if (names := _strings(row.get("available_reason_names")))]
        if told:
            return tuple(key for key in told[0] if all(key in names for names in told))
        if not is_known(self._shop.region):
            return None
        return tuple(reason.key for reason in reasons_for(self._shop.region, order.status))

    async def line_cancel_reasons(self, order: ChannelOrder, unit_ids: frozenset[str]) -> LineReasons:
        """The same for single lines: where the market allows that, and only as out of stock (after-sales overview)."""
        if market_of(self._shop.region) not in LINE_MARKETS:
            return LineReasons((), self._whole_orders_only())
        rows = await self._eligibility_of(order.id, unit_ids)
        refused = [row for row in rows if row.get("eligible") is not True]
        if refused:
            lines = ", ".join(sorted(unit_ids & set().union(*(_names(row) for row in refused))))
            why = next((str(row["ineligible_reason"]) for row in refused if row.get("ineligible_reason")), "")
            return LineReasons((), f"TikTok Shop does not cancel lines {lines} now{f' ({why})' if why else ''}")
        told = [names for row in rows if (names := _strings(row.get("available_reason_names")))]
        offered = told[0] if told else [reason.key for reason in reasons_for(self._shop.region, order.status)]
        keys = tuple(key for key in offered if is_out_of_stock(key) and all(key in names for names in told))
        why = (
            f"TikTok Shop cancels single lines as out of stock only, and does not take that while it is {order.status}"
        )
        return LineReasons(keys, "" if keys else why)

    async def _eligibility_of(self, order_id: str, unit_ids: Collection[str]) -> list[Json]:
        """What TikTok says of a seller cancelling these units."""
        answer = await self._ask_eligibility(order_id)
        try:
            rows = [row for sku in items(answer.data, "sku_eligibility") for row in items(sku, "line_item_eligibility")]
        except Unreadable as problem:
            raise _unreadable(problem, answer) from problem
        return [row for row in rows if row.get("request_type") == "CANCEL" and not _names(row).isdisjoint(unit_ids)]

    async def _ask_eligibility(self, order_id: str) -> Answer:
        query = {"initiate_aftersale_user": "SELLER"}
        if self._eligibility is ELIGIBILITY:
            newer = self._call(ELIGIBILITY, query={**query, "request_types": "CANCEL"}, order_id=order_id)
            answer = await self._client.ask(newer)
            if answer.is_success:
                return answer
            if not is_version(answer):
                raise self._client.problem(answer)
            self._eligibility = OLD_ELIGIBILITY
        return await self._client.read(self._call(OLD_ELIGIBILITY, query=query, order_id=order_id))

    async def reject_reasons(self, cancellation_id: str) -> tuple[RejectReason, ...]:
        """Get Reject Reasons: with what this request may be rejected, asked now. Raises `RemoteProblem`."""
        query = {"return_or_cancel_id": cancellation_id, "locale": "en-US"}
        answer = await self._client.read(self._call(REJECT_REASONS, query=query))
        try:
            rows = items(answer.data, "reasons")
            return tuple(RejectReason(str(row.get("name")), str(row.get("text") or "")) for row in rows)
        except Unreadable as problem:
            raise _unreadable(problem, answer) from problem

    # --- effects --------------------------------------------------------------------------------------------------

    async def cancel_order(self, order: ChannelOrder, reason: str, unit_ids: frozenset[str] | None) -> Outcome:
        """Cancel Order takes no idempotency key: look first. PENDING is `Done` with `facts["status"]`: keep waiting."""
        body: Json = {"order_id": order.id, "cancel_reason": reason}
        if unit_ids is not None:
            refused = self._why_not_lines(order, reason, unit_ids)
            if refused is not None:
                return refused
            chosen = [unit for unit in order.units if unit.id in unit_ids]
            skus = Counter(unit.sku_id for unit in chosen)
            body["order_line_item_ids"] = [unit.id for unit in chosen]
            body["skus"] = [{"sku_id": sku, "quantity": count} for sku, count in skus.items()]
        answer = await self._client.write(self._call(CANCEL_ORDER, body=body))
        return _cancel_result(answer) if isinstance(answer, Answer) else answer

    def _why_not_lines(self, order: ChannelOrder, reason: str, unit_ids: frozenset[str]) -> Rejected | None:
        if not unit_ids or unit_ids - {unit.id for unit in order.living}:
            return Rejected("not every line named is a living line of this order", PARTIAL_REFUSED)
        if market_of(self._shop.region) not in LINE_MARKETS:
            return Rejected(self._whole_orders_only(), PARTIAL_REFUSED)
        if not is_out_of_stock(reason):
            return Rejected("TikTok Shop cancels single lines only with the reason out of stock", PARTIAL_REFUSED)
        return None

    def _whole_orders_only(self) -> str:
        return f"TikTok Shop cancels single lines only in the US and the UK, and this shop is in {self._shop.region}"

    async def approve_cancellation(self, cancellation_id: str, token: str) -> Outcome:
        return await self._decide(APPROVE, cancellation_id, token, {})

    async def reject_cancellation(self, cancellation_id: str, reason: str, comment: str, token: str) -> Outcome:
        body = {"reject_reason": reason} | ({"comment": comment} if comment else {})
        return await self._decide(REJECT, cancellation_id, token, body)

    async def _decide(self, endpoint: Endpoint, cancellation_id: str, token: str, body: Json) -> Outcome:
        if not _is_id(cancellation_id):
            return Rejected(f"{cancellation_id!r} is not the id of a cancellation")
        request = self._call(endpoint, query={"idempotency_key": token}, body=body, cancel_id=cancellation_id)
        answer = await self._client.write(request)
        return Done(cancellation_id, _told(answer)) if isinstance(answer, Answer) else answer

    # --- what changed ---------------------------------------------------------------------------------------------

    @property
    def streams(self) -> tuple[Stream, ...]:
        return tuple(listing.stream for listing in LISTINGS.values())

    async def newest(self, stream: str) -> datetime | None:
        listing = LISTINGS[stream]
        rows, _, _ = await self._list(listing, listing.newest(self._shop.cipher))
        return max((row.updated_at for row in rows), default=None)

    async def changed(self, stream: str, since: datetime, page: str | None) -> ChangedPage:
        listing = LISTINGS[stream]
        place = Place.read(page) if page else Place(int(since.timestamp()))
        rows, token, total = await self._list(listing, listing.page(self._shop.cipher, place))
        following = next_place(place, [int(row.updated_at.timestamp()) for row in rows], token)
        # The count is of the whole search; where the page goes on by token, it counts what lies before as well.
        left = None if total is None else max(0, total - len(rows))
        return ChangedPage(tuple(rows), None if following is None else str(following), left)

    async def _list(self, listing: Listing, request: Call) -> tuple[list[Changed], str, int | None]:
        """The rows, the next page's token, and how many rows the whole search has."""
        answer = await self._client.read(request)
        try:
            rows = [_changed(row, listing.order_id) for row in items(answer.data, listing.rows)]
        except Unreadable as problem:
            raise _unreadable(problem, answer) from problem
        total = answer.data.get("total_count")
        return rows, str(answer.data.get("next_page_token") or ""), total if isinstance(total, int) else None

    def _call(self, endpoint: Endpoint, **parts: Any) -> Call:
        return call(endpoint, cipher=self._shop.cipher, **parts)


def _changed(row: Json, id_field: str) -> Changed:
    order_id = row.get(id_field)
    at = moment(row.get("update_time")) or moment(row.get("create_time"))
    if not order_id or at is None:
        raise Unreadable(f"TikTok listed a change without {id_field} or update_time")
    return Changed(str(order_id), at)


def _cancel_result(answer: Answer) -> Outcome:
    status = cancellation_status(answer.data.get("cancel_status"))
    cancel_id = str(answer.data.get("cancel_id") or "")
    if status in {CancellationStatus.SUCCESS, CancellationStatus.COMPLETE, CancellationStatus.PENDING}:
        return Done(cancel_id, {"status": status, **_told(answer)})
    if status == CancellationStatus.CLOSED:
        return Rejected("TikTok closed the cancellation without doing it; look at the order in Seller Center", status)
    return Unknown(f"TikTok took the cancellation but says {status or 'nothing'} of it (request {answer.request_id})")


def _told(answer: Answer) -> dict[str, str]:
    return {"request_id": answer.request_id} if answer.request_id else {}


def _names(row: Json) -> set[str]:
    return set(_strings(row.get("order_line_items_ids")))


def _strings(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []


def _is_id(text: str) -> bool:
    return text.isascii() and text.isalnum()


def _unreadable(problem: Unreadable, answer: Answer) -> RemoteProblem:
    return RemoteProblem(Rejected(f"{problem} (TikTok request {answer.request_id})", "unreadable"))
