"""What is deleted or blanked after a while: a chunk at a time, so that no lock is held long.

Never the ledger, open attention, the audit, or the changelog of an order that is not settled.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, delete, exists, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage import meta
from bridge.storage.ids import id_floor
from bridge.storage.orders import OrderState
from bridge.storage.tables import alerts, attention, changelog, drifts, history, jobs, ledger, orders

_NAME = "retention.run"
AT_REST = frozenset({OrderState.SETTLED.value, OrderState.IGNORED.value, OrderState.NOT_IMPORTED.value})
"""States of an order whose old story may go."""


@dataclass(frozen=True, slots=True)
class Chunk:
    gone: int
    """Rows deleted or blanked."""
    place: str | None
    """Where to go on; None at the end."""


@dataclass(frozen=True, slots=True)
class RetentionRun:
    """The last round, or the one under way. Times are ISO texts."""

    started_at: str
    ended_at: str | None = None
    step: int = 0
    place: str = ""
    gone: Mapping[str, int] = field(default_factory=dict)
    """What went, by what it was."""


async def last(conn: AsyncConnection) -> RetentionRun | None:
    text = await meta.get(conn, _NAME)
    return None if text is None else RetentionRun(**json.loads(text))


async def put(conn: AsyncConnection, run: RetentionRun) -> None:
    await meta.put(conn, _NAME, json.dumps(asdict(run)))


async def old_changelog(conn: AsyncConnection, before: datetime, place: str, limit: int) -> Chunk:
    """Entries older than that of orders at rest. Looks at `limit` entries behind `place`."""
    query = (
        select(changelog.c.id, changelog.c.at, orders.c.state)
        .outerjoin_from(changelog, orders, orders.c.id == changelog.c.order_id)
        .where(changelog.c.id > place, changelog.c.id < id_floor("log", before))
        .order_by(changelog.c.id)
        .limit(limit)
    )
    rows = (await conn.execute(query)).all()
    old = [row.id for row in rows if row.at < before and (row.state is None or row.state in AT_REST)]
    if old:
        await conn.execute(delete(changelog).where(changelog.c.id.in_(old)))
    return Chunk(len(old), rows[-1].id if len(rows) == limit else None)


async def personal(conn: AsyncConnection, before: datetime, place: str, limit: int) -> Chunk:
    """Blank the stored create bodies of orders older than that whose store order is there: they hold buyers' addresses.

    Nothing needs them any more: a create is repeated only while nobody knows whether it landed.
    """
    under_way = exists().where(ledger.c.open_for == orders.c.id)
    query = (
        select(orders.c.id, orders.c.plan, orders.c.created_at)
        .where(
            orders.c.id > place,
            orders.c.id < id_floor("ord", before),
            orders.c.plan.is_not(None),
            orders.c.store_order_id.is_not(None),
            ~under_way,
        )
        .order_by(orders.c.id)
        .limit(limit)
    )
    rows = (await conn.execute(query)).all()
    gone = 0
    for row in rows:
        plan: dict[str, Any] = row.plan
        if plan.get("body") and row.created_at < before:
            await conn.execute(update(orders).where(orders.c.id == row.id).values(plan={**plan, "body": ""}))
            gone += 1
    return Chunk(gone, rows[-1].id if len(rows) == limit else None)


async def _deleted(conn: AsyncConnection, table: Table, limit: int, *where: ColumnElement[bool]) -> Chunk:
    ids = list(await conn.scalars(select(table.c.id).where(*where).order_by(table.c.id).limit(limit)))
    if ids:
        await conn.execute(delete(table).where(table.c.id.in_(ids), *where))
    return Chunk(len(ids), "" if len(ids) == limit else None)


async def old_jobs(conn: AsyncConnection, before: datetime, limit: int) -> Chunk:
    """Ended ones that no run over the past hangs on."""
    needed = exists().where(history.c.job_id == jobs.c.id)
    ended = jobs.c.state.in_(["done", "failed"])
    return await _deleted(
        conn, jobs, limit, jobs.c.id < id_floor("job", before), jobs.c.updated_at < before, ended, ~needed
    )


async def old_alerts(conn: AsyncConnection, before: datetime, limit: int) -> Chunk:
    return await _deleted(conn, alerts, limit, alerts.c.created_at < before, alerts.c.ended_at < before)


async def old_drifts(conn: AsyncConnection, before: datetime, limit: int) -> Chunk:
    """Healed ones."""
    return await _deleted(conn, drifts, limit, drifts.c.found_at < before, drifts.c.healed_at < before)


async def old_attention(conn: AsyncConnection, before: datetime, limit: int) -> Chunk:
    """Closed items."""
    old = attention.c.updated_at < before
    return await _deleted(conn, attention, limit, attention.c.state == "closed", old)
