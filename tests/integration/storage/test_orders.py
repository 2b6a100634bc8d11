from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.plans import OrderPlan, Piece, PlannedRow, Reserved
from bridge.storage import orders
from bridge.storage.engine import Database
from bridge.storage.errors import NotFound
from bridge.storage.orders import OrderRecord, OrderState
from bridge.storage.rows import BadCursor
from bridge.storage.tables import orders as table

NOW = datetime(2026, 11, 1, 12, 0, 0, 123000, tzinfo=UTC)
PLAN = OrderPlan(
    number="TT-576",
    view="1",
    body='{"entity": {"größe": "😀"}}',
    rows=(PlannedRow("r1", "SKU", Decimal("9.90"), 2),),
    unit_map={"u1": (Piece("r1", 1),), "u2": (Piece("r1", 1),)},
    total=Decimal("19.80"),
    currency="USD",
    salable_before={"SKU": Decimal("3.0000")},
    notes=("fees",),
)


async def _ensure(database: Database, channel_order_id: str, shop_id: str = "shp_1") -> OrderRecord:
    return await database.write(lambda conn: orders.ensure(conn, shop_id, channel_order_id))


async def test_every_field_comes_back_as_it_was_written(database: Database) -> None:
    fresh = await _ensure(database, "576")
    assert (fresh.state, fresh.plan, fresh.row_ids, fresh.repair_tried) == (OrderState.NEW, None, {}, False)
    changed = await database.write(
        lambda conn: orders.update(
            conn,
            fresh.id,
            state=OrderState.IMPORTED,
            because="weil",
            store_connection_id="con_1",
            store_view="default",
            store_order_id="17",
            store_number="TT-576",
            plan=PLAN,
            create_sent_at=NOW,
            origin="created",
            reserved=Reserved.YES,
            reserved_because="header",
            repair_tried=True,
            row_ids={"r1": "21"},
            blocked="two memos",
            forced={"create": True},
            reading={"channel": {"status": "\ud800"}},
            channel_created_at=NOW,
            settled_at=NOW,
        )
    )
    assert await database.read(lambda conn: orders.get(conn, fresh.id)) == changed
    assert (changed.plan, changed.reserved, changed.state) == (PLAN, Reserved.YES, OrderState.IMPORTED)
    assert (changed.create_sent_at, changed.repair_tried, changed.row_ids) == (NOW, True, {"r1": "21"})
    assert changed.reading == {"channel": {"status": "\ud800"}}
    assert await database.read(lambda conn: orders.by_store(conn, "con_1", "17")) == changed
    assert await database.read(lambda conn: orders.by_channel_id(conn, "576")) == [changed]
    cleared = await database.write(lambda conn: orders.update(conn, fresh.id, plan=None, reserved=None, blocked=None))
    assert (cleared.plan, cleared.reserved, cleared.blocked) == (None, None, None)
    assert await database.read(orders.counts) == {OrderState.IMPORTED: 1}


async def test_an_order_that_is_not_there(database: Database) -> None:
    assert await database.read(lambda conn: orders.get(conn, "ord_none")) is None
    with pytest.raises(NotFound):
        await database.write(lambda conn: orders.update(conn, "ord_none", because="x"))


async def _fill(database: Database, number: int) -> None:
    rows: list[dict[str, object]] = [
        {
            "id": f"ord_{n:06d}",
            "shop_id": f"shp_{n % 2}",
            "channel_order_id": f"5764{n:06d}",
            "state": "imported" if n % 10 else "held",
            "because": "",
            "reserved_because": "",
            "repair_tried": False,
            "row_ids": {},
            "forced": {},
            "store_order_id": str(n),
            "store_number": f"TT-5764{n:06d}",
            "created_at": NOW,
            "updated_at": NOW,
        }
        for n in range(number)
    ]
    await database.write(lambda conn: conn.execute(insert(table), rows))


