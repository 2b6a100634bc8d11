"""`/healthz` · `/readyz`: does the process live, and can it do its work."""

from __future__ import annotations

from aiohttp import web
from pydantic import BaseModel, Field
from sqlalchemy import text

from bridge.storage.errors import StorageProblem
from bridge.web.desk import DESK
from bridge.web.problems import Problem
from bridge.web.routes import ok


class Alive(BaseModel):
    status: str = Field(description="`ok`")
    version: str


async def healthz(request: web.Request) -> web.Response:
    return ok(Alive(status="ok", version=request.app[DESK].version))


async def readyz(request: web.Request) -> web.Response:
    """503 with every problem in words: database, migrations, workers, disk."""
    desk = request.app[DESK]
    problems: list[str] = []
    try:
        await desk.db.read(lambda conn: conn.execute(text("SELECT 1")))
    except StorageProblem:
        problems.append("The database cannot be read; `bridge doctor` says why.")
    problems += [problem for problem in await desk.ready() if problem not in problems]
    if problems:
        raise Problem("not-ready", " ".join(problems), headers={"Retry-After": "5"}, more={"problems": problems})
    return ok(Alive(status="ok", version=desk.version))
