"""Everything our own books say of one order, read in one transaction; and the two sides, read from the remotes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.attention import fingerprint
from bridge.domain.capabilities import StoreCapabilities
from bridge.domain.channel_order import ChannelOrder
from bridge.domain.keys import OrderKey
from bridge.domain.link import Answer, Link, Refusal
from bridge.domain.outcomes import RemoteProblem
from bridge.domain.plans import Piece
from bridge.domain.store_order import StoreOrder
from bridge.ports import Channel, Store
from bridge.storage import footing, inbox, ledger, orders
from bridge.storage.connections import Connection
from bridge.storage.errors import WrongSecretKey
from bridge.storage.footing import Footing
from bridge.storage.inbox import InboxRow
from bridge.storage.ledger import Claim
from bridge.storage.orders import OrderRecord
from bridge.storage.shops import Shop
from bridge.sync.desk import Desk, channel_of, store_of

P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class Sheet:
    """Our own books."""

    shop: Shop
    channel_connection: Connection
    store_connection: Connection | None
    record: OrderRecord
    claim: Claim | None
    """The open claim, if one is in flight."""
    refunded_by_us: frozenset[str]
    """Units that credit memos of ours stood for."""
    arrivals: tuple[InboxRow, ...]
    cancels_last_hour: int
    paused: str | None = None
    """The check after a restore for which effects are paused."""

    @property
    def store_connection_id(self) -> str | None:
        return _store_connection_id(self.shop, self.record)


def _store_connection_id(shop: Shop, record: OrderRecord) -> str | None:
    """An order pins its store when its create is first written; a changed tie touches later orders only."""
    if record.store_connection_id:
        return record.store_connection_id
    return shop.settings.store.connection if shop.settings.store else None


class NewOrder(Exception):
    """The order was never looked at before: its record is to be made."""


async def read_sheet(desk: Desk, key: OrderKey) -> Sheet | None:
    """Everything our books say of the order; its record is made when this is the first look."""
    try:
        return await desk.db.read(lambda conn: load(conn, desk, key))
    except NewOrder:
        await desk.db.write(lambda conn: orders.ensure(conn, key.shop_id, key.channel_order_id), idempotent=True)
        return await desk.db.read(lambda conn: load(conn, desk, key))


_UNREADABLE = (ValueError, TypeError, LookupError, ArithmeticError, WrongSecretKey)


async def load_at_once(conn: AsyncConnection, desk: Desk, key: OrderKey) -> Sheet | None:
    """The same as part of the caller's transaction. None where it is to be read on its own, for what that tells then.

    Books that cannot be understood must not undo the caller's lease: whoever reads them under it counts the failure.
    """
    try:
        return await load(conn, desk, key)
    except (NewOrder, *_UNREADABLE):
        return None


async def load_or_begin(conn: AsyncConnection, desk: Desk, key: OrderKey) -> Sheet | None:
    """`load` as part of a writing transaction: the order's record is made when this is the first look."""
    try:
        return await load(conn, desk, key)
    except NewOrder:
        await orders.ensure(conn, key.shop_id, key.channel_order_id)
        return await load(conn, desk, key)


async def load(conn: AsyncConnection, desk: Desk, key: OrderKey) -> Sheet | None:
    """None when the shop is no longer known. Raises `NewOrder` when the order has no record yet."""
    hour_ago = desk.clock.now() - timedelta(hours=1)
    found = await footing.of_order(conn, desk.connections, key.shop_id, key.channel_order_id, hour_ago)
    if found is None:
        return None
    if found.record is None:
        raise NewOrder
    return await _sheet(conn, found, found.record, tuple(await inbox.arrived(conn, str(key))))


async def peek(conn: AsyncConnection, desk: Desk, key: OrderKey) -> Sheet | None:
    """The same for who only looks: an order without a record gets none, and its arrivals are not taken note of."""
    hour_ago = desk.clock.now() - timedelta(hours=1)
    found = await footing.of_order(conn, desk.connections, key.shop_id, key.channel_order_id, hour_ago)
    if found is None:
        return None
    record = found.record or orders.unsaved(key.shop_id, key.channel_order_id, desk.clock.now())
    return await _sheet(conn, found, record, ())


async def _sheet(
    conn: AsyncConnection, found: Footing, record: OrderRecord, arrivals: tuple[InboxRow, ...]
) -> Sheet | None:
    if found.channel_connection is None:
        return None
    claims = await ledger.standing(conn, record.id)
    return Sheet(
        shop=found.shop,
        channel_connection=found.channel_connection,
        store_connection=found.store_connection,
        record=record,
        claim=next((claim for claim in claims if claim.state == "open"), None),
        refunded_by_us=frozenset(unit for claim in claims if claim.state == "done" for unit in claim.units),
        arrivals=arrivals,
        cancels_last_hour=found.cancels,
        paused=found.paused,
    )


