"""SKU mappings changed one by one, the seller SKUs that no store knows, and the orders that wait for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.attention import AttentionKind
from bridge.storage import orders, shops, work
from bridge.storage.tables import attention, sku_mappings
from bridge.storage.tables import orders as orders_table
from bridge.storage.upserts import upsert

PAGE = 500
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Missing:
    """A seller SKU that is not in the shop's store."""

    sku: str
    orders: int
    """Orders that wait for it."""


async def change(conn: AsyncConnection, shop_id: str, changes: Mapping[str, str | None]) -> None:
    """Map these seller SKUs; None takes a mapping away. All others stay as they are."""
    gone = sorted(shops.sku_key(sku) for sku, store_sku in changes.items() if store_sku is None)
    for start in range(0, len(gone), _CHUNK):
        some = gone[start : start + _CHUNK]
        await conn.execute(
            delete(sku_mappings).where(sku_mappings.c.shop_id == shop_id, sku_mappings.c.sku_key.in_(some))
        )
    for sku, store_sku in sorted(changes.items()):
        if store_sku is None:
            continue
        row = {"shop_id": shop_id, "sku_key": shops.sku_key(sku), "seller_sku": sku, "store_sku": store_sku}
        await upsert(conn, sku_mappings, row, keys=["shop_id", "sku_key"], update={"store_sku": store_sku})


async def missing(conn: AsyncConnection, shop_id: str) -> list[Missing]:
    """What orders of the shop wait for, the most wanted first."""
    counted: Counter[str] = Counter()
    async for _, skus in _waiting(conn, shop_id):
        counted.update(set(skus))
    return [Missing(sku, number) for sku, number in sorted(counted.items(), key=lambda one: (-one[1], one[0]))]


async def mark_waiting(conn: AsyncConnection, shop_id: str, skus: Collection[str]) -> int:
    """Every order of the shop that waits for one of these SKUs is worth a look now. How many."""
    wanted = frozenset(skus)
    keys = {key async for key, names in _waiting(conn, shop_id) if wanted & set(names)}
    await work.mark(conn, keys)
    return len(keys)


async def _waiting(conn: AsyncConnection, shop_id: str) -> AsyncIterator[tuple[str, Iterable[str]]]:
    """Work key and missing SKUs of each order that waits, dismissed or not; page by page."""
    after = ""
    while True:
        rows = (
            await conn.execute(
                select(attention.c.id, attention.c.facts, orders_table.c.channel_order_id)
                .join(orders_table, orders_table.c.id == attention.c.order_id)
                .where(
                    attention.c.kind == AttentionKind.UNKNOWN_SKU.value,
                    attention.c.state.in_(["open", "dismissed"]),
                    attention.c.shop_id == shop_id,
                    attention.c.id > after,
                )
                .order_by(attention.c.id)
                .limit(PAGE)
            )
        ).all()
        for row in rows:
            yield orders.work_key(shop_id, row.channel_order_id), _skus(row.facts)
        if len(rows) < PAGE:
            return
        after = rows[-1].id


def _skus(facts: Mapping[str, object]) -> Iterable[str]:
    found = facts.get("skus", [])
    return [str(sku) for sku in found] if isinstance(found, list) else []
