"""Orders that wait for something outside, grouped by what they wait for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage.columns import Instant
from bridge.storage.tables import attention, orders

_MOST = 100
"""Orders told of in one round; the others are told of in the next."""


@dataclass(frozen=True, slots=True)
class Group:
    cause: str
    """`outage`, `upgrade` or `pending`."""
    connection_id: str
    """Empty for `pending`."""
    since: datetime
    orders: int


async def groups(conn: AsyncConnection, before: datetime) -> list[Group]:
    """What orders have waited for since before then."""
    rows = await conn.execute(
        select(orders.c.waits_for, func.min(orders.c.waiting_since, type_=Instant()).label("since"), func.count())
        .where(orders.c.waiting_since <= before, orders.c.waits_for.is_not(None))
        .group_by(orders.c.waits_for)
        .order_by(orders.c.waits_for)
    )
    found = []
    for waits_for, since, count in rows:
        cause, _, connection_id = waits_for.partition(":")
        found.append(Group(cause, connection_id, since, int(count)))
    return found


async def untold(conn: AsyncConnection, waits_for: str, before: datetime, kind: str) -> list[tuple[str, str]]:
    """Orders that have waited for this since before then and of which nobody was told: id and reason."""
    told = select(attention.c.id).where(
        attention.c.order_id == orders.c.id, attention.c.kind == kind, attention.c.state != "closed"
    )
    rows = await conn.execute(
        select(orders.c.id, orders.c.because)
        .where(orders.c.waits_for == waits_for, orders.c.waiting_since <= before, ~told.exists())
        .order_by(orders.c.waiting_since)
        .limit(_MOST)
    )
    return [(row.id, row.because) for row in rows]


async def shown_connections(conn: AsyncConnection, kind: str) -> list[str]:
    """Connections with an item of this kind that is not closed."""
    rows = await conn.execute(
        select(attention.c.connection_id).where(
            attention.c.kind == kind, attention.c.state != "closed", attention.c.scope.startswith("connection:")
        )
    )
    return sorted({row.connection_id for row in rows})
