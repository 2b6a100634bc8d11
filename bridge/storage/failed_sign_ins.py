"""How often a sign-in failed lately: for one name from one address, for the name, and for the address.

An address is what `bridge.proxies` makes of it; None where it cannot be known.

An attempt is counted before its password is looked at, and given back when it was right: however many are sent at once,
no more of them are looked at than may fail.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from sqlalchemy import delete, select, update
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
"""Failures from one address, whatever the name: high, because an address may stand for many people."""


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def _name(name: str) -> str:
    """Half a digest: what is counted of the name from one address begins with it, so that all of it can be found."""
    return _digest("name", name_key(name))[:32]


def _both(name: str, address: str) -> str:
    return _name(name) + _digest("both", address)[:32]


def _scopes(name: str, address: str | None) -> Mapping[str, int]:
    """Hash → how many failures are borne. Without an address only the name is counted."""
    scopes = {_name(name): NAME}
    if address is not None:
        scopes |= {_both(name, address): BOTH, _digest("address", address): ADDRESS}
    return scopes


async def is_blocked(conn: AsyncConnection, name: str, address: str | None) -> bool:
    limits = _scopes(name, address)
    young = table.c.since > db_now_ms(-WINDOW.total_seconds())
    query = select(table.c.scope, table.c.count).where(table.c.scope.in_(limits), young)
    return any(failures >= limits[scope] for scope, failures in await conn.execute(query))


async def take(conn: AsyncConnection, name: str, address: str | None) -> bool:
    """Count an attempt as failed until `forget` says otherwise. False where it is one too many: that is not counted."""
    if await is_blocked(conn, name, address):
        return False
    limits = _scopes(name, address)
    await conn.execute(delete(table).where(table.c.since <= db_now_ms(-WINDOW.total_seconds())))
    # In one order, so that two attempts at once do not wait for each other.
    for scope in sorted(limits):
        values = {"scope": scope, "count": 1, "since": db_now_ms()}
        await upsert(conn, table, values, keys=["scope"], update={"count": table.c.count + 1})
    # The rows are locked now: on a server, others may have counted since the first look, and nobody does any more.
    counted = await conn.execute(select(table.c.scope, table.c.count).where(table.c.scope.in_(limits)))
    if all(attempts <= limits[scope] for scope, attempts in counted):
        return True
    await _give_back(conn, limits)
    return False


async def forget(conn: AsyncConnection, name: str, address: str | None) -> None:
    """After a password that was right: all of its own name from its own address, and of the others the one attempt."""
    await _give_back(conn, _scopes(name, address))
    if address is not None:
        await conn.execute(delete(table).where(table.c.scope == _both(name, address)))


async def lift(conn: AsyncConnection, name: str) -> None:
    """The name is open again, from everywhere; an address that failed with many names is not."""
    await conn.execute(delete(table).where(table.c.scope.startswith(_name(name))))


async def _give_back(conn: AsyncConnection, scopes: Mapping[str, int]) -> None:
    ours = table.c.scope.in_(scopes)
    await conn.execute(update(table).where(ours).values(count=table.c.count - 1))
    await conn.execute(delete(table).where(ours, table.c.count <= 0))
