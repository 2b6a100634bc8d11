"""Money proofs: per settled order, its credit memos held against TikTok's own amounts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Row, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.money_proof import MoneyProof
from bridge.storage.columns import db_now_ms
from bridge.storage.rows import pack_cursor, unpack_cursor
from bridge.storage.tables import money_proofs as table
from bridge.storage.tables import orders
from bridge.storage.upserts import upsert


@dataclass(frozen=True, slots=True)
class StoredProof:
    order_id: str
    shop_id: str
    state: str
    currency: str
    channel_amount: str | None
    """What TikTok pays back, as a decimal text; None where it cannot be told."""
    store_amount: str | None
    """What the credit memos gave back."""
    difference: str | None
    lines: list[dict[str, Any]]
    because: str
    updated_at: datetime
    channel_order_id: str
    store_number: str | None


_COLUMNS = (*table.c, orders.c.channel_order_id, orders.c.store_number)
_JOINED = select(*_COLUMNS).join(orders, orders.c.id == table.c.order_id)


def _record(row: Row[Any]) -> StoredProof:
    return StoredProof(**row._mapping)


async def put(conn: AsyncConnection, order_id: str, shop_id: str, proof: MoneyProof) -> None:
    """The order's proof as it is now."""
    values = {
        "state": proof.state.value,
        "currency": proof.currency[:3],
        "channel_amount": _text(proof.channel),
        "store_amount": _text(proof.store),
        "difference": _text(proof.difference),
        "lines": [line.to_json() for line in proof.lines],
        "because": proof.because,
        "updated_at": db_now_ms(),
    }
    fresh = {"order_id": order_id, "shop_id": shop_id}
    await upsert(conn, table, fresh | values, keys=["order_id"], update=values)


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:.2f}"


async def of_order(conn: AsyncConnection, order_id: str) -> StoredProof | None:
    row = (await conn.execute(_JOINED.where(table.c.order_id == order_id))).one_or_none()
    return None if row is None else _record(row)


async def search(
    conn: AsyncConnection,
    *,
    state: str | None = None,
    shop_id: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> tuple[list[StoredProof], str | None]:
    """A page, the newest order first, and the next page's cursor. Raises `BadCursor`."""
    where: list[ColumnElement[bool]] = []
    if state is not None:
        where.append(table.c.state == state)
    if shop_id is not None:
        where.append(table.c.shop_id == shop_id)
    if cursor:
        where.append(table.c.order_id < unpack_cursor(cursor, 1)[0])
    query = _JOINED.where(*where).order_by(table.c.order_id.desc()).limit(limit + 1)
    rows = list(await conn.execute(query))
    following = pack_cursor([rows[limit - 1].order_id]) if len(rows) > limit else None
    return [_record(row) for row in rows[:limit]], following


async def counts(conn: AsyncConnection, shop_id: str | None = None) -> dict[str, int]:
    """How many orders are in each state."""
    query = select(table.c.state, func.count()).group_by(table.c.state).order_by(table.c.state)
    if shop_id is not None:
        query = query.where(table.c.shop_id == shop_id)
    return {state: int(number) for state, number in await conn.execute(query)}
