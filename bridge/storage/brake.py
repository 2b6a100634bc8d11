"""The brake of a shop: too many cancellations in an hour, so none goes on until a person answers.

A mistake made once in the store for many orders must not trickle out at thirty an hour all night. The shop's row says
that the brake is pulled; each order that waits behind it says since when.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import String, bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.attention import AttentionKind
from bridge.storage import attention, audit, changelog, ledger, orders, work
from bridge.storage.columns import Instant, db_now_ms
from bridge.storage.footing import BRAKED
from bridge.storage.tables import orders as orders_table
from bridge.storage.tables import shops

NAMED = 10
"""So many of the waiting orders are named in what a person is asked."""
A_SECOND = 10
"""Orders that become due in a second when the brake is let go."""


@dataclass(frozen=True, slots=True)
class Behind:
    count: int
    """Orders of the shop that wait behind its brake."""
    first: tuple[str, ...]
    """The channel's ids of the first of them."""
    newest: datetime | None
    """Since when the last of them waits."""


@dataclass(frozen=True, slots=True)
class Standing:
    brake: dict[str, Any] | None
    version: int
    """Of the shop's settings and brake."""
    now: datetime
    """By the database's clock."""


async def standing(conn: AsyncConnection, shop_id: str) -> Standing:
    """How the shop's brake stands; nobody lets it go before this transaction ends."""
    row = (
        await conn.execute(
            select(shops.c.brake, shops.c.version, db_now_ms().label("now"))
            .where(shops.c.id == shop_id)
            .with_for_update()
        )
    ).one()
    return Standing(row.brake, row.version, row.now)


# Built once: they stand between a delivery and its effect. Two of them: what is counted is counted under the lock.
_HOLD_SHOP = select(shops.c.id).where(shops.c.id == bindparam("shop")).with_for_update()
_CLAIMED = ledger.effects_since(bindparam("shop", type_=String()), BRAKED, bindparam("since", type_=Instant()))


async def is_full(conn: AsyncConnection, shop_id: str, limit: int, since: datetime) -> bool:
    """Whether so many were claimed since then. Nobody claims another before this transaction ends: it is exact."""
    await conn.execute(_HOLD_SHOP, {"shop": shop_id})
    return int(await conn.scalar(_CLAIMED, {"shop": shop_id, "since": since}) or 0) >= limit


async def pull(conn: AsyncConnection, shop_id: str, brake: dict[str, Any]) -> None:
    """Stop the direction. The shop's version moves: what other workers are about to claim is decided again."""
    await conn.execute(
        update(shops)
        .where(shops.c.id == shop_id, shops.c.brake.is_(None))
        .values(brake=brake, version=shops.c.version + 1)
    )


def _waiting(shop_id: str) -> Any:
    return (orders_table.c.shop_id == shop_id) & orders_table.c.braked_at.is_not(None)


async def behind(conn: AsyncConnection, shop_id: str) -> Behind:
    waiting = func.count().label("waiting"), func.max(orders_table.c.braked_at, type_=Instant()).label("newest")
    row = (await conn.execute(select(*waiting).where(_waiting(shop_id)))).one()
    first = await conn.execute(
        select(orders_table.c.channel_order_id)
        .where(_waiting(shop_id))
        .order_by(orders_table.c.braked_at, orders_table.c.id)
        .limit(NAMED)
    )
    return Behind(int(row.waiting), tuple(first.scalars()), row.newest)


async def release(
    conn: AsyncConnection, shop_id: str, who: str, now: datetime, *, let_through: bool, until: datetime | None = None
) -> int:
    """A person answered: the direction goes on, and every order that waited is looked at, spread over a while.

    `let_through`: those that wait since `until` at the latest (None: all) are cancelled whatever the count, which they
    still raise. For the others the limit in force decides. Answers how many are let through, or waited.
    """
    released = await conn.execute(
        update(shops)
        .where(shops.c.id == shop_id, shops.c.brake.is_not(None))
        .values(brake=None, version=shops.c.version + 1)
    )
    await attention.close(conn, shop_id=shop_id, kinds=[AttentionKind.BRAKE.value])
    rows = await conn.execute(
        select(orders_table.c.id, orders_table.c.channel_order_id, orders_table.c.forced, orders_table.c.braked_at)
        .where(_waiting(shop_id))
        .order_by(orders_table.c.braked_at, orders_table.c.id)
    )
    waiting = list(rows)
    through = 0
    for place, row in enumerate(waiting):
        fields: dict[str, Any] = {"braked_at": None}
        goes = let_through and (until is None or row.braked_at <= until)
        through += goes
        why = "this order goes through" if goes else "this one came later" if let_through else "the limit is another"
        if goes:
            fields["forced"] = row.forced | {"allowed": _with_brake(row.forced.get("allowed", []))}
        await orders.set_fields(conn, row.id, **fields)
        words = f"{who} lets the brake go: {why}"
        await changelog.write(conn, row.id, "person", words, {"who": who, "allow": ["brake"] if goes else []})
        due = now + timedelta(seconds=place // A_SECOND)
        await work.mark(conn, [orders.work_key(shop_id, row.channel_order_id)], due)
    if waiting or released.rowcount:
        about = {"orders": through if let_through else len(waiting), "let_through": let_through}
        await audit.write(conn, who, f"shop {shop_id} brake released", None, about)
    return through if let_through else len(waiting)


def _with_brake(allowed: Iterable[str]) -> list[str]:
    return sorted({*allowed, "brake"})
