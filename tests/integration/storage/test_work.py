from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bridge.storage import mysql, work
from bridge.storage.columns import MYSQL_NOW, SQLITE_NOW
from bridge.storage.engine import Database, parse_url
from bridge.storage.failures import Meaning, classify
from bridge.storage.work import POISON_ATTEMPTS, Claimed


async def _mark(database: Database, *keys: str, due_at: datetime | None = None) -> None:
    async def mark(conn: AsyncConnection) -> None:
        await work.mark(conn, keys, due_at)

    await database.write(mark)


async def _release(database: Database, claimed: Claimed, next_due: datetime | None = None) -> bool:
    async def release(conn: AsyncConnection) -> bool:
        return await work.release(conn, claimed, next_due)

    return await database.write(release)


async def _claim(database: Database, owner: str = "one", seconds: float = 60, limit: int = 1) -> list[Claimed]:
    return await work.claim(database, owner, seconds, limit)


async def _expire(database: Database, key: str) -> None:
    async def expire(conn: AsyncConnection) -> None:
        await conn.execute(text("UPDATE work SET lease_until = 1 WHERE work_key = :key"), {"key": key})

    await database.write(expire)


async def _swap(database: Database, claimed: Claimed, key: str) -> Claimed | None:
    async def swap(conn: AsyncConnection) -> Claimed | None:
        return await work.swap(conn, claimed, key)

    return await database.write(swap)


async def _park(database: Database, claimed: Claimed) -> str | None:
    return await database.write(lambda conn: work.park(conn, claimed))


async def _came_back_late(database: Database, claimed: Claimed) -> None:
    await database.write(lambda conn: work.came_back_late(conn, claimed))


async def _next_due_in(conn: AsyncConnection) -> float | None:
    """Seconds until something can be claimed, 0 where something can be now; None where nothing is waiting."""
    due = "CASE WHEN lease_until IS NULL OR lease_until <= {now} THEN due_at ELSE lease_until END"
    now = MYSQL_NOW if conn.dialect.name == "mysql" else SQLITE_NOW
    first = f"SELECT MIN({due.format(now=now)}) - {now} FROM work WHERE due_at IS NOT NULL OR lease_until > {now}"
    millis = await conn.scalar(text(first))
    return None if millis is None else max(0.0, float(millis) / 1000)


async def test_a_key_is_handed_out_once_and_is_gone_when_done(database: Database) -> None:
    await _mark(database, "a", "a", "b")
    first = await _claim(database, "one", limit=10)
    assert sorted(claimed.key for claimed in first) == ["a", "b"]
    assert await _claim(database, "two", limit=10) == []
    assert all([await _release(database, claimed) for claimed in first])
    assert (await database.read(work.counts)) == {"due": 0, "waiting": 0, "leased": 0, "parked": 0, "oldest_due_age": 0}
    assert await database.read(_next_due_in) is None


async def test_what_comes_in_while_leased_makes_it_due_at_once(database: Database) -> None:
    await _mark(database, "a")
    [claimed] = await _claim(database)
    await _mark(database, "a")
    assert await _claim(database, "two") == []
    assert await _release(database, claimed, datetime.now(UTC) + timedelta(hours=1))
    [again] = await _claim(database, "two")
    assert again.generation == claimed.generation + 1
    assert again.attempts == 1


async def test_release_waits_until_next_due_and_a_mark_brings_it_forward(database: Database) -> None:
    await _mark(database, "a")
    [claimed] = await _claim(database)
    assert await _release(database, claimed, datetime.now(UTC) + timedelta(hours=1))
    assert await _claim(database) == []
    waits = await database.read(_next_due_in)
    assert waits is not None
    assert 3500 < waits <= 3600
    await _mark(database, "a", due_at=datetime.now(UTC) + timedelta(hours=2))
    assert (await database.read(_next_due_in) or 9999) <= 3600
    await _mark(database, "a")
    assert await database.read(_next_due_in) == 0
    assert [c.key for c in await _claim(database)] == ["a"]


async def test_a_lease_that_ran_out_is_taken_over_and_the_late_release_refused(database: Database) -> None:
    await _mark(database, "a")
    [slow] = await _claim(database, "slow")
    await _expire(database, "a")
    [quick] = await _claim(database, "quick")
    assert quick.attempts == 2
    assert not await _release(database, slow)
    assert await work.extend(database, slow, 60) is None
    longer = await work.extend(database, quick, 600)
    assert longer is not None
    assert 590 < longer.remaining() <= 600
    assert await _release(database, longer)


