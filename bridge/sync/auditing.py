"""The daily audit: every order still alive is looked at, whatever the lists say. A lost sweep costs a day, never money.

How far it is stands in the database: a restart goes on with the day's audit, and neither skips nor repeats it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.keys import OrderKey
from bridge.storage import audit_runs, leases, orders, work
from bridge.storage.audit_runs import AuditRun
from bridge.sync.desk import Desk, log

EVERY = timedelta(days=1)
LEASE = timedelta(seconds=120)
PAGE = 500
A_SECOND = 5
"""So many orders of an audit become due in one second."""
LONGEST = timedelta(hours=1)
"""Over so long an audit's looks are spread at most."""
_LEASE = "audit"


async def daily(desk: Desk) -> int | None:
    """The day's audit, or the rest of one that was broken off; None where there is nothing to do now.

    The very first start only sets the time: there is nothing yet that could have been missed.
    """

    async def due(conn: AsyncConnection) -> AuditRun | None:
        run = await audit_runs.last(conn)
        if run is None:
            await audit_runs.put(conn, AuditRun(_now(desk), ended_at=_now(desk)))
            return None
        if run.ended_at is None:
            return run
        return AuditRun(_now(desk)) if desk.clock.now() - run.began >= EVERY else None

    return await _leased(desk, due)


async def audit(desk: Desk) -> int:
    """Mark every order still alive, now: the day's audit is done with it. Answers how many.

    0 where another process has an audit in hand.
    """

    async def now(_conn: AsyncConnection) -> AuditRun:
        return AuditRun(_now(desk))

    return await _leased(desk, now) or 0


def _now(desk: Desk) -> str:
    return desk.clock.now().isoformat()


async def _leased(desk: Desk, begin: Callable[[AsyncConnection], Awaitable[AuditRun | None]]) -> int | None:
    async def take(conn: AsyncConnection) -> AuditRun | None:
        if not await leases.try_lease(conn, _LEASE, desk.owner, LEASE.total_seconds(), again=False):
            return None
        run = await begin(conn)
        if run is None:
            await leases.release(conn, _LEASE, desk.owner)
        else:
            await audit_runs.put(conn, run)
        return run

    run = await desk.db.write(take)
    if run is None:
        return None
    try:
        if run.after is None:
            # What is parked and has no order yet is taken up too, once.
            await desk.db.write(lambda conn: work.take_up_parked(conn, "hint:"))
        while run.ended_at is None:
            run = await _page(desk, run)
    finally:
        await desk.db.write(lambda conn: leases.release(conn, _LEASE, desk.owner))
    desk.wake()
    log.info("audit.marked", orders=run.marked)
    return run.marked


async def _page(desk: Desk, run: AuditRun) -> AuditRun:
    """One page marked and the place behind it stored, in one transaction."""

    async def write(conn: AsyncConnection) -> AuditRun:
        page = await orders.alive(conn, None, run.after, PAGE)
        if not page:
            ended = replace(run, ended_at=_now(desk), after=None)
            await audit_runs.put(conn, ended)
            return ended
        keys = [str(OrderKey(record.shop_id, record.channel_order_id)) for record in page]
        wait = timedelta(seconds=run.marked // A_SECOND)
        await work.mark(conn, keys, desk.clock.now() + min(wait, LONGEST))
        further = replace(run, after=page[-1].id, marked=run.marked + len(page))
        await audit_runs.put(conn, further)
        await leases.try_lease(conn, _LEASE, desk.owner, LEASE.total_seconds(), again=True)
        return further

    return await desk.db.write(write, idempotent=True)
