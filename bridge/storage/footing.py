"""What an order stands on, in one query: its shop, its record, both connections, and what the brake counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import FromClause, Select, String, and_, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage import ledger, orders, restore, shops
from bridge.storage.columns import Instant
from bridge.storage.connections import Connection, Connections
from bridge.storage.orders import OrderRecord
from bridge.storage.shops import Shop
from bridge.storage.tables import connections as connections_table
from bridge.storage.tables import orders as orders_table
from bridge.storage.tables import shops as shops_table

_CHANNEL = connections_table.alias("channel")
_STORE = connections_table.alias("store")
BRAKED = ("cancel", "cancel_lines", "approve")


@dataclass(frozen=True, slots=True)
class Footing:
    shop: Shop
    record: OrderRecord | None
    """None: the order was never looked at."""
    channel_connection: Connection | None
    store_connection: Connection | None
    """The one the order is pinned to, else the one its shop is tied to."""
    cancels: int
    """What the shop was asked to cancel or approve since the given time, done or under way."""
    paused: str | None = None
    """The check after a restore for which effects are paused; None: they are not."""


_PARTS = (shops_table, orders_table, _CHANNEL, _STORE)


def _query() -> Select[Any]:
    """Built once: naming seventy columns costs more than reading them."""
    shop, order = bindparam("shop", type_=String()), bindparam("channel_order", type_=String())
    same_order = and_(orders_table.c.shop_id == shops_table.c.id, orders_table.c.channel_order_id == order)
    # `tied_to` is the connection of the shop's settings, written with them.
    store_id = func.coalesce(orders_table.c.store_connection_id, shops_table.c.tied_to)
    cancels = ledger.effects_since(shop, BRAKED, bindparam("since", type_=Instant())).scalar_subquery()
    return (
        select(
            *[column.label(f"{part.name}_{column.name}") for part in _PARTS for column in part.c],
            cancels,
            restore.paused(),
        )
        .select_from(
            shops_table.outerjoin(orders_table, same_order)
            .outerjoin(_CHANNEL, _CHANNEL.c.id == shops_table.c.connection_id)
            .outerjoin(_STORE, _STORE.c.id == store_id)
        )
        .where(shops_table.c.id == shop)
    )


_OF_ORDER = _query()


async def of_order(
    conn: AsyncConnection, connections: Connections, shop_id: str, channel_order_id: str, cancels_since: datetime
) -> Footing | None:
    """None: there is no such shop. Raises `WrongSecretKey`."""
    values = {"shop": shop_id, "channel_order": channel_order_id, "since": cancels_since}
    row = (await conn.execute(_OF_ORDER, values)).one_or_none()
    if row is None:
        return None
    rest = list(row)
    shop, record, channel, store = [_taken(rest, part) for part in _PARTS]
    return Footing(
        shop=shops.record(shop),
        record=orders.record(record) if record["id"] is not None else None,
        channel_connection=connections.record(channel) if channel["id"] is not None else None,
        store_connection=connections.record(store) if store["id"] is not None else None,
        cancels=int(rest[0]),
        paused=rest[1],
    )


def _taken(rest: list[Any], part: FromClause) -> dict[str, Any]:
    """The next part's columns by name, taken off the row."""
    names = part.c.keys()
    values = dict(zip(names, rest, strict=False))
    del rest[: len(names)]
    return values
