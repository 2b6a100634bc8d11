"""How things stand, in numbers an operator alarms on. A few bounded questions, asked at each scrape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage import audit_runs, restore
from bridge.storage.columns import Instant, db_now_ms, from_millis
from bridge.storage.tables import alerts, attention, connections, cursors, ledger, orders


@dataclass(frozen=True, slots=True)
class Standing:
    now: datetime
    """By the database's clock."""
    paused: bool
    attention_oldest: datetime | None
    deadlines: Mapping[str, datetime]
    """Kind of attention → the nearest time by which an answer counts."""
    claims: Mapping[str, tuple[int, datetime]]
    """Open claims by kind: how many, and since when the oldest is open."""
    unknown: int
    """Of those, how many nobody knows the outcome of."""
    swept: Mapping[str, datetime]
    """Stream → when the shop or store that is furthest behind was last swept to its end."""
    audit_ended: datetime | None
    connections: Mapping[tuple[str, str], int]
    """Kind and state → how many."""
    blocked: int
    """Connections that asked everybody to wait."""
    token_expiry: Mapping[str, datetime]
    """Kind → when the first token ends."""
    waiting: Mapping[str, tuple[int, datetime]]
    """What orders wait for: `outage`, `upgrade`, `pending`; how many, and since when the first."""
    alerts: Mapping[str, int]
    """Messages to people by state."""


def _first(column: Any) -> Any:
    return func.min(column, type_=Instant())


async def read(conn: AsyncConnection) -> Standing:
    is_open = attention.c.state == "open"
    now, paused, oldest, blocked, unknown = (
        await conn.execute(
            select(
                db_now_ms().label("now"),
                restore.paused().label("paused"),
                select(_first(attention.c.created_at)).where(is_open).scalar_subquery().label("oldest"),
                select(func.count())
                .select_from(connections)
                .where(connections.c.blocked_until > db_now_ms())
                .scalar_subquery()
                .label("blocked"),
                select(func.count())
                .select_from(ledger)
                .where(ledger.c.open_for.is_not(None), ledger.c.quiet_until.is_not(None))
                .scalar_subquery()
                .label("unknown"),
            )
        )
    ).one()
    deadlines = await conn.execute(
        select(attention.c.kind, _first(attention.c.deadline_at))
        .where(is_open, attention.c.deadline_at.is_not(None))
        .group_by(attention.c.kind)
    )
    claims = await conn.execute(
        select(ledger.c.kind, func.count(), _first(ledger.c.claimed_at))
        .where(ledger.c.open_for.is_not(None))
        .group_by(ledger.c.kind)
    )
    swept = await conn.execute(
        select(cursors.c.stream, _first(func.coalesce(cursors.c.finished_at, cursors.c.started_at))).group_by(
            cursors.c.stream
        )
    )
    states = await conn.execute(
        select(connections.c.kind, connections.c.state, func.count(), _first(connections.c.token_expires_at)).group_by(
            connections.c.kind, connections.c.state
        )
    )
    by_state = [tuple(row) for row in states]
    expiry: dict[str, datetime] = {}
    for kind, _state, _count, at in by_state:
        if at is not None:
            expiry[kind] = min(at, expiry.get(kind, at))
    waits = await conn.execute(
        select(orders.c.waits_for, func.count(), _first(orders.c.waiting_since))
        # A range, which SQLite takes from the index; that a column is not NULL it does not.
        .where(orders.c.waiting_since >= from_millis(0), orders.c.waits_for.is_not(None))
        .group_by(orders.c.waits_for)
    )
    waiting: dict[str, tuple[int, datetime]] = {}
    for waits_for, count, since in waits:
        cause = waits_for.partition(":")[0]
        before = waiting.get(cause, (0, since))
        waiting[cause] = (before[0] + int(count), min(before[1], since))
    told = await conn.execute(select(alerts.c.state, func.count()).group_by(alerts.c.state))
    run = await audit_runs.last(conn)
    return Standing(
        now=now,
        paused=paused is not None,
        attention_oldest=oldest,
        deadlines={kind: at for kind, at in deadlines},  # noqa: C416 -- a row is no pair to dict()'s type
        claims={kind: (int(count), at) for kind, count, at in claims},
        unknown=int(unknown),
        swept={stream: at for stream, at in swept if at is not None},
        audit_ended=datetime.fromisoformat(run.ended_at) if run and run.ended_at else None,
        connections={(kind, state): int(count) for kind, state, count, _ in by_state},
        blocked=int(blocked),
        token_expiry=expiry,
        waiting=waiting,
        alerts={state: int(count) for state, count in told},
    )
