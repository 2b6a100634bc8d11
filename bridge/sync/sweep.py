"""The sweep: what changed without telling. It marks orders as worth a look and decides nothing.

The cursor is the greatest remote `updated_at` read before the pass's first page, so that rows that move while the pass
runs are seen by the next one. The first pass is bounded; progress is stored after each page.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.keys import OrderKey
from bridge.domain.outcomes import RemoteProblem
from bridge.ports import Changed, Stream, Sweepable
from bridge.storage import cursors, foreign, orders, shops, work
from bridge.storage.orders import OrderRecord
from bridge.storage.shops import Shop
from bridge.sync import linking, outbreak
from bridge.sync.desk import Desk, log
from bridge.sync.sheet import RemoteDown

LEASE = timedelta(seconds=120)
SETTLED_READING = timedelta(seconds=60)
"""A reading taken this long after the remote's last change has seen it; a younger one may have missed another."""


async def sweep_shop(desk: Desk, shop: Shop, since: datetime | None = None) -> int:
    """Every stream of one TikTok Shop. Answers how many orders were marked. Raises `RemoteDown`."""
    try:
        channel = await desk.gateways.channel(shop.id)
    except RemoteProblem as problem:
        raise RemoteDown(shop.connection_id, problem) from problem
    first = shop.settings.orders_since
    marked = 0
    for stream in channel.streams:
        marked += await _pass(desk, shop.connection_id, shop.id, channel, stream, since, first, shop=shop)
    return marked


async def sweep_store(desk: Desk, connection_id: str, since: datetime | None = None) -> int:
    """Every stream of one store. Answers how many orders were marked. Raises `RemoteDown`."""
    try:
        store = await desk.gateways.store(connection_id)
    except RemoteProblem as problem:
        raise RemoteDown(connection_id, problem) from problem
    marked = 0
    for stream in store.streams:
        marked += await _pass(desk, connection_id, connection_id, store, stream, since, None, shop=None)
    return marked


async def _pass(
    desk: Desk,
    connection_id: str,
    scope: str,
    remote: Sweepable,
    stream: Stream,
    since: datetime | None,
    first: datetime | None,
    *,
    shop: Shop | None,
) -> int:
    """One pass over one stream, or the rest of one that was broken off."""
    cursor = await desk.db.read(lambda conn: cursors.get(conn, scope, stream.name))
    running = cursor is not None and cursor.next_since is not None and since is None
    try:
        if cursor is None or not running:
            newest = await remote.newest(stream.name)
            start = since or _start(desk, cursor, stream, first)
            next_since = max(filter(None, [newest, cursor.since if cursor else None]), default=start)
            cursor = await desk.db.write(
                lambda conn: cursors.begin(conn, scope, stream.name, since=start, next_since=next_since)
            )
        marked, page = 0, cursor.page
        while True:
            found = await remote.changed(stream.name, cursor.since or desk.clock.now(), page)
            marked += await _mark(desk, connection_id, scope, stream, found.items, found.next_page, shop)
            page = found.next_page
            if page is None:
                break
            await _lease(desk, connection_id)
    except RemoteProblem as problem:
        raise RemoteDown(connection_id, problem) from problem
    await desk.db.write(lambda conn: cursors.finish(conn, scope, stream.name))
    if marked:
        desk.wake()
        log.info("sweep.marked", scope=scope, stream=stream.name, orders=marked)
    return marked


def _start(desk: Desk, cursor: cursors.Cursor | None, stream: Stream, first: datetime | None) -> datetime:
    """Where a pass begins: the last one's cursor less the overlap; the very first is bounded."""
    if cursor is not None and cursor.since is not None and cursor.passes:
        return cursor.since - stream.overlap
    return (
        max(first, desk.clock.now() - 30 * timedelta(days=1)) if first else desk.clock.now() - desk.settings.first_pass
    )


async def _mark(
    desk: Desk,
    connection_id: str,
    scope: str,
    stream: Stream,
    items: Iterable[Changed],
    next_page: str | None,
    shop: Shop | None,
) -> int:
    """Mark the orders of one page and store how far the pass is, in one transaction."""
    changed = list(items)

    async def write(conn: AsyncConnection) -> int:
        keys: list[str] = []
        for item in changed:
            keys += await (
                _of_channel(conn, shop, stream, item) if shop else _of_store(conn, connection_id, stream, item)
            )
        if keys:
            await work.mark(conn, keys)
        await cursors.advance(conn, scope, stream.name, next_page, len(changed))
        return len(set(keys))

    return await desk.db.write(write)


