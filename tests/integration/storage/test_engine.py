from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import LargeBinary, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage import ledger, meta, mysql, orders, work
from bridge.storage.engine import Database, parse_url
from bridge.storage.errors import AlreadyOpen, AlreadyServed, CommitUnknown, StorageDown, StorageProblem
from bridge.storage.inbox import Arrival
from bridge.storage.inbox_writer import InboxWriter
from tests.support.mariadb import MariaDB, free_port

ROOT = Path(__file__).parents[3]


async def _put(database: Database, name: str, value: str) -> None:
    async def put(conn: AsyncConnection) -> None:
        await meta.put(conn, name, value)

    await database.write(put)


async def _get(database: Database, name: str) -> str | None:
    async def get(conn: AsyncConnection) -> str | None:
        return await meta.get(conn, name)

    return await database.read(get)


@pytest.mark.parametrize(
    ("spelling", "driver"),
    [
        ("sqlite:////tmp/x.db", "sqlite"),
        ("sqlite+aiosqlite:////tmp/x.db", "sqlite"),
        ("mysql://u:p@h/b", "mysql+aiomysql"),
        ("mariadb://u:p@h/b", "mysql+aiomysql"),
        ("mysql+aiomysql://u:p@h/b", "mysql+aiomysql"),
    ],
)
def test_urls_in_their_spellings(spelling: str, driver: str) -> None:
    assert parse_url(spelling).drivername == driver


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "postgresql://u:geheim@h/b", "mysql://u:geheim@h", "x"]
)
def test_urls_that_cannot_be_meant(url: str) -> None:
    with pytest.raises(ValueError, match=r"sqlite|mysql") as raised:
        parse_url(url)
    assert "geheim" not in str(raised.value)


async def test_what_fails_leaves_nothing(database: Database) -> None:
    async def half(conn: AsyncConnection) -> None:
        await meta.put(conn, "half", "1")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await database.write(half)
    assert await _get(database, "half") is None
    # On the same connection: what it left open would be committed now.
    await _put(database, "whole", "1")
    assert await _get(database, "whole") == "1"
    assert await _get(database, "half") is None


async def test_a_read_cannot_write(sqlite_database: Database) -> None:
    async def put(conn: AsyncConnection) -> None:
        await meta.put(conn, "a", "1")

    with pytest.raises(StorageDown, match="read-only"):
        await sqlite_database.read(put)


async def test_a_transaction_waits_for_nothing_but_its_database(database: Database) -> None:
    async def wait(conn: AsyncConnection) -> None:
        await meta.put(conn, "half", "1")
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="do the waiting outside"):
        await database.write(wait)
    await _put(database, "whole", "1")
    assert await _get(database, "half") is None


async def test_a_write_within_a_write_says_so(sqlite_database: Database) -> None:
    async def outer(conn: AsyncConnection) -> None:
        await _put(sqlite_database, "a", "1")

    with pytest.raises(RuntimeError, match="pass the connection on"):
        await sqlite_database.write(outer)


