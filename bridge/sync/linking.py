"""Orders that another connector made: looked for in the store, and tied to their sale when exactly one fits.

A link writes our own books alone; it is no effect and wishes for none. What changed before a direction was switched on
stays the past, linked or not.

What a search costs is bounded: it is made when the order is looked at anyway (a message, a change, the audit). For a
sale that is over on the channel it is made once for each state of the facts: `OrderRecord.searched_for` keeps their
fingerprint while nothing was found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain import linking
from bridge.domain.attention import AttentionKind, Hold, fingerprint
from bridge.domain.channel_order import ChannelOrder, OrderStatus
from bridge.domain.effects import Settlement, Verdict
from bridge.domain.keys import OrderKey
from bridge.domain.linking import Fit, Misfit
from bridge.domain.outcomes import RemoteProblem
from bridge.domain.plans import Reserved
from bridge.domain.settings import ShopSettings
from bridge.domain.store_order import StoreOrder
from bridge.ports import Store
from bridge.storage import changelog, foreign, leases, orders, shops
from bridge.storage.orders import OrderRecord
from bridge.storage.shops import Shop
from bridge.sync.desk import Desk
from bridge.sync.sheet import RemoteDown, Sheet, Sides

CLOCKS_APART = timedelta(hours=1)
"""A store's clock may be behind the channel's by so much; a store order is never older than its sale."""
LOCK_SECONDS = 30.0
OVER = frozenset({OrderStatus.COMPLETED, OrderStatus.CANCELLED})
BY_ITSELF = "linked by itself to an order the bridge did not create"


@dataclass(frozen=True, slots=True)
class Found:
    """What the store shows for a sale."""

    orders: tuple[StoreOrder, ...]
    """Those that may be this sale."""
    judged: Fit | Misfit


class AlreadyTied(Exception):
    """The store order stands for another sale."""

    def __init__(self, number: str, channel_order_id: str) -> None:
        super().__init__(f"store order {number} is already tied to TikTok order {channel_order_id}")


def is_looked_for(settlement: Settlement, record: OrderRecord, settings: ShopSettings) -> bool:
    """An order that the bridge does not make (now): whoever made it may have."""
    if record.store_order_id or record.create_sent_at is not None or settings.store is None:
        return False
    if not settings.link_orders and "link" not in record.forced.get("allowed", []):
        return False
    left_alone = settlement.verdict in {Verdict.IGNORED, Verdict.NOT_IMPORTED}
    under_way = any(hold.kind is AttentionKind.ALREADY_UNDER_WAY for hold in settlement.holds)
    would_create = settings.dry_run and settlement.verdict is Verdict.WAITING and settlement.look_again_at is None
    return left_alone or under_way or would_create


async def look(desk: Desk, sheet: Sheet, sides: Sides, settlement: Settlement) -> Settlement | None:
    """The settlement as it is after a look into the store; None when the order was tied: read everything again.

    Raises `RemoteDown`.
    """
    record, settings, channel = sheet.record, sheet.shop.settings, sides.channel
    store = sides.store_port
    if store is None or channel.status == OrderStatus.UNPAID or not is_looked_for(settlement, record, settings):
        return settlement
    facts = _facts(channel, settings, sheet.store_connection_id or "")
    over = channel.status in OVER or not channel.living
    if over and record.searched_for == facts:
        return settlement
    try:
        found = await search(desk, store, sheet.shop, channel)
    except RemoteProblem as problem:
        raise RemoteDown(sheet.store_connection_id or "", problem) from problem
    if found is None:
        if record.searched_for != facts:
            await desk.db.write(lambda conn: orders.set_fields(conn, record.id, searched_for=facts))
        return settlement
    if isinstance(found.judged, Misfit):
        return _held(settlement, found.judged.because, found.orders)
    order, fit = found.orders[0], found.judged
    connection = sheet.store_connection_id or ""

    async def write(conn: AsyncConnection) -> None:
        because = f"the store order {order.number} was found, and its rows are this sale's units: it is this one"
        await tie(conn, record, connection, order, fit, because=because, reserved_because=BY_ITSELF, owner=desk.owner)

    try:
        await desk.db.write(write)
    except AlreadyTied as taken:
        return _held(settlement, f"the store has {order.number} for this sale, but {taken}", found.orders)
    return None


def _held(before: Settlement, because: str, found: Sequence[StoreOrder]) -> Settlement:
    hold = other_order(because, found)
    return Settlement(Verdict.HELD, because, holds=(hold, *before.holds), look_again_at=before.look_again_at)


def other_order(because: str, found: Sequence[StoreOrder]) -> Hold:
    """The store has something for this sale that is not taken: a person says what it is."""
    return Hold(AttentionKind.FOUND_OTHER_ORDER, because, {"numbers": sorted(order.number for order in found)})


async def search(desk: Desk, store: Store, shop: Shop, channel: ChannelOrder) -> Found | None:
    """By TikTok's id, by every number it may carry, by the customer note. Writes nothing. Raises `RemoteProblem`."""
    settings = shop.settings
    numbers, notes = linking.numbers_of(settings, channel.id), linking.notes_of(settings, channel.id)
    read = await store.find_orders(channel.id, numbers, notes, channel.created_at - CLOCKS_APART)
    found = linking.candidates(channel, read)
    if not found:
        return None
    sku_map = await desk.db.read(lambda conn: shops.sku_map(conn, shop.id))
    return Found(found, linking.judge(channel, found, sku_map))


