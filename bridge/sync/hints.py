"""A message named a thing of the store or an account: find the order behind it, or learn that it is not ours."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.keys import HintKey, OrderKey
from bridge.domain.outcomes import Reauth, RemoteProblem
from bridge.domain.store_order import StoreOrder
from bridge.killpoints import KillPoint, reach
from bridge.storage import foreign, inbox, orders, shops
from bridge.storage.connections import Connection
from bridge.storage.orders import OrderRecord
from bridge.sync import outbreak
from bridge.sync.desk import Desk, log, store_of

NOT_THERE_YET = timedelta(seconds=60)
"""A memo may be told of before it can be read; after this it is taken as gone."""
ASK_AGAIN = timedelta(seconds=5)
ORDERS = "orders/update"
GONE = "seller-deauthorization"


async def resolve(desk: Desk, key: HintKey) -> OrderKey | datetime | None:
    """The order to settle; or when to ask again; or None: nothing of ours."""
    connection = await desk.db.read(lambda conn: desk.connections.get(conn, key.connection_id))
    if connection is None:
        return None
    if connection.kind != "magento":
        return await _of_channel(desk, key)
    known = await desk.db.read(lambda conn: _known(conn, key)) if key.topic == ORDERS else None
    if known is not None:
        return known
    if key.topic == ORDERS and await desk.db.read(
        lambda conn: foreign.is_foreign(conn, key.connection_id, key.subject, None)
    ):
        return None
    try:
        return await _ask_store(desk, key, connection)
    except RemoteProblem as problem:
        return await outbreak.wait_for(desk, key.connection_id, problem.outcome)


async def _of_channel(desk: Desk, key: HintKey) -> OrderKey | datetime | None:
    """A TikTok message of a shop that was not known when it came, or about the account itself."""
    if not key.subject:
        if key.topic == GONE:
            await outbreak.wait_for(
                desk, key.connection_id, Reauth("the seller withdrew the authorization on TikTok Shop")
            )
        return None
    shop = await desk.db.read(lambda conn: shops.by_channel_id(conn, key.connection_id, key.shop))
    if shop is None:
        log.warning("hint.unknown_shop", connection=key.connection_id, shop=key.shop, order=key.subject)
        return None
    return OrderKey(shop.id, key.subject)


async def _known(conn: AsyncConnection, key: HintKey) -> OrderKey | None:
    record = await orders.by_store(conn, key.connection_id, key.subject)
    return _key(record) if record else None


async def _ask_store(desk: Desk, key: HintKey, connection: Connection) -> OrderKey | datetime | None:
    store = await store_of(desk, connection)
    order_id = await store.resolve(key.topic, key.subject)
    if order_id is None:
        return await _not_there(desk, key)
    reach(KillPoint.HINT_RESOLVED)
    record = await desk.db.read(lambda conn: orders.by_store(conn, key.connection_id, order_id))
    if record is not None:
        return _key(record)
    order = await store.read_order(order_id)
    if order is None:
        return await _not_there(desk, key)
    return await _match(desk, key, order)


async def _match(desk: Desk, key: HintKey, order: StoreOrder) -> OrderKey | None:
    """An order we made and lost the answer of is known by the channel's id it keeps."""

    async def write(conn: AsyncConnection) -> OrderKey | None:
        for record in await orders.by_channel_id(conn, order.channel_order_id) if order.channel_order_id else []:
            if record.store_connection_id == key.connection_id and not record.store_order_id:
                return _key(record)
        await foreign.remember(conn, key.connection_id, order.id, order.updated_at)
        return None

    return await desk.db.write(write)


async def _not_there(desk: Desk, key: HintKey) -> datetime | None:
    rows = await desk.db.read(lambda conn: inbox.arrived(conn, str(key)))
    last = max((row.last_at for row in rows), default=None)
    now = desk.clock.now()
    if last is not None and now - last < NOT_THERE_YET:
        return now + ASK_AGAIN
    log.warning("hint.gone", connection=key.connection_id, topic=key.topic, subject=key.subject)
    await desk.db.write(lambda conn: inbox.note_arrivals(conn, rows))
    return None


def _key(record: OrderRecord) -> OrderKey:
    return OrderKey(record.shop_id, record.channel_order_id)
