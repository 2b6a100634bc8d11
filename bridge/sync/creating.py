"""Making the store order: find it first, plan it once, send the same bytes until it is there."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.adoption import match_rows, mismatch
from bridge.domain.attention import AttentionKind, Hold
from bridge.domain.channel_order import ChannelOrder
from bridge.domain.discretion import about_buyer, discreet
from bridge.domain.effects import CreateOrder, Settlement, Verdict
from bridge.domain.linking import Misfit
from bridge.domain.outcomes import Done, Outcome, RemoteProblem
from bridge.domain.plans import CannotPlan, CannotPlanKind, OrderPlan, Reserved
from bridge.domain.reservation import reserved_by
from bridge.domain.store_order import StoreOrder
from bridge.killpoints import KillPoint, reach
from bridge.ports import Store
from bridge.storage import changelog, foreign, orders, shops
from bridge.storage.ledger import Claim
from bridge.storage.orders import OrderRecord
from bridge.sync import linking
from bridge.sync.desk import Desk
from bridge.sync.effect import AGAIN, Handler, Look, Points, Prepared, Step
from bridge.sync.sheet import RemoteDown, Sheet, Sides

T = TypeVar("T")


async def prepare(desk: Desk, sheet: Sheet, sides: Sides, effect: CreateOrder) -> Prepared | Step:
    store = _port(sides)
    plan = sheet.record.plan
    if plan is not None:
        found = await _reading(sheet, store.find_orders(sides.channel.id, [plan.number], (), _since(sheet.record)))
        if found:
            return await _adopt(desk, sheet, plan, found)
    else:
        theirs = await _reading(sheet, linking.search(desk, store, sheet.shop, sides.channel))
        if theirs is not None:
            return await _adopt_theirs(desk, sheet, theirs)
        sku_map = await desk.db.read(lambda conn: shops.sku_map(conn, sheet.shop.id))
        planned = await _planned(sheet, store, sides.channel, sku_map)
        if isinstance(planned, CannotPlan):
            kind = (
                AttentionKind.UNKNOWN_SKU if planned.kind is CannotPlanKind.UNKNOWN_SKU else AttentionKind.CANNOT_CREATE
            )
            facts: dict[str, Any] = {"kind": planned.kind.value, "because": planned.because}
            if planned.skus:
                facts = {"skus": sorted(planned.skus), "shop": sheet.shop.id}
            return _held(Hold(kind, planned.because, facts))
        plan = planned
    if not plan.body:
        because = "its create was confirmed long ago, and what was sent is no longer kept: it is never sent again"
        return _held(Hold(AttentionKind.CANNOT_CREATE, because, {"kind": "forgotten"}))
    reach(KillPoint.CREATE_PLANNED)
    settings = sheet.shop.settings
    record: dict[str, Any] = {"state": "importing", "because": effect.because}
    if sheet.record.plan is None:
        record |= {
            "plan": plan,
            "create_sent_at": desk.clock.now(),
            "store_connection_id": settings.store.connection if settings.store else None,
            "store_view": plan.view,
            "origin": "created",
        }
    return Prepared({"number": plan.number, "total": str(plan.total), "notes": list(plan.notes)}, record)


async def _planned(
    sheet: Sheet, store: Store, channel: ChannelOrder, sku_map: Mapping[str, str]
) -> OrderPlan | CannotPlan:
    bundled = _bundles(channel, sku_map)
    if bundled is not None:
        return bundled
    return await _reading(sheet, store.plan_order(channel, sheet.shop.settings, sku_map))


def _bundles(channel: ChannelOrder, sku_map: Mapping[str, str]) -> CannotPlan | None:
    """A line that is a virtual bundle stands for several things at once: only the merchant knows which product of the
    store takes their stock. One of the same SKU may be just one of them, so it is not taken for granted.
    """
    found = [unit for unit in channel.living if unit.parts and unit.seller_sku and unit.seller_sku not in sku_map]
    if not found:
        return None
    made = {unit.seller_sku: ", ".join(unit.parts) for unit in found}
    because = "; ".join(f"{sku} is a virtual bundle on TikTok Shop ({parts})" for sku, parts in made.items())
    because += (
        ". Map its seller SKU to the product of the store whose stock it takes, also where both are called alike."
    )
    return CannotPlan(CannotPlanKind.UNKNOWN_SKU, because, skus=tuple(made))


def _since(record: OrderRecord | None) -> datetime | None:
    """Nothing of ours is older than its first create."""
    sent = record.create_sent_at if record else None
    return None if sent is None else sent - linking.CLOCKS_APART


def _port(sides: Sides) -> Store:
    if sides.store_port is None:
        raise RuntimeError("an effect on the store was decided without a store")
    return sides.store_port


async def _reading(sheet: Sheet, reading: Awaitable[T]) -> T:
    try:
        return await reading
    except RemoteProblem as problem:
        raise RemoteDown(sheet.store_connection_id or "", problem) from problem


def _held(hold: Hold) -> Step:
    return Step(settlement=Settlement(Verdict.HELD, hold.because, holds=(hold,)))


async def _adopt_theirs(desk: Desk, sheet: Sheet, found: linking.Found) -> Step:
    """No create was ever sent, and the store has something for this sale: another program made it. It is taken over
    where it is alone and its rows are the sale's units; nothing is created beside it.
    """
    fit, theirs = found.judged, found.orders
    if isinstance(fit, Misfit):
        return _held(linking.other_order(fit.because, theirs))
    order = theirs[0]

    async def write(conn: AsyncConnection) -> None:
        await linking.tie(
            conn,
            sheet.record,
            sheet.store_connection_id or "",
            order,
            fit,
            because=f"the store order {order.number} was found, and its rows are this sale's units: it is this one",
            reserved_because="the store order was there before the bridge saw the sale",
            owner=desk.owner,
        )

    try:
        await desk.db.write(write)
    except linking.AlreadyTied as taken:
        return _held(linking.other_order(f"the store has {order.number} for this sale, but {taken}", theirs))
    return AGAIN


async def _adopt(desk: Desk, sheet: Sheet, plan: OrderPlan, found: tuple[StoreOrder, ...]) -> Step:
    """The order whose create was sent is there: it is this one only if it is alone and its rows match the intention."""
    row_ids = match_rows(plan, found[0]) if len(found) == 1 else None
    if row_ids is None:
        numbers = sorted(order.number for order in found)
        because = f"the store already has {', '.join(numbers)} for this order, with other rows: {mismatch(plan, found)}"
        return _held(Hold(AttentionKind.FOUND_OTHER_ORDER, because, {"numbers": numbers}))
    order = found[0]

    async def write(conn: AsyncConnection) -> None:
        fields = await _linked(conn, sheet, order, row_ids)
        await orders.update(conn, sheet.record.id, **fields)
        because = f"the store order {order.number} was found with exactly the rows meant: it is this one"
        await changelog.write(conn, sheet.record.id, "linked", because, {"store_order": order.id})

    await desk.db.write(write)
    return AGAIN


async def _linked(conn: AsyncConnection, sheet: Sheet, order: StoreOrder, row_ids: Mapping[str, str]) -> dict[str, Any]:
    await foreign.forget(conn, sheet.store_connection_id or "", order.id)
    return {"store_order_id": order.id, "store_number": order.number, "row_ids": dict(row_ids), "state": "importing"}


async def call(desk: Desk, sheet: Sheet, sides: Sides, _claim: Claim) -> Outcome:
    record = await desk.db.read(lambda conn: orders.get(conn, sheet.record.id))
    plan = record.plan if record else None
    if plan is None:
        raise RuntimeError("a create was claimed without a plan")
    # Whatever the store answers is kept, shown and logged.
    return discreet(await _port(sides).create_order(plan), about_buyer(sides.channel, plan.body))


async def look(desk: Desk, sheet: Sheet, _claim: Claim, answer: Done | None) -> Look:
    record = await desk.db.read(lambda conn: orders.get(conn, sheet.record.id))
    plan = record.plan if record else None
    if plan is None:
        return Look("absent", "no plan was stored")
    store = await desk.gateways.store(sheet.store_connection_id or "")
    looked_for = store.find_orders(sheet.record.channel_order_id, [plan.number], (), _since(record))
    found = await _reading(sheet, looked_for)
    row_ids = match_rows(plan, found[0]) if len(found) == 1 else None
    if row_ids is None:
        what = mismatch(plan, found) if found else f"no order {plan.number} in any store view"
        return Look("absent", what)
    order: StoreOrder = found[0]
    reserved, because = await _reserved(sheet, store, plan, record.reserved if record else None, answer)
    notes = f"; {'; '.join(plan.notes)}" if plan.notes else ""
    total = f", {order.grand_total}" if order.keeps_money else ""
    return Look(
        "landed",
        f"the store order {order.number} is there{total}{notes}; stock: {because}",
        reference=order.id,
        facts={"number": order.number, "reserved": reserved.value},
        record={
            "store_order_id": order.id,
            "store_number": order.number,
            "row_ids": row_ids,
            "reserved": reserved,
            "reserved_because": because,
            "state": "importing",
        },
    )


async def _reserved(
    sheet: Sheet, store: Store, plan: OrderPlan, noted: Reserved | None, answer: Done | None
) -> tuple[Reserved, str]:
    header = answer.facts.get("reserved") if answer else None
    if header is None and noted in {Reserved.YES, Reserved.NO}:
        return noted, sheet.record.reserved_because or "as the plugin reported when it was created"
    message = answer.facts.get("reservation_message", "") if answer else ""
    if header == "yes" and answer and "reserved_because" in answer.facts:
        return Reserved.YES, answer.facts["reserved_because"]  # a store that needs no plugin for it
    after = None
    if header is None and plan.salable_before is not None:
        after = await _reading(sheet, store.salable(plan.view, [row.sku for row in plan.rows]))
    return reserved_by(header, message, plan, after)


def note(_claim: Claim, answer: Done) -> Mapping[str, Any]:
    """What a create says of stock comes once: it is kept even when the order itself could not be read back yet."""
    header = answer.facts.get("reserved")
    if header is None:
        return {}
    reserved = Reserved.YES if header == "yes" else Reserved.NO
    because = answer.facts.get("reserved_because")  # a store that needs no plugin for it
    message = answer.facts.get("reservation_message", "")
    return {"reserved": reserved, "reserved_because": because or f"the plugin reported: {message or header}"}


HANDLER = Handler(
    points=Points(
        KillPoint.CREATE_CLAIMED, KillPoint.CREATE_ANSWERED, KillPoint.CREATE_CONFIRMED, KillPoint.CREATE_RECORDED
    ),
    prepare=prepare,
    call=call,
    look=look,
    note=note,
)
