"""Jobs: long things a person asked for, with their progress and result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, insert, select
from sqlalchemy import update as sql_update
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage.columns import db_now_ms
from bridge.storage.errors import NotFound
from bridge.storage.ids import new_id
from bridge.storage.tables import jobs as table

UNFINISHED: Final = ("queued", "running")


@dataclass(frozen=True, slots=True)
class Job:
    id: str
    kind: str
    state: str
    progress: dict[str, Any]
    result: dict[str, Any] | None
    because: str
    created_at: datetime
    updated_at: datetime


def _record(row: Row[Any]) -> Job:
    return Job(**row._mapping)


async def create(
    conn: AsyncConnection, kind: str, *, state: str = "queued", progress: Mapping[str, Any] | None = None
) -> Job:
    job_id = new_id("job")
    await conn.execute(
        insert(table).values(
            id=job_id,
            kind=kind,
            state=state,
            progress=dict(progress or {}),
            because="",
            created_at=db_now_ms(),
            updated_at=db_now_ms(),
        )
    )
    made = await get(conn, job_id)
    assert made is not None
    return made


async def get(conn: AsyncConnection, job_id: str) -> Job | None:
    row = (await conn.execute(select(table).where(table.c.id == job_id))).one_or_none()
    return None if row is None else _record(row)


async def update(conn: AsyncConnection, job_id: str, **fields: Any) -> Job:
    """Change fields by name. Raises `NotFound`."""
    changed = await conn.execute(sql_update(table).where(table.c.id == job_id).values(**fields, updated_at=db_now_ms()))
    stored = await get(conn, job_id) if changed.rowcount else None
    if stored is None:
        raise NotFound(f"there is no job {job_id}")
    return stored


async def end_silent(conn: AsyncConnection, kind: str, seconds: float, because: str) -> Sequence[str]:
    """End the unfinished jobs of one kind that were not written to for so many seconds. Answers which."""
    silent = table.c.updated_at <= db_now_ms(-seconds)
    where = (table.c.kind == kind, table.c.state.in_(UNFINISHED), silent)
    ids = [*await conn.scalars(select(table.c.id).where(*where).order_by(table.c.id).with_for_update())]
    for job_id in ids:
        await update(conn, job_id, state="failed", because=because)
    return ids


async def newest(conn: AsyncConnection, kind: str, *, limit: int = 200) -> Sequence[Job]:
    """Jobs of one kind, the newest first."""
    rows = await conn.execute(select(table).where(table.c.kind == kind).order_by(table.c.id.desc()).limit(limit))
    return [_record(row) for row in rows]


async def unfinished(conn: AsyncConnection, kind: str) -> Sequence[Job]:
    """Jobs of one kind that have not ended, the oldest first."""
    open_ = table.c.state.in_(UNFINISHED)
    return [
        _record(row)
        for row in await conn.execute(select(table).where(table.c.kind == kind, open_).order_by(table.c.id))
    ]


async def list(  # noqa: A001 -- read as jobs.list
    conn: AsyncConnection, *, state: str | None = None, limit: int = 50
) -> Sequence[Job]:
    """The newest first."""
    query = select(table).order_by(table.c.id.desc()).limit(limit)
    if state is not None:
        query = query.where(table.c.state == state)
    return [_record(row) for row in await conn.execute(query)]
