"""What people say to buyers' requests: kept with the order until it is done or has nothing left to say.

Never a stored command: a word marks the order, and the comparison acts on it while the request waits as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain import requests
from bridge.domain.attention import AttentionKind
from bridge.domain.channel_order import ChannelOrder
from bridge.domain.effects import EffectKind, Verdict
from bridge.domain.keys import OrderKey
from bridge.domain.link import Answer, Link
from bridge.ports import ActionRefused, ReasonNotListed, RejectReason
from bridge.storage import attention, audit, changelog, orders, shops, work
from bridge.storage.orders import OrderRecord
from bridge.storage.shops import Shop
from bridge.sync import outbreak
from bridge.sync.answering import as_read
from bridge.sync.desk import Desk
from bridge.sync.sheet import Sheet, Sides


async def keep(desk: Desk, order_id: str, shown: Mapping[str, Any], answer: Answer) -> Shop:
    """Keep a person's word on the request as it was shown, and look at the order now.

    Raises `ActionRefused`; `ReasonNotListed`, or `RemoteProblem` where TikTok cannot be asked for its reasons.
    """
    cancellation = str(shown["cancellation"])
    _, shop = await _order(desk, order_id)
    if answer.decision == "reject":
        listed = await reject_reasons(desk, order_id, cancellation)
        if answer.reason not in {reason.key for reason in listed}:
            raise ReasonNotListed(answer.reason, listed)
    word = replace(answer, units=tuple(shown["units"]), shipped=shown["shipped"])

    async def write(conn: AsyncConnection) -> None:
        record = await orders.locked(conn, order_id)
        if record is None:
            raise ActionRefused(f"there is no order {order_id}")
        if record.blocked:
            raise ActionRefused(
                f"the order is blocked in both directions: {record.blocked}. Settle it first, then answer the request"
            )
        forced = dict(record.forced)
        before = forced.get("answers", {}).get(cancellation)
        forced["answers"] = {**forced.get("answers", {}), cancellation: asdict(word)}
        # The person has seen what TikTok said; their new word is a new try.
        over = {requests.refusal_key(kind, cancellation) for kind in (EffectKind.APPROVE, EffectKind.REJECT)}
        forced["refusals"] = {key: one for key, one in forced.get("refusals", {}).items() if key not in over}
        await orders.set_fields(conn, record.id, forced=forced)
        why = f", reason {answer.reason}" if answer.reason else ""
        words = f"{answer.who} says: {answer.decision} the buyer's request {cancellation}{why}"
        facts = {"who": answer.who, "cancellation": cancellation, "decision": answer.decision, "reason": answer.reason}
        await changelog.write(conn, record.id, "person", words, facts)
        was, now = _audited(cancellation, before), _audited(cancellation, asdict(word))
        await audit.write(conn, answer.who, f"order {record.id} buyer's request answered", was, now)
        await work.mark(conn, [str(OrderKey(record.shop_id, record.channel_order_id))])

    await desk.db.write(write)
    desk.wake()
    return shop


def _audited(cancellation: str, word: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Without the comment, which is between the shop and its buyer."""
    if word is None:
        return None
    return {"request": cancellation, "decision": word["decision"], "reason": word["reason"]}


async def reject_reasons(desk: Desk, order_id: str, cancellation: str) -> tuple[RejectReason, ...]:
    """TikTok's own reasons for this request, asked now. Raises `RemoteProblem`, `ActionRefused`."""
    _, shop = await _order(desk, order_id)
    channel = await desk.gateways.channel(shop.id)
    return await channel.reject_reasons(cancellation)


async def _order(desk: Desk, order_id: str) -> tuple[OrderRecord, Shop]:
    async def read(conn: AsyncConnection) -> tuple[OrderRecord | None, Shop | None]:
        record = await orders.get(conn, order_id)
        return record, await shops.get(conn, record.shop_id) if record else None

    record, shop = await desk.db.read(read)
    if record is None or shop is None:
        raise ActionRefused(f"there is no order {order_id}")
    return record, shop


async def left(
    conn: AsyncConnection, desk: Desk, sheet: Sheet, sides: Sides | None, verdict: Verdict
) -> dict[str, Any] | None:
    """What people said for this order, less what is over; None: it stays as it is.

    Part of the transaction that writes what was decided. What was said since the order was read is not touched.
    """
    read = sheet.record.forced
    if not read:
        return None
    record = await orders.locked(conn, sheet.record.id)
    forced = dict(record.forced) if record else {}
    answers = dict(forced.get("answers", {}))
    over = requests.lapsed(as_read(desk, sheet, sides)) if sides is not None and read.get("answers") else {}
    for cancellation, because in over.items():
        if answers.get(cancellation) != read["answers"][cancellation]:
            continue
        word = answers.pop(cancellation)
        if because:
            facts = {"cancellation": cancellation, "decision": word["decision"], "who": word["who"]}
            await changelog.write(conn, sheet.record.id, "lapsed", because, facts)
    if verdict is Verdict.SETTLED:
        forced = {name: value for name, value in forced.items() if value != read.get(name)}
    forced.pop("answers", None)
    return forced | ({"answers": answers} if answers else {})


async def show(conn: AsyncConnection, desk: Desk, sheet: Sheet, channel: ChannelOrder | None) -> None:
    """A buyer's deadline does not wait for a store that is down: the request is shown though nothing is decided."""
    if channel is None or not channel.requests():
        return
    kind = AttentionKind.BUYER_REQUEST.value
    known, _ = await attention.search(conn, state=None, kind=kind, order_id=sheet.record.id, limit=1)
    if known and known[0].state != "closed":
        return
    tie = Link(create_sent=sheet.record.create_sent_at is not None, store_order_id=sheet.record.store_order_id or "")
    reading = requests.Reading(channel, None, tie, sheet.shop.settings, desk.clock.now())
    await outbreak.raise_holds(conn, sheet.record.id, requests.waiting(reading))


async def tell(conn: AsyncConnection, sheet: Sheet, channel: ChannelOrder) -> None:
    """What became of the buyer's requests since the last reading, into the changelog."""
    before = {one["id"]: one for one in ((sheet.record.reading or {}).get("channel") or {}).get("cancellations", [])}
    for request in channel.cancellations:
        if request.kind != "BUYER_CANCEL":
            continue
        known = before.get(request.id)
        if known is not None and (known["status"] == request.status or (request.is_dead and _was_dead(known))):
            continue
        respond_by = known.get("respond_by") if known else None
        because = requests.story(request, datetime.fromisoformat(respond_by) if respond_by else None)
        facts = {"cancellation": request.id, "status": request.status, "units": sorted(request.unit_ids)}
        await changelog.write(conn, sheet.record.id, "request", because, facts)


def _was_dead(known: Mapping[str, Any]) -> bool:
    return str(known["status"]).endswith(("_SUCCESS", "_COMPLETE"))
