"""`GET /api/v1/drifts` and `GET /api/v1/sweeps`: what was never told, and the rounds that find it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage import audit_runs, cursors, drifts, retention, shops
from bridge.storage.drifts import Drift
from bridge.web.api.drift_models import (
    AuditOut,
    CursorOut,
    DriftCounts,
    DriftOut,
    DriftPage,
    DriftQuery,
    DriftTotals,
    RetentionOut,
    SweepStatus,
)
from bridge.web.bodies import read_query
from bridge.web.desk import DESK, WebDesk
from bridge.web.routes import ok

DAY = timedelta(days=1)


async def list_drifts(request: web.Request) -> web.Response:
    """Differences that no message had told of, the newest first."""
    desk = request.app[DESK]
    asked = read_query(request, DriftQuery)

    async def read(conn: AsyncConnection) -> DriftPage:
        found, following = await drifts.search(
            conn,
            connection_id=asked.connection,
            shop_id=asked.shop,
            since=asked.since,
            cursor=asked.cursor,
            limit=asked.limit,
        )
        totals = await _totals(conn, desk.clock.now(), asked.connection)
        return DriftPage(drifts=[_drift(one) for one in found], totals=totals, next=following)

    return ok(await desk.db.read(read))


async def show_sweeps(request: web.Request) -> web.Response:
    """How far each list was swept, the last audit, and what both found."""
    return ok(await sweep_status(request.app[DESK]))


async def sweep_status(desk: WebDesk) -> SweepStatus:
    return await desk.db.read(lambda conn: _status(conn, desk))


async def _status(conn: AsyncConnection, desk: WebDesk) -> SweepStatus:
    names = {one.id: (one.id, one.name) for one in await desk.connections.all(conn)}
    names |= {shop.id: (shop.connection_id, shop.name) for shop in await shops.all(conn)}
    listed = [
        CursorOut(
            scope=one.scope,
            connection=names.get(one.scope, ("", ""))[0],
            name=names.get(one.scope, ("", ""))[1],
            stream=one.stream,
            since=one.since,
            running=one.next_since is not None,
            pages=one.pages,
            seen=one.seen,
            started_at=one.started_at,
            finished_at=one.finished_at,
            passes=one.passes,
        )
        for one in await cursors.all(conn)
    ]
    kept = await retention.last(conn)
    return SweepStatus(
        cursors=listed,
        audit=await _audit(conn),
        retention=RetentionOut(
            started_at=datetime.fromisoformat(kept.started_at),
            ended_at=datetime.fromisoformat(kept.ended_at) if kept.ended_at else None,
            gone=dict(kept.gone),
        )
        if kept
        else None,
        drifts=await _totals(conn, desk.clock.now(), None),
    )


async def _audit(conn: AsyncConnection) -> AuditOut | None:
    run = await audit_runs.last(conn)
    if run is None or not (run.marked or run.ended_at is None):
        return None
    found = sum(one.by_audit for one in await drifts.counts(conn, run.began))
    ended = datetime.fromisoformat(run.ended_at) if run.ended_at else None
    return AuditOut(started_at=run.began, ended_at=ended, marked=run.marked, found=found)


async def _totals(conn: AsyncConnection, now: datetime, connection_id: str | None) -> DriftTotals:
    day, month = [await drifts.counts(conn, now - days * DAY, connection_id) for days in (1, 30)]
    return DriftTotals(
        last_day=[DriftCounts(**asdict(one)) for one in day],
        last_30_days=[DriftCounts(**asdict(one)) for one in month],
    )


def _drift(one: Drift) -> DriftOut:
    return DriftOut(
        id=one.id,
        order=one.order_id,
        shop=one.shop_id,
        side=one.side,
        connection=one.connection_id,
        effect=one.effect,
        found_by=one.found_by,
        because=one.because,
        changed_at=one.changed_at,
        found_at=one.found_at,
        told_at=one.told_at,
        healed_at=one.healed_at,
    )
