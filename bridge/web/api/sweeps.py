"""`/api/v1/sweeps`, `/api/v1/jobs`, `/api/v1/audit`."""

from __future__ import annotations

from dataclasses import asdict

from aiohttp import web

from bridge.storage import audit, jobs
from bridge.web.api.models import AuditPage, AuditQuery, ChangeOut, JobOut, NewSweep, SweepOut
from bridge.web.bodies import read_json, read_query
from bridge.web.desk import DESK, WebDesk
from bridge.web.problems import Problem, invalid
from bridge.web.routes import WHO, ok


async def start_sweep(request: web.Request) -> web.Response:
    """Look for what changed without telling."""
    desk = request.app[DESK]
    asked = await read_json(request, NewSweep)
    if asked.since is not None and asked.since > desk.clock.now():
        raise invalid("/since", "lies in the future")
    if asked.connection is not None:
        wanted = asked.connection
        if await desk.db.read(lambda conn: desk.connections.get(conn, wanted)) is None:
            raise invalid("/connection", "there is no connection of this id")
    job = await desk.actions.sweep(asked.connection, asked.since, request[WHO])
    return ok(SweepOut(job=job), 202, {"Location": f"/api/v1/jobs/{job}"})


async def show_job(request: web.Request) -> web.Response:
    wanted = request.match_info["job"]
    job = await request.app[DESK].db.read(lambda conn: jobs.get(conn, wanted))
    if job is None:
        raise Problem("not-found", "There is no job of this id.")
    return ok(JobOut(**asdict(job)))


async def list_audit(request: web.Request) -> web.Response:
    """Who changed what by hand, the newest first."""
    return ok(await changes_of(request.app[DESK], read_query(request, AuditQuery)))


async def changes_of(desk: WebDesk, asked: AuditQuery) -> AuditPage:
    """Raises `BadCursor`."""
    found, following = await desk.db.read(
        lambda conn: audit.search(
            conn,
            who=asked.who,
            what=asked.what,
            since=asked.since,
            until=asked.until,
            cursor=asked.cursor,
            limit=asked.limit,
        )
    )
    changes = [ChangeOut(at=one.at, who=one.who, what=one.what, before=one.before, after=one.after) for one in found]
    return AuditPage(changes=changes, next=following)
