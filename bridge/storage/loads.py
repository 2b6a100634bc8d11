"""What waits because of each connection: counted over the open questions and the waiting orders, up to a bound."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage.columns import from_millis
from bridge.storage.tables import attention, orders, shops

AT_MOST: Final = 1000
"""So many questions, and so many orders, are looked through."""


@dataclass(frozen=True, slots=True)
class Load:
    questions: int
    """Open for a person: about the connection, its shops, or the shops tied to it."""
    orders: int
    """That wait until it can be used again."""


@dataclass(frozen=True, slots=True)
class Loads:
    of: Mapping[str, Load]
    """By connection; those with nothing are not in it."""
    is_whole: bool
    """False: there is more than was looked through, so that each number is at least so high."""


async def read(conn: AsyncConnection) -> Loads:
    """Costs the same whatever waits: two bounded reads, and the shops."""
    lives: dict[str, set[str]] = {}
    for shop in await conn.execute(select(shops.c.id, shops.c.connection_id, shops.c.tied_to)):
        lives[shop.id] = {one for one in (shop.connection_id, shop.tied_to) if one}
    asked = await conn.execute(
        select(attention.c.connection_id, attention.c.shop_id).where(attention.c.state == "open").limit(AT_MOST + 1)
    )
    questions: Counter[str] = Counter()
    for found in (rows := asked.all())[:AT_MOST]:
        questions.update(_places(found.connection_id, lives.get(found.shop_id, ())))
    # A range, which SQLite takes from the index; that a column is not NULL it does not, and reads every order.
    stopped = await conn.execute(
        select(orders.c.waits_for).where(orders.c.waiting_since >= from_millis(0)).limit(AT_MOST + 1)
    )
    waiting: Counter[str] = Counter()
    for one in (stops := stopped.scalars().all())[:AT_MOST]:
        cause, _, connection_id = (one or "").partition(":")
        if cause == "outage" and connection_id:
            waiting[connection_id] += 1
    whole = len(rows) <= AT_MOST and len(stops) <= AT_MOST
    return Loads({one: Load(questions[one], waiting[one]) for one in questions | waiting}, whole)


def _places(connection_id: str | None, lives: Collection[str]) -> set[str]:
    return {*lives, connection_id} - {None} if connection_id else set(lives)
