"""Orders: which channel order is which store order, how far it is, and the intention it was created with."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, and_, bindparam, delete, func, or_, select
from sqlalchemy import update as sql_update
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.plans import OrderPlan, Reserved
from bridge.storage import order_search
from bridge.storage.columns import db_now_ms
from bridge.storage.errors import NotFound
from bridge.storage.ids import new_id
from bridge.storage.order_search import ListedOrder
from bridge.storage.tables import orders as table
from bridge.storage.upserts import upsert


class OrderState(StrEnum):
    NEW = "new"
    WAITING = "waiting"
    IMPORTING = "importing"
    IMPORTED = "imported"
    SETTLED = "settled"
    HELD = "held"
    NOT_IMPORTED = "not_imported"
    IGNORED = "ignored"
    POISONED = "poisoned"


ALIVE = frozenset(
    {
        OrderState.NEW,
        OrderState.WAITING,
        OrderState.IMPORTING,
        OrderState.IMPORTED,
        OrderState.HELD,
        OrderState.POISONED,
    }
)
"""What the audit always looks at. A hint takes up an order of any state."""
SETTLED_ALIVE = timedelta(days=90)
"""A settled order is one whose books agree, most of them with living units: the audit goes on looking at it for so long
after it came to us."""


@dataclass(frozen=True, slots=True)
class OrderRecord:
    id: str
    shop_id: str
    channel_order_id: str
    state: OrderState
    because: str
    store_connection_id: str | None
    store_view: str | None
    store_order_id: str | None
    store_number: str | None
    plan: OrderPlan | None
    create_sent_at: datetime | None
    origin: str | None
    """`created` by the bridge, or `linked` to an order that was there."""
    reserved: Reserved | None
    reserved_because: str
    repair_tried: bool
    row_ids: dict[str, str]
    """Key of the planned row → id of the store's row."""
    blocked: str | None
    """Why no effect may happen until a person settles it."""
    forced: dict[str, Any]
    """What a person allowed for this order, such as `{"create": true}`."""
    reading: dict[str, Any] | None
    """The last reading of both sides, for people."""
    channel_created_at: datetime | None
    settled_at: datetime | None
    waiting_since: datetime | None
    """Since when it waits for something outside: an outage, PENDING, an upgrade."""
    waits_for: str | None
    """`outage:` or `upgrade:` and the connection's id, or `pending`."""
    braked_at: datetime | None
    """Since when it waits behind its shop's brake."""
    searched_for: str | None
    """Fingerprint of what was known when the store was last searched in vain for another connector's order."""
    swept_at: datetime | None
    """When a sweep last marked it."""
    drifted_at: datetime | None
    """When a difference was last found that no message had told of."""
    created_at: datetime
    updated_at: datetime


def work_key(shop_id: str, channel_order_id: str) -> str:
    """The order's key in the work book."""
    return f"order:{shop_id}:{channel_order_id}"


def record(stored: Mapping[Any, Any]) -> OrderRecord:
    """An order from its columns' values."""
    values = dict(stored)
    values["state"] = OrderState(values["state"])
    if values["plan"] is not None:
        values["plan"] = OrderPlan.from_json(values["plan"])
    if values["reserved"] is not None:
        values["reserved"] = Reserved(values["reserved"])
    return OrderRecord(**values)


async def _one(conn: AsyncConnection, query: Select[Any]) -> OrderRecord | None:
    row = (await conn.execute(query)).one_or_none()
    return None if row is None else record(row._mapping)


async def get(conn: AsyncConnection, order_id: str) -> OrderRecord | None:
    return await _one(conn, select(table).where(table.c.id == order_id))


async def locked(conn: AsyncConnection, order_id: str) -> OrderRecord | None:
    """The order, for this transaction alone to change: what others write to it waits."""
    return await _one(conn, select(table).where(table.c.id == order_id).with_for_update())


async def by_channel(conn: AsyncConnection, shop_id: str, channel_order_id: str) -> OrderRecord | None:
    return await _one(
        conn, select(table).where(table.c.shop_id == shop_id, table.c.channel_order_id == channel_order_id)
    )


async def of_channel_ids(
    conn: AsyncConnection, shop_id: str, channel_order_ids: Collection[str]
) -> dict[str, OrderRecord]:
    """Those of these sales that are known, by the channel's id."""
    rows = await conn.execute(
        select(table).where(table.c.shop_id == shop_id, table.c.channel_order_id.in_(sorted(channel_order_ids)))
    )
    return {row.channel_order_id: record(row._mapping) for row in rows}


async def by_channel_id(conn: AsyncConnection, channel_order_id: str) -> list[OrderRecord]:
    """Orders of any shop with this channel order id."""
    rows = await conn.execute(
        select(table).where(table.c.channel_order_id == channel_order_id).order_by(table.c.id).limit(100)
    )
    return [record(row._mapping) for row in rows]


async def by_store(conn: AsyncConnection, connection_id: str, store_order_id: str) -> OrderRecord | None:
    """The order that stands for this store order; the oldest, should several claim it."""
    return await _one(
        conn,
        select(table)
        .where(table.c.store_connection_id == connection_id, table.c.store_order_id == store_order_id)
        .order_by(table.c.id)
        .limit(1),
    )


