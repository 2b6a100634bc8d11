"""History: what one run over the past found, order by order. A run's rows are its memory: none is compared twice."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage.columns import db_now_ms
from bridge.storage.ids import new_id
from bridge.storage.rows import pack_cursor, unpack_cursor
from bridge.storage.tables import history as table
from bridge.storage.upserts import upsert

HELD, NOTHING = "held", "nothing"
"""What a row without an effect is counted as."""
FOUND, APPLIED = "found", "applied"


@dataclass(frozen=True, slots=True)
class Entry:
    id: str
    job_id: str
    shop_id: str
    channel_order_id: str
    store_order_id: str | None
    store_number: str | None
    effect: str | None
    """Kind of the effect it would have caused; None: none."""
    verdict: str
    because: str
    facts: dict[str, Any]
    state: str
    """`found`, or `applied` once a person has asked for it."""
    created_at: datetime


async def add(
    conn: AsyncConnection,
    *,
    job_id: str,
    shop_id: str,
    channel_order_id: str,
    store_order_id: str | None,
    store_number: str | None,
    effect: str | None,
    verdict: str,
    because: str,
    facts: Mapping[str, Any],
) -> None:
    """Once for each order of a run; what is there stays."""
    values = {
        "id": new_id("his"),
        "job_id": job_id,
        "shop_id": shop_id,
        "channel_order_id": channel_order_id,
        "store_order_id": store_order_id,
        "store_number": store_number,
        "effect": effect,
        "verdict": verdict,
        "because": because,
        "facts": dict(facts),
        "state": FOUND,
        "created_at": db_now_ms(),
    }
    await upsert(conn, table, values, keys=["job_id", "channel_order_id"])


async def known(conn: AsyncConnection, job_id: str, channel_order_ids: Collection[str]) -> set[str]:
    """Of these orders, those that the run has compared."""
    rows = await conn.execute(
        select(table.c.channel_order_id).where(
            table.c.job_id == job_id, table.c.channel_order_id.in_(sorted(channel_order_ids))
        )
    )
    return {row.channel_order_id for row in rows}


async def counts(conn: AsyncConnection, job_id: str) -> dict[str, int]:
    """Orders by effect; those without one as `held` or `nothing`."""
    rows = await conn.execute(
        select(table.c.effect, table.c.verdict, func.count())
        .where(table.c.job_id == job_id)
        .group_by(table.c.effect, table.c.verdict)
    )
    found: dict[str, int] = {}
    for effect, verdict, count in rows:
        name = effect or (HELD if verdict == HELD else NOTHING)
        found[name] = found.get(name, 0) + int(count)
    return found


def _is(effect: str | None) -> list[ColumnElement[bool]]:
    match effect:
        case "all":
            return []
        case None:
            return [table.c.effect.is_not(None) | (table.c.verdict == HELD)]
        case "held":
            return [table.c.effect.is_(None), table.c.verdict == HELD]
        case "nothing":
            return [table.c.effect.is_(None), table.c.verdict != HELD]
        case _:
            return [table.c.effect == effect]


async def page(
    conn: AsyncConnection,
    job_id: str,
    *,
    effect: str | None = None,
    state: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> tuple[list[Entry], str | None]:
    """A page in the order found, and the next page's cursor. Raises `BadCursor`.

    `effect`: a kind, `held`, `nothing` or `all`; None: all but nothing. `state`: `found` or `applied`; None: both.
    """
    where = [table.c.job_id == job_id, *_is(effect)]
    if state is not None:
        where.append(table.c.state == state)
    if cursor:
        where.append(table.c.id > unpack_cursor(cursor, 1)[0])
    rows = list(await conn.execute(select(table).where(*where).order_by(table.c.id).limit(limit + 1)))
    following = pack_cursor([rows[limit - 1].id]) if len(rows) > limit else None
    return [Entry(**row._mapping) for row in rows[:limit]], following


async def of_orders(conn: AsyncConnection, job_id: str, channel_order_ids: Collection[str]) -> dict[str, Entry]:
    rows = await conn.execute(
        select(table).where(table.c.job_id == job_id, table.c.channel_order_id.in_(sorted(channel_order_ids)))
    )
    return {row.channel_order_id: Entry(**row._mapping) for row in rows}


async def mark_applied(conn: AsyncConnection, entry_id: str) -> None:
    await conn.execute(update(table).where(table.c.id == entry_id).values(state=APPLIED))


async def forget(conn: AsyncConnection, shop_id: str, keep: Collection[str], limit: int = 1000) -> int:
    """Rows of the shop's earlier runs, so many at once. How many went."""
    old = (
        select(table.c.id)
        .where(table.c.shop_id == shop_id, table.c.job_id.not_in(sorted(keep)))
        .order_by(table.c.id)
        .limit(limit)
    )
    ids = [row.id for row in await conn.execute(old)]
    if ids:
        await conn.execute(delete(table).where(table.c.id.in_(ids)))
    return len(ids)
