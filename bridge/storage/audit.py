"""Audit: who changed what by hand, and what it was before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage.columns import db_now_ms
from bridge.storage.ids import CLOCKS, id_floor, new_id
from bridge.storage.rows import pack_cursor, unpack_cursor
from bridge.storage.tables import audit as table


@dataclass(frozen=True, slots=True)
class Change:
    id: str
    at: datetime
    who: str
    what: str
    before: Any
    after: Any


async def write(conn: AsyncConnection, who: str, what: str, before: Any, after: Any) -> None:
    """`before` and `after` are JSON values without secrets."""
    await conn.execute(
        insert(table).values(
            id=new_id("aud"), at=db_now_ms(), who=who[:191], what=what[:191], value_before=before, value_after=after
        )
    )


async def search(
    conn: AsyncConnection,
    *,
    who: str | None = None,
    what: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> tuple[list[Change], str | None]:
    """A page, the newest first, and the next page's cursor. `who` and `what`: exactly these; `until` is not in it.

    Raises `BadCursor`.
    """
    query = select(table).order_by(table.c.id.desc()).limit(limit + 1)
    if who is not None:
        query = query.where(table.c.who == who)
    if what is not None:
        query = query.where(table.c.what == what)
    # Ids sort by the clock of the process that made them, so they bound how much is read; `at` decides.
    if since is not None:
        query = query.where(table.c.at >= since, table.c.id >= id_floor("aud", since, -CLOCKS))
    if until is not None:
        query = query.where(table.c.at < until, table.c.id < id_floor("aud", until, CLOCKS))
    if cursor:
        query = query.where(table.c.id < unpack_cursor(cursor, 1)[0])
    rows = (await conn.execute(query)).all()
    found = [Change(row.id, row.at, row.who, row.what, row.value_before, row.value_after) for row in rows[:limit]]
    return found, pack_cursor([rows[limit - 1].id]) if len(rows) > limit else None
