"""The changelog: what happened to an order, in words a merchant understands. Written, never changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage.columns import db_now_ms
from bridge.storage.ids import new_id
from bridge.storage.rows import short_fingerprint
from bridge.storage.tables import changelog as table


@dataclass(frozen=True, slots=True)
class Entry:
    id: str
    order_id: str
    at: datetime
    event: str
    because: str
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """An entry to be written."""

    event: str
    because: str
    facts: Mapping[str, Any]


async def write_all(conn: AsyncConnection, order_id: str, lines: Iterable[Line], at: datetime) -> None:
    """Write several entries of one moment, in their order. `at` is the database's time, read in this transaction."""
    values = [
        {
            "id": new_id("log"),
            "order_id": order_id,
            "at": at,
            "event": line.event,
            "fingerprint": None,
            "because": line.because,
            "facts": dict(line.facts),
        }
        for line in lines
    ]
    if values:
        await conn.execute(insert(table), values)


_NOW = insert(table).values(at=db_now_ms())


async def write(
    conn: AsyncConnection,
    order_id: str,
    event: str,
    because: str,
    facts: Mapping[str, Any] | None = None,
    *,
    fingerprint: str | None = None,
) -> None:
    await conn.execute(
        _NOW,
        {
            "id": new_id("log"),
            "order_id": order_id,
            "event": event,
            "fingerprint": None if fingerprint is None else short_fingerprint(fingerprint),
            "because": because,
            "facts": dict(facts or {}),
        },
    )


_LAST = (
    select(table.c.fingerprint)
    .where(table.c.order_id == bindparam("order"), table.c.event == bindparam("what"))
    .order_by(table.c.id.desc())
    .limit(1)
)


async def write_once(
    conn: AsyncConnection,
    order_id: str,
    event: str,
    fingerprint: str,
    because: str,
    facts: Mapping[str, Any] | None = None,
) -> bool:
    """Write it unless the order's last entry of this event has the same fingerprint."""
    if await conn.scalar(_LAST, {"order": order_id, "what": event}) == short_fingerprint(fingerprint):
        return False
    await write(conn, order_id, event, because, facts, fingerprint=fingerprint)
    return True


async def of_order(conn: AsyncConnection, order_id: str, after: str | None = None, limit: int = 500) -> list[Entry]:
    """Entries of an order, the oldest first; `after` is the id of the last one seen."""
    query = select(table.c.id, table.c.order_id, table.c.at, table.c.event, table.c.because, table.c.facts).where(
        table.c.order_id == order_id
    )
    if after is not None:
        query = query.where(table.c.id > after)
    rows = await conn.execute(query.order_by(table.c.id).limit(limit))
    return [Entry(**row._mapping) for row in rows]


async def latest(
    conn: AsyncConnection, order_id: str, before: str | None = None, limit: int = 40
) -> tuple[list[Entry], str | None]:
    """Entries of an order, the newest first, and what to ask `before` for those before them; None at the beginning."""
    query = select(table.c.id, table.c.order_id, table.c.at, table.c.event, table.c.because, table.c.facts).where(
        table.c.order_id == order_id
    )
    if before is not None:
        query = query.where(table.c.id < before)
    found = [Entry(**row._mapping) for row in await conn.execute(query.order_by(table.c.id.desc()).limit(limit + 1))]
    return found[:limit], found[limit - 1].id if len(found) > limit else None
