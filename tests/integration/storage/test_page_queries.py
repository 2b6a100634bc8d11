"""What the pages ask of large tables is answered from indexes, on both kinds of database: no time is measured."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event, insert, text
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage import attention, attention_groups, changelog, loads, orders, overview, standing
from bridge.storage.engine import Database
from bridge.storage.tables import attention as attention_table
from bridge.storage.tables import inbox, ledger
from bridge.storage.tables import orders as orders_table
from bridge.storage.trips import Trips

NOW = datetime.now(UTC)
ROWS = 4000
LARGE = ("orders", "changelog", "ledger", "inbox", "attention")
Ask = Callable[[AsyncConnection], Awaitable[Any]]


async def _fill(conn: AsyncConnection) -> None:
    """A year, evenly; one order in forty waits or has an open question."""
    times = [NOW - timedelta(minutes=130 * (ROWS - number)) for number in range(ROWS)]
    common = {"because": "", "reserved_because": "", "repair_tried": False, "row_ids": {}, "forced": {}}
    await conn.execute(
        insert(orders_table),
        [
            {"id": f"ord_{n:06}", "shop_id": f"shp_{n % 5}", "channel_order_id": f"5764{n:06}"}
            | {"state": "settled" if n % 40 else "waiting", "store_order_id": str(n), "store_number": f"TT-{n:06}"}
            | {"waiting_since": None if n % 40 else at, "waits_for": None if n % 40 else "pending"}
            | {"created_at": at, "updated_at": at}
            | common
            for n, at in enumerate(times)
        ],
    )
    await conn.execute(
        insert(ledger),
        [
            {"id": f"clm_{n:06}", "order_id": f"ord_{n:06}", "shop_id": f"shp_{n % 5}", "side": "store", "units": []}
            | {"kind": "create" if n % 10 else "refund", "units_key": "", "attempt": 1, "token": "", "state": "done"}
            | {"payload": {}, "claimed_at": at, "ended_at": at, "reference": "", "because": ""}
            for n, at in enumerate(times)
        ],
    )
    await conn.execute(
        insert(inbox),
        [
            {"id": f"{n:064}", "connection_id": f"con_{n % 3}", "topic": "t", "subject": "s", "note": ""}
            | {"work_key": f"order:{n}", "generation": 1, "noted_generation": 1, "first_at": at, "last_at": at}
            for n, at in enumerate(times)
        ],
    )
    await conn.execute(
        insert(attention_table),
        [
            {"id": f"att_{n:06}", "scope": f"order:{n}", "kind": f"kind_{n % 4}", "fingerprint": "", "title": "t"}
            | {"because": "b", "what_to_do": "w", "facts": {}, "state": "closed" if n % 40 else "open", "note": ""}
            | {"order_id": f"ord_{n:06}", "opened_at": at, "created_at": at, "updated_at": at}
            for n, at in enumerate(times)
        ],
    )
    for place in range(60):
        await changelog.write(conn, "ord_000001", "read", f"step {place}")


QUESTIONS: dict[str, Ask] = {
    "orders that arrived": lambda conn: overview.Arrivals().between(conn, _edges(), NOW),
    "cancellations by step": lambda conn: overview.cancelled(conn, _edges()),
    "how long they took": lambda conn: overview.took(conn, _edges()[0], 30),
    "orders that wait": overview.waiting,
    "messages heard": lambda conn: overview.heard(conn, ["con_0", "con_none"], NOW - timedelta(days=1)),
    "questions by cause": attention_groups.groups,
    "open questions": lambda conn: attention.count_open(conn, at_most=1000),
    "items of a cause": lambda conn: attention.search(conn, state="open", kind="kind_0"),
    "what waits by connection": loads.read,
    "newest orders": orders.search,
    "orders of a state": lambda conn: orders.search(conn, state="waiting"),
    "orders of a shop": lambda conn: orders.search(conn, shop_id="shp_1"),
    "orders by number": lambda conn: orders.search(conn, query="TT-0001"),
    "no order": lambda conn: orders.search(conn, query="nothing"),
    "an order's story": lambda conn: changelog.latest(conn, "ord_000001"),
}


def _edges() -> list[datetime]:
    return [NOW + timedelta(days=place) for place in range(-29, 2)]


@contextmanager
def _statements(db: Database) -> Iterator[list[tuple[str, Any]]]:
    said: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        if statement.lstrip("(").startswith("SELECT"):
            said.append((statement, parameters))

    engine: Engine = db._reader._engine if isinstance(db._reader, Trips) else db._reader.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield said
    finally:
        event.remove(engine, "before_cursor_execute", note)


async def _plan(db: Database, statement: str, parameters: Any) -> list[Any]:
    how = "EXPLAIN QUERY PLAN" if db.dialect == "sqlite" else "EXPLAIN"
    return await db.read(lambda conn: _rows(conn, f"{how} {statement}", parameters))


async def _rows(conn: AsyncConnection, statement: str, parameters: Any) -> list[Any]:
    return list(await conn.exec_driver_sql(statement, parameters))


def _reads_a_whole_table(db: Database, plan: list[Any]) -> list[str]:
    """Steps that read every row, or every entry of an index, of a table that grows."""
    found = []
    for row in plan:
        if db.dialect == "sqlite":
            scan = re.match(r"SCAN (\w+)(.*)", row[3])
            if scan and scan[1] in LARGE and "USING" not in scan[2]:
                found.append(row[3])
        elif row.table in LARGE and row.type == "ALL":
            found.append(f"{row.table}: {row.type}, {row.key}, {row.rows} rows")
    return found


async def test_no_page_reads_a_large_table_from_end_to_end(database: Database) -> None:
    await database.write(_fill)
    if database.dialect == "mysql":
        await database.write(lambda conn: conn.execute(text(f"ANALYZE TABLE {', '.join(LARGE)}")))
    read = {}
    for name, ask in QUESTIONS.items():
        with _statements(database) as said:
            await database.read(ask)
        assert said, name
        whole = [one for each in list(said) for one in _reads_a_whole_table(database, await _plan(database, *each))]
        if whole:
            read[name] = whole
    assert read == {}


@pytest.mark.parametrize("name", ["orders that arrived", "cancellations by step", "how long they took"])
async def test_a_month_is_counted_from_indexes_alone(database: Database, name: str) -> None:
    """So that the rows, which hold plans and payloads, stay on the disk."""
    await database.write(_fill)
    if database.dialect == "mysql":
        await database.write(lambda conn: conn.execute(text(f"ANALYZE TABLE {', '.join(LARGE)}")))
    with _statements(database) as said:
        await database.read(QUESTIONS[name])
    for each in list(said):
        plan = await _plan(database, *each)
        if database.dialect == "sqlite":
            touched = [row[3] for row in plan if re.match(r"(SEARCH|SCAN) (orders|ledger)\b", row[3])]
            assert touched
            assert all("COVERING INDEX" in step for step in touched), touched
        else:
            steps = [row for row in plan if row.table in LARGE]
            assert steps
            assert all("Using index" in row.Extra for row in steps), [tuple(row) for row in steps]


async def test_the_metrics_read_of_waiting_orders_no_others(sqlite_database: Database) -> None:
    await sqlite_database.write(_fill)
    with _statements(sqlite_database) as said:
        await sqlite_database.read(standing.read)
    [asked] = [one for one in list(said) if "waits_for" in one[0]]
    assert _reads_a_whole_table(sqlite_database, await _plan(sqlite_database, *asked)) == []
