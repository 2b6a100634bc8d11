"""A sweep that a person asked for: a job that ends, whatever becomes of the process that makes it.

It gives a sign of life every few seconds. One that gives none any more is ended by a round of any process: its own may
have died, or could not write down how the sweep ended.
"""

from __future__ import annotations

import asyncio
import contextlib
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.mistakes import told
from bridge.storage import audit, jobs
from bridge.storage.errors import StorageProblem
from bridge.sync.desk import Desk, log
from bridge.sync.sweep import sweep_all

KIND: Final = "sweep"
PATIENCE: Final = timedelta(seconds=120)
"""So long a sweep that a person asked for waits for one under way."""
SIGN_EVERY: Final = 10.0
SILENT_FOR: Final = 60.0
"""Seconds without a sign of life after which nobody makes it any more."""
LOST: Final = "the process that made it is gone, or could not write down how it ended: ask again"
STOPPED: Final = "the service was stopped before it ended: ask again"


async def begin(desk: Desk, connection_id: str | None, since: datetime | None, who: str) -> str:
    """The job's id. Whoever begins it runs it."""
    since_text = since.isoformat() if since else None

    async def write(conn: AsyncConnection) -> str:
        job = await jobs.create(conn, KIND, progress={"connection": connection_id, "since": since_text, "who": who})
        what = f"connection {connection_id} sweep begun" if connection_id else "sweep begun"
        await audit.write(conn, who, what, None, {"job": job.id, "since": since_text})
        return job.id

    return await desk.db.write(write)


async def run(desk: Desk, job_id: str, connection_id: str | None, since: datetime | None) -> None:
    signs = asyncio.create_task(_give_signs(desk, job_id))
    try:
        await _put(desk, job_id, state="running")
        await _put(desk, job_id, **await _swept(desk, job_id, connection_id, since))
    except StorageProblem as problem:
        log.error("sweep.not_recorded", job=job_id, because=str(problem))
    except asyncio.CancelledError:
        with contextlib.suppress(StorageProblem):  # it is ended as one that gives no sign of life
            await _put(desk, job_id, state="failed", because=STOPPED)
        raise
    finally:
        signs.cancel()
        await asyncio.gather(signs, return_exceptions=True)


async def _swept(desk: Desk, job_id: str, connection_id: str | None, since: datetime | None) -> dict[str, Any]:
    """How the job stands after it."""
    not_swept: dict[str, str] = {}
    try:
        marked = await sweep_all(desk, connection_id, since, not_swept, PATIENCE)
    except Exception as mistake:  # noqa: BLE001 -- a background job's end: logged whole, and shown with the job
        log.error("sweep.failed", job=job_id, **told(mistake))
        return {"state": "failed", "because": f"{type(mistake).__name__}: {mistake}"}
    return {"state": "done", "result": {"marked": marked, "not_swept": not_swept}}


async def _put(desk: Desk, job_id: str, **fields: Any) -> None:
    await desk.db.write(lambda conn: jobs.update(conn, job_id, **fields))


async def _give_signs(desk: Desk, job_id: str) -> None:
    while True:
        await asyncio.sleep(SIGN_EVERY)
        with contextlib.suppress(StorageProblem):  # the next one may be heard
            await _put(desk, job_id)


async def end_lost(desk: Desk) -> None:
    """One round: jobs that nobody makes any more."""
    for job_id in await desk.db.write(lambda conn: jobs.end_silent(conn, KIND, SILENT_FOR, LOST)):
        log.warning("sweep.lost", job=job_id, because=LOST)