async def test_a_caller_who_goes_away_harms_nobody(database: Database) -> None:
    for _ in range(20):
        task = asyncio.create_task(_put(database, "gone", "1"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await _put(database, "here", "1")
        assert await _get(database, "here") == "1"


async def test_second_serve_is_refused_by_name_and_reading_is_not(sqlite_url: str) -> None:
    database = await Database.open(sqlite_url)
    await _put(database, "a", "1")
    code = (
        f"import asyncio, sys\nfrom bridge.storage.engine import Database\nasyncio.run(Database.open({sqlite_url!r}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT, timeout=20
    )
    assert done.returncode == 1
    assert f"already served by process {os.getpid()}" in done.stderr
    with pytest.raises(AlreadyServed):
        await Database.open(sqlite_url)
    reader = await Database.open(sqlite_url, exclusive=False)
    assert await _get(reader, "a") == "1"
    with pytest.raises(StorageProblem, match="reading only"):
        await _put(reader, "a", "2")
    await reader.close()
    await database.close()
    again = await Database.open(sqlite_url)
    await again.close()


async def test_reading_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StorageDown, match="no database"):
        await Database.open(f"sqlite:///{tmp_path}/none.db", exclusive=False)


async def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_text("milk, bread\n" * 100)
    with pytest.raises(StorageDown, match="not a SQLite database"):
        await Database.open(f"sqlite:///{tmp_path}/notes.db")


async def test_a_full_disk_is_storage_down_and_nothing_half_written(sqlite_database: Database) -> None:
    async def limit(conn: AsyncConnection) -> None:
        pages = await conn.scalar(text("PRAGMA page_count"))
        await conn.execute(text(f"PRAGMA max_page_count = {pages}"))

    async def fill(conn: AsyncConnection) -> None:
        await meta.put(conn, "small", "1")
        for number in range(100):
            await meta.put(conn, f"large {number}", "x" * 100_000)

    await sqlite_database.write(limit)
    with pytest.raises(StorageDown, match="disk is full"):
        await sqlite_database.write(fill)
    assert await _get(sqlite_database, "small") is None
    writer = InboxWriter(sqlite_database, lambda keys: None)
    writer.start()
    puts = [writer.put(Arrival("con_1", str(n), "t", "s" * 190, "n" * 490, f"hint:{n}")) for n in range(400)]
    answers = await asyncio.gather(*puts, return_exceptions=True)
    assert all(isinstance(answer, StorageDown) for answer in answers)
    assert all(count == 0 for count in (await sqlite_database.read(work.counts)).values())
    await writer.close()


async def test_a_real_deadlock_is_run_again(mariadb_database: Database) -> None:
    for name in ("a", "b"):
        await _put(mariadb_database, name, "0")
    runs = 0

    async def meet(conn: AsyncConnection, mine: str, other: str) -> None:
        await conn.execute(text("SELECT GET_LOCK(:mine, 0)"), {"mine": f"deadlock {mine}"})
        async with asyncio.timeout(10):
            while await conn.scalar(text("SELECT IS_USED_LOCK(:other)"), {"other": f"deadlock {other}"}) is None:
                await conn.execute(text("SELECT SLEEP(0.01)"))

    async def cross(first: str, second: str) -> None:
        met = False

        async def take(conn: AsyncConnection) -> None:
            nonlocal runs, met
            runs += 1
            await conn.execute(text("UPDATE meta SET value = value + 1 WHERE name = :name"), {"name": first})
            if not met:
                met = True
                await meet(conn, first, second)
            await conn.execute(text("UPDATE meta SET value = value + 1 WHERE name = :name"), {"name": second})

        await mariadb_database.write(take)

    await asyncio.gather(cross("a", "b"), cross("b", "a"))
    assert runs > 2, "the server should have refused one of them once (1213)"
    assert await _get(mariadb_database, "a") == "2"
    assert await _get(mariadb_database, "b") == "2"


async def test_a_killed_connection_is_run_again_before_commit_and_unknown_at_commit(
    mariadb: MariaDB, mariadb_database: Database
) -> None:
    runs = 0

    async def killed(conn: AsyncConnection) -> None:
        nonlocal runs
        runs += 1
        await meta.put(conn, "a", str(runs))
        if runs == 1:
            mariadb.execute(f"KILL {await conn.scalar(text('SELECT CONNECTION_ID()'))}")
            await meta.put(conn, "b", "1")

    await mariadb_database.write(killed)
    assert runs == 2
    assert await _get(mariadb_database, "a") == "2"

    async def killed_last(conn: AsyncConnection) -> None:
        nonlocal runs
        runs += 1
        await meta.put(conn, "a", str(runs))
        if runs in {3, 4}:
            mariadb.execute(f"KILL {await conn.scalar(text('SELECT CONNECTION_ID()'))}")

    with pytest.raises(CommitUnknown, match="read before doing it again"):
        await mariadb_database.write(killed_last)
    assert runs == 3
    await mariadb_database.write(killed_last, idempotent=True)
    assert runs == 5
    assert await _get(mariadb_database, "a") == "5"


async def test_nobody_listens() -> None:
    with pytest.raises(StorageDown, match="start the server") as raised:
        await Database.open(f"mysql://bridge:geheim@127.0.0.1:{free_port()}/bridge")
    assert "geheim" not in str(raised.value)


async def test_wrong_password_and_no_database_say_what_to_do(mariadb: MariaDB) -> None:
    with pytest.raises(StorageDown, match="check BRIDGE_DATABASE_URL") as raised:
        await Database.open(f"mysql://bridge:geheim@127.0.0.1:{mariadb.port}/bridge")
    assert "geheim" not in str(raised.value)
    with pytest.raises(StorageDown, match="CREATE DATABASE"):
        await Database.open(mariadb.url("nowhere"))


async def test_server_stopped_and_started_again(mariadb: MariaDB, mariadb_database: Database) -> None:
    writer = InboxWriter(mariadb_database, lambda keys: None)
    writer.start()
    before = Arrival("con_1", "1", "t", "1", "", "hint:1")
    await writer.put(before)
    mariadb.stop()
    try:
        answers = await asyncio.gather(*[writer.put(before) for _ in range(5)], return_exceptions=True)
        assert [type(answer) for answer in answers] == [StorageDown] * 5
        with pytest.raises(StorageDown):
            await work.claim(mariadb_database, "one", 60)
    finally:
        mariadb.start()
    await writer.put(Arrival("con_1", "2", "t", "2", "", "hint:2"))
    assert {one.key for one in await work.claim(mariadb_database, "one", 60, 10)} == {"hint:1", "hint:2"}
    await writer.close()


async def test_sessions_are_what_the_books_need(mariadb_database: Database) -> None:
    names = "@@time_zone, @@tx_isolation, @@character_set_connection, @@sql_mode, @@idle_transaction_timeout"

    async def look(conn: AsyncConnection) -> list[Any]:
        return list((await conn.execute(text(f"SELECT {names}"))).one())

    for transact, idle in ((mariadb_database.read, 0), (mariadb_database.write, mysql.IDLE_SECONDS)):
        zone, isolation, charset, mode, seconds = await transact(look)
        assert (zone, isolation, charset, seconds) == ("+00:00", "READ-COMMITTED", "utf8mb4", idle)
        assert "STRICT_ALL_TABLES" in mode


async def _short_lived(conn: AsyncConnection) -> int:
    """The server ends this connection after a second without a word; answers its number."""
    await conn.execute(text("SET SESSION wait_timeout = 1"))
    return int(await conn.scalar(text("SELECT CONNECTION_ID()")) or 0)


async def _until_gone(mariadb: MariaDB, *numbers: int) -> None:
    listed = f"SELECT 1 FROM information_schema.processlist WHERE id IN ({', '.join(map(str, numbers))})"
    async with asyncio.timeout(20):
        while mariadb.execute(listed):
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("how", ["killed", "timed out"])
async def test_a_connection_that_the_server_closed_while_it_was_idle_is_made_anew(
    mariadb: MariaDB, mariadb_database: Database, how: str
) -> None:
    """Also on the loop that the service runs on, which tells of it in its own way."""
    retried: list[str] = []
    mariadb_database.retried = retried.append
    for transact in (mariadb_database.read, mariadb_database.write):
        number = await transact(_short_lived)
        if how == "killed":
            mariadb.execute(f"KILL {number}")
        await _until_gone(mariadb, number)
        assert await transact(_short_lived) != number
    assert set(retried) == {"lost"}


async def test_connections_that_the_server_closed_are_let_go_without_a_word(
    mariadb: MariaDB, mariadb_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    database = await Database.open(mariadb_url)
    await _until_gone(mariadb, await database.read(_short_lived), await database.write(_short_lived))
    await database.close()
    assert caplog.records == []


async def test_doctor_sees_what_is_not_durable(mariadb: MariaDB, mariadb_database: Database) -> None:
    async def levels() -> dict[str, str]:
        return {found.code: found.level for found in await mariadb_database.findings()}

    assert await levels() == {"database_version": "ok", "database_durable": "ok"}
    mariadb.execute("SET GLOBAL innodb_flush_log_at_trx_commit = 2")
    try:
        assert (await levels())["database_durable"] == "error"
    finally:
        mariadb.execute("SET GLOBAL innodb_flush_log_at_trx_commit = 1")


async def test_sqlite_is_durable(sqlite_database: Database) -> None:
    async def look(conn: AsyncConnection) -> list[object]:
        return [await conn.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "synchronous", "foreign_keys")]

    assert await sqlite_database.write(look) == ["wal", 2, 1]


async def test_bytes_are_written_and_read(database: Database) -> None:
    """aiomysql 0.3.2 cannot bind bytes through PyMySQL 1.2: the pin must hold."""
    value = bytes(range(256))

    async def roundtrip(conn: AsyncConnection) -> bytes:
        await conn.execute(text("CREATE TABLE raw (value BLOB)"))
        await conn.execute(
            text("INSERT INTO raw VALUES (:v)").bindparams(bindparam("v", type_=LargeBinary)), {"v": value}
        )
        return bytes(await conn.scalar(text("SELECT value FROM raw")) or b"")

    assert await database.write(roundtrip) == value


def test_two_processes_share_the_work_and_get_nothing_twice(mariadb_url: str) -> None:
    async def fill() -> None:
        database = await Database.open(mariadb_url)

        async def mark(conn: AsyncConnection) -> None:
            await work.mark(conn, [f"k{number}" for number in range(400)])

        await database.write(mark)
        await database.close()

    asyncio.run(fill())
    command = [sys.executable, str(ROOT / "tests/support/claiming.py"), mariadb_url]
    processes = [
        subprocess.Popen(
            [*command, owner],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={"PYTHONPATH": str(ROOT), "PATH": ""},
        )
        for owner in ("p1", "p2")
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    shares = [process.communicate(timeout=60)[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert sorted(shares[0] + shares[1]) == sorted(f"k{number}" for number in range(400))
    assert all(shares), "both should have had some"


async def test_one_open_claim_however_many_try(database: Database) -> None:
    async def make(conn: AsyncConnection) -> str:
        return (await orders.ensure(conn, "shp_1", "576")).id

    order_id = await database.write(make)

    async def open_one(number: int) -> str:
        async def run(conn: AsyncConnection) -> str:
            claim = await ledger.open_claim(
                conn,
                order_id=order_id,
                side="store",
                kind="refund",
                units=["u1"],
                token=str(number),
                attempt=1,
                payload={},
            )
            return claim.id

        return await database.write(run)

    results = await asyncio.gather(*[open_one(number) for number in range(8)], return_exceptions=True)
    assert sum(isinstance(result, str) for result in results) == 1
    assert sum(isinstance(result, AlreadyOpen) for result in results) == 7


async def test_one_order_however_many_ensure_it(database: Database) -> None:
    async def ensure() -> str:
        async def run(conn: AsyncConnection) -> str:
            return (await orders.ensure(conn, "shp_1", "576")).id

        return await database.write(run)

    assert len(set(await asyncio.gather(*[ensure() for _ in range(8)]))) == 1
