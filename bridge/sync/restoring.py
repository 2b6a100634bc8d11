"""After a restore from a backup: effects rest, everything is looked at, a person reads what would follow and goes on.

The books of the two shops are the truth, so what the backup forgot is found by looking: changes since the place the
restored database had read to, every order that still counts, and in the store an order for each sale that the restored
database knows none of, also where the sale is dead by now. Only then may "not imported" be decided again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.channel_order import OrderStatus
from bridge.domain.effects import CreateOrder, EffectKind, Settlement, Verdict
from bridge.domain.linking import Misfit
from bridge.domain.outcomes import RemoteProblem
from bridge.ports import ActionRefused, RestoreReport, Withheld
from bridge.storage import audit, leases, restore, work
from bridge.storage.restore import Check, Finding
from bridge.sync import creating, linking
from bridge.sync.desk import Desk, log
from bridge.sync.effect import Step
from bridge.sync.linking import AlreadyTied
from bridge.sync.sheet import RemoteDown, Sheet, Sides
from bridge.sync.sweep import sweep_some

LEASE = "restore-check"
LEASE_SECONDS = 120.0
PAGE = 500
A_SECOND = 50.0
LONGEST = 3600.0
"""Seconds over which the looks are spread at most."""
SHOWN = 100
"""Orders listed of each kind; the counts are of all."""
_WOULD = {
    EffectKind.CREATE: "create the store order",
    EffectKind.INVOICE: "invoice the store order",
    EffectKind.REFUND: "refund in the store",
    EffectKind.CANCEL: "cancel on TikTok Shop",
    EffectKind.CANCEL_LINES: "cancel lines of the order on TikTok Shop",
    EffectKind.APPROVE: "approve the buyer's request on TikTok Shop",
    EffectKind.REJECT: "reject the buyer's request on TikTok Shop",
    EffectKind.HOLD: "hold the fulfilment in the store",
    EffectKind.RELEASE: "release our hold on the fulfilment in the store",
}


# --- one order -----------------------------------------------------------------------------------------------------


async def look(desk: Desk, sheet: Sheet, sides: Sides, settlement: Settlement) -> Settlement | None:
    """The settlement as it stands while effects rest; None when a store order was adopted: read everything again.

    Raises `RemoteDown`.
    """
    if sides.store is None and not sheet.record.store_order_id and sides.store_port is not None:
        found = await _search(desk, sheet, sides, settlement)
        if found is None or found.verdict is Verdict.HELD:
            return found
    effect = settlement.effect
    if effect is None:
        return settlement
    because = f"effects are paused for the check after a restore: would {_WOULD[effect.kind]}. {effect.because}"
    return Settlement(Verdict.WAITING, because, holds=settlement.holds, withheld=effect.kind)


async def _search(desk: Desk, sheet: Sheet, sides: Sides, settlement: Settlement) -> Settlement | None:
    """The backup knows of no store order: there may be one since."""
    if sheet.record.plan is None:
        if sides.channel.status == OrderStatus.UNPAID:
            return settlement
        found = await _found_for(desk, sheet, sides, settlement)
        if found is not settlement:
            return found
    if isinstance(settlement.effect, CreateOrder):
        step = await creating.prepare(desk, sheet, sides, settlement.effect)
        if isinstance(step, Step):
            await _adopted(desk, sheet, adopted=step.again)
            return step.settlement
    return settlement


async def _found_for(desk: Desk, sheet: Sheet, sides: Sides, settlement: Settlement) -> Settlement | None:
    connection = sheet.store_connection_id or ""
    if sides.store_port is None:
        return settlement
    try:
        found = await linking.search(desk, sides.store_port, sheet.shop, sides.channel)
    except RemoteProblem as problem:
        raise RemoteDown(connection, problem) from problem
    if found is None:
        return settlement
    numbers = ", ".join(order.number for order in found.orders)
    if isinstance(found.judged, Misfit):
        hold = linking.other_order(found.judged.because, found.orders)
        return Settlement(Verdict.HELD, found.judged.because, holds=(hold, *settlement.holds))
    order, fit = found.orders[0], found.judged
    because = f"the backup knew no store order; {order.number} was found, and its rows are this sale's units"

    async def write(conn: AsyncConnection) -> None:
        forgotten = "it was made after the backup: what the store reported of its stock is forgotten"
        await linking.tie(
            conn, sheet.record, connection, order, fit, because=because, reserved_because=forgotten, owner=desk.owner
        )
        if sheet.paused is not None:
            await restore.note_adopted(conn, sheet.paused, sheet.record.id, because)

    try:
        await desk.db.write(write)
    except AlreadyTied as taken:
        because = f"the store has {numbers} for this sale, but {taken}"
        return Settlement(Verdict.HELD, because, holds=(linking.other_order(because, found.orders), *settlement.holds))
    return None


async def _adopted(desk: Desk, sheet: Sheet, *, adopted: bool) -> None:
    check = sheet.paused
    if adopted and check is not None:
        because = "the create that the backup knew of had landed: its store order was found"
        await desk.db.write(lambda conn: restore.note_adopted(conn, check, sheet.record.id, because))


# --- all of them ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rest:
    """A connection that could not be swept is left alone for a while, unless something about it changes."""

    check: str
    until: datetime
    version: int


Rests = dict[str, Rest]
"""By connection. Kept in memory, as outages are: after a restart everybody is asked at once."""


async def advance(desk: Desk, rests: Rests) -> None:
    """One turn of the check, by one process at a time; what is done is stored, so that another can go on."""
    check = await desk.db.read(restore.get)
    if check is None or not check.is_running:
        return
    if not await _lease(desk):
        return
    try:
        while check is not None:
            check = await _turn(desk, check, rests)
    finally:
        await desk.db.write(lambda conn: leases.release(conn, LEASE, desk.owner))


async def _lease(desk: Desk) -> bool:
    return await desk.db.write(lambda conn: leases.try_lease(conn, LEASE, desk.owner, LEASE_SECONDS, again=True))


async def _turn(desk: Desk, check: Check, rests: Rests) -> Check | None:
    """What comes next; None when there is nothing to do but wait."""
    if not await _lease(desk):
        return None
    if check.state == "sweeping":
        return await _sweep(desk, check, rests)
    if check.state == "marking":
        return await _mark(desk, check)
    left = await desk.db.read(lambda conn: restore.left(conn, check))
    if left:
        return None
    await _save(desk, replace(check, state="ready", ready_at=desk.clock.now()))
    counts = await desk.db.read(lambda conn: restore.counts(conn, check.id))
    log.warning("restore_check.ready", check=check.id, **{name.replace(":", "_"): n for name, n in counts.items()})
    return None


async def _sweep(desk: Desk, check: Check, rests: Rests) -> Check | None:
    """Each connection once. Those that could not be swept are waited for, and asked again when their rest is over."""
    versions = await desk.db.read(desk.connections.versions)
    left = versions.keys() - set(check.swept)
    due = {one for one in left if _may_ask(desk, check, rests.get(one), versions[one])}
    if not due and left:
        return None
    _, missed = await sweep_some(desk, due, check.since)
    # That it needs a person is written to the connection too: it is what comes after that counts.
    versions = await desk.db.read(desk.connections.versions)
    for one in due:
        rests.pop(one, None)
        if one in missed and one in versions:
            rests[one] = Rest(check.id, missed[one].until or desk.clock.now(), versions[one])
    words = {one: check.not_swept.get(one, "") for one in left - due}
    words |= {one: why.because for one, why in missed.items()}
    swept = tuple(sorted({*check.swept, *due} - missed.keys()))
    if words:
        await _save(desk, replace(check, not_swept=words, swept=swept))
        return None
    return await _save(desk, replace(check, state="marking", not_swept={}, swept=swept))


def _may_ask(desk: Desk, check: Check, rest: Rest | None, version: int) -> bool:
    return rest is None or rest.check != check.id or rest.version != version or rest.until <= desk.clock.now()


async def _mark(desk: Desk, check: Check) -> Check:
    async def write(conn: AsyncConnection) -> Check:
        page = await restore.to_mark(conn, check.after, PAGE)
        if page:
            # Not all at once: what messages ask for meanwhile comes between.
            due = desk.clock.now() + timedelta(seconds=min(check.marked / A_SECOND, LONGEST))
            await work.mark(conn, [key for _, key in page], due)
            return await _stored(conn, replace(check, after=page[-1][0], marked=check.marked + len(page)))
        await work.take_up_parked(conn)
        return await _stored(conn, replace(check, state="looking", looking_since=await restore.now(conn)))

    marked = await desk.db.write(write, idempotent=True)
    desk.wake()
    return marked


async def _stored(conn: AsyncConnection, check: Check) -> Check:
    await restore.save(conn, check)
    return check


async def _save(desk: Desk, check: Check) -> Check:
    return await desk.db.write(lambda conn: _stored(conn, check), idempotent=True)


# --- what people ask for -------------------------------------------------------------------------------------------


class RestoreChecks:
    """Implements `ports.RestoreChecks`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def begin(self, since: datetime | None, who: str) -> RestoreReport:
        desk = self._desk

        async def write(conn: AsyncConnection) -> None:
            check = await restore.begin(conn, who, desk.clock.now(), since)
            if check.who == who and check.marked == 0:
                await audit.write(conn, who, "restore check: effects paused", None, {"check": check.id})

        await desk.db.write(write)
        log.warning("restore_check.began", who=who)
        return await self.report()

    async def report(self) -> RestoreReport:
        return await self._desk.db.read(_report)

    async def resume(self, who: str, *, force: bool) -> RestoreReport:
        desk = self._desk

        async def write(conn: AsyncConnection) -> int:
            check = await restore.get(conn)
            if check is None or check.state == "resumed":
                raise ActionRefused("effects are not paused: there is nothing to resume")
            if check.is_running and not force:
                left = await restore.left(conn, check)
                missed = "; ".join(f"{connection}: {because}" for connection, because in check.not_swept.items())
                raise ActionRefused(
                    f"the check is not finished ({check.state}, {left} orders left{f'; {missed}' if missed else ''}). "
                    "Wait until it is ready, or force it: then orders that nobody has looked at act as they come"
                )
            keys = await restore.resume(conn, check, desk.clock.now())
            await work.mark(conn, keys)
            before = {"check": check.id, "state": check.state}
            await audit.write(conn, who, "restore check: effects resumed", before, {"forced": force})
            return len(keys)

        resumed = await desk.db.write(write)
        log.warning("restore_check.resumed", who=who, orders=resumed, forced=force)
        desk.wake()
        return await self.report()


async def _report(conn: AsyncConnection) -> RestoreReport:
    check = await restore.get(conn)
    if check is None:
        return RestoreReport()
    counts = await restore.counts(conn, check.id)
    adopted = counts.pop("adopted")
    return RestoreReport(
        state=check.state,
        paused=await restore.paused_for(conn) is not None,
        who=check.who,
        began_at=check.began_at,
        ready_at=check.ready_at,
        resumed_at=check.resumed_at,
        not_swept=dict(check.not_swept),
        left=await restore.left(conn, check) if check.is_running else 0,
        looked_at=sum(counts.values()),
        counts=counts | {"adopted": adopted},
        effects=_shown(await restore.findings(conn, check.id, withheld=True, limit=SHOWN)),
        held=_shown(await restore.findings(conn, check.id, verdict=Verdict.HELD.value, limit=SHOWN)),
        adopted=_shown(await restore.findings(conn, check.id, adopted=True, limit=SHOWN)),
    )


def _shown(found: list[Finding]) -> tuple[Withheld, ...]:
    return tuple(
        Withheld(one.order_id, one.channel_order_id, one.store_number or "", one.effect or "", one.because)
        for one in found
    )