_KEY_BY_STORE = (
    select(table.c.shop_id, table.c.channel_order_id)
    .where(table.c.store_connection_id == bindparam("connection"), table.c.store_order_id == bindparam("store_order"))
    .order_by(table.c.id)
    .limit(1)
)


async def key_by_store(conn: AsyncConnection, connection_id: str, store_order_id: str) -> tuple[str, str] | None:
    """Shop and channel order id of the order that stands for this store order; the oldest, should several claim it."""
    values = {"connection": connection_id, "store_order": store_order_id}
    row = (await conn.execute(_KEY_BY_STORE, values)).one_or_none()
    return None if row is None else (row.shop_id, row.channel_order_id)


async def ensure(conn: AsyncConnection, shop_id: str, channel_order_id: str) -> OrderRecord:
    """The order's record, made now if there is none; two processes at once get the same one."""
    found = await by_channel(conn, shop_id, channel_order_id)
    if found is not None:
        return found
    values = {
        "id": new_id("ord"),
        "shop_id": shop_id,
        "channel_order_id": channel_order_id,
        "state": OrderState.NEW.value,
        "because": "",
        "reserved_because": "",
        "repair_tried": False,
        "row_ids": {},
        "forced": {},
        "created_at": db_now_ms(),
        "updated_at": db_now_ms(),
    }
    await upsert(conn, table, values, keys=["shop_id", "channel_order_id"])
    made = await by_channel(conn, shop_id, channel_order_id)
    assert made is not None
    return made


def unsaved(shop_id: str, channel_order_id: str, now: datetime) -> OrderRecord:
    """The record of an order that was never looked at, as it would begin; its id is empty and it stands nowhere."""
    nothing: dict[str, Any] = dict.fromkeys(field.name for field in fields(OrderRecord))
    begun = {
        "id": "",
        "shop_id": shop_id,
        "channel_order_id": channel_order_id,
        "state": OrderState.NEW,
        "because": "",
        "reserved_because": "",
        "repair_tried": False,
        "row_ids": {},
        "forced": {},
        "created_at": now,
        "updated_at": now,
    }
    return OrderRecord(**(nothing | begun))


async def update(conn: AsyncConnection, order_id: str, **fields: Any) -> OrderRecord:
    """Change fields by name, in the types of `OrderRecord`, and read the order as it is then. Raises `NotFound`."""
    await set_fields(conn, order_id, **fields)
    stored = await get(conn, order_id)
    if stored is None:
        raise NotFound(f"there is no order {order_id}")
    return stored


async def set_fields(conn: AsyncConnection, order_id: str, **fields: Any) -> None:
    """Change fields by name, in the types of `OrderRecord`. Raises `NotFound`."""
    if isinstance(fields.get("plan"), OrderPlan):
        fields["plan"] = fields["plan"].to_json()
    for name in ("state", "reserved"):
        if isinstance(fields.get(name), StrEnum):
            fields[name] = fields[name].value
    changed = await conn.execute(
        sql_update(table).where(table.c.id == order_id).values(**fields, updated_at=db_now_ms())
    )
    if not changed.rowcount:
        raise NotFound(f"there is no order {order_id}")


async def forget_unseen(conn: AsyncConnection, order_id: str) -> bool:
    """Take back a record that was begun and came to nothing: no look ever showed the order. Whether it was one."""
    gone = await conn.execute(
        delete(table).where(
            table.c.id == order_id,
            table.c.state == OrderState.NEW.value,
            table.c.reading.is_(None),
            table.c.create_sent_at.is_(None),
            table.c.store_order_id.is_(None),
        )
    )
    return gone.rowcount > 0


async def swept(conn: AsyncConnection, order_ids: Iterable[str]) -> None:
    """A sweep marked these: it is remembered who had them looked at."""
    if ids := sorted(set(order_ids)):
        await conn.execute(sql_update(table).where(table.c.id.in_(ids)).values(swept_at=db_now_ms()))


async def alive(
    conn: AsyncConnection, shop_id: str | None = None, after_id: str | None = None, limit: int = 500
) -> list[OrderRecord]:
    """Orders that something can still happen to, by id: what the audit marks, page by page."""
    young = table.c.created_at > db_now_ms(-SETTLED_ALIVE.total_seconds())
    # Hidden from the index on purpose: the audit walks the ids once, where the states' index would sort for every page.
    state = func.coalesce(table.c.state, "")
    always = state.in_([one.value for one in ALIVE])
    query = select(table).where(or_(always, and_(state == OrderState.SETTLED.value, young)))
    if shop_id is not None:
        query = query.where(table.c.shop_id == shop_id)
    if after_id is not None:
        query = query.where(table.c.id > after_id)
    return [record(row._mapping) for row in await conn.execute(query.order_by(table.c.id).limit(limit))]


async def counts(conn: AsyncConnection) -> dict[OrderState, int]:
    """How many orders are in each state."""
    rows = await conn.execute(select(table.c.state, func.count()).group_by(table.c.state))
    return {OrderState(state): count for state, count in rows}


async def search(
    conn: AsyncConnection,
    *,
    query: str | None = None,
    state: OrderState | str | None = None,
    shop_id: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> tuple[list[ListedOrder], str | None]:
    """A page of orders and the cursor of the next one. See `bridge.storage.order_search`. Raises `BadCursor`."""
    return await order_search.page(conn, query=query or "", state=state, shop_id=shop_id, cursor=cursor, limit=limit)
