from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage import inbox, work
from bridge.storage.engine import Database
from bridge.storage.errors import StorageDown
from bridge.storage.inbox import Arrival, InboxRow
from bridge.storage.inbox_writer import InboxWriter

ROOT = Path(__file__).parents[3]


def _memo(number: str, note: str = "", key: str | None = None) -> Arrival:
    return Arrival("con_1", f"creditmemos/update {number}", "creditmemos/update", number, note, key or f"hint:{number}")


async def _arrived(database: Database, key: str) -> list[InboxRow]:
    async def look(conn: AsyncConnection) -> list[InboxRow]:
        return await inbox.arrived(conn, key)

    return await database.read(look)


async def _number(database: Database, query: str) -> int:
    async def look(conn: AsyncConnection) -> int:
        return int(await conn.scalar(text(query)) or 0)

    return await database.read(look)


async def test_every_putter_is_answered_after_its_row_is_there(database: Database) -> None:
    woken: set[str] = set()
    writer = InboxWriter(database, woken.update)
    writer.start()

    async def put(number: int) -> None:
        await writer.put(_memo(str(number), "état 😀"))
        [row] = await _arrived(database, f"hint:{number}")
        assert (row.subject, row.generation, row.noted_generation, row.note) == (str(number), 1, 0, "état 😀")
        assert abs((row.first_at - datetime.now(UTC)).total_seconds()) < 5

    await asyncio.gather(*[put(number) for number in range(40)])
    await writer.close()
    assert woken == {f"hint:{number}" for number in range(40)}
    claimed = await work.claim(database, "one", 60, 100)
    assert {one.key for one in claimed} == woken


async def test_equal_arrivals_are_one_row_whose_generation_rises(database: Database) -> None:
    writer = InboxWriter(database, lambda keys: None)
    writer.start()
    await asyncio.gather(*[writer.put(_memo("7", f"note {number}")) for number in range(30)])
    await writer.put(_memo("7", "last"))
    await writer.close()
    [row] = await _arrived(database, "hint:7")
    assert row.note == "last"
    assert 2 <= row.generation <= 31
    [claimed] = await work.claim(database, "one", 60, 10)
    assert claimed.generation == row.generation


async def test_an_arrival_while_the_order_is_looked_at_is_not_lost(database: Database) -> None:
    writer = InboxWriter(database, lambda keys: None)
    writer.start()
    await writer.put(_memo("7"))
    [claimed] = await work.claim(database, "one", 60)
    seen = await _arrived(database, "hint:7")
    await writer.put(_memo("7"))

    async def end(conn: AsyncConnection) -> bool:
        await inbox.note_arrivals(conn, seen)
        return await work.release(conn, claimed, None)

    assert await database.write(end)
    [row] = await _arrived(database, "hint:7")
    assert (row.generation, row.noted_generation) == (2, 1)
    assert len(await work.claim(database, "two", 60)) == 1
    await writer.close()


async def test_odd_texts_fail_nobody(database: Database) -> None:
    writer = InboxWriter(database, lambda keys: None)
    writer.start()
    odd = Arrival("con_1", "\ud800", "t" * 999, "nul\0 \ud800 " + "s" * 999, "😀" * 999, "hint:odd")
    await asyncio.gather(writer.put(odd), writer.put(_memo("1")))
    assert len(await _arrived(database, "hint:odd")) == 1
    with pytest.raises(ValueError, match="more than 191"):
        await writer.put(_memo("2", key="k" * 192))
    await writer.close()


async def test_after_close_nobody_is_left_waiting(database: Database) -> None:
    writer = InboxWriter(database, lambda keys: None)
    writer.start()
    puts = [asyncio.ensure_future(writer.put(_memo(str(number)))) for number in range(20)]
    await asyncio.sleep(0)
    await writer.close()
    await asyncio.gather(*puts)
    assert await _number(database, "SELECT COUNT(*) FROM inbox") == 20
    with pytest.raises(StorageDown, match="stopping"):
        await writer.put(_memo("late"))


async def test_forget_keeps_what_waits(database: Database) -> None:
    writer = InboxWriter(database, lambda keys: None)
    writer.start()
    for number in ("noted", "waits", "not ours"):
        await writer.put(_memo(number))
    await writer.close()
    claimed = {one.key: one for one in await work.claim(database, "one", 60, 10)}

    async def end(conn: AsyncConnection) -> None:
        await inbox.note_arrivals(conn, await inbox.arrived(conn, "hint:noted"))
        await work.release(conn, claimed["hint:noted"], datetime.now(UTC) + timedelta(hours=1))
        await work.release(conn, claimed["hint:not ours"], None)

    await database.write(end)

    async def forget(before: datetime) -> int:
        async def run(conn: AsyncConnection) -> int:
            return await inbox.forget(conn, before, 10)

        return await database.write(run)

    assert await forget(datetime.now(UTC) - timedelta(minutes=5)) == 0
    assert await forget(datetime.now(UTC) + timedelta(minutes=5)) == 2
    assert len(await _arrived(database, "hint:waits")) == 1


async def test_killed_in_the_middle_every_answered_arrival_is_there(database_url: str) -> None:
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "tests/support/arriving.py"), database_url],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )
    assert process.stdout is not None
    answered = [process.stdout.readline().strip() for _ in range(300)]
    process.send_signal(signal.SIGKILL)
    answered += [line.strip() for line in process.stdout if line.endswith("\n")]
    process.stdout.close()
    process.wait(10)
    database = await Database.open(database_url)

    async def subjects(conn: AsyncConnection) -> tuple[set[str], set[str]]:
        rows = await conn.execute(text("SELECT subject FROM inbox"))
        keys = await conn.execute(text("SELECT work_key FROM work"))
        return {row[0] for row in rows}, {row[0] for row in keys}

    stored, due = await database.read(subjects)
    await database.close()
    assert len(answered) >= 300
    assert set(answered) <= stored
    assert due == {f"hint:{subject}" for subject in stored}, "an arrival and its work are one transaction"
