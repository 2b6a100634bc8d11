"""What waits for a person, by kind: five hundred orders with one cause are one thing to understand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

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
    count: int
    oldest: datetime
    """Since when the oldest of them waits."""
    nearest_deadline: datetime | None
    samples: tuple[str, ...]
    """Ids of items: what runs out first, then the oldest."""


async def groups(
    conn: AsyncConnection,
    *,
    state: str | None = "open",
    shop_id: str | None = None,
    connection_id: str | None = None,
) -> list[Group]:
    """One for each kind, the one that runs out first at the front, then the largest."""
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
    found: list[Group] = []
    for row in counted.all():
        newest = (
            await conn.execute(select(table.c.title, table.c.what_to_do).where(table.c.id == row.newest))
        ).one_or_none()
        first = (
            select(table.c.id)
            .where(*where, table.c.kind == row.kind)
            .order_by(table.c.deadline_at.is_(None), table.c.deadline_at, table.c.id)
            .limit(SAMPLES)
        )
        found.append(
            Group(
                kind=row.kind,
                title=newest.title if newest else "",
                what_to_do=newest.what_to_do if newest else "",
                count=int(row.number),
                oldest=row.oldest,
                nearest_deadline=row.deadline,
                samples=tuple((await conn.execute(first)).scalars()),
            )
        )
    return sorted(found, key=lambda one: (one.nearest_deadline is None, one.nearest_deadline or one.oldest, -one.count))


async def dismiss_all(
    conn: AsyncConnection, *, kind: str, shop_id: str | None, connection_id: str | None, note: str
) -> int:
    """Every open item of a kind was seen; each comes back when its own facts change. How many."""
    where = matching(state="open", kind=kind, shop_id=shop_id, connection_id=connection_id)
    changed = await conn.execute(
        update(table)
        .where(*where)
        .values(state="dismissed", note=note, dismissed_at=db_now_ms(), updated_at=db_now_ms())
    )
    return changed.rowcount
