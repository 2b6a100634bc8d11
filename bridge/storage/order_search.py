"""Paging through orders, fast with a million of them: every page is a few range reads in an index's own order.

Without a query: newest first. With one: orders whose id, channel id, store number or store id begins with it, one
column after the other, each in its own order, so that even a prefix that fits every order is never sorted. Plans and
readings stay where they are: they are most of an order's bytes, and no list shows them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage.rows import bad_cursor, pack_cursor, unpack_cursor
from bridge.storage.tables import orders as table


@dataclass(frozen=True, slots=True)
class ListedOrder:
    """What a list shows of an order."""

    id: str
    channel_order_id: str
    shop_id: str
    state: str
    because: str
    store_connection_id: str | None
    store_view: str | None
    store_order_id: str | None
    store_number: str | None
    origin: str | None
    reserved: str | None
    reserved_because: str
    blocked: str | None
    channel_created_at: datetime | None
    settled_at: datetime | None
    created_at: datetime
    updated_at: datetime


_SHOWN = [table.c[one.name] for one in fields(ListedOrder)]
_COLUMNS = (table.c.id, table.c.channel_order_id, table.c.store_number, table.c.store_order_id)
_STAGES = [str(number) for number in range(len(_COLUMNS))]
# The greatest character there is: a prefix and this are above everything that begins with the prefix.
_END = "\U0010ffff"


def _begins(column: ColumnElement[Any], prefix: str) -> ColumnElement[bool]:
    """As a range, which both dialects read from an index; LIKE is not, where its prefix is a parameter."""
    return and_(column >= prefix, column < prefix + _END)


async def page(
    conn: AsyncConnection, *, query: str, state: str | None, shop_id: str | None, cursor: str | None, limit: int
) -> tuple[list[ListedOrder], str | None]:
    """A page and the next page's cursor, None at the end. Raises `BadCursor`."""
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
    found = await conn.execute(select(*_SHOWN).where(*filters).order_by(table.c.id.desc()).limit(limit + 1))
    rows = [ListedOrder(**row._mapping) for row in found]
    return rows[:limit], pack_cursor([rows[limit - 1].id]) if len(rows) > limit else None


async def _by_prefix(
    conn: AsyncConnection, prefix: str, filters: list[ColumnElement[bool]], cursor: str | None, limit: int
) -> tuple[list[ListedOrder], str | None]:
    stage, value, last_id = unpack_cursor(cursor, 3) if cursor else ["0", "", ""]
    if stage not in _STAGES:
        raise bad_cursor(cursor or "")
    rows: list[tuple[int, ListedOrder]] = []
    for number in range(int(stage), len(_COLUMNS)):
        column = _COLUMNS[number]
        where = [_begins(column, prefix), *filters]
        if number == int(stage) and value:
            # The first term is what the index is entered by; the second what is exact.
            where += [column >= value, or_(column > value, and_(column == value, table.c.id > last_id))]
        # What an earlier column has shown is not shown again.
        where += [or_(earlier.is_(None), ~_begins(earlier, prefix)) for earlier in _COLUMNS[:number]]
        wanted = limit + 1 - len(rows)
        found = await conn.execute(select(*_SHOWN).where(*where).order_by(column, table.c.id).limit(wanted))
        rows += [(number, ListedOrder(**row._mapping)) for row in found]
        if len(rows) > limit:
            last, row = rows[limit - 1]
            place = [str(last), str(getattr(row, _COLUMNS[last].name)), row.id]
            return [row for _, row in rows[:limit]], pack_cursor(place)
    return [row for _, row in rows], None