@dataclass(frozen=True, slots=True)
class Sides:
    """Both sides as read under the lease."""

    channel: ChannelOrder
    store: StoreOrder | None
    channel_port: Channel
    store_port: Store | None
    read_at: datetime


async def read_sides(desk: Desk, sheet: Sheet) -> Sides | None:
    """Read both remotes at once. None when the channel does not show the order. Raises `RemoteProblem`."""
    store_id = sheet.store_connection_id
    channel_port = await _port(sheet.shop.connection_id, channel_of(desk, sheet.channel_connection, sheet.shop))
    store_port = await _port(store_id, _store_port(desk, sheet, store_id)) if store_id else None
    read_at = desk.clock.now()
    results = await asyncio.gather(
        channel_port.read_order(sheet.record.channel_order_id),
        _read_store(store_port, sheet.record.store_order_id),
        return_exceptions=True,
    )
    for result, connection in zip(results, (sheet.shop.connection_id, store_id), strict=True):
        if isinstance(result, RemoteProblem):
            seen = results[0] if isinstance(results[0], ChannelOrder) else None
            raise RemoteDown(connection or "", result, seen)
        if isinstance(result, BaseException):
            raise result
        desk.outages.works(connection or "")
    channel, store = results
    if not isinstance(channel, ChannelOrder):
        return None
    return Sides(channel, store if isinstance(store, StoreOrder) else None, channel_port, store_port, read_at)


async def _port(connection_id: str, made: Awaitable[P]) -> P:
    """A gateway that cannot be made is a connection that needs a person."""
    try:
        return await made
    except RemoteProblem as problem:
        raise RemoteDown(connection_id, problem) from problem


async def _store_port(desk: Desk, sheet: Sheet, store_id: str) -> Store:
    if sheet.store_connection is None:
        return await desk.gateways.store(store_id)
    return await store_of(desk, sheet.store_connection)


async def _read_store(store: Store | None, order_id: str | None) -> StoreOrder | None:
    if store is None or not order_id:
        return None
    return await store.read_order(order_id)


class RemoteDown(Exception):
    """A remote could not be read; names the connection it belongs to."""

    def __init__(self, connection_id: str, problem: RemoteProblem, channel: ChannelOrder | None = None) -> None:
        super().__init__(problem.outcome.because)
        self.connection_id = connection_id
        self.outcome = problem.outcome
        self.channel = channel
        """The channel's order, where it was the store that could not be read."""


def link_of(sheet: Sheet, sides: Sides) -> Link:
    """The tie as the decision needs it: the stored map by store row ids, refusals that still stand."""
    record = sheet.record
    facts = standing_facts(sheet, sides)
    refusals = {
        kind: Refusal(refusal["claim"], refusal["because"])
        for kind, refusal in record.forced.get("refusals", {}).items()
        if refusal["facts"] == facts
    }
    unit_map = record.plan.unit_map if record.plan else {}
    return Link(
        create_sent=record.create_sent_at is not None,
        store_order_id=record.store_order_id or "",
        store_number=record.store_number or "",
        unit_map=by_row_ids(unit_map, record.row_ids) if record.store_order_id else unit_map,
        reserved=record.reserved or Link().reserved,
        reserved_because=record.reserved_because or Link().reserved_because,
        repair_tried=record.repair_tried,
        blocked=record.blocked or "",
        allowed=frozenset(record.forced.get("allowed", [])),
        refusals=refusals,
        answers={cancellation: Answer(**word) for cancellation, word in record.forced.get("answers", {}).items()},
        refunded_by_us=sheet.refunded_by_us,
        is_linked=record.origin == "linked",
    )


def by_row_ids(unit_map: Any, row_ids: Any) -> dict[str, tuple[Piece, ...]]:
    """The unit map with store row ids in place of planned row keys."""
    return {
        unit: tuple(Piece(row_ids.get(piece.row, piece.row), piece.quantity) for piece in pieces)
        for unit, pieces in unit_map.items()
    }


def standing_facts(sheet: Sheet, sides: Sides) -> str:
    """What a refusal was about: while this is the same, asking again would be refused again."""
    store = sides.store
    return fingerprint(
        {
            "settings": sheet.shop.settings.model_dump(mode="json"),
            "channel": sides.channel.status,
            "dead": sorted(sides.channel.deaths()),
            "store": None if store is None else [store.state, str(store.total_refunded), str(store.total_paid)],
            "rows": [] if store is None else [[row.id, row.gone, row.shipped, row.invoiced] for row in store.rows],
            "plugin": (sheet.store_connection.facts.get("capabilities") or {}).get("reported")
            if sheet.store_connection
            else None,
        }
    )


NO_STORE = StoreCapabilities(
    reported=None,
    restock_allowed=False,
    restock_because="no store is tied to this shop",
    refunds_work=False,
    refunds_because="no store is tied to this shop",
    creditmemo_events=False,
    reservation_result=False,
    reserves_on_create=False,
)
