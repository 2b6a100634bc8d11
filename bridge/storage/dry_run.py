"""What a dry run would have caused, and did not: orders that wait with that as their reason."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage.orders import OrderRecord, OrderState, record
from bridge.storage.rows import pack_cursor, unpack_cursor
from bridge.storage.tables import orders as table

_SAYS = "%dry run: would%"
"""As the comparison words it, alone or after what else is to be said."""


async def page(
    conn: AsyncConnection, shop_id: str, *, cursor: str | None = None, limit: int = 50
) -> tuple[list[OrderRecord], str | None]:
    """A shop's, the newest first, and the next page's cursor. Raises `BadCursor`.

    Among the shop's waiting orders, which in a dry run are mostly these and otherwise few.
    """
    where = [
        table.c.shop_id == shop_id,
        table.c.state == OrderState.WAITING.value,
        table.c.because.like(_SAYS),
    ]
    if cursor:
        where.append(table.c.id < unpack_cursor(cursor, 1)[0])
    rows = list(await conn.execute(select(table).where(*where).order_by(table.c.id.desc()).limit(limit + 1)))
    following = pack_cursor([rows[limit - 1].id]) if len(rows) > limit else None
    return [record(row._mapping) for row in rows[:limit]], following
