"""How many passwords may be tried: as many as may fail, however many are sent at once."""

from __future__ import annotations

import asyncio

from sqlalchemy import func, select

from bridge.storage.engine import Database
from bridge.storage.failed_sign_ins import ADDRESS, BOTH, NAME, forget, is_blocked, lift, take
from bridge.storage.tables import failed_sign_ins as table

HERE, THERE = "203.0.113.7", "203.0.113.8"


async def taken(database: Database, name: str, address: str | None, times: int = 1) -> int:
    """How many of so many attempts at once were let through."""
    tries = (database.write(lambda conn: take(conn, name, address)) for _ in range(times))
    return sum(await asyncio.gather(*tries))


async def test_attempts_at_once_are_counted_before_they_are_let_through(database: Database) -> None:
    assert await taken(database, "admin", HERE, 30) == BOTH
    assert await database.read(lambda conn: is_blocked(conn, " ADMIN", HERE))
    assert await taken(database, "admin", THERE) == 1, "for others the name is open"
    total = await database.read(lambda conn: conn.scalar(select(func.sum(table.c.count))))
    assert total == 3 * (BOTH + 1), "what was refused is not counted"


async def test_the_name_and_the_address_have_limits_of_their_own(database: Database) -> None:
    assert sum([await taken(database, "admin", f"203.0.113.{n}") for n in range(NAME + 5)]) == NAME
    assert sum([await taken(database, f"name {n}", "198.51.100.1") for n in range(ADDRESS + 5)]) == ADDRESS


async def test_without_an_address_the_name_alone_is_limited(database: Database) -> None:
    assert await taken(database, "admin", None, NAME + 5) == NAME
    assert await taken(database, "other", None) == 1
    await database.write(lambda conn: forget(conn, "other", None))
    assert await database.read(lambda conn: is_blocked(conn, "admin", HERE))
    assert await database.read(lambda conn: conn.scalar(select(func.count()).select_from(table))) == 1


async def test_a_right_password_gives_its_own_attempt_back(database: Database) -> None:
    for _ in range(NAME + 5):
        assert await taken(database, "admin", HERE) == 1
        await database.write(lambda conn: forget(conn, "admin", HERE))
    assert await database.read(lambda conn: conn.scalar(select(func.count()).select_from(table))) == 0

    await taken(database, "admin", HERE, BOTH - 1)
    await taken(database, "admin", THERE, 2)
    await database.write(lambda conn: forget(conn, "admin", THERE))
    assert await taken(database, "admin", HERE, 5) == 1, "what failed elsewhere stays counted"
    left = sorted(await database.read(lambda conn: conn.scalars(select(table.c.count))))
    assert left == [1, BOTH, BOTH, BOTH + 1], "of the name and the address only the one attempt is given back"


async def test_a_name_is_opened_again_from_everywhere_and_no_other_name(database: Database) -> None:
    for name in ("admin", "other"):
        for address in (HERE, THERE, None):
            await taken(database, name, address, BOTH)
    await database.write(lambda conn: lift(conn, "Admin"))
    for address in (HERE, THERE):
        assert await taken(database, "admin", address) == 1
        assert await taken(database, "other", address) == 0
    counts = await database.read(lambda conn: conn.scalars(select(table.c.count)))
    assert sorted(counts) == [1, 1, 2, BOTH, BOTH, 2 * BOTH + 1, 2 * BOTH + 1, 3 * BOTH], "addresses stay counted"
