"""How often a sign-in failed lately: for one name from one address, for the name, and for the address."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage.columns import db_now_ms
from bridge.storage.tables import failed_sign_ins as table
from bridge.storage.upserts import upsert
from bridge.storage.users import name_key

WINDOW: Final = timedelta(minutes=15)
BOTH: Final = 5
"""Failures of one name from one address within the window."""
NAME: Final = 50
"""Failures of one name from anywhere: high, so that a stranger does not lock its owner out by a handful."""
ADDRESS: Final = 100
"""Failures from one address, whatever the name: high, because a proxy may stand for many people."""


def _scopes(name: str, address: str) -> Mapping[str, int]:
    """Hash → how many failures are borne."""

    def scope(*parts: str) -> str:
        return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()

    key = name_key(name)
    return {scope("both", key, address): BOTH, scope("name", key): NAME, scope("address", address): ADDRESS}


async def is_blocked(conn: AsyncConnection, name: str, address: str) -> bool:
    limits = _scopes(name, address)
    young = table.c.since > db_now_ms(-WINDOW.total_seconds())
    query = select(table.c.scope, table.c.count).where(table.c.scope.in_(limits), young)
    return any(failures >= limits[scope] for scope, failures in await conn.execute(query))


async def note(conn: AsyncConnection, name: str, address: str) -> None:
    await conn.execute(delete(table).where(table.c.since <= db_now_ms(-WINDOW.total_seconds())))
    # In one order, so that two failures at once do not wait for each other.
    for scope in sorted(_scopes(name, address)):
        values = {"scope": scope, "count": 1, "since": db_now_ms()}
        await upsert(conn, table, values, keys=["scope"], update={"count": table.c.count + 1})


async def forget(conn: AsyncConnection, name: str, address: str) -> None:
    """After a sign-in that worked: its own name from its own address only."""
    both = next(scope for scope, limit in _scopes(name, address).items() if limit == BOTH)
    await conn.execute(delete(table).where(table.c.scope == both))
