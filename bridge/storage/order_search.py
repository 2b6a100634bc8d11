"""Paging through orders, fast with a million of them: every page is a few range reads in an index's own order.

Without a query: newest first. With one: orders whose id, channel id, store number or store id begins with it, one
column after the other, each in its own order, so that even a prefix that fits every order is never sorted.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Row, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage.rows import BadCursor, pack_cursor, unpack_cursor
from bridge.storage.tables import orders as table

_COLUMNS = (table.c.id, table.c.channel_order_id, table.c.store_number, table.c.store_order_id)
# The greatest character there is: a prefix and this are above everything that begins with the prefix.
_END = "\U0010ffff"


def _begins(column: ColumnElement[Any], prefix: str) -> ColumnElement[bool]:
    """As a range, which both dialects read from an index; LIKE is not, where its prefix is a parameter."""
    return and_(column >= prefix, column < prefix + _END)


async def page(
    conn: AsyncConnection, *, query: str, state: str | None, shop_id: str | None, cursor: str | None, limit: int
) -> tuple[list[Row[Any]], str | None]:
    """Rows of the page and the next page's cursor, None at the end. Raises `BadCursor`."""
    filters: list[ColumnElement[bool]] = []
    if state:
        filters.append(table.c.state == str(state))
    if shop_id:
        filters.append(table.c.shop_id == shop_id)
    prefix = query.strip()
    if prefix:
        return await _by_prefix(conn, prefix, filters, cursor, limit)
    if cursor:
        filters.append(table.c.id < unpack_cursor(cursor, 1)[0])
    found = await conn.execute(select(table).where(*filters).order_by(table.c.id.desc()).limit(limit + 1))
    rows = list(found)
    return rows[:limit], pack_cursor([rows[limit - 1].id]) if len(rows) > limit else None


async def _by_prefix(
    conn: AsyncConnection, prefix: str, filters: list[ColumnElement[bool]], cursor: str | None, limit: int
) -> tuple[list[Row[Any]], str | None]:
    stage, value, last_id = unpack_cursor(cursor, 3) if cursor else ["0", "", ""]
    if not stage.isdigit() or int(stage) >= len(_COLUMNS):
        raise BadCursor(f"{cursor!r} is not a cursor of this list")
    rows: list[tuple[int, Row[Any]]] = []
    for number in range(int(stage), len(_COLUMNS)):
        column = _COLUMNS[number]
        where = [_begins(column, prefix), *filters]
        if number == int(stage) and value:
            # The first term is what the index is entered by; the second what is exact.
            where += [column >= value, or_(column > value, and_(column == value, table.c.id > last_id))]
        # What an earlier column has shown is not shown again.
        where += [or_(earlier.is_(None), ~_begins(earlier, prefix)) for earlier in _COLUMNS[:number]]
        wanted = limit + 1 - len(rows)
        found = await conn.execute(select(table).where(*where).order_by(column, table.c.id).limit(wanted))
        rows += [(number, row) for row in found]
        if len(rows) > limit:
            last, row = rows[limit - 1]
            place = [str(last), str(row._mapping[_COLUMNS[last].name]), row.id]
            return [row for _, row in rows[:limit]], pack_cursor(place)
    return [row for _, row in rows], None
