"""*Settle now* for an order, and for everything of one kind that waits: marked, spread, looked at; never a command."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.ports import ActionRefused, Settled, Wanted
from bridge.storage import attention, audit, changelog, orders, work
from bridge.storage.attention import Item
from bridge.sync import braking
from bridge.sync.desk import Desk, log

MOST = 2000
"""Items settled by one request: what is left is asked for again."""
PAGE = 100
A_SECOND = 10
"""Orders that become due in a second: both remotes are read for each."""


async def settle_order(
    conn: AsyncConnection, order_id: str, allow: frozenset[str], who: str, due_at: datetime | None = None
) -> None:
    """A person has looked: standing refusals and a block go, what they allow is kept, and the order is looked at.

    Raises `ActionRefused` where there is no such order.
    """
    record = await orders.locked(conn, order_id)
    if record is None:
        raise ActionRefused(f"there is no order {order_id}")
    forced: dict[str, Any] = {"allowed": sorted({*record.forced.get("allowed", []), *allow})}
    if "answers" in record.forced:  # what was said to a buyer stands, or lapses, by itself
        forced["answers"] = record.forced["answers"]
    await orders.update(conn, record.id, forced=forced, blocked=None, searched_for=None)
    words = f"{who} says: settle now" + (f", {', '.join(sorted(allow))} allowed" if allow else "")
    await changelog.write(conn, record.id, "person", words, {"who": who, "allow": sorted(allow)})
    await attention.close(conn, order_id=record.id, dismissed=False)
    await work.mark(conn, [orders.work_key(record.shop_id, record.channel_order_id)], due_at)


async def settle_all(desk: Desk, wanted: Wanted, allow: frozenset[str], who: str) -> Settled:
    """Every open item of a kind, the oldest first, at most `MOST`; spread, so that the remotes are not run over."""
    settled = skipped = 0
    after = ""
    while settled + skipped < MOST:
        found = await desk.db.read(_page(_meant(wanted, after)))
        if not found:
            break
        first = desk.clock.now() + timedelta(seconds=settled // A_SECOND)
        of_orders = [item.order_id for item in found if item.order_id is not None]
        await desk.db.write(_settle(wanted, of_orders, allow, who, first))
        settled += len(of_orders)
        for item in found:
            if item.order_id is None and item.shop_id and item.kind == braking.KIND and "brake" in allow:
                try:
                    settled += await braking.release(desk, item.shop_id, who, item.fingerprint, wanted.until)
                except ActionRefused:
                    skipped += 1  # somebody else has just let it go
            elif item.order_id is None:
                skipped += 1
        after = found[-1].id
        desk.wake()
    meant = _meant(wanted, after)
    left = await desk.db.read(lambda conn: attention.count(conn, **meant))
    log.info("attention.settled_all", kind=wanted.kind, settled=settled, skipped=skipped, left=left)
    return Settled(settled=settled, skipped=skipped, left=left)


def _page(meant: Mapping[str, Any]) -> Callable[[AsyncConnection], Awaitable[list[Item]]]:
    return lambda conn: attention.oldest(conn, limit=PAGE, **meant)


def _meant(wanted: Wanted, after: str) -> dict[str, Any]:
    """What is left of them after this item, as `storage.attention` asks for it."""
    return {
        "kind": wanted.kind,
        "shop_id": wanted.shop,
        "connection_id": wanted.connection,
        "until": wanted.until,
        "after": after,
    }


def _settle(
    wanted: Wanted, order_ids: list[str], allow: frozenset[str], who: str, first: datetime
) -> Callable[[AsyncConnection], Awaitable[None]]:
    async def write(conn: AsyncConnection) -> None:
        for place, order_id in enumerate(order_ids):
            await settle_order(conn, order_id, allow, who, first + timedelta(seconds=place // A_SECOND))
        if order_ids:
            scope = {"shop": wanted.shop, "connection": wanted.connection}
            about = {"orders": len(order_ids), "allow": sorted(allow), **scope}
            await audit.write(conn, who, f"attention kind {wanted.kind} settled", None, about)

    return write
