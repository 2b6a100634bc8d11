"""The book of drifts: one row a change, told late or in time, healed, counted by side."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage import drifts
from bridge.storage.drifts import Counts, Drift
from bridge.storage.engine import Database
from bridge.storage.rows import BadCursor
from bridge.storage.tables import drifts as table

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


async def _found(database: Database, order: str = "ord_1", **fields: Any) -> bool:
    values: dict[str, Any] = {
        "order_id": order,
        "shop_id": "shp_1",
        "side": "store",
        "connection_id": "con_1",
        "effect": "cancel",
        "found_by": "sweep",
        "because": "found by the sweep",
        "changed_at": NOW - 5 * MINUTE,
        "now": NOW,
    }
    return await database.write(lambda conn: drifts.found(conn, **(values | fields)))


async def _of(database: Database, order: str = "ord_1") -> list[Drift]:
    return await database.read(lambda conn: drifts.of_order(conn, order))


async def test_one_change_is_one_drift(database: Database) -> None:
    assert await _found(database)
    assert not await _found(database, effect="approve")
    assert await _found(database, changed_at=NOW)
    assert await _found(database, side="channel", connection_id="con_2")
    assert [one.effect for one in await _of(database)] == ["cancel", "cancel", "cancel"]


async def test_a_message_is_late_after_the_finding_and_in_time_before_it(database: Database) -> None:
    await _found(database)
    late = await database.write(lambda conn: drifts.told(conn, "ord_1", "con_2", NOW + MINUTE))
    assert (late, (await _of(database))[0].told_at) == (0, None)
    assert await database.write(lambda conn: drifts.told(conn, "ord_1", "con_1", NOW + MINUTE)) == 1
    assert (await _of(database))[0].told_at == NOW + MINUTE
    assert await database.write(lambda conn: drifts.told(conn, "ord_1", "con_1", NOW + 2 * MINUTE)) == 0
    await _found(database, "ord_2")
    # It had arrived, and only waited for its turn.
    assert await database.write(lambda conn: drifts.told(conn, "ord_2", "con_1", NOW - MINUTE)) == 0
    assert await _of(database, "ord_2") == []


async def test_what_comes_weeks_later_tells_of_something_else(database: Database) -> None:
    await _found(database)
    after = NOW + drifts.LATE + MINUTE
    assert await database.write(lambda conn: drifts.told(conn, "ord_1", "con_1", after)) == 0


async def test_counts_are_by_side_and_time(database: Database) -> None:
    await _found(database, "ord_0", now=NOW - timedelta(days=2))
    await _found(database, "ord_1")
    await _found(database, "ord_2", found_by="audit")
    await _found(database, "ord_3", side="channel", connection_id="con_2")
    await database.write(lambda conn: drifts.told(conn, "ord_1", "con_1", NOW + MINUTE))
    await database.write(lambda conn: drifts.healed(conn, "ord_1"))
    await database.write(lambda conn: drifts.healed(conn, "ord_3"))

    def count(days: int, connection: str | None = None) -> Any:
        return database.read(lambda conn: drifts.counts(conn, NOW - timedelta(days=days), connection))

    channel = Counts("channel", found=1, by_audit=0, told_late=0, never_told=1, healed=1, open=0)
    assert await count(1) == [
        channel,
        Counts("store", found=2, by_audit=1, told_late=1, never_told=1, healed=1, open=1),
    ]
    assert [one.found for one in await count(3)] == [1, 3]
    assert await count(3, "con_2") == [channel]
    untold = await database.read(lambda conn: drifts.untold(conn, NOW - timedelta(days=1)))
    assert [(one.connection_id, one.drifts, one.orders, one.since) for one in untold] == [
        ("con_1", 1, 1, NOW - 5 * MINUTE),
        ("con_2", 1, 1, NOW - 5 * MINUTE),
    ]


async def test_the_list_is_paged_the_newest_first(database: Database) -> None:
    for number in range(5):
        await _found(database, f"ord_{number}", shop_id=f"shp_{number % 2}")

    def page(**asked: Any) -> Any:
        return database.read(lambda conn: drifts.search(conn, limit=2, **asked))

    found, following = await page()
    assert [one.order_id for one in found] == ["ord_4", "ord_3"]
    # Gone meanwhile: the next page begins behind it all the same.
    await _remove(database, found[1].id)
    found, following = await page(cursor=following)
    assert [one.order_id for one in found] == ["ord_2", "ord_1"]
    assert [one.order_id for one in (await page(cursor=following))[0]] == ["ord_0"]
    assert [one.order_id for one in (await page(shop_id="shp_1"))[0]] == ["ord_1"]
    assert (await page(since=NOW + MINUTE))[0] == []
    with pytest.raises(BadCursor):
        await page(cursor="nonsense")


async def _remove(database: Database, drift_id: str) -> None:
    async def remove(conn: AsyncConnection) -> None:
        await conn.execute(table.delete().where(table.c.id == drift_id))

    await database.write(remove)


async def test_healed_ones_are_forgotten_and_open_ones_stay(database: Database) -> None:
    for number in range(3):
        await _found(database, f"ord_{number}")

    async def heal(conn: AsyncConnection) -> None:
        await conn.execute(update(table).where(table.c.order_id != "ord_2").values(healed_at=NOW + MINUTE))

    await database.write(heal)
    assert await database.write(lambda conn: drifts.forget(conn, NOW, 10)) == 0
    assert await database.write(lambda conn: drifts.forget(conn, NOW + 2 * MINUTE, 1)) == 1
    assert await database.write(lambda conn: drifts.forget(conn, NOW + 2 * MINUTE, 10)) == 1
    assert [one.order_id for one in await _of(database, "ord_2")] == ["ord_2"]
