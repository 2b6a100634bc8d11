"""Settle one order: read both sides, compare, do one effect, read again, until there is nothing left to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.attention import AttentionKind, steady
from bridge.domain.books import compare_books
from bridge.domain.comparison import Case, compare
from bridge.domain.effects import EffectKind, Settlement, Verdict
from bridge.domain.keys import OrderKey
from bridge.killpoints import KillPoint, reach
from bridge.storage import attention, changelog, fence, orders, restore
from bridge.storage.ledger import Claim
from bridge.storage.orders import OrderState
from bridge.sync import (
    answering,
    answers,
    braking,
    cancelling,
    capabilities,
    creating,
    drifting,
    following,
    holding,
    invoicing,
    linking,
    outbreak,
    proving,
    refunding,
    restoring,
    waiting,
)
from bridge.sync.arrivals import note_arrivals
from bridge.sync.desk import CALL_TIMEOUT, Desk, log
from bridge.sync.effect import Handler, kind_of, perform, quiet_until, resume
from bridge.sync.lease import WRITING, Lease
from bridge.sync.sheet import RemoteDown, Sheet, Sides, link_of, read_sheet, read_sides

MOST_STEPS = 12
"""Create, invoice, refund, cancel and their looks fit well; more means that two sides undo each other."""

HANDLERS: Mapping[EffectKind, Handler] = {
    EffectKind.CREATE: creating.HANDLER,
    EffectKind.INVOICE: invoicing.HANDLER,
    EffectKind.REFUND: refunding.HANDLER,
    EffectKind.CANCEL: cancelling.CANCEL,
    EffectKind.CANCEL_LINES: cancelling.CANCEL_LINES,
    EffectKind.APPROVE: answering.APPROVE,
    EffectKind.REJECT: answering.REJECT,
    EffectKind.HOLD: holding.HOLD,
    EffectKind.RELEASE: holding.RELEASE,
}

FINAL = frozenset({Verdict.SETTLED, Verdict.NOT_IMPORTED, Verdict.IGNORED})
"""Nothing is left to do: what a person put away is settled too. Else something may only stand before it for now."""
STATES: Mapping[Verdict, OrderState] = {
    Verdict.ACT: OrderState.WAITING,
    Verdict.SETTLED: OrderState.SETTLED,
    Verdict.WAITING: OrderState.WAITING,
    Verdict.HELD: OrderState.HELD,
    Verdict.NOT_IMPORTED: OrderState.NOT_IMPORTED,
    Verdict.IGNORED: OrderState.IGNORED,
}


async def settle(desk: Desk, key: OrderKey, lease: Lease, first: Sheet | None = None) -> datetime | None:
    """Bring one order's books together. Answers when it must be looked at again, None when nothing is due.

    `first`: what our books said when the lease was taken, where that was read in the same transaction.
    """
    for _ in range(MOST_STEPS):
        sheet, first = first or await read_sheet(desk, key), None
        if sheet is None:
            log.warning("settle.unknown_shop", order=key.channel_order_id, shop=key.shop_id)
            return None
        following.known_as(sheet.record.id)
        blocked = _blocked_until(desk, sheet)
        if blocked is not None:
            return blocked
        try:
            await lease.at_least(CALL_TIMEOUT)
            step = await _step(desk, sheet, lease)
        except RemoteDown as down:
            due = await outbreak.wait_for(desk, down.connection_id, down.outcome)
            await _waits(desk, lease, sheet, down, due)
            return due
        if not isinstance(step, _Again):
            return step
    log.error("settle.no_end", order=key.channel_order_id, steps=MOST_STEPS)
    return desk.clock.now() + desk.settings.outage_ceiling


class _Again:
    """Says that the order is read again at once."""


AGAIN_NOW = _Again()


async def _step(desk: Desk, sheet: Sheet, lease: Lease) -> datetime | _Again | None:
    sides = await read_sides(desk, sheet)
    reach(KillPoint.READ_DONE)
    await lease.at_least(timedelta(0))  # who read for longer than the lease lasted decides nothing
    for connection in (sheet.channel_connection, sheet.store_connection if sides and sides.store else None):
        if connection is not None and (connection.state == outbreak.REAUTH or connection.because):
            await outbreak.works_again(desk, connection.id)
    if sides is None:
        if not await _taken_back(desk, sheet):
            await _record(desk, lease, sheet, None, _not_shown(sheet))
        return None
    if sheet.claim is not None:
        handler = HANDLERS[kind_of(sheet.claim)]
        until = quiet_until(desk, sheet.claim, handler)
        step = await resume(desk, sheet, sides, sheet.claim, handler)
        if sheet.paused is not None and not step.again and desk.clock.now() >= until:
            # It was looked for and its end is not in sight: the check after a restore does not wait for it.
            await _note_in_flight(desk, sheet, sheet.claim)
        return AGAIN_NOW if step.again else step.due
    able = await capabilities.current(desk, sheet.store_connection, sides.store_port)
    settlement = compare(
        Case(
            channel=sides.channel,
            store=sides.store,
            link=link_of(sheet, sides),
            settings=sheet.shop.settings,
            capabilities=able,
            now=desk.clock.now(),
            cancels_last_hour=braking.counted(sheet),
        )
    )
    settlement = braking.behind(sheet, settlement)
    if settlement.effect is None or sheet.paused is not None:
        look = linking.look if sheet.paused is None else restoring.look
        looked = await look(desk, sheet, sides, settlement)
        if looked is None:
            return AGAIN_NOW
        settlement = looked
        await _record(desk, lease, sheet, sides, settlement)
        if not able.refunds_work and settlement.verdict is Verdict.WAITING and settlement.look_again_at is None:
            return desk.clock.now() + capabilities.WHILE_BROKEN
        return settlement.look_again_at
    step = await perform(desk, lease, sheet, sides, settlement.effect, HANDLERS[settlement.effect.kind])
    if step.settlement is not None:
        told = replace(step.settlement, holds=step.settlement.holds + settlement.holds)
        await _record(desk, lease, sheet, sides, told)
        return told.look_again_at
    return AGAIN_NOW if step.again else step.due


async def _taken_back(desk: Desk, sheet: Sheet) -> bool:
    """A store order named this sale, and this shop does not show it: it is another shop's, or nobody's.

    Only the channel's own word makes an order of a shop; where that never came, no record of it is left.
    """
    if any(row.connection_id == sheet.shop.connection_id for row in sheet.arrivals):
        return False
    taken_back = await desk.db.write(lambda conn: orders.forget_unseen(conn, sheet.record.id))
    if taken_back:
        log.info("order.not_of_this_shop", order=sheet.record.channel_order_id, shop=sheet.shop.id)
    return taken_back


def _not_shown(sheet: Sheet) -> Settlement:
    because = f"TikTok Shop does not show order {sheet.record.channel_order_id} of this shop"
    return Settlement(Verdict.IGNORED, because)


def _blocked_until(desk: Desk, sheet: Sheet) -> datetime | None:
    """A remote asked everybody to slow down: all processes obey."""
    now = desk.clock.now()
    times = [
        connection.blocked_until
        for connection in (sheet.channel_connection, sheet.store_connection)
        if connection is not None and connection.blocked_until is not None and connection.blocked_until > now
    ]
    return max(times, default=None)


async def _record(desk: Desk, lease: Lease, sheet: Sheet, sides: Sides | None, settlement: Settlement) -> None:
    """Write down what arrived, what was read, what was decided and why; once, however often it is decided.

    Raises `LeaseLost`: whoever took the order over has seen what came later.
    """
    await lease.at_least(WRITING)
    record = sheet.record

    async def write(conn: AsyncConnection) -> None:
        for line in await note_arrivals(conn, sheet):
            await changelog.write(conn, record.id, line.event, line.because, line.facts)
        if sides is not None:
            await answers.tell(conn, sheet, sides.channel)
        words = f"{settlement.verdict.value}:{settlement.because}"
        facts = {"verdict": settlement.verdict.value, **settlement.facts}
        await changelog.write_once(conn, record.id, "decided", words, settlement.because, facts)
        await outbreak.raise_holds(conn, record.id, settlement.holds)
        keep = {hold.kind.value for hold in settlement.holds} | {kind.value for kind in outbreak.STICKY}
        if settlement.waits_for:
            keep.add(AttentionKind.WAITING_LONG.value)
        await attention.close(conn, order_id=record.id, keep=keep, dismissed=settlement.verdict in FINAL)
        fields: dict[str, Any] = {"state": STATES[settlement.verdict], "because": settlement.because}
        fields |= braking.fields(desk, sheet, settlement)
        fields |= waiting.fields(desk, sheet, _waits_for(sheet, settlement))
        if settlement.verdict is Verdict.SETTLED:
            fields["settled_at"] = desk.clock.now()
            await drifting.healed(conn, sheet)
        if sides is not None:
            proof = await proving.write(conn, sheet, sides, settlement.verdict)
            fields["reading"] = {**_reading(sheet, sides), "money": proof}
            fields["channel_created_at"] = sides.channel.created_at
        forced = await answers.left(conn, desk, sheet, sides, settlement.verdict)
        if forced is not None:
            fields["forced"] = forced
        await orders.set_fields(conn, record.id, **fields)
        if settlement.braked:
            await braking.ask(conn, sheet)
        if sheet.paused is not None:
            verdict, kind = settlement.verdict.value, settlement.withheld
            await restore.note(conn, sheet.paused, record.id, verdict, settlement.because, effect=kind)
        await fence.keep(conn, lease.claimed)

    await desk.db.write(write)
    log.info(
        "order.decided",
        order=record.channel_order_id,
        verdict=settlement.verdict.value,
        because=settlement.because,
    )


async def _note_in_flight(desk: Desk, sheet: Sheet, claim: Claim) -> None:
    check, because = sheet.paused or "", f"the {claim.kind} of the backup is still under way: {claim.because}"
    await desk.db.write(lambda conn: restore.note(conn, check, sheet.record.id, "in_flight", because))


def _waits_for(sheet: Sheet, settlement: Settlement) -> str | None:
    if settlement.waits_for == "upgrade":
        return waiting.upgrade_of(sheet.store_connection_id or "")
    return settlement.waits_for or None


async def _waits(desk: Desk, lease: Lease, sheet: Sheet, down: RemoteDown, due: datetime) -> None:
    await lease.at_least(WRITING)
    because = f"waiting: {down.outcome.because}"
    fields = waiting.fields(desk, sheet, waiting.outage_of(down.connection_id))

    async def write(conn: AsyncConnection) -> None:
        facts = {"connection": down.connection_id, "again_at": due.isoformat()}
        await changelog.write_once(conn, sheet.record.id, "waiting", steady(because), because, facts)
        await orders.set_fields(conn, sheet.record.id, state=OrderState.WAITING, because=because, **fields)
        await answers.show(conn, desk, sheet, down.channel)
        await fence.keep(conn, lease.claimed)

    await desk.db.write(write)


def _reading(sheet: Sheet, sides: Sides) -> dict[str, Any]:
    """Both sides as last read, for people and for the sweep."""
    channel, store, link = sides.channel, sides.store, link_of(sheet, sides)
    cancelled = [cancellation.updated_at for cancellation in channel.cancellations]
    reading: dict[str, Any] = {
        "read_at": sides.read_at.isoformat(),
        "channel": {
            "status": channel.status,
            "total": str(channel.payment.total),
            "updated_at": channel.updated_at.isoformat(),
            "cancellations_updated_at": max(cancelled).isoformat() if cancelled else None,
            "cancellations": [
                {
                    "id": c.id,
                    "status": c.status,
                    "role": c.role,
                    "reason": c.reason,
                    "units": sorted(c.unit_ids),
                    "respond_by": c.respond_by.isoformat() if c.respond_by else None,
                }
                for c in channel.cancellations
            ],
        },
        "store": None,
        "units": _units(channel, store, link.unit_map),
    }
    if store is not None:
        reading["store"] = {
            "number": store.number,
            "state": store.state,
            "view": store.view,
            "total": store.told(store.grand_total),
            "refunded": store.told(store.total_refunded),
            "updated_at": store.updated_at.isoformat(),
            "memos": [
                {
                    "id": refund.id,
                    "number": refund.number,
                    "total": store.told(refund.total),
                    "ours": refund.is_ours,
                    "updated_at": refund.updated_at.isoformat(),
                    "quantities": dict(refund.quantities),
                }
                for refund in store.refunds
            ],
        }
    return reading


def _units(channel: Any, store: Any, unit_map: Any) -> list[dict[str, Any]]:
    if store is not None:
        return [asdict(line) for line in compare_books(channel, store, unit_map).lines]
    deaths = channel.deaths()
    return [
        {
            "unit_id": unit.id,
            "seller_sku": unit.seller_sku,
            "name": unit.name,
            "price": str(unit.sale_price),
            "channel": "cancelled" if unit.id in deaths else "living",
            "store": "not in the store",
            "because": "",
        }
        for unit in channel.units
    ]
