"""A message named a thing of the store or an account: take the order behind it, or learn that it is not ours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.keys import HintKey, OrderKey
from bridge.domain.outcomes import Reauth, RemoteProblem
from bridge.domain.store_order import StoreOrder
from bridge.killpoints import KillPoint, reach
from bridge.ports import TEST_TOPIC, Platform
from bridge.storage import foreign, inbox, orders, shops, work
from bridge.storage.connections import Connection
from bridge.storage.work import Claimed
from bridge.sync import linking, outbreak, upkeep
from bridge.sync.desk import Desk, log, store_of
from bridge.sync.sheet import Sheet, load_at_once

NOT_THERE_YET = timedelta(seconds=60)
"""A memo may be told of before it can be read; after this it is taken as gone."""
ASK_AGAIN = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Taken:
    """A hint's order, under the lease that the hint had."""

    key: OrderKey
    claimed: Claimed | None
    """None: another worker has the order, and will look again."""
    sheet: Sheet | None
    """What our books say of it under that lease; None: to be read on its own."""


@dataclass(frozen=True, slots=True)
class Found:
    """What our books say of a hint."""

    connection: Connection | None
    order: OrderKey | None = None
    """The order it names, where it names a store order that is ours."""
    is_foreign: bool = False
    """It names a store order that is known not to be ours."""


async def look_up(conn: AsyncConnection, desk: Desk, key: HintKey) -> Found:
    connection = await desk.connections.get(conn, key.connection_id)
    platform = desk.platforms[connection.kind] if connection else None
    if platform is None or key.topic not in platform.order_topics:
        return Found(connection)
    known = await _known(conn, key.connection_id, key.subject)
    is_foreign = known is None and await foreign.is_foreign(conn, key.connection_id, key.subject, None)
    return Found(connection, known, is_foreign)


async def resolve(desk: Desk, key: HintKey, claimed: Claimed, first: Found | None = None) -> Taken | datetime | None:
    """The order to settle, taken; or when to ask again; or None: nothing of ours.

    `first`: what our books said when the lease was taken, where that was read in the same transaction.
    """
    if key.topic == TEST_TOPIC:
        return None
    found = first if first is not None else await desk.db.read(lambda conn: look_up(conn, desk, key))
    connection = found.connection
    if connection is None or found.is_foreign:
        return None
    platform = desk.platforms[connection.kind]
    if not key.subject and key.topic in platform.farewells:
        because = f"the authorization was withdrawn on {platform.name}: {key.topic}"
        await outbreak.wait_for(desk, key.connection_id, Reauth(because))
        return None
    if platform.side == "channel":
        return await _of_channel(desk, platform, key, claimed)
    if found.order is not None:
        order = found.order
        return await desk.db.write(lambda conn: _take(conn, desk, key, claimed, order))
    try:
        return await _ask_store(desk, key, claimed, connection)
    except RemoteProblem as problem:
        return await outbreak.wait_for(desk, key.connection_id, problem.outcome)


async def _take(conn: AsyncConnection, desk: Desk, hint: HintKey, claimed: Claimed, order: OrderKey) -> Taken:
    """From the hint to its order, under one lease; its arrivals belong to the order from now on."""
    await inbox.rekey(conn, str(hint), str(order))
    taken = await work.swap(conn, claimed, str(order))
    return Taken(order, taken, await load_at_once(conn, desk, order) if taken else None)


async def _of_channel(desk: Desk, platform: Platform, key: HintKey, claimed: Claimed) -> Taken | None:
    """A message of a shop that was not known when it came, or about the account itself."""
    if not key.subject:
        if key.topic in platform.account_topics:
            await _of_account(desk, key)
        return None

    async def take(conn: AsyncConnection) -> Taken | None:
        shop = await shops.by_channel_id(conn, key.connection_id, key.shop)
        return await _take(conn, desk, key, claimed, OrderKey(shop.id, key.subject)) if shop else None

    taken = await desk.db.write(take)
    if taken is None:
        log.warning("hint.unknown_shop", connection=key.connection_id, shop=key.shop, order=key.subject)
    return taken


async def _of_account(desk: Desk, key: HintKey) -> None:
    """The channel says that its authorization ends: the date kept with the credentials is looked at now."""

    async def read(conn: AsyncConnection) -> tuple[Connection | None, str]:
        rows = await inbox.arrived(conn, str(key))
        return await desk.connections.get(conn, key.connection_id), "; ".join(row.note for row in rows)

    connection, told = await desk.db.read(read)
    if connection is not None:
        await upkeep.authorization(desk, connection, told)


async def _known(conn: AsyncConnection, connection_id: str, store_order_id: str) -> OrderKey | None:
    found = await orders.key_by_store(conn, connection_id, store_order_id)
    return OrderKey(*found) if found else None


async def _ask_store(desk: Desk, key: HintKey, claimed: Claimed, connection: Connection) -> Taken | datetime | None:
    store = await store_of(desk, connection)
    order_id = await store.resolve(key.topic, key.subject)
    if order_id is None:
        return await _not_there(desk, key)
    reach(KillPoint.HINT_RESOLVED)

    async def take(conn: AsyncConnection) -> Taken | None:
        known = await _known(conn, key.connection_id, order_id)
        return await _take(conn, desk, key, claimed, known) if known else None

    taken = await desk.db.write(take)
    if taken is not None:
        return taken
    order = await store.read_order(order_id)
    if order is None:
        return await _not_there(desk, key)
    return await _match(desk, key, claimed, order)


async def _match(desk: Desk, key: HintKey, claimed: Claimed, order: StoreOrder) -> Taken | None:
    """An order we made and lost the answer of is known by the channel's id it keeps; one that another connector made
    names its sale by that, by its number or in its note.

    Even then it is remembered as not ours, until it is tied: the next `orders/update` of it is then not asked for.
    """

    async def write(conn: AsyncConnection) -> Taken | None:
        tied = await _known(conn, key.connection_id, order.id)
        if tied is not None:  # while the store was asked
            return await _take(conn, desk, key, claimed, tied)
        for record in await orders.by_channel_id(conn, order.channel_order_id) if order.channel_order_id else []:
            if record.store_connection_id == key.connection_id and not record.store_order_id:
                return await _take(conn, desk, key, claimed, OrderKey(record.shop_id, record.channel_order_id))
        await foreign.remember(conn, key.connection_id, order.id, order.updated_at)
        named = await linking.sales_named(
            conn, key.connection_id, order.channel_order_id, order.number, order.customer_note
        )
        if not named:
            return None
        await work.mark(conn, [str(other) for other in named[1:]])
        return await _take(conn, desk, key, claimed, named[0])

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
