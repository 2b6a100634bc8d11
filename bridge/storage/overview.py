"""What happened in the last day and the last month: counted by ranges of ids and of indexed times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from sqlalchemy import BigInteger, func, literal, literal_column, select, type_coerce, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage.columns import Instant, from_millis
from bridge.storage.ids import id_floor
from bridge.storage.tables import cursors, drifts, inbox, ledger, orders

CANCELLING: Final = ("approve", "cancel", "cancel_lines", "refund")
"""Kinds of effects that carry a cancellation."""
AT_MOST: Final = 1000
"""Of what waits so many are counted."""
NEWEST: Final = 5000
"""So many effects are measured."""


@dataclass(frozen=True, slots=True)
class Settled:
    """An effect that was done."""

    claimed_at: datetime
    took: timedelta


async def arrived(conn: AsyncConnection, edges: Sequence[datetime]) -> list[int]:
    """Orders that first became known between each edge and the next. Ids begin with their time, so none is read."""
    counts = [
        select(literal(place).label("place"), func.count().label("found")).where(
            orders.c.id >= id_floor("ord", since), orders.c.id < id_floor("ord", until)
        )
        for place, (since, until) in enumerate(pairwise(edges))
    ]
    found = {int(row.place): int(row.found) for row in await conn.execute(union_all(*counts))}
    return [found[place] for place in range(len(counts))]


async def cancelled(
    conn: AsyncConnection, shop_ids: Sequence[str], since: datetime, step: timedelta
) -> Mapping[tuple[str, datetime], int]:
    """Side and start of a step → cancellations done there that were decided in it."""
    millis = type_coerce(ledger.c.claimed_at, BigInteger)
    size = literal_column(str(int(step.total_seconds() * 1000)), BigInteger)
    start = (millis - millis % size).label("start")
    found = await conn.execute(
        select(ledger.c.side, start, func.count().label("found"))
        .where(
            ledger.c.shop_id.in_(shop_ids),
            ledger.c.kind.in_(CANCELLING),
            ledger.c.claimed_at >= since,
            ledger.c.state == "done",
        )
        .group_by(ledger.c.side, start)
    )
    return {(row.side, from_millis(int(row.start))): int(row.found) for row in found}


async def settled(conn: AsyncConnection, shop_ids: Sequence[str], since: datetime) -> list[Settled]:
    """The newest cancellations that were done, and how long each took from its decision to its proof."""
    found = await conn.execute(
        select(ledger.c.claimed_at, ledger.c.ended_at)
        .where(
            ledger.c.shop_id.in_(shop_ids),
            ledger.c.kind.in_(CANCELLING),
            ledger.c.claimed_at >= since,
            ledger.c.state == "done",
        )
        .order_by(ledger.c.claimed_at.desc())
        .limit(NEWEST)
    )
    return [Settled(row.claimed_at, row.ended_at - row.claimed_at) for row in found]


async def healed(conn: AsyncConnection, since: datetime) -> int:
    """Differences that no message told of, found since then and put right."""
    wanted = select(func.count()).where(drifts.c.found_at >= since, drifts.c.healed_at.is_not(None))
    return int(await conn.scalar(wanted) or 0)


async def waiting(conn: AsyncConnection) -> int:
    """Orders that wait for something outside, counted up to a bound."""
    some = select(orders.c.id).where(orders.c.waiting_since.is_not(None)).limit(AT_MOST).subquery()
    return int(await conn.scalar(select(func.count()).select_from(some)) or 0)


async def heard(conn: AsyncConnection, since: datetime) -> Mapping[str, datetime]:
    """Connection → its newest message since then."""
    newest = func.max(inbox.c.last_at, type_=Instant()).label("newest")
    found = await conn.execute(
        select(inbox.c.connection_id, newest).where(inbox.c.last_at >= since).group_by(inbox.c.connection_id)
    )
    return {row.connection_id: row.newest for row in found}


async def swept(conn: AsyncConnection) -> Mapping[str, datetime]:
    """Shop or connection → when it was last swept to its end."""
    newest = func.max(cursors.c.finished_at, type_=Instant()).label("newest")
    found = await conn.execute(
        select(cursors.c.scope, newest).where(cursors.c.finished_at.is_not(None)).group_by(cursors.c.scope)
    )
    return {row.scope: row.newest for row in found}
