"""A person's sweep ends in words, whatever becomes of the process that makes it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection
from structlog.testing import capture_logs

from bridge.storage import jobs
from bridge.storage.columns import db_now_ms
from bridge.storage.engine import Database
from bridge.storage.errors import StorageDown
from bridge.storage.jobs import Job
from bridge.storage.tables import jobs as table
from bridge.sync import asked
from bridge.sync.desk import Desk
from tests.integration.sync.test_sweep import Set, make_ready
from tests.support.stage import Stage


@pytest.fixture
async def ready(database: Database) -> Set:
    return await make_ready(database)


async def job_of(desk: Desk, job_id: str) -> Job:
    found = await desk.db.read(lambda conn: jobs.get(conn, job_id))
    assert found is not None
    return found


async def time_passes(desk: Desk, job_id: str) -> None:
    """As long as a job may be silent."""

    async def write(conn: AsyncConnection) -> None:
        earlier = db_now_ms(-asked.SILENT_FOR - 1)
        await conn.execute(update(table).where(table.c.id == job_id).values(updated_at=earlier))

    await desk.db.write(write)


async def test_a_sweep_whose_process_is_gone_is_ended_and_one_that_is_made_is_not(ready: Set) -> None:
    desk = ready.desk
    gone, made = [await asked.begin(desk, None, None, "me") for _ in range(2)]
    await time_passes(desk, gone)
    with capture_logs() as lines:
        await asked.end_lost(desk)
        await asked.end_lost(desk)
    assert [(line["event"], line["job"]) for line in lines] == [("sweep.lost", gone)]
    assert ((await job_of(desk, gone)).state, (await job_of(desk, gone)).because) == ("failed", asked.LOST)
    assert (await job_of(desk, made)).state == "queued"


async def test_one_whose_end_cannot_be_written_down_is_ended_once_the_database_is_back(
    ready: Set, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = ready.desk
    job_id = await asked.begin(desk, None, None, "me")
    plain = jobs.update

    async def down(conn: AsyncConnection, job: str, **fields: Any) -> Job:
        if fields.get("state") in {"done", "failed"}:
            raise StorageDown("nobody answers")
        return await plain(conn, job, **fields)

    monkeypatch.setattr(jobs, "update", down)
    with capture_logs() as lines:
        await asked.run(desk, job_id, None, None)
    assert "sweep.not_recorded" in [line["event"] for line in lines]
    assert (await job_of(desk, job_id)).state == "running"
    monkeypatch.undo()
    await time_passes(desk, job_id)
    await asked.end_lost(desk)
    assert (await job_of(desk, job_id)).state == "failed"


async def test_a_sweep_that_takes_its_time_gives_signs_of_life_and_one_broken_off_says_so(
    ready: Set, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, go_on = ready.desk, asyncio.Event()
    monkeypatch.setattr(asked, "SIGN_EVERY", 0.02)

    async def slow(*_asked: Any) -> dict[str, int]:
        await go_on.wait()
        return {}

    monkeypatch.setattr(asked, "sweep_all", slow)
    job_id = await asked.begin(desk, None, None, "me")
    running = asyncio.create_task(asked.run(desk, job_id, None, None))
    async with asyncio.timeout(10):
        while (await job_of(desk, job_id)).state != "running":
            await asyncio.sleep(0.01)
        await time_passes(desk, job_id)
        before = (await job_of(desk, job_id)).created_at
        while (await job_of(desk, job_id)).updated_at < before:
            await asyncio.sleep(0.01)
        await asked.end_lost(desk)
        assert (await job_of(desk, job_id)).state == "running"
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert ((await job_of(desk, job_id)).state, (await job_of(desk, job_id)).because) == ("failed", asked.STOPPED)


async def test_after_a_crash_the_next_start_ends_what_was_under_way(dark: Stage) -> None:
    async with dark.inside() as service:
        job_id = await asked.begin(service.desk, None, None, "me")
    async with dark.inside():
        found = await dark.api("GET", f"jobs/{job_id}")
    assert (found["state"], found["because"]) == ("failed", asked.LOST)
