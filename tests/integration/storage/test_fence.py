"""Nobody takes work over between the question whether its lease is held and the commit of what was decided under it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bridge.storage import fence, ledger, orders, work
from bridge.storage.engine import Database
from bridge.storage.errors import AlreadyOpen
from bridge.storage.fence import LeaseLost
from bridge.storage.work import Claimed

KEY = orders.work_key("shp_1", "577")
Fenced = Callable[[AsyncConnection, Claimed], Awaitable[object]]


async def _claimed(database: Database, seconds: float = 60) -> Claimed:
    async def begin(conn: AsyncConnection) -> None:
        await orders.ensure(conn, "shp_1", "577")
        await work.mark(conn, [KEY])

    await database.write(begin)
    [claimed] = await work.claim(database, "one", seconds)
    return claimed


async def _open(conn: AsyncConnection, claimed: Claimed) -> ledger.Claim:
    record = await orders.by_channel(conn, "shp_1", "577")
    assert record is not None
    return await ledger.open_claim(
        conn,
        order_id=record.id,
        side="store",
        kind="refund",
        units=["u2", "u1"],
        token="tok",
        attempt=1,
        payload={"memo": {"qty": 1, "what": "ö"}},
        acting=True,
        under=claimed,
    )


@pytest.fixture(params=[_open, fence.keep], ids=["a claim", "a decision"])
def fenced(request: pytest.FixtureRequest) -> Fenced:
    found: Fenced = request.param
    return found


async def test_under_a_lease_a_claim_is_what_it_is_without(database: Database) -> None:
    claimed = await _claimed(database)
    made = await database.write(lambda conn: _open(conn, claimed))
    assert await database.read(lambda conn: ledger.get(conn, made.id)) == made
    with pytest.raises(AlreadyOpen):
        await database.write(lambda conn: _open(conn, claimed))


@pytest.mark.parametrize("how", ["ran out", "taken over", "given back", "gone"])
async def test_nothing_is_written_where_the_lease_is_gone(database: Database, fenced: Fenced, how: str) -> None:
    claimed = await _claimed(database)
    change = {
        "ran out": "UPDATE work SET lease_until = 1",
        "taken over": "UPDATE work SET lease_owner = 'two'",
        "given back": "UPDATE work SET lease_owner = NULL, lease_until = NULL",
        "gone": "DELETE FROM work",
    }[how]
    await database.write(lambda conn: conn.execute(text(change)))

    async def decide(conn: AsyncConnection) -> None:
        await conn.execute(text("UPDATE orders SET because = 'decided'"))
        await fenced(conn, claimed)

    with pytest.raises(LeaseLost):
        await database.write(decide)
    left = await database.read(lambda conn: conn.scalar(text("SELECT because FROM orders")))
    assert left != "decided"
    assert await database.read(lambda conn: conn.scalar(text("SELECT COUNT(*) FROM ledger"))) == 0


async def test_a_lease_that_runs_out_meanwhile_is_nobody_elses_before_the_commit(
    mariadb_database: Database, fenced: Fenced
) -> None:
    claimed = await _claimed(mariadb_database)
    engine = mariadb_database._writer
    assert isinstance(engine, AsyncEngine)
    # It ends in a moment, while the transaction is open.
    await mariadb_database.write(
        lambda conn: conn.execute(text("UPDATE work SET lease_until = UNIX_TIMESTAMP(NOW(3)) * 1000 + 500"))
    )
    async with engine.connect() as conn:
        await fenced(conn, claimed)
        await asyncio.sleep(0.6)
        assert await work.claim(mariadb_database, "two", 60) == [], "its row is locked, and skipped"
        await conn.commit()
    assert [one.key for one in await work.claim(mariadb_database, "two", 60)] == [KEY]
