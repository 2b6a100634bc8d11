"""Exports in pages: whole and in order, bounded in time, whatever is deleted meanwhile."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage import audit, exports, orders
from bridge.storage.engine import Database
from bridge.storage.exports import BOOKS, Extent, Span
from bridge.storage.ids import id_floor, new_id
from bridge.storage.tables import changelog

MANY = 100_000
DAY = timedelta(days=1)


async def _fill(database: Database, number: int, begin: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> list[str]:
    """So many entries of two orders of two shops, one a second from then on; answers their ids."""
    made = [(await database.write(lambda conn, n=n: orders.ensure(conn, f"shp_{n}", "577"))).id for n in (1, 2)]  # type: ignore[misc] # a default argument has no type in a lambda
    ids = [id_floor("log", begin + timedelta(seconds=place)) for place in range(number)]

    def row(place: int) -> dict[str, Any]:
        at = begin + timedelta(seconds=place)
        text = {"order_id": made[place % 2], "event": "decided", "because": f"=entry {place}", "facts": {"n": place}}
        return {"id": ids[place], "at": at, "fingerprint": None, **text}

    for start in range(0, number, 5000):
        rows = [row(place) for place in range(start, min(start + 5000, number))]

        async def write(conn: AsyncConnection, rows: list[dict[str, Any]] = rows) -> None:
            await conn.execute(insert(changelog), rows)

        await database.write(write)
    return ids


async def _read(database: Database, span: Span, limit: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after: str | None = None
    while page := await database.read(
        lambda conn, after=after: exports.page(conn, BOOKS["changelog"], span, after, limit)  # type: ignore[misc] # as above
    ):
        found += page
        after = page[-1]["id"]
    return found


async def test_a_hundred_thousand_rows_are_read_in_pages_within_a_minute(sqlite_database: Database) -> None:
    ids = await _fill(sqlite_database, MANY)
    began = time.monotonic()
    found = await _read(sqlite_database, Span(), 1000)
    assert time.monotonic() - began < 60
    assert [row["id"] for row in found] == ids


async def test_spans_and_shops_are_kept_to(database: Database) -> None:
    ids = await _fill(database, 20_000)
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    span = Span(since=begin + timedelta(seconds=9000), until=begin + timedelta(seconds=12_000), shop_id="shp_2")
    found = await _read(database, span, 700)
    assert [row["id"] for row in found] == ids[9001:12_000:2]
    assert {row["shop"] for row in found} == {"shp_2"}
    assert await database.read(lambda conn: exports.extent(conn, BOOKS["changelog"], span)) == Extent(1500, ids[11_999])
    whole = await database.read(lambda conn: exports.extent(conn, BOOKS["changelog"], Span()))
    assert whole == Extent(20_000, ids[-1])


async def test_a_page_deleted_meanwhile_does_not_end_it(database: Database) -> None:
    ids = await _fill(database, 40)
    first = await database.read(lambda conn: exports.page(conn, BOOKS["changelog"], Span(), None, 10))

    async def remove(conn: AsyncConnection) -> None:
        await conn.execute(changelog.delete().where(changelog.c.id.in_(ids[5:25])))

    await database.write(remove)
    after = first[-1]["id"]
    rest = await database.read(lambda conn: exports.page(conn, BOOKS["changelog"], Span(), after, 100))
    assert [row["id"] for row in rest] == ids[25:]


async def test_what_is_written_after_the_count_is_not_in_the_pages(database: Database) -> None:
    ids = await _fill(database, 30)
    extent = await database.read(lambda conn: exports.extent(conn, BOOKS["changelog"], Span()))
    await _fill(database, 10, datetime(2026, 1, 2, tzinfo=UTC))
    found = await database.read(
        lambda conn: exports.page(conn, BOOKS["changelog"], Span(), ids[9], 100, last=extent.last)
    )
    assert [row["id"] for row in found] == ids[10:]


async def test_every_book_can_be_read(database: Database) -> None:
    await database.write(lambda conn: audit.write(conn, "me", "shop", {"a": 1}, {"a": 2}))
    for name, book in BOOKS.items():
        rows = await database.read(lambda conn, book=book: exports.page(conn, book, Span(), None, 10))  # type: ignore[misc] # as above
        assert len(rows) == (1 if name == "audit" else 0)
        for row in rows:
            assert set(book.columns) <= row.keys()
        full = Span(datetime.now(UTC) - DAY, datetime.now(UTC) + DAY, "shp_1" if book.shop is not None else None)
        extent = partial(exports.extent, book=book, span=full)
        assert await database.read(extent) == Extent(len(rows), rows[-1]["id"] if rows else None)


def test_an_ids_floor_is_below_every_id_of_its_time() -> None:
    before = datetime.now(UTC)
    made = new_id("log")
    assert id_floor("log", before - timedelta(milliseconds=2)) <= made < id_floor("log", before + timedelta(seconds=60))
