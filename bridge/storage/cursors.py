"""Cursors of the sweeps: how far each list of each scope has been read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

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
    pages: int
    """Pages read of it."""


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
        "pages": 0,
    }
    fresh = {"scope": scope, "stream": stream, "passes": 0}
    await upsert(conn, table, start | fresh, keys=["scope", "stream"], update=start)
    return await _stored(conn, scope, stream)


class PassLost(Exception):
    """The pass was begun anew or ended by somebody else meanwhile: whoever notices must stop, and change nothing."""


async def _change(conn: AsyncConnection, running: Cursor, **values: Any) -> Cursor:
    """Change the row as long as it is still this pass: the time it was begun at tells it from any other."""
    changed = await conn.execute(
        update(table)
        .where(
            table.c.scope == running.scope,
            table.c.stream == running.stream,
            table.c.started_at == running.started_at,
            table.c.finished_at.is_(None),
        )
        .values(**values)
    )
    if not changed.rowcount:
        raise PassLost(f"the pass over {running.stream} of {running.scope} was taken over")
    return await _stored(conn, running.scope, running.stream)


async def advance(conn: AsyncConnection, running: Cursor, page: str | None, seen: int) -> Cursor:
    """A page is done: the next one is `page`; `seen` things stood on the one just read. Raises `PassLost`."""
    return await _change(conn, running, page=page, seen=table.c.seen + seen, pages=table.c.pages + 1)


async def finish(conn: AsyncConnection, running: Cursor) -> Cursor:
    """The pass is through: the next one starts where this one's remote clock stood. Raises `PassLost`."""
    since = running.next_since or running.since
    return await _change(
        conn, running, since=since, next_since=None, page=None, finished_at=db_now_ms(), passes=table.c.passes + 1
    )


async def try_lease(conn: AsyncConnection, scope: str, owner: str, seconds: float) -> bool:
    """Whether `owner` sweeps this scope now, for so many seconds; the holder prolongs by asking again."""
    return await leases.try_lease(conn, f"sweep:{scope}", owner, seconds, again=True)


async def release_lease(conn: AsyncConnection, scope: str, owner: str) -> bool:
    return await leases.release(conn, f"sweep:{scope}", owner)