async def test_leases_are_the_databases_time(database: Database) -> None:
    await _mark(database, "a")
    [claimed] = await _claim(database, seconds=30)
    assert abs((claimed.lease_until - datetime.now(UTC)).total_seconds() - 30) < 2
    assert 28 < claimed.remaining() <= 30
    waits = await database.read(_next_due_in)
    assert waits is not None
    assert 25 < waits <= 30


async def test_a_short_lease_really_runs_out(database: Database) -> None:
    await _mark(database, "a")
    await _claim(database, "one", seconds=0.2)
    end = time.monotonic() + 5
    while not (taken := await _claim(database, "two")) and time.monotonic() < end:
        await asyncio.sleep(0.02)
    assert [c.owner for c in taken] == ["two"]


async def test_poison_is_parked_and_taken_up_once(database: Database) -> None:
    await _mark(database, "a")
    for number in range(1, POISON_ATTEMPTS + 1):
        [claimed] = await _claim(database)
        assert (claimed.attempts, claimed.is_poison) == (number, False)
        await _expire(database, "a")
    [claimed] = await _claim(database)
    assert claimed.is_poison

    because = await database.write(lambda conn: work.park(conn, claimed))
    assert because == f"{POISON_ATTEMPTS} claims in a row never came back; {work.NO_WORD}"
    assert await _claim(database) == []
    assert (await database.read(work.counts))["parked"] == 1
    assert await database.read(work.parked) == {"a": because}
    await _mark(database, "a")
    [once] = await _claim(database)
    assert not once.is_poison
    await _expire(database, "a")
    [twice] = await _claim(database)
    assert twice.is_poison


async def test_parked_and_marked_meanwhile_is_due(database: Database) -> None:
    await _mark(database, "a")
    [claimed] = await _claim(database)
    await _mark(database, "a")

    assert await database.write(lambda conn: work.park(conn, claimed)) is None
    assert [c.key for c in await _claim(database)] == ["a"]


async def test_what_failed_last_is_the_reason_for_parking(database: Database) -> None:
    await _mark(database, "a")
    for number in range(POISON_ATTEMPTS):
        [claimed] = await _claim(database)
        assert await work.put_off(database, claimed, 60, because=f"KeyError {number}")
        assert await _claim(database, "two") == [], "put off: nobody takes it yet"
        await _expire(database, "a")
    [claimed] = await _claim(database)
    because = await database.write(lambda conn: work.park(conn, claimed))
    assert because == f"{POISON_ATTEMPTS} claims in a row never came back; the last one failed: KeyError 4"


async def test_what_failed_before_a_look_that_came_back_is_no_reason_later(database: Database) -> None:
    await _mark(database, "a")
    [claimed] = await _claim(database)
    await work.put_off(database, claimed, 60, because="KeyError")
    await _expire(database, "a")
    [claimed] = await _claim(database)
    await database.write(lambda conn: work.release(conn, claimed, datetime.now(UTC)))
    for _ in range(POISON_ATTEMPTS):
        await _expire(database, "a")
        [claimed] = await _claim(database)
    await _expire(database, "a")
    [claimed] = await _claim(database)
    assert work.NO_WORD in str(await database.write(lambda conn: work.park(conn, claimed)))


@pytest.mark.parametrize("broken_off", ["given back", "put off unblamed", "lease lost"])
async def test_what_is_no_fault_of_the_work_is_not_counted(database: Database, broken_off: str) -> None:
    await _mark(database, "a")
    for number in range(2 * POISON_ATTEMPTS):
        [claimed] = await _claim(database, f"worker {number}")
        assert not claimed.is_poison, number
        if broken_off == "given back":
            assert await work.give_back(database, claimed)
        elif broken_off == "put off unblamed":
            assert await work.put_off(database, claimed, 60, because=None)
            await _expire(database, "a")
        else:
            await _expire(database, "a")
            [other] = await _claim(database, f"other {number}")
            assert not await work.give_back(database, claimed), "the lease is another's"
            await _came_back_late(database, claimed)
            assert await work.give_back(database, other)


