"""`/api/v1/restore-check`."""

from __future__ import annotations

from dataclasses import asdict

from aiohttp import web

from bridge.ports import RestoreReport
from bridge.web.api.restore_check_models import NewRestoreCheck, RestoreCheckOut, ResumeRestoreCheck
from bridge.web.bodies import read_json
from bridge.web.desk import DESK
from bridge.web.problems import invalid
from bridge.web.routes import WHO, ok


async def begin_restore_check(request: web.Request) -> web.Response:
    """Pause all effects and look at everything."""
    desk = request.app[DESK]
    asked = await read_json(request, NewRestoreCheck)
    if asked.since is not None and asked.since > desk.clock.now():
        raise invalid("/since", "lies in the future")
    return ok(_out(await desk.restore_checks.begin(asked.since, request[WHO])), 202)


async def show_restore_check(request: web.Request) -> web.Response:
    return ok(_out(await request.app[DESK].restore_checks.report()))


async def resume_restore_check(request: web.Request) -> web.Response:
    """Let effects go on."""
    asked = await read_json(request, ResumeRestoreCheck)
    return ok(_out(await request.app[DESK].restore_checks.resume(request[WHO], force=asked.force)))


def _out(report: RestoreReport) -> RestoreCheckOut:
    return RestoreCheckOut(**asdict(report))
