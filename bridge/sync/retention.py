"""Keep and forget: one bounded round a day, a chunk at a time, by one process.

How far it is stands in the database: what a turn does not come to, or a restart broke off, the next one does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage import leases, retention
from bridge.storage.retention import Chunk, RetentionRun
from bridge.sync.desk import Desk, log

EVERY = timedelta(days=1)
CHUNK = 500
TURN = 40
"""So many chunks one turn does at most."""
ENDED_KEPT = timedelta(days=90)
"""Ended jobs and alerts."""
DRIFTS_KEPT = timedelta(days=400)
"""Healed ones: a year can be held against the one before."""
LEASE_SECONDS = 120.0
_LEASE = "retention"

Step = Callable[[AsyncConnection, str], Awaitable[Chunk]]


def _steps(desk: Desk, now: datetime) -> Mapping[str, Step]:
    settings = desk.settings
    story, ended = now - settings.keep_changelog, now - ENDED_KEPT
    return {
        "changelog": lambda conn, place: retention.old_changelog(conn, story, place, CHUNK),
        "personal": lambda conn, place: retention.personal(conn, now - settings.keep_personal, place, CHUNK),
        "attention": lambda conn, _place: retention.old_attention(conn, story, CHUNK),
        "jobs": lambda conn, _place: retention.old_jobs(conn, ended, CHUNK),
        "alerts": lambda conn, _place: retention.old_alerts(conn, ended, CHUNK),
        "drifts": lambda conn, _place: retention.old_drifts(conn, now - DRIFTS_KEPT, CHUNK),
    }


async def turn(desk: Desk) -> RetentionRun | None:
    """The day's round, or a part of it. None where there is nothing to do now, or another process does it."""
    run = await desk.db.write(lambda conn: _begun(conn, desk))
    if run is None:
        return None
    try:
        for _ in range(TURN):
            run = await _chunk(desk, run)
            if run.ended_at is not None:
                break
    finally:
        await desk.db.write(lambda conn: leases.release(conn, _LEASE, desk.owner))
    if any(run.gone.values()):
        log.info("retention.forgot", ended=run.ended_at is not None, **run.gone)
    return run


async def _begun(conn: AsyncConnection, desk: Desk) -> RetentionRun | None:
    if not await leases.try_lease(conn, _LEASE, desk.owner, LEASE_SECONDS, again=False):
        return None
    run, now = await retention.last(conn), desk.clock.now()
    if run is None or (run.ended_at is not None and now - datetime.fromisoformat(run.started_at) >= EVERY):
        return RetentionRun(now.isoformat())
    if run.ended_at is None:
        return run
    await leases.release(conn, _LEASE, desk.owner)
    return None


async def _chunk(desk: Desk, run: RetentionRun) -> RetentionRun:
    """One chunk of the present step, and the place behind it, in one transaction."""
    steps = list(_steps(desk, desk.clock.now()).items())
    name, step = steps[run.step]

    async def write(conn: AsyncConnection) -> RetentionRun:
        chunk = await step(conn, run.place)
        further = replace(run, gone={**run.gone, name: run.gone.get(name, 0) + chunk.gone}, place=chunk.place or "")
        if chunk.place is None:
            further = replace(further, step=run.step + 1)
        if further.step == len(steps):
            further = replace(further, ended_at=desk.clock.now().isoformat())
        await retention.put(conn, further)
        await leases.try_lease(conn, _LEASE, desk.owner, LEASE_SECONDS, again=True)
        return further

    return await desk.db.write(write)
