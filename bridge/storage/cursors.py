"""Cursors of the sweeps: how far each list of each scope has been read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage import leases
from bridge.storage.columns import db_now_ms
from bridge.storage.errors import NotFound
from bridge.storage.tables import cursors as table
from bridge.storage.upserts import upsert


@dataclass(frozen=True, slots=True)
class Cursor:
    scope: str
    """A shop's or a connection's id."""
    stream: str
    since: datetime | None
    """Everything changed before then has been read; None: no pass was ever finished."""
    next_since: datetime | None
    """What `since` becomes when the pass that runs is finished; None: no pass runs."""
    page: str | None
    """Where the pass that runs goes on."""
    started_at: datetime | None
    finished_at: datetime | None
    passes: int
    """Finished ones."""
    seen: int
    """Things read in the pass that runs, or in the last one."""


async def get(conn: AsyncConnection, scope: str, stream: str) -> Cursor | None:
    row = (await conn.execute(select(table).where(table.c.scope == scope, table.c.stream == stream))).one_or_none()
    return None if row is None else Cursor(**row._mapping)


async def all(conn: AsyncConnection) -> list[Cursor]:  # noqa: A001 -- read as cursors.all
    rows = await conn.execute(select(table).order_by(table.c.scope, table.c.stream))
    return [Cursor(**row._mapping) for row in rows]


async def _stored(conn: AsyncConnection, scope: str, stream: str) -> Cursor:
    stored = await get(conn, scope, stream)
    if stored is None:
        raise NotFound(f"no pass was ever begun over {stream} of {scope}")
    return stored


async def begin(
    conn: AsyncConnection, scope: str, stream: str, *, since: datetime | None, next_since: datetime | None
) -> Cursor:
    """A pass begins: from `since`; `next_since` was read from the remote before its first page."""
    start = {
        "since": since,
        "next_since": next_since,
        "page": None,
        "started_at": db_now_ms(),
        "finished_at": None,
        "seen": 0,
    }
    fresh = {"scope": scope, "stream": stream, "passes": 0}
    await upsert(conn, table, start | fresh, keys=["scope", "stream"], update=start)
    return await _stored(conn, scope, stream)


async def advance(conn: AsyncConnection, scope: str, stream: str, page: str | None, seen: int) -> Cursor:
    """A page is done: the next one is `page`; `seen` things stood on the one just read."""
    await conn.execute(
        update(table)
        .where(table.c.scope == scope, table.c.stream == stream)
        .values(page=page, seen=table.c.seen + seen)
    )
    return await _stored(conn, scope, stream)


async def finish(conn: AsyncConnection, scope: str, stream: str) -> Cursor:
    """The pass is through: the next one starts where this one's remote clock stood."""
    done = await _stored(conn, scope, stream)
    await conn.execute(
        update(table)
        .where(table.c.scope == scope, table.c.stream == stream)
        .values(
            since=done.next_since or done.since,
            next_since=None,
            page=None,
            finished_at=db_now_ms(),
            passes=table.c.passes + 1,
        )
    )
    return await _stored(conn, scope, stream)


async def try_lease(conn: AsyncConnection, scope: str, owner: str, seconds: float) -> bool:
    """Whether `owner` sweeps this scope now, for so many seconds; the holder prolongs by asking again."""
    return await leases.try_lease(conn, f"sweep:{scope}", owner, seconds, again=True)


async def release_lease(conn: AsyncConnection, scope: str, owner: str) -> bool:
    return await leases.release(conn, f"sweep:{scope}", owner)