async def test_all_that_is_parked_is_taken_up_once(database: Database) -> None:
    for key in ("hint:a", "hint:b", "order:c"):
        await _mark(database, key)
        for _ in range(POISON_ATTEMPTS):
            await _claim(database)
            await _expire(database, key)
        [claimed] = await _claim(database)
        assert await _park(database, claimed)
    assert set(await database.read(lambda conn: work.parked(conn, 10, "hint:"))) == {"hint:a", "hint:b"}
    assert await database.write(lambda conn: work.take_up_parked(conn, "hint:")) == 2
    assert {c.key for c in await _claim(database, limit=5)} == {"hint:a", "hint:b"}
    assert set(await database.read(work.parked)) == {"order:c"}


async def test_swap_finishes_the_hint_and_leases_the_order(database: Database) -> None:
    await _mark(database, "hint")
    [hint] = await _claim(database)
    order = await _swap(database, hint, "order")
    assert order is not None
    assert (order.key, order.owner, order.attempts) == ("order", "one", 1)
    counts = await database.read(work.counts)
    assert (counts["leased"], counts["due"]) == (1, 0)
    assert await _release(database, order)
    assert (await database.read(work.counts))["leased"] == 0


async def test_swap_to_an_order_that_another_holds_raises_its_generation(database: Database) -> None:
    await _mark(database, "order")
    [held] = await _claim(database, "other")
    await _mark(database, "hint")
    [hint] = await _claim(database, "one")
    assert await _swap(database, hint, "order") is None
    assert await _release(database, held, datetime.now(UTC) + timedelta(hours=1))
    [again] = await _claim(database, "one")
    assert (again.key, again.generation) == ("order", held.generation + 1)


async def test_swap_keeps_a_hint_that_came_again(database: Database) -> None:
    await _mark(database, "hint")
    [hint] = await _claim(database)
    await _mark(database, "hint")
    assert await _swap(database, hint, "order") is not None
    assert [c.key for c in await _claim(database, "two")] == ["hint"]


async def test_two_workers_swap_to_one_order(database: Database) -> None:
    await _mark(database, "hint1", "hint2")
    [one] = await _claim(database, "one")
    [two] = await _claim(database, "two")
    got = await asyncio.gather(_swap(database, one, "order"), _swap(database, two, "order"))
    winners = [claimed for claimed in got if claimed is not None]
    assert len(winners) == 1
    assert await _release(database, winners[0], datetime.now(UTC) + timedelta(hours=1))
    assert [c.key for c in await _claim(database)] == ["order"]


async def test_the_longest_due_comes_first(database: Database) -> None:
    now = datetime.now(UTC)
    for key, hours in (("b", 2), ("a", 1), ("c", 3)):
        await _mark(database, key, due_at=now - timedelta(hours=hours))
    assert [(await _claim(database))[0].key for _ in range(3)] == ["c", "b", "a"]


async def test_a_worker_who_takes_its_share_of_a_crowd_leaves_the_rest_free(mariadb_database: Database) -> None:
    keys = [f"k{number:03}" for number in range(400)]
    await mariadb_database.write(lambda conn: work.mark(conn, keys))
    engine = mariadb_database._writer
    assert isinstance(engine, AsyncEngine)
    async with engine.connect() as conn, conn.begin():
        rows = await conn.execute(work._LONGEST_DUE, {"lease": 60.0, "most": 3})
        first = {row.work_key for row in rows}
        second = {one.key for one in await work.claim(mariadb_database, "second", 60, 3)}
    assert len(first) == len(second) == 3
    assert not first & second


async def test_a_process_that_stands_still_in_a_transaction_keeps_its_row_for_a_while_only(
    mariadb_url: str, mariadb_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mysql, "IDLE_SECONDS", 1)
    still = mysql.make_engine(parse_url(mariadb_url), writing=True)
    await _mark(mariadb_database, "a")
    async with still.connect() as conn:
        assert await work.take(conn, "still", 60)
        assert await _claim(mariadb_database, "two") == [], "its row is locked, and skipped"
        async with asyncio.timeout(20):
            while not (claimed := await _claim(mariadb_database, "two")):
                await asyncio.sleep(0.05)
        assert [one.key for one in claimed] == ["a"]
        # When it goes on, nothing it did holds.
        with pytest.raises(DBAPIError) as problem:
            await conn.commit()
        assert classify(problem.value).meaning is Meaning.LOST
    await still.dispose()
    assert not await work.give_back(mariadb_database, replace(claimed[0], owner="still"))
