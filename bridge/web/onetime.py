"""Secrets that work once and for a while: links that begin an authorization, and OAuth's `state`.

Kept with the connection as digests, so that every process knows them and the database gives none away.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage.connections import Connection
from bridge.storage.tables import connections as table
from bridge.web.desk import WebDesk

_MOST = 8
"""Open ones per connection; the oldest goes."""


async def issue(desk: WebDesk, connection_id: str, slot: str, life: timedelta) -> str:
    """A new secret of `slot` (`link`, `state`) that names its connection. Raises `NotFound`."""
    secret = f"{connection_id}.{secrets.token_urlsafe(24)}"
    ends = desk.clock.now() + life

    async def write(conn: AsyncConnection) -> None:
        await _lock(conn, connection_id)
        connection = await desk.connections.get(conn, connection_id)
        kept = _open(connection, slot, desk.clock.now()) if connection else {}
        kept[_digest(secret)] = ends.isoformat()
        newest = dict(sorted(kept.items(), key=lambda item: item[1])[-_MOST:])
        facts = {**(connection.facts if connection else {}), f"_{slot}": newest}
        await desk.connections.update(conn, connection_id, facts=facts)

    await desk.db.write(write)
    return secret


async def redeem(desk: WebDesk, slot: str, secret: str) -> Connection | None:
    """The connection it was made for, once; None when it is unknown, used or too old."""
    connection_id, dot, _ = secret.partition(".")
    if not dot or not connection_id or len(secret) > 200:
        return None
    digest = _digest(secret)

    async def write(conn: AsyncConnection) -> Connection | None:
        await _lock(conn, connection_id)
        connection = await desk.connections.get(conn, connection_id)
        if connection is None:
            return None
        kept = _open(connection, slot, desk.clock.now())
        if kept.pop(digest, None) is None:
            return None
        return await desk.connections.update(conn, connection_id, facts={**connection.facts, f"_{slot}": kept})

    return await desk.db.write(write)


async def _lock(conn: AsyncConnection, connection_id: str) -> None:
    """Two who redeem at once come one after the other (SQLite has one writer anyway)."""
    await conn.execute(select(table.c.id).where(table.c.id == connection_id).with_for_update())


def _open(connection: Connection, slot: str, now: datetime) -> dict[str, str]:
    stored = connection.facts.get(f"_{slot}") or {}
    return {digest: ends for digest, ends in stored.items() if datetime.fromisoformat(ends) > now}


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
