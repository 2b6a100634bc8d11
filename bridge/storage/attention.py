"""Attention: what a person should look at. One row for each scope and kind; dismissed until its facts change."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage.columns import db_now_ms
from bridge.storage.ids import new_id
from bridge.storage.rows import pack_cursor, short_fingerprint, unpack_cursor
from bridge.storage.tables import attention as table
from bridge.storage.upserts import upsert


@dataclass(frozen=True, slots=True)
class Item:
    id: str
    order_id: str | None
    shop_id: str | None
    connection_id: str | None
    kind: str
    fingerprint: str
    """Of the facts: as long as it is the same, nothing new is to be said."""
    title: str
    because: str
    what_to_do: str
    facts: dict[str, Any]
    state: str
    """`open`, `dismissed` or `closed`."""
    note: str
    """What the person wrote who dismissed it."""
    deadline_at: datetime | None
    """Until when an answer counts; None where nothing runs out."""
    created_at: datetime
    updated_at: datetime


def _scope(order_id: str | None, shop_id: str | None, connection_id: str | None) -> str:
    """The narrowest of what is named."""
    for name, value in (("order", order_id), ("shop", shop_id), ("connection", connection_id)):
        if value is not None:
            return f"{name}:{value}"
    raise ValueError("attention needs an order, a shop or a connection")


def _record(row: Row[Any]) -> Item:
    values = dict(row._mapping)
    del values["scope"]
    return Item(**values)


async def raise_item(
    conn: AsyncConnection,
    *,
    kind: str,
    fingerprint: str,
    title: str,
    because: str,
    what_to_do: str,
    facts: Mapping[str, Any],
    order_id: str | None = None,
    shop_id: str | None = None,
    connection_id: str | None = None,
) -> bool:
    """Ask for attention. True where it is newly open, or open again because its facts changed.

    The scope is the order, else the shop, else the connection; further ids are kept to be shown.
    """
    scope = _scope(order_id, shop_id, connection_id)
    fingerprint = short_fingerprint(fingerprint)
    where = (table.c.scope == scope, table.c.kind == kind)
    saying: dict[str, Any] = {
        "fingerprint": fingerprint,
        "title": title,
        "because": because,
        "what_to_do": what_to_do,
        "facts": dict(facts),
        "order_id": order_id,
        "shop_id": shop_id,
        "connection_id": connection_id,
        "state": "open",
        "note": "",
        "updated_at": db_now_ms(),
    }
    item_id = new_id("att")
    fresh = {"id": item_id, "scope": scope, "kind": kind, "created_at": db_now_ms()}
    await upsert(conn, table, saying | fresh, keys=["scope", "kind"])
    stored = (await conn.execute(select(table).where(*where).with_for_update())).one()
    if stored.id == item_id:
        return True
    same = stored.fingerprint == fingerprint
    if same and stored.state in {"open", "dismissed"}:
        return False
    await conn.execute(update(table).where(*where).values(**saying))
    return True


async def close(
    conn: AsyncConnection,
    *,
    order_id: str | None = None,
    shop_id: str | None = None,
    connection_id: str | None = None,
    kinds: Collection[str] | None = None,
    keep: Collection[str] = (),
) -> int:
    """What was asked is settled: close the scope's items of these kinds (None: all), less those to keep.

    Dismissed ones too: should the same come again later, it is news. Returns how many were closed.
    """
    where: list[ColumnElement[bool]] = [
        table.c.scope == _scope(order_id, shop_id, connection_id),
        table.c.state != "closed",
    ]
    if kinds is not None:
        where.append(table.c.kind.in_(sorted(kinds)))
    if keep:
        where.append(table.c.kind.not_in(sorted(keep)))
    closed = await conn.execute(update(table).where(*where).values(state="closed", updated_at=db_now_ms()))
    return closed.rowcount


async def dismiss(conn: AsyncConnection, item_id: str, note: str) -> bool:
    """A person has seen it; it stays away until its facts change. False where it is not open."""
    changed = await conn.execute(
        update(table)
        .where(table.c.id == item_id, table.c.state == "open")
        .values(state="dismissed", note=note, updated_at=db_now_ms())
    )
    return changed.rowcount > 0


async def get(conn: AsyncConnection, item_id: str) -> Item | None:
    row = (await conn.execute(select(table).where(table.c.id == item_id))).one_or_none()
    return None if row is None else _record(row)


async def search(
    conn: AsyncConnection,
    *,
    state: str | None = "open",
    kind: str | None = None,
    order_id: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> tuple[list[Item], str | None]:
    """A page of items, the newest first, and the next page's cursor. `state` None: all. Raises `BadCursor`."""
    where: list[ColumnElement[bool]] = []
    if state is not None:
        where.append(table.c.state == state)
    if kind is not None:
        where.append(table.c.kind == kind)
    if order_id is not None:
        where.append(table.c.order_id == order_id)
    if cursor:
        where.append(table.c.id < unpack_cursor(cursor, 1)[0])
    rows = list(await conn.execute(select(table).where(*where).order_by(table.c.id.desc()).limit(limit + 1)))
    following = pack_cursor([rows[limit - 1].id]) if len(rows) > limit else None
    return [_record(row) for row in rows[:limit]], following


async def counts(conn: AsyncConnection) -> dict[str, int]:
    """Open items of each kind."""
    rows = await conn.execute(
        select(table.c.kind, func.count()).where(table.c.state == "open").group_by(table.c.kind).order_by(table.c.kind)
    )
    return {kind: int(number) for kind, number in rows}
