"""Orders behind their shop's brake: they wait, and one question is asked for the shop, however many they are."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.attention import TEXTS, AttentionKind
from bridge.domain.effects import Settlement
from bridge.ports import ActionRefused
from bridge.storage import attention, brake, orders, work
from bridge.sync.desk import Desk, log
from bridge.sync.sheet import Sheet

KIND = AttentionKind.BRAKE
CANCELS = frozenset({"cancel", "cancel_lines"})
"""Effects whose limit is exact. Approvals count and wait as well, but may be one too many for each worker."""


def counted(sheet: Sheet) -> int:
    """Cancellations that count against the limit: pulled, the brake stays pulled whatever the last hour was."""
    limit = sheet.shop.settings.cancellation_sync.store_to_channel.max_cancels_per_hour
    return sheet.cancels_last_hour if sheet.shop.brake is None else max(sheet.cancels_last_hour, limit)


async def is_full(conn: AsyncConnection, sheet: Sheet, kind: str, now: datetime) -> bool:
    """Asked in the transaction of the claim: several workers that saw room for one more must not all take it."""
    if kind not in CANCELS or "brake" in sheet.record.forced.get("allowed", []):
        return False
    limit = sheet.shop.settings.cancellation_sync.store_to_channel.max_cancels_per_hour
    return await brake.is_full(conn, sheet.shop.id, limit, now - timedelta(hours=1))


def behind(sheet: Sheet, settlement: Settlement) -> Settlement:
    """Not this order is asked about but its shop; and it is looked at when a person has answered, not before."""
    if not any(hold.kind is KIND for hold in settlement.holds):
        return settlement
    because = settlement.because
    if sheet.shop.brake is not None:
        because = (
            f"ready for TikTok Shop, but the direction is paused until a person answers: {sheet.shop.brake['because']}"
        )
    holds = tuple(hold for hold in settlement.holds if hold.kind is not KIND)
    return replace(settlement, because=because, holds=holds, look_again_at=None, braked=True)


def fields(desk: Desk, sheet: Sheet, settlement: Settlement) -> dict[str, Any]:
    """The order's field: since when it waits behind the brake."""
    since = sheet.record.braked_at
    if settlement.braked:
        return {} if since is not None else {"braked_at": desk.clock.now()}
    return {} if since is None else {"braked_at": None}


async def ask(conn: AsyncConnection, sheet: Sheet) -> None:
    """Pull the shop's brake and ask once; later orders only raise the number shown. After the order's field is set."""
    shop, record = sheet.shop, sheet.record
    limit = shop.settings.cancellation_sync.store_to_channel.max_cancels_per_hour
    stands = await brake.standing(conn, shop.id)
    pulled = stands.brake
    if pulled is None and stands.version != shop.version:
        # Somebody answered, or set another limit, since this was read: it is decided anew.
        await orders.set_fields(conn, record.id, braked_at=None)
        await work.mark(conn, [orders.work_key(record.shop_id, record.channel_order_id)])
        return
    if pulled is None:
        because = f"{sheet.cancels_last_hour} orders of this shop were cancelled within an hour (limit {limit})"
        pulled = {"since": stands.now.isoformat(), "count": sheet.cancels_last_hour, "because": because}
        await brake.pull(conn, shop.id, pulled)
    waiting = await brake.behind(conn, shop.id)
    more = f" and {waiting.count - len(waiting.first)} more" if waiting.count > len(waiting.first) else ""
    because = (
        f"{pulled['because']}: nothing of {shop.name} is cancelled or approved on TikTok Shop until a person answers; "
        f"{waiting.count} wait: {', '.join(waiting.first)}{more}"
    )
    facts = {
        "since": pulled["since"],
        "count": pulled["count"],
        "limit": limit,
        "waiting": waiting.count,
        "first_orders": list(waiting.first),
        "newest_at": waiting.newest.isoformat() if waiting.newest else None,
    }
    text = TEXTS[KIND]
    news = await attention.raise_item(
        conn,
        kind=KIND.value,
        fingerprint=pulled["since"],
        title=f"{text.title}: {shop.name}",
        because=because,
        what_to_do=text.what_to_do,
        facts=facts,
        shop_id=shop.id,
    )
    if news:
        log.error("brake.pulled", shop=shop.id, because=pulled["because"])
    else:
        await attention.refresh(conn, kind=KIND.value, shop_id=shop.id, because=because, facts=facts)


async def release(desk: Desk, shop_id: str, who: str, since: str, until: datetime | None = None) -> int:
    """A person lets those through that wait behind the brake pulled then, `until`: no later than this.

    They still count: what comes next may ask again. Raises `ActionRefused` where that brake is let go already.
    """

    async def write(conn: AsyncConnection) -> int:
        stands = await brake.standing(conn, shop_id)
        if stands.brake is None or stands.brake["since"] != since:
            raise ActionRefused("the brake was let go meanwhile; if it is pulled again, it asks about other orders")
        return await brake.release(conn, shop_id, who, desk.clock.now(), let_through=True, until=until)

    let = await desk.db.write(write)
    log.info("brake.released", shop=shop_id, orders=let, who=who)
    desk.wake()
    return let
