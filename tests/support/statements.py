"""One statement on a test's database, for what no function of the product is there to do or to see."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage.engine import Database


async def rows_of(db: Database, statement: str, **values: Any) -> list[Any]:
    async def run(conn: AsyncConnection) -> list[Any]:
        result = await conn.execute(text(statement), values)
        return list(result) if result.returns_rows else []

    return await db.write(run)
