"""The sweep: what changed without telling. It marks orders as worth a look and decides nothing.

The cursor is the greatest remote `updated_at` read before the pass's first page, so that rows that move while the pass
runs are seen by the next one. The first pass is bounded; progress is stored after each page.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.keys import OrderKey
from bridge.domain.outcomes import Rejected, RemoteProblem
from bridge.mistakes import place, told
from bridge.ports import Changed, ChangedPage, Stream, Sweepable
from bridge.storage import cursors, foreign, orders, shops, work
from bridge.storage.cursors import Cursor, PassLost
from bridge.storage.errors import StorageDown
from bridge.storage.orders import OrderRecord
from bridge.storage.shops import Shop
from bridge.sync import linking, outbreak, silence
from bridge.sync.desk import Desk, log
from bridge.sync.sheet import RemoteDown

LEASE = timedelta(seconds=120)
SETTLED_READING = timedelta(seconds=60)
"""A reading taken this long after the remote's last change has seen it; a younger one may have missed another."""
OLDEST_FIRST_PASS = timedelta(days=30)
LEASE_LOOK = 0.25
"""Seconds between two looks for a lease that a person's sweep waits for."""
TAKEN = "another sweep of it is under way; ask again when it has ended"


@dataclass(frozen=True, slots=True)
class Swept:
    """Whose list is read, and by whom."""

    connection_id: str
    scope: str
    """A shop's id, or the store's connection."""
    remote: Sweepable
    owner: str
    """Names this one sweep in the lease: two of one process are two."""
    first: datetime
    """Where the very first pass begins."""
    shop: Shop | None
    """None: a store."""


@dataclass(frozen=True, slots=True)
class Missed:
    """Why a connection was not swept."""

    because: str
    until: datetime | None = None
    """It need not be asked before then; None: at any time."""


async def sweep_shop(desk: Desk, shop: Shop, since: datetime | None = None, owner: str | None = None) -> int:
    """Every stream of one TikTok Shop. Answers how many orders were marked. Raises `RemoteDown`, `PassLost`."""
    try:
        channel = await desk.gateways.channel(shop.id)
    except RemoteProblem as problem:
        raise RemoteDown(shop.connection_id, problem) from problem
    now, tied = desk.clock.now(), shop.settings.orders_since
    first = max(tied, now - OLDEST_FIRST_PASS) if tied else now - desk.settings.first_pass
    swept = Swept(shop.connection_id, shop.id, channel, owner or desk.owner, first, shop)
    return sum([await _pass(desk, swept, stream, since) for stream in channel.streams])


async def sweep_store(desk: Desk, connection_id: str, since: datetime | None = None, owner: str | None = None) -> int:
    """Every stream of one store. Answers how many orders were marked. Raises `RemoteDown`, `PassLost`."""
    try:
        store = await desk.gateways.store(connection_id)
    except RemoteProblem as problem:
        raise RemoteDown(connection_id, problem) from problem
    connection = await desk.db.read(lambda conn: desk.connections.get(conn, connection_id))
    now = desk.clock.now()
    # From when it was connected, should its first sweep have had to wait for long.
    begun = min(connection.created_at, now) if connection else now
    first = max(begun - desk.settings.first_pass, now - OLDEST_FIRST_PASS)
    swept = Swept(connection_id, connection_id, store, owner or desk.owner, first, None)
    return sum([await _pass(desk, swept, stream, since) for stream in store.streams])


async def _pass(desk: Desk, swept: Swept, stream: Stream, since: datetime | None) -> int:
    """One pass over one stream, or the rest of one that was broken off."""
    cursor = await desk.db.read(lambda conn: cursors.get(conn, swept.scope, stream.name))
    try:
        if cursor is None or cursor.next_since is None or since is not None:
            cursor = await _begin(desk, swept, stream, cursor, since)
            resumed = False
        else:
            resumed = cursor.page is not None
        marked = 0
        while True:
            found, cursor = await _page(desk, swept, stream, cursor, resumed=resumed)
            resumed = False
            count, cursor = await _mark(desk, swept, stream, cursor, found)
            marked += count
            if found.next_page is None:
                break
            if not await _lease(desk, swept.connection_id, swept.owner):
                raise PassLost(f"a page of {stream.name} took longer than the lease: another process sweeps now")
    except RemoteProblem as problem:
        raise RemoteDown(swept.connection_id, problem) from problem
    ended = cursor
    await desk.db.write(lambda conn: cursors.finish(conn, ended))
    if marked:
        desk.wake()
        log.info("sweep.marked", scope=swept.scope, stream=stream.name, orders=marked)
    return marked


