"""INSERT … or update, in the dialect of the connection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection


async def upsert(
    conn: AsyncConnection,
    table: Table,
    values: Mapping[str, Any],
    *,
    keys: Sequence[str],
    update: Mapping[str, Any] | None = None,
) -> None:
    """Insert the row; where one of its unique keys exists, set `update` on it (nothing when empty).

    MySQL assigns from left to right and later expressions see earlier ones: keep expressions over columns first.
    INSERT IGNORE is not used: it hides every other error too.
    """
    if conn.dialect.name == "sqlite":
        statement = sqlite.insert(table).values(**values)
        done = (
            statement.on_conflict_do_update(index_elements=list(keys), set_=dict(update))
            if update
            else statement.on_conflict_do_nothing(index_elements=list(keys))
        )
        await conn.execute(done)
        return
    changes = list((update or {keys[0]: table.c[keys[0]]}).items())
    await conn.execute(mysql.insert(table).values(**values).on_duplicate_key_update(changes))