async def tie(
    conn: AsyncConnection,
    record: OrderRecord,
    connection_id: str,
    order: StoreOrder,
    fit: Fit,
    *,
    because: str,
    reserved_because: str,
    owner: str,
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Write the link. Raises `AlreadyTied`: a store order stands for one sale, also when two look at once."""
    lock = f"link:{connection_id}:{order.id}"
    if not await leases.try_lease(conn, lock, f"{owner}/{record.id}", LOCK_SECONDS, again=True):
        raise AlreadyTied(order.number, "that is looked at in this moment")
    taken = await orders.by_store(conn, connection_id, order.id)
    if taken is not None and taken.id != record.id:
        raise AlreadyTied(order.number, taken.channel_order_id)
    await foreign.forget(conn, connection_id, order.id)
    fields: dict[str, Any] = {
        "plan": fit.plan(order),
        "origin": "linked",
        "store_connection_id": connection_id,
        "store_view": order.view,
        "store_order_id": order.id,
        "store_number": order.number,
        "row_ids": {row.id: row.id for row in order.rows},
        "reserved": Reserved.UNKNOWN,
        "reserved_because": reserved_because,
        "searched_for": None,
    }
    await orders.set_fields(conn, record.id, **fields)
    await changelog.write(conn, record.id, "linked", because, {"store_order": order.id, **(facts or {})})
    await leases.release(conn, lock, f"{owner}/{record.id}")


async def sales_named(
    conn: AsyncConnection, connection_id: str, external_id: str, number: str, note: str
) -> list[OrderKey]:
    """The sales that a store order which is nobody's yet may stand for, by the patterns of the shops tied to its store.

    Orders that are known go before orders that a shop would have to be asked for.
    """
    known: list[OrderKey] = []
    unknown: list[OrderKey] = []
    for shop in await shops.tied_to(conn, connection_id):
        if not shop.settings.link_orders:
            continue
        for order_id in sorted(linking.ids_named(shop.settings, external_id, number, note)):
            record = await orders.by_channel(conn, shop.id, order_id)
            if record is None:
                unknown.append(OrderKey(shop.id, order_id))
            elif not record.store_order_id:
                known.append(OrderKey(shop.id, order_id))
                if record.searched_for is not None:
                    await orders.set_fields(conn, record.id, searched_for=None)  # the store's side is another now
    return known or unknown


def _facts(channel: ChannelOrder, settings: ShopSettings, connection_id: str) -> str:
    """What a search in vain was about: while this is the same, the same search would find the same nothing."""
    cancelled: Sequence[str] = sorted(channel.deaths())
    return fingerprint(
        {
            "status": channel.status,
            "updated_at": channel.updated_at.isoformat(),
            "dead": list(cancelled),
            "store": connection_id,
            "numbers": list(linking.number_patterns(settings)),
            "notes": list(settings.link_note_patterns),
        }
    )