async def _pages(database: Database, limit: int, **where: str) -> list[str]:
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page, cursor = await database.read(
            lambda conn, cursor=cursor: orders.search(conn, cursor=cursor, limit=limit, **where)  # type: ignore[misc] # a default argument has no type in a lambda
        )
        assert len(page) <= limit
        seen += [record.id for record in page]
        if cursor is None:
            return seen


async def test_search_pages_through_everything_once(database: Database) -> None:
    await _fill(database, 120)
    everything = [f"ord_{n:06d}" for n in range(120)]
    assert await _pages(database, 7) == everything[::-1]
    assert sorted(await _pages(database, 5, state="held")) == everything[::10]
    assert sorted(await _pages(database, 50, shop_id="shp_1")) == everything[1::2]
    for query in ("ord_", "5764", "TT-", "576400"):
        found = await _pages(database, 7, query=query)
        assert sorted(found) == everything, query
        assert len(found) == len(set(found)), query
    assert await _pages(database, 7, query="ord_000017") == ["ord_000017"]
    assert await _pages(database, 7, query=" 5764000017 ") == ["ord_000017"]
    assert await _pages(database, 7, query="TT-5764000017") == ["ord_000017"]
    assert (await _pages(database, 7, query="17"))[0] == "ord_000017"
    assert sorted(await _pages(database, 3, query="1")) == [f"ord_{n:06d}" for n in range(120) if str(n)[0] == "1"]
    assert await _pages(database, 7, query="5764%") == []
    assert await _pages(database, 3, query="5764", state="held", shop_id="shp_1") == []


async def test_an_order_found_by_two_columns_is_shown_once(database: Database) -> None:
    await _fill(database, 6)
    await database.write(lambda conn: conn.execute(text("UPDATE orders SET store_number = channel_order_id")))
    found = await _pages(database, 2, query="5764")
    assert sorted(found) == [f"ord_{n:06d}" for n in range(6)]
    assert len(found) == 6


@pytest.mark.parametrize("cursor", ["x", "!!", "W10", "WyI5IiwiIiwiIl0", "bnVsbA", "é"])
async def test_a_cursor_of_somebody_else(sqlite_database: Database, cursor: str) -> None:
    with pytest.raises(BadCursor):
        await sqlite_database.read(lambda conn: orders.search(conn, query="5", cursor=cursor))


@pytest.mark.parametrize("query", ["", "5764000", "TT-", "1"])
async def test_a_search_reads_no_more_than_its_page(mariadb_database: Database, query: str) -> None:
    await _fill(mariadb_database, 5000)

    async def rows_read(conn: AsyncConnection) -> int:
        await conn.execute(text("FLUSH STATUS"))
        page, following = await orders.search(conn, query=query, limit=20)
        assert len(page) == 20
        await orders.search(conn, query=query, limit=20, cursor=following)
        status = await conn.execute(text("SHOW SESSION STATUS LIKE 'Handler_read%'"))
        return sum(int(value) for _, value in status)

    assert await mariadb_database.read(rows_read) < 250


async def test_the_audit_sees_what_is_alive(database: Database) -> None:
    for state in OrderState:
        made = await _ensure(database, f"576{state}")
        await database.write(lambda conn, made=made, state=state: orders.update(conn, made.id, state=state))  # type: ignore[misc] # a default argument has no type in a lambda

    async def states() -> set[OrderState]:
        found, after = set[OrderState](), None
        while page := await database.read(lambda conn, after=after: orders.alive(conn, "shp_1", after, 2)):  # type: ignore[misc] # a default argument has no type in a lambda
            found |= {record.state for record in page}
            after = page[-1].id
        return found

    over = {OrderState.NOT_IMPORTED, OrderState.IGNORED}
    assert await states() == set(OrderState) - over
    await database.write(lambda conn: conn.execute(text("UPDATE orders SET created_at = 1")))
    assert await states() == set(OrderState) - over - {OrderState.SETTLED}
    assert await database.read(lambda conn: orders.alive(conn, "shp_2", None, 10)) == []
