"""What waits for a person, by kind: five hundred orders with one cause are one thing to understand."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage.attention import matching
from bridge.storage.columns import Instant, db_now_ms
from bridge.storage.tables import attention as table

SAMPLES = 5


@dataclass(frozen=True, slots=True)
class Group:
    kind: str
    title: str
    """Of its newest item."""
    what_to_do: str
    because: str
    """Of the first sample: why it is there."""
    count: int
    oldest: datetime
    """Since when the oldest of them waits."""
    nearest_deadline: datetime | None
    samples: tuple[str, ...]
    """Ids of items: what runs out first, then the oldest."""


async def as_of(conn: AsyncConnection) -> datetime:
    """Now, by the clock that says since when items stand open."""
    moment: datetime = (await conn.execute(select(db_now_ms()))).scalar_one()
    return moment


async def groups(
    conn: AsyncConnection,
    *,
    state: str | None = "open",
    shop_id: str | None = None,
    connection_id: str | None = None,
) -> list[Group]:
    """One for each kind, the one that runs out first at the front, then the largest. Three statements at most."""
    where = matching(state=state, shop_id=shop_id, connection_id=connection_id)
    since = func.coalesce(table.c.opened_at, table.c.created_at)
    counted = await conn.execute(
        select(
            table.c.kind,
            func.count().label("number"),
            func.min(since, type_=Instant()).label("oldest"),
            func.min(table.c.deadline_at, type_=Instant()).label("deadline"),
            func.max(table.c.id).label("newest"),
        )
        .where(*where)
        .group_by(table.c.kind)
    )
    kinds = counted.all()
    urgent = (table.c.deadline_at.is_(None), table.c.deadline_at, table.c.id)
    place = func.row_number().over(partition_by=table.c.kind, order_by=urgent).label("place")
    ranked = select(table.c.kind, table.c.id, place).where(*where).subquery()
    samples: dict[str, list[str]] = {}
    for row in await conn.execute(select(ranked).where(ranked.c.place <= SAMPLES).order_by(ranked.c.place)):
        samples.setdefault(row.kind, []).append(row.id)
    words = await _said(conn, {row.newest for row in kinds} | {ids[0] for ids in samples.values()})
    found: list[Group] = []
    for row in kinds:
        newest, ids = words.get(row.newest), samples.get(row.kind, [])
        first = words.get(ids[0]) if ids else None
        found.append(
            Group(
                kind=row.kind,
                title=newest.title if newest else "",
                what_to_do=newest.what_to_do if newest else "",
                because=first.because if first else "",
                count=int(row.number),
                oldest=row.oldest,
                nearest_deadline=row.deadline,
                samples=tuple(ids),
            )
        )
    return sorted(found, key=lambda one: (one.nearest_deadline is None, one.nearest_deadline or one.oldest, -one.count))


async def _said(conn: AsyncConnection, ids: Collection[str]) -> dict[str, Any]:
    """Item → its words. One that went meanwhile is left out."""
    if not ids:
        return {}
    words = select(table.c.id, table.c.title, table.c.because, table.c.what_to_do).where(table.c.id.in_(sorted(ids)))
    return {row.id: row for row in await conn.execute(words)}


async def dismiss_all(
    conn: AsyncConnection,
    *,
    kind: str,
    shop_id: str | None,
    connection_id: str | None,
    note: str,
    until: datetime | None = None,
) -> int:
    """Every open item of a kind was seen; each comes back when its own facts change. How many."""
    where = matching(state="open", kind=kind, shop_id=shop_id, connection_id=connection_id, until=until)
    changed = await conn.execute(
        update(table)
        .where(*where)
        .values(state="dismissed", note=note, dismissed_at=db_now_ms(), updated_at=db_now_ms())
    )
    return changed.rowcount