async def _begin(desk: Desk, swept: Swept, stream: Stream, cursor: Cursor | None, since: datetime | None) -> Cursor:
    """A new pass. What a person asks for can only make it reach further back: a gap would never be swept again."""
    newest = await swept.remote.newest(stream.name)
    start = _start(swept, stream, cursor)
    if since is not None:
        running = cursor.since if cursor and cursor.next_since else None
        start = min(filter(None, [start, since, running]))
    next_since = max(filter(None, [newest, cursor.since if cursor else None]), default=start)
    # A remote whose clock runs ahead and is set right later would hide what changes in between.
    next_since = min(next_since, max(desk.clock.now(), start))
    return await desk.db.write(
        lambda conn: cursors.begin(conn, swept.scope, stream.name, since=start, next_since=next_since)
    )


def _start(swept: Swept, stream: Stream, cursor: Cursor | None) -> datetime:
    """Where a pass begins: the last one's cursor less the overlap; the very first is bounded."""
    if cursor is not None and cursor.since is not None:
        return cursor.since - stream.overlap if cursor.passes else min(cursor.since, swept.first)
    return swept.first


async def _page(
    desk: Desk, swept: Swept, stream: Stream, cursor: Cursor, *, resumed: bool
) -> tuple[ChangedPage, Cursor]:
    """The next page. A place that the remote no longer knows after a pause is no end: the pass is read from its start.

    Raises `RemoteProblem`.
    """
    since = cursor.since or swept.first
    try:
        return await swept.remote.changed(stream.name, since, cursor.page), cursor
    except RemoteProblem as problem:
        if not resumed or not isinstance(problem.outcome, Rejected):
            raise
        log.warning("sweep.place_lost", scope=swept.scope, stream=stream.name, because=problem.outcome.because)
    fresh = await desk.db.write(lambda conn: cursors.advance(conn, cursor, None, 0))
    return await swept.remote.changed(stream.name, since, None), fresh


async def _mark(desk: Desk, swept: Swept, stream: Stream, cursor: Cursor, found: ChangedPage) -> tuple[int, Cursor]:
    """Mark the orders of one page and store how far the pass is, in one transaction."""

    async def write(conn: AsyncConnection) -> tuple[int, Cursor]:
        marks = await _marks(conn, swept, stream, found.items)
        if marks:
            await work.mark(conn, marks)
            await orders.swept(conn, filter(None, marks.values()))
        return len(marks), await cursors.advance(conn, cursor, found.next_page, len(found.items))

    return await desk.db.write(write)


async def _marks(
    conn: AsyncConnection, swept: Swept, stream: Stream, items: Iterable[Changed]
) -> dict[str, str | None]:
    """Work keys of what is worth a look, each with our order's id where there is one."""
    marks: dict[str, str | None] = {}
    for item in items:
        if swept.shop is not None:
            record = await orders.by_channel(conn, swept.shop.id, item.order_id)
            side = "channel"
            if record is None:
                marks[str(OrderKey(swept.shop.id, item.order_id))] = None
        else:
            record, side = await _of_store(conn, swept.connection_id, item), "store"
            if record is None:
                marks |= dict.fromkeys(await _foreign(conn, swept.connection_id, item))
        if record is not None and not _seen(record, side, stream, item):
            marks[str(OrderKey(record.shop_id, record.channel_order_id))] = record.id
    return marks


async def _of_store(conn: AsyncConnection, connection_id: str, item: Changed) -> OrderRecord | None:
    record = await orders.by_store(conn, connection_id, item.order_id)
    if record is None and item.other_id:
        waiting = await orders.by_channel_id(conn, item.other_id)
        record = next((r for r in waiting if r.store_connection_id == connection_id), None)
    return record


