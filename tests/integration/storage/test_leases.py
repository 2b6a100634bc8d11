from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage import leases, work
from bridge.storage.engine import Database


async def test_ending_all_leases_makes_what_was_in_hand_due_and_counts_it(sqlite_database: Database) -> None:
    async def arrange(conn: AsyncConnection) -> None:
        await work.mark(conn, ["a", "b"])
        assert await leases.try_lease(conn, "sweep", "dead", 600, again=False)

    await sqlite_database.write(arrange)
    [taken] = await work.claim(sqlite_database, "dead", 600)
    assert await sqlite_database.write(leases.end_all) == 1
    again = await work.claim(sqlite_database, "alive", 600, limit=10)
    assert {claimed.key: claimed.attempts for claimed in again} == {"a": 1, "b": 1} | {taken.key: 2}
    assert await sqlite_database.write(lambda conn: leases.try_lease(conn, "sweep", "alive", 60, again=False))
