"""Drifts: differences that no message had told of. When found, told after all, healed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, case, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage.columns import db_now_ms
from bridge.storage.ids import new_id
from bridge.storage.rows import pack_cursor, unpack_cursor
from bridge.storage.tables import drifts as table
from bridge.storage.tables import inbox

LATE = timedelta(days=7)
"""A message of that side within this time told late; what comes after it tells of something else."""


@dataclass(frozen=True, slots=True)
class Drift:
    id: str
    order_id: str
    shop_id: str
    side: str
    """Which side changed and did not tell: `store` or `channel`."""
    connection_id: str
    """Its connection."""
    effect: str
    """What closes it."""
    found_by: str
    """`sweep`, `audit`, or `look`: a person's, or one that was due for another reason."""
    because: str
    changed_at: datetime | None
    """By the remote's clock."""
    found_at: datetime
    told_at: datetime | None
    """When its message came after all; None: never."""
    healed_at: datetime | None
    """When the order's books were equal again."""


def _record(row: Row[Any]) -> Drift:
    return Drift(**row._mapping)


async def found(
    conn: AsyncConnection,
    *,
    order_id: str,
    shop_id: str,
    side: str,
    connection_id: str,
    effect: str,
    found_by: str,
    because: str,
    changed_at: datetime,
    now: datetime,
) -> bool:
    """Write it down, once for one change of an order. `now` is the database's time. False: it was known."""
    same = select(table.c.id).where(
        table.c.order_id == order_id, table.c.connection_id == connection_id, table.c.changed_at == changed_at
    )
    if await conn.scalar(same.limit(1)) is not None:
        return False
    await conn.execute(
        insert(table).values(
            id=new_id("dft"),
            order_id=order_id,
            shop_id=shop_id,
            side=side,
            connection_id=connection_id,
            effect=effect,
            found_by=found_by,
            because=because,
            changed_at=changed_at,
            found_at=now,
        )
    )
    return True


async def told(conn: AsyncConnection, order_id: str, connection_id: str, at: datetime) -> int:
    """A message of this side about this order arrived at `at`. Answers how many drifts were told of late by it.

    One that had arrived before the drift was written down, and only waited for its turn, was in time: then there was no
    drift.
    """
    here = (table.c.order_id == order_id, table.c.connection_id == connection_id, table.c.told_at.is_(None))
    await conn.execute(delete(table).where(*here, table.c.found_at >= at))
    late = await conn.execute(
        update(table).where(*here, table.c.found_at < at, table.c.found_at >= at - LATE).values(told_at=at)
    )
    return late.rowcount


async def healed(conn: AsyncConnection, order_id: str) -> int:
    """The order's books are equal again."""
    done = await conn.execute(
        update(table).where(table.c.order_id == order_id, table.c.healed_at.is_(None)).values(healed_at=db_now_ms())
    )
    return done.rowcount


async def any_since(conn: AsyncConnection, work_key: str, connection_id: str, since: datetime | None) -> bool:
    """Whether any message of this connection about this work came in since then; None: ever."""
    where: list[ColumnElement[bool]] = [inbox.c.work_key == work_key, inbox.c.connection_id == connection_id]
    if since is not None:
        where.append(inbox.c.last_at > since)
    return await conn.scalar(select(inbox.c.id).where(*where).limit(1)) is not None


async def any_delivery(conn: AsyncConnection, connection_id: str, since: datetime) -> bool:
    """Whether this connection delivered anything at all since then."""
    some = select(inbox.c.id).where(inbox.c.last_at > since, inbox.c.connection_id == connection_id)
    return await conn.scalar(some.limit(1)) is not None


async def of_order(conn: AsyncConnection, order_id: str) -> list[Drift]:
    rows = await conn.execute(select(table).where(table.c.order_id == order_id).order_by(table.c.id))
    return [_record(row) for row in rows]


async def search(
    conn: AsyncConnection,
    *,
    connection_id: str | None = None,
    shop_id: str | None = None,
    since: datetime | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> tuple[list[Drift], str | None]:
    """A page, the newest first, and the next page's cursor. Raises `BadCursor`."""
    where: list[ColumnElement[bool]] = []
    if connection_id is not None:
        where.append(table.c.connection_id == connection_id)
    if shop_id is not None:
        where.append(table.c.shop_id == shop_id)
    if since is not None:
        where.append(table.c.found_at >= since)
    if cursor:
        where.append(table.c.id < unpack_cursor(cursor, 1)[0])
    rows = list(await conn.execute(select(table).where(*where).order_by(table.c.id.desc()).limit(limit + 1)))
    following = pack_cursor([rows[limit - 1].id]) if len(rows) > limit else None
    return [_record(row) for row in rows[:limit]], following


@dataclass(frozen=True, slots=True)
class Counts:
    """Drifts of one side found in a time: each is told late or never, and healed or still open."""

    side: str
    found: int
    by_audit: int
    """Of these, what the daily audit found: the sweep had missed them."""
    told_late: int
    never_told: int
    healed: int
    open: int


async def counts(conn: AsyncConnection, since: datetime, connection_id: str | None = None) -> list[Counts]:
    """By side, for drifts found since then."""

    def number(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)

    told_late, is_healed = table.c.told_at.is_not(None), table.c.healed_at.is_not(None)
    query = select(
        table.c.side,
        func.count(),
        number(table.c.found_by == "audit"),
        number(told_late),
        number(~told_late),
        number(is_healed),
        number(~is_healed),
    ).where(table.c.found_at >= since)
    if connection_id is not None:
        query = query.where(table.c.connection_id == connection_id)
    rows = await conn.execute(query.group_by(table.c.side).order_by(table.c.side))
    return [Counts(side, *(int(value) for value in values)) for side, *values in rows]


@dataclass(frozen=True, slots=True)
class Silence:
    """Drifts of one connection that no message told of."""

    connection_id: str
    drifts: int
    orders: int
    since: datetime
    """When the first of them changed; by our clock, should the remote's run ahead."""


async def untold(conn: AsyncConnection, since: datetime) -> list[Silence]:
    """By connection, the drifts found since then that are still untold."""
    at = table.c.found_at.type
    rows = await conn.execute(
        select(
            table.c.connection_id,
            func.count(),
            func.count(table.c.order_id.distinct()),
            func.min(table.c.changed_at, type_=at),
            func.min(table.c.found_at, type_=at),
        )
        .where(table.c.found_at >= since, table.c.told_at.is_(None))
        .group_by(table.c.connection_id)
        .order_by(table.c.connection_id)
    )
    return [Silence(name, drifts, orders, min(changed or seen, seen)) for name, drifts, orders, changed, seen in rows]


async def forget(conn: AsyncConnection, before: datetime, limit: int) -> int:
    """Delete up to `limit` drifts that were healed before then; returns how many."""
    old = select(table.c.id).where(table.c.found_at < before, table.c.healed_at < before)
    ids = list(await conn.scalars(old.order_by(table.c.found_at).limit(limit)))
    if ids:
        await conn.execute(delete(table).where(table.c.id.in_(ids)))
    return len(ids)
