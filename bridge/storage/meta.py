"""Small facts about the installation itself: name and text."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage.tables import meta as table
from bridge.storage.upserts import upsert


async def get(conn: AsyncConnection, name: str) -> str | None:
    value: str | None = await conn.scalar(select(table.c.value).where(table.c.name == name))
    return value


async def put(conn: AsyncConnection, name: str, value: str) -> None:
    await upsert(conn, table, {"name": name, "value": value}, keys=["name"], update={"value": value})


async def put_if_absent(conn: AsyncConnection, name: str, value: str) -> None:
    """Of several processes that start at once, the first one's value stays."""
    await upsert(conn, table, {"name": name, "value": value}, keys=["name"])
