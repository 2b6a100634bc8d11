"""`/api/v1/sweeps`, `/api/v1/jobs`."""

from __future__ import annotations

from dataclasses import asdict

from aiohttp import web

from bridge.storage import jobs
from bridge.web.api.job_models import JobOut, NewSweep, SweepOut
from bridge.web.bodies import read_json
from bridge.web.desk import DESK
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
