"""One order of the past: what it would have caused. Read, found and compared; nothing is written."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from bridge.domain.comparison import Case, compare
from bridge.domain.effects import Settlement, Verdict
from bridge.domain.keys import OrderKey
from bridge.domain.link import Link
from bridge.domain.linking import Misfit
from bridge.domain.outcomes import Rejected, RemoteProblem
from bridge.domain.past import Would, as_if_on, would
from bridge.domain.plans import Reserved
from bridge.domain.store_order import StoreOrder
from bridge.ports import Store
from bridge.storage import orders
from bridge.sync import capabilities, linking
from bridge.sync.desk import Desk
from bridge.sync.sheet import RemoteDown, Sheet, Sides, link_of, peek, read_sides


class NotTied(Exception):
    """The shop has no store to compare with."""


@dataclass(frozen=True, slots=True)
class Looked:
    would: Would
    store_order: StoreOrder | None = None
    is_shown: bool = True
    """The channel shows the order in this shop."""


async def look(desk: Desk, key: OrderKey, directions: Collection[str]) -> Looked:
    """Read both sides, find the store order, compare. Writes nothing. Raises `RemoteDown`, `NotTied`."""
    sheet = await desk.db.read(lambda conn: peek(conn, desk, key))
    if sheet is None or sheet.store_connection is None:
        raise NotTied("the shop or its store is no longer connected")
    try:
        return await _compared(desk, sheet, directions)
    except RemoteDown as down:
        if not isinstance(down.outcome, Rejected):
            raise
        # This order cannot be read; that says nothing of the others.
        return Looked(Would(None, Verdict.HELD.value, f"it cannot be read: {down.outcome.because}", {}))


async def _compared(desk: Desk, sheet: Sheet, directions: Collection[str]) -> Looked:
    record = sheet.record
    sides = await read_sides(desk, sheet)
    if sides is None:
        because = f"TikTok Shop does not show order {record.channel_order_id} of this shop"
        return Looked(Would(None, Verdict.IGNORED.value, because, {}), is_shown=False)
    channel, store, link = sides.channel, sides.store, link_of(sheet, sides)
    if sheet.claim is not None:
        because = "an effect of the bridge is under way on it: nothing is left to be said of the past"
        return Looked(would(Settlement(Verdict.WAITING, because), channel, store, link), store)
    if store is None and not record.store_order_id and record.create_sent_at is None and sides.store_port:
        theirs = await _theirs(desk, sheet, sides, sides.store_port)
        if isinstance(theirs, Settlement):
            return Looked(would(theirs, channel, None, link))
        store, link = theirs
    able = await capabilities.current(desk, sheet.store_connection, sides.store_port)
    settlement = compare(
        Case(
            channel=channel,
            store=store,
            link=link,
            settings=as_if_on(sheet.shop.settings, directions),
            capabilities=able,
            now=desk.clock.now(),
        )
    )
    return Looked(would(settlement, channel, store, link), store)


async def _theirs(desk: Desk, sheet: Sheet, sides: Sides, port: Store) -> Settlement | tuple[StoreOrder, Link]:
    """Another connector's order and the link it would get; or why there is none. Raises `RemoteDown`."""
    connection_id = sheet.store_connection_id or ""
    try:
        found = await linking.search(desk, port, sheet.shop, sides.channel)
    except RemoteProblem as problem:
        raise RemoteDown(connection_id, problem) from problem
    if found is None:
        return Settlement(Verdict.IGNORED, "the store shows no order for this sale, so nothing would have been done")
    if isinstance(found.judged, Misfit):
        hold = linking.other_order(found.judged.because, found.orders)
        return Settlement(Verdict.HELD, hold.because, holds=(hold,))
    order = found.orders[0]
    taken = await desk.db.read(lambda conn: orders.by_store(conn, connection_id, order.id))
    if taken is not None:
        hold = linking.other_order(str(linking.AlreadyTied(order.number, taken.channel_order_id)), found.orders)
        return Settlement(Verdict.HELD, hold.because, holds=(hold,))
    return order, Link(
        store_order_id=order.id,
        store_number=order.number,
        unit_map=found.judged.unit_map,
        reserved=Reserved.UNKNOWN,
        reserved_because=linking.BY_ITSELF,
        is_linked=True,
    )