async def _of_channel(conn: AsyncConnection, shop: Shop, stream: Stream, item: Changed) -> list[str]:
    record = await orders.by_channel(conn, shop.id, item.order_id)
    if record is not None and _seen(record, "channel", stream, item):
        return []
    return [str(OrderKey(shop.id, item.order_id))]


async def _of_store(conn: AsyncConnection, connection_id: str, stream: Stream, item: Changed) -> list[str]:
    record = await orders.by_store(conn, connection_id, item.order_id)
    if record is None and item.other_id:
        waiting = await orders.by_channel_id(conn, item.other_id)
        record = next((r for r in waiting if r.store_connection_id == connection_id), None)
    if record is None:
        if await foreign.is_foreign(conn, connection_id, item.order_id, item.updated_at):
            return []
        await foreign.remember(conn, connection_id, item.order_id, item.updated_at)
        named = await linking.sales_named(conn, connection_id, item.other_id, item.number, item.note)
        return [str(key) for key in named]
    if _seen(record, "store", stream, item):
        return []
    return [str(OrderKey(record.shop_id, record.channel_order_id))]


def _seen(record: OrderRecord, side: str, stream: Stream, item: Changed) -> bool:
    """The order's last reading already holds this change, by the remote's own times."""
    reading = record.reading
    known = (reading or {}).get(side)
    if reading is None or known is None:
        return False
    if stream.name == "cancellations":
        at = known.get("cancellations_updated_at")
    elif stream.name == "creditmemos":
        at = max((memo["updated_at"] for memo in known["memos"]), default=None)
    else:
        at = known.get("updated_at")
    if at is None or datetime.fromisoformat(at) < item.updated_at:
        return False
    return datetime.fromisoformat(reading["read_at"]) - item.updated_at > SETTLED_READING


async def sweep_all(
    desk: Desk,
    connection_id: str | None = None,
    since: datetime | None = None,
    not_swept: dict[str, str] | None = None,
) -> dict[str, int]:
    """One sweep over every shop and store, or over one connection, one process at a time each.

    Answers how many changes were marked, by shop and store. A connection that fails waits; the others go on, and
    `not_swept` is told which and why.
    """
    missed = {} if not_swept is None else not_swept
    marked: dict[str, int] = {}
    connections = await desk.db.read(desk.connections.all)
    found = await desk.db.read(shops.all)
    tied = [shop for shop in found if shop.settings.store is not None]
    stores = {shop.settings.store.connection for shop in tied if shop.settings.store}
    for connection in connections:
        if connection_id not in {None, connection.id} or connection.state == "announced":
            continue
        if not await _lease(desk, connection.id):
            missed[connection.id] = "another sweep of it is under way; ask again when it has ended"
            continue
        try:
            for shop in tied:
                if shop.connection_id == connection.id:
                    marked[shop.id] = await sweep_shop(desk, shop, since)
            if connection.id in stores:
                marked[connection.id] = await sweep_store(desk, connection.id, since)
        except RemoteDown as down:
            missed[connection.id] = down.outcome.because
            await outbreak.wait_for(desk, down.connection_id, down.outcome)
        finally:
            await _let_go(desk, connection.id)
    return marked


async def _lease(desk: Desk, connection_id: str) -> bool:
    seconds = LEASE.total_seconds()
    return await desk.db.write(lambda conn: cursors.try_lease(conn, connection_id, desk.owner, seconds))


async def _let_go(desk: Desk, connection_id: str) -> None:
    await desk.db.write(lambda conn: cursors.release_lease(conn, connection_id, desk.owner))


async def audit(desk: Desk) -> int:
    """Mark every order still alive, spread over an hour: a lost sweep costs a day, never money.

    What is parked and has no order yet is taken up too, once.
    """
    await desk.db.write(lambda conn: work.take_up_parked(conn, "hint:"))
    marked, after = 0, None
    while page := await _alive(desk, after):
        keys = [str(OrderKey(record.shop_id, record.channel_order_id)) for record in page]
        due = desk.clock.now() + timedelta(seconds=min(3600, marked // 5))
        await _mark_all(desk, keys, due)
        marked += len(page)
        after = page[-1].id
    return marked


async def _alive(desk: Desk, after: str | None) -> list[OrderRecord]:
    return await desk.db.read(lambda conn: orders.alive(conn, None, after, 500))


async def _mark_all(desk: Desk, keys: list[str], due: datetime) -> None:
    await desk.db.write(lambda conn: work.mark(conn, keys, due))