async def _foreign(conn: AsyncConnection, connection_id: str, item: Changed) -> list[str]:
    """A store order that is none of ours, or not yet: work keys of the sales it may stand for."""
    if await foreign.is_foreign(conn, connection_id, item.order_id, item.updated_at):
        return []
    await foreign.remember(conn, connection_id, item.order_id, item.updated_at)
    named = await linking.sales_named(conn, connection_id, item.other_id, item.number, item.note)
    return [str(key) for key in named]


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
    patience: timedelta = timedelta(0),
) -> dict[str, int]:
    """One sweep over every shop and store, or over one connection, one at a time each, whoever asked for it.

    Answers how many changes were marked, by shop and store. A connection that fails waits; the others go on, and
    `not_swept` is told which and why. `patience`: so long another sweep of it is waited for.
    """
    wanted = None if connection_id is None else {connection_id}
    marked, missed = await sweep_some(desk, wanted, since, patience)
    if not_swept is not None:
        not_swept |= {one: why.because for one, why in missed.items()}
    return marked


async def sweep_some(
    desk: Desk, wanted: Collection[str] | None, since: datetime | None = None, patience: timedelta = timedelta(0)
) -> tuple[dict[str, int], dict[str, Missed]]:
    """The same over these connections (None: all): what was marked, and which were missed."""
    marked: dict[str, int] = {}
    missed: dict[str, Missed] = {}
    owner = f"{desk.owner}/{secrets.token_hex(4)}"
    connections = await desk.db.read(desk.connections.all)
    found = await desk.db.read(shops.all)
    tied = [shop for shop in found if shop.settings.store is not None]
    for connection in connections:
        if (wanted is not None and connection.id not in wanted) or connection.state == "announced":
            continue
        if not await _lease(desk, connection.id, owner, patience):
            missed[connection.id] = Missed(TAKEN)
            continue
        try:
            why = await _sweep_one(desk, connection.id, tied, since, owner, marked)
        finally:
            await _let_go(desk, connection.id, owner)
        if why is not None:
            missed[connection.id] = why
    await silence.look(desk)
    return marked, missed


async def _sweep_one(
    desk: Desk, connection_id: str, tied: Collection[Shop], since: datetime | None, owner: str, marked: dict[str, int]
) -> Missed | None:
    """A connection's shops, and the store that it is; each is `marked` when it is done. Raises `StorageDown`."""
    try:
        for shop in tied:
            if shop.connection_id == connection_id:
                marked[shop.id] = await sweep_shop(desk, shop, since, owner)
        if any(shop.settings.store.connection == connection_id for shop in tied if shop.settings.store):
            marked[connection_id] = await sweep_store(desk, connection_id, since, owner)
    except RemoteDown as down:
        return Missed(down.outcome.because, await outbreak.wait_for(desk, down.connection_id, down.outcome))
    except PassLost as lost:
        log.warning("sweep.taken_over", connection=connection_id, because=str(lost))
        return Missed(str(lost))
    except StorageDown:
        raise  # nothing can be swept now
    except Exception as mistake:  # noqa: BLE001 -- nobody foresaw it; the other connections are swept
        log.error("sweep.broke", connection=connection_id, **told(mistake))
        because = f"the sweep met a mistake ({place(mistake)}); the log says more"
        return Missed(because, desk.clock.now() + desk.settings.outage_ceiling)
    return None


async def _lease(desk: Desk, connection_id: str, owner: str, patience: timedelta = timedelta(0)) -> bool:
    seconds = LEASE.total_seconds()
    for _ in range(1 + int(patience.total_seconds() / LEASE_LOOK)):
        if await desk.db.write(lambda conn: cursors.try_lease(conn, connection_id, owner, seconds)):
            return True
        if patience:
            await asyncio.sleep(LEASE_LOOK)
    return False


async def _let_go(desk: Desk, connection_id: str, owner: str) -> None:
    await desk.db.write(lambda conn: cursors.release_lease(conn, connection_id, owner))
