"""One bucket for all processes: what is granted is counted against the database's own clock."""

from __future__ import annotations

import asyncio
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.pacing import Rate
from bridge.storage.columns import db_now_ms
from bridge.storage.engine import Database
from bridge.storage.rates import SharedPace

RATE = Rate(per_second=20, burst=10)


async def _now(database: Database) -> datetime:
    async def read(conn: AsyncConnection) -> datetime:
        return (await conn.execute(select(db_now_ms().label("now")))).scalar_one()

    return await database.read(read)


async def _greedy(pace: SharedPace, name: str, tries: int) -> int:
    """How many calls were granted, asking without a pause."""
    return sum([(await pace.take(name, RATE, 0)).is_taken for _ in range(tries)])


async def _share(one: Database, other: Database) -> None:
    began = await _now(one)
    counts = await asyncio.gather(
        *(_greedy(SharedPace(database), "amazon:c1", 40) for database in (one, other, one, other))
    )
    elapsed = (await _now(other) - began).total_seconds()
    assert RATE.burst <= sum(counts) <= RATE.burst + elapsed * RATE.per_second + 1
    # Another connection has a bucket of its own, and it is full.
    assert (await SharedPace(other).take("amazon:c2", RATE, 0)).is_taken


async def test_two_processes_share_one_bucket(mariadb_url: str) -> None:
    one = await Database.open(mariadb_url)
    other = await Database.open(mariadb_url)
    try:
        await _share(one, other)
    finally:
        await one.close()
        await other.close()


async def test_the_tasks_of_one_process_share_one_bucket(sqlite_database: Database) -> None:
    await _share(sqlite_database, sqlite_database)


async def test_who_may_wait_is_counted_at_once_and_told_how_long(database: Database) -> None:
    pace, slow = SharedPace(database), Rate(per_second=0.001, burst=2)
    turns = [await pace.take("amazon:c1", slow, 1500) for _ in range(4)]
    assert [turn.is_taken for turn in turns] == [True, True, True, False]
    assert turns[0].wait == turns[1].wait == 0
    assert 0 < turns[2].wait <= 1000
    # What was refused counts for nothing: who comes next is refused for the same reason, not for a longer time.
    assert 1000 < turns[3].wait <= 2000
    again = await pace.take("amazon:c1", slow, 1500)
    assert not again.is_taken
    assert again.wait <= turns[3].wait
