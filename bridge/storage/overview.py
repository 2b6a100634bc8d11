"""What happened in the last day and the last month: counted by ranges of indexes that hold all that is asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from sqlalchemy import BigInteger, ColumnElement, Select, case, func, literal, select, type_coerce, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage.columns import Instant
from bridge.storage.tables import cursors, drifts, inbox, ledger, orders

CANCELLING: Final = ("approve", "cancel", "cancel_lines", "refund")
"""Kinds of effects that carry a cancellation."""
AT_MOST: Final = 1000
"""Of what waits so many are counted."""
_OVER: Final = timedelta(minutes=10)
"""This long after its end a stretch of time gets no further order: it is committed moments after its time is read."""
_REMEMBERED: Final = 2000


@dataclass(frozen=True, slots=True)
class Took:
    """How long cancellations took from the decision to its proof."""

    measured: int
    median: timedelta | None
    """Half of them took no longer. None: there was none."""
    slow: timedelta | None
    """Nine of ten took no longer."""


class Arrivals:
    """Counts of orders that came in stretches of time; those of stretches that are over are remembered."""

    def __init__(self) -> None:
        self._over: dict[tuple[datetime, datetime], int] = {}

    async def between(self, conn: AsyncConnection, edges: Sequence[datetime], now: datetime) -> list[int]:
        """Orders that first became known between each edge and the next."""
        steps = list(pairwise(edges))
        found = {step: self._over[step] for step in steps if step in self._over}
        found |= await _counted(conn, [step for step in steps if step not in found])
        if len(self._over) > _REMEMBERED:
            self._over.clear()
        self._over |= {step: found[step] for step in steps if step[1] < now - _OVER}
        return [found[step] for step in steps]


async def _counted(
    conn: AsyncConnection, steps: Sequence[tuple[datetime, datetime]]
) -> dict[tuple[datetime, datetime], int]:
    if not steps:
        return {}
    counts = [
        select(literal(place).label("place"), func.count().label("found")).where(
            orders.c.created_at >= since, orders.c.created_at < until
        )
        for place, (since, until) in enumerate(steps)
    ]
    return {steps[int(row.place)]: int(row.found) for row in await conn.execute(union_all(*counts))}


async def cancelled(conn: AsyncConnection, edges: Sequence[datetime]) -> Mapping[tuple[str, int], int]:
    """Side and place of a step → cancellations done there that were decided in it."""
    place = case(*[(ledger.c.claimed_at < edge, number) for number, edge in enumerate(edges[1:])], else_=len(edges))
    step = place.label("step")
    found = await conn.execute(
        select(ledger.c.side, step, func.count().label("found")).where(*_done(edges[0])).group_by(ledger.c.side, step)
    )
    return {(row.side, int(row.step)): int(row.found) for row in found}


def _done(since: datetime) -> tuple[ColumnElement[bool], ...]:
    return ledger.c.kind.in_(CANCELLING), ledger.c.claimed_at >= since, ledger.c.state == "done"


async def took(conn: AsyncConnection, since: datetime, number: int) -> Took:
    """Of the cancellations decided since then that were done; so many of them there are."""
    if not number:
        return Took(0, None, None)
    millis = type_coerce(ledger.c.ended_at, BigInteger) - type_coerce(ledger.c.claimed_at, BigInteger)
    each = select(millis.label("millis"), func.row_number().over(order_by=millis).label("place")).where(*_done(since))
    ranked = each.subquery()
    # The least of them that so many of a hundred do not exceed.
    wanted = [-(-number * percent // 100) for percent in (50, 90)]
    rows = (await conn.execute(select(ranked).where(ranked.c.place.in_(wanted)).order_by(ranked.c.place))).all()
    median, slow = [timedelta(milliseconds=int(row.millis)) for row in (rows[0], rows[-1])]
    return Took(number, median, slow)


async def healed(conn: AsyncConnection, since: datetime) -> int:
    """Differences that no message told of, found since then and put right."""
    wanted = select(func.count()).where(drifts.c.found_at >= since, drifts.c.healed_at.is_not(None))
    return int(await conn.scalar(wanted) or 0)


async def waiting(conn: AsyncConnection) -> int:
    """Orders that go on by themselves once something outside has happened, counted up to a bound."""
    some = select(orders.c.id).where(orders.c.state == "waiting").limit(AT_MOST).subquery()
    return int(await conn.scalar(select(func.count()).select_from(some)) or 0)


async def heard(conn: AsyncConnection, connection_ids: Iterable[str], since: datetime) -> Mapping[str, datetime]:
    """Connection → its newest message since then."""

    def newest(connection_id: str) -> Select[tuple[str, datetime]]:
        # Backwards through the index, up to the first that fits.
        last = (
            select(inbox.c.last_at)
            .where(inbox.c.last_at >= since, inbox.c.connection_id == connection_id)
            .order_by(inbox.c.last_at.desc())
            .limit(1)
        )
        return select(literal(connection_id).label("id"), last.scalar_subquery().label("last_at"))

    each = [newest(one) for one in connection_ids]
    if not each:
        return {}
    return {row.id: row.last_at for row in await conn.execute(union_all(*each)) if row.last_at is not None}


@dataclass(frozen=True, slots=True)
class Sweeping:
    """Of one shop or store."""

    swept_at: datetime | None
    """When the list that was read longest ago was read to its end; None while one never was."""
    running_since: datetime | None
    """Since when a list is being read; None: none is."""


async def sweeping(conn: AsyncConnection) -> Mapping[str, Sweeping]:
    """Scope of its cursors (a shop's id; a store's connection) → how its lists are swept.

    A pass that runs has forgotten when the one before it ended: it says since when it runs instead.
    """
    found = await conn.execute(
        select(
            cursors.c.scope,
            func.min(cursors.c.finished_at, type_=Instant()).label("finished"),
            func.min(case((cursors.c.finished_at.is_(None), cursors.c.started_at), else_=None), type_=Instant()).label(
                "running"
            ),
        ).group_by(cursors.c.scope)
    )
    return {row.scope: Sweeping(row.finished, row.running) for row in found}
