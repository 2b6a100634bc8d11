"""Store orders that are not ours, as of a reading: most updates of a busy store are about these."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import case, delete, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage.columns import Instant
from bridge.storage.tables import foreign_orders as table
from bridge.storage.upserts import upsert


async def remember(conn: AsyncConnection, connection_id: str, store_order_id: str, updated_at: datetime) -> None:
    """This order, as it was at `updated_at`, is not ours; an older reading does not take back a newer one."""
    later = case((table.c.updated_at < updated_at, literal(updated_at, Instant())), else_=table.c.updated_at)
    values = {"connection_id": connection_id, "store_order_id": store_order_id, "updated_at": updated_at}
    await upsert(conn, table, values, keys=["connection_id", "store_order_id"], update={"updated_at": later})


async def is_foreign(
    conn: AsyncConnection, connection_id: str, store_order_id: str, updated_at: datetime | None
) -> bool:
    """Whether it is known not to be ours, and not changed since. `updated_at` None: the time of change is not known."""
    known = await conn.scalar(
        select(table.c.updated_at).where(
            table.c.connection_id == connection_id, table.c.store_order_id == store_order_id
        )
    )
    return known is not None and (updated_at is None or updated_at <= known)


async def forget_connection(conn: AsyncConnection, connection_id: str) -> int:
    """A link, a pattern or a create was written: any of the store's orders may be ours now."""
    return (await conn.execute(delete(table).where(table.c.connection_id == connection_id))).rowcount


async def forget(conn: AsyncConnection, connection_id: str, store_order_id: str) -> None:
    await conn.execute(
        delete(table).where(table.c.connection_id == connection_id, table.c.store_order_id == store_order_id)
    )
