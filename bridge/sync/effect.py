"""One effect, start to end: claim the units, act, confirm by reading; and what becomes of each answer.

An act is never repeated on a guess. After an unknown outcome, or when a process died holding a claim, a quiet period
passes and a look decides whether it landed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.attention import AttentionKind, Hold
from bridge.domain.effects import Effect, EffectKind, Settlement
from bridge.domain.outcomes import AlreadyDone, Done, Outcome, Reauth, Rejected, Retry, Unknown
from bridge.domain.tokens import effect_token
from bridge.killpoints import KillPoint, reach
from bridge.storage import changelog, ledger, orders
from bridge.storage.changelog import Line
from bridge.storage.errors import AlreadyOpen
from bridge.storage.fence import LeaseLost
from bridge.storage.ledger import Claim
from bridge.sync import braking, drifting, outbreak, waiting
from bridge.sync.arrivals import note_arrivals, read_facts
from bridge.sync.desk import CALL_TIMEOUT, Desk, log
from bridge.sync.lease import Lease
from bridge.sync.sheet import RemoteDown, Sheet, Sides, standing_facts

PENDING_LOOK = timedelta(seconds=60)
"""How often a cancellation that the other side is still working on is looked at, where nothing tells of it before."""
UNSEEN_LOOK = timedelta(seconds=10)
"""The remote said done but does not show it yet."""


@dataclass(frozen=True, slots=True)
class Prepared:
    payload: Mapping[str, Any]
    record: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the order's record written together with the claim."""
    about: str = ""
    """The remote's id of what is answered: two requests for the same units are not one effect tried twice."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a reading shows of a claim."""

    state: Literal["landed", "absent", "pending", "refused"]
    because: str
    reference: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    record: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the order's record that follow from it."""
    block: str = ""
    holds: tuple[Hold, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """What to do next: read again at once, or come back when due; a settlement when the act was not to be."""

    again: bool = False
    due: datetime | None = None
    settlement: Settlement | None = None


AGAIN = Step(again=True)


@dataclass(frozen=True, slots=True)
class Points:
    claimed: KillPoint
    answered: KillPoint
    confirmed: KillPoint
    recorded: KillPoint


@dataclass(frozen=True, slots=True)
class Handler:
    """The functions of one kind of effect."""

    points: Points
    prepare: Callable[[Desk, Sheet, Sides, Any], Awaitable[Prepared | Step]]
    call: Callable[[Desk, Sheet, Sides, Claim], Awaitable[Outcome]]
    look: Callable[[Desk, Sheet, Claim, Done | None], Awaitable[Look]]
    note: Callable[[Claim, Done], Mapping[str, Any]] = lambda _claim, _done: {}
    """Fields of the order's record that an answer tells even when it could not be confirmed yet."""
    take_back: Callable[[Claim], Mapping[str, Any]] = lambda _claim: {}
    """Fields of the order's record, written with the claim, that hold no more when nothing was done."""
    partial: Callable[[Claim], bool] = lambda _claim: False
    refusal_key: Callable[[Claim], str] = lambda claim: claim.kind
    """What a refusal of this claim stands for: the kind of effect, or one of several that an order may wait for."""


async def perform(desk: Desk, lease: Lease, sheet: Sheet, sides: Sides, effect: Effect, handler: Handler) -> Step:
    """Do what the comparison asked for, under a lease that outlasts the call. Raises `LeaseLost`, `RemoteDown`."""
    prepared = await handler.prepare(desk, sheet, sides, effect)
    if isinstance(prepared, Step):
        return prepared
    await lease.at_least(CALL_TIMEOUT)
    claim = await _claim(desk, lease, sheet, sides, effect, prepared)
    if claim is None:
        return AGAIN
    _tell(desk, claim, "claimed", effect.because)
    reach(handler.points.claimed)
    await lease.at_least(timedelta(0))  # who stood still since the claim may find that it was looked for in vain
    outcome = await handler.call(desk, sheet, sides, claim)
    reach(handler.points.answered)
    return await _conclude(desk, sheet, sides, claim, outcome, handler)


async def _claim(
    desk: Desk, lease: Lease, sheet: Sheet, sides: Sides, effect: Effect, prepared: Prepared
) -> Claim | None:
    """Claim the units and commit. None when the settings moved, effects are paused or another claim is open: read
    again. Raises `LeaseLost`: what was read may be answered already by whoever took the order over.
    """
    units = tuple(sorted(effect.units))

    async def open_(conn: AsyncConnection) -> Claim | None:
        side, kind = effect.kind.side, effect.kind.value
        ground = await ledger.ground(
            conn, order_id=sheet.record.id, shop_id=sheet.shop.id, side=side, kind=kind, units=units
        )
        if ground.settings_version != sheet.shop.version or ground.paused is not None:
            return None
        if await braking.is_full(conn, sheet, kind, ground.now):
            return None
        attempt = ground.attempt
        token = effect_token(
            sheet.shop.channel_shop_id,
            sheet.record.channel_order_id,
            f"{side}/{kind}/{prepared.about}" if prepared.about else f"{side}/{kind}",
            units,
            attempt,
        )
        if prepared.record:
            await orders.set_fields(conn, sheet.record.id, **prepared.record)
        facts = {"effect": kind, "units": list(units), "attempt": attempt, "token": token, "read": read_facts(sides)}
        told = await note_arrivals(conn, sheet)
        drift = await drifting.found(conn, sheet, sides, effect, ground.now)
        lines = [*told, *drift, Line("claimed", effect.because, facts)]
        await changelog.write_all(conn, sheet.record.id, lines, ground.now)
        return await ledger.open_claim(
            conn,
            order_id=sheet.record.id,
            side=side,
            kind=kind,
            units=units,
            token=token,
            attempt=attempt,
            payload=dict(prepared.payload),
            acting=True,
            shop_id=sheet.shop.id,
            now=ground.now,
            under=lease.claimed,
        )

    try:
        return await desk.db.write(open_)
    except AlreadyOpen:
        return None


def quiet_until(desk: Desk, claim: Claim, handler: Handler) -> datetime:
    """Nothing is looked for or repeated before then."""
    quiet = desk.settings.partial_quiet_period if handler.partial(claim) else desk.settings.quiet_period
    return claim.quiet_until or (claim.acted_at or claim.claimed_at) + quiet


async def resume(desk: Desk, sheet: Sheet, sides: Sides, claim: Claim, handler: Handler) -> Step:
    """A claim is open: its act may have been sent. Wait out the quiet period, then look.

    What was answered and is only not through yet needs no quiet: whoever is sent here early was told of the order, and
    looks. That it ended is believed then; that nothing shows is not, so that nothing is repeated before its time.
    """
    until = quiet_until(desk, claim, handler)
    early = desk.clock.now() < until
    if early and sheet.record.waits_for != waiting.PENDING:
        return Step(due=until)
    look = await handler.look(desk, sheet, claim, None)
    if early and look.state not in {"landed", "refused"}:
        return Step(due=until)
    reach(handler.points.confirmed)
    return await _believe(desk, sheet, sides, claim, look, handler, answer=None)


async def _conclude(desk: Desk, sheet: Sheet, sides: Sides, claim: Claim, outcome: Outcome, handler: Handler) -> Step:
    quiet = desk.settings.partial_quiet_period if handler.partial(claim) else desk.settings.quiet_period
    match outcome:
        case Done() | AlreadyDone():
            answer = outcome if isinstance(outcome, Done) else None
            try:
                look = await handler.look(desk, sheet, claim, answer)
            except RemoteDown as down:
                fields = handler.note(claim, answer) if answer else {}
                named = answer.reference if answer else ""
                await _wait(desk, sheet, claim, f"done, but not confirmed yet: {down}", UNSEEN_LOOK, fields, named)
                raise
            reach(handler.points.confirmed)
            return await _believe(desk, sheet, sides, claim, look, handler, answer=outcome)
        case Unknown(because):
            return await _wait(desk, sheet, claim, f"nobody knows whether it was done: {because}", quiet, {})
        case Retry() | Reauth():
            fields = handler.take_back(claim)
            await _void(desk, sheet, claim, f"nothing was done: {outcome.because}", {}, fields)
            connection = sheet.shop.connection_id if claim.side == "channel" else sheet.store_connection_id
            due = await outbreak.wait_for(desk, connection or "", outcome)
            return Step(due=due)
        case Rejected(because, code):
            return await _refused(desk, sheet, sides, claim, handler, because, code)


async def _believe(
    desk: Desk,
    sheet: Sheet,
    sides: Sides,
    claim: Claim,
    look: Look,
    handler: Handler,
    *,
    answer: Done | AlreadyDone | None,
) -> Step:
    """Act on what a look showed."""
    named = answer.reference if isinstance(answer, Done) else ""
    if look.state == "landed":
        await _done(desk, sheet, claim, look, found=answer is None)
        reach(handler.points.recorded)
        return AGAIN
    if look.state == "pending":
        fields = {**look.record, **waiting.fields(desk, sheet, waiting.PENDING)}
        return await _wait(desk, sheet, claim, look.because, PENDING_LOOK, fields, named)
    if look.state == "refused":
        return await _refused(desk, sheet, sides, claim, handler, look.because)
    if isinstance(answer, Done):
        fields = {**handler.note(claim, answer), **look.record}
        return await _wait(desk, sheet, claim, f"done, but not seen yet: {look.because}", UNSEEN_LOOK, fields, named)
    if isinstance(answer, AlreadyDone):
        because = f"{answer.because}; a look shows no effect: {look.because}"
        return await _refused(desk, sheet, sides, claim, handler, because)
    await _void(desk, sheet, claim, f"no effect found after the quiet period: {look.because}", {"look": "absent"})
    return AGAIN


def _tell(desk: Desk, claim: Claim, outcome: str, because: str) -> None:
    """Count it and log it, after it was committed."""
    desk.meter.effect(claim.kind, outcome)
    log.info("effect", outcome=outcome, effect=claim.kind, mark=claim.token, attempt=claim.attempt, because=because)


def _still_ours(claim: Claim, *, changed: bool) -> None:
    """Whoever stood still for longer than the lease may find the claim ended by another: then nothing is written."""
    if not changed:
        raise LeaseLost(f"the {claim.kind} was concluded by another process")


async def _done(desk: Desk, sheet: Sheet, claim: Claim, look: Look, *, found: bool) -> None:
    async def write(conn: AsyncConnection) -> None:
        _still_ours(claim, changed=await ledger.done(conn, claim.id, look.reference, look.because))
        fields = dict(look.record)
        if look.block:
            fields["blocked"] = look.block
        if fields:
            await orders.set_fields(conn, sheet.record.id, **fields)
        because = f"found by a look: {look.because}" if found else look.because
        facts = {"effect": claim.kind, "reference": look.reference, "token": claim.token, **look.facts}
        await changelog.write(conn, sheet.record.id, "done", because, facts)
        await outbreak.raise_holds(conn, sheet.record.id, look.holds)

    await desk.db.write(write)
    _tell(desk, claim, "done", look.because)


async def _wait(
    desk: Desk,
    sheet: Sheet,
    claim: Claim,
    because: str,
    wait: timedelta,
    fields: Mapping[str, Any],
    reference: str = "",
) -> Step:
    until = desk.clock.now() + wait

    async def write(conn: AsyncConnection) -> None:
        _still_ours(claim, changed=await ledger.unknown(conn, claim.id, until, because, reference))
        if fields:
            await orders.set_fields(conn, sheet.record.id, **fields)
        facts = {"effect": claim.kind, "token": claim.token, "look_at": until.isoformat()}
        await changelog.write_once(conn, sheet.record.id, "waiting", f"{claim.id}:{because}", because, facts)

    await desk.db.write(write)
    _tell(desk, claim, "unsure", because)
    return Step(due=until)


async def _void(
    desk: Desk,
    sheet: Sheet,
    claim: Claim,
    because: str,
    facts: Mapping[str, Any],
    fields: Mapping[str, Any] | None = None,
) -> None:
    async def write(conn: AsyncConnection) -> None:
        _still_ours(claim, changed=await ledger.void(conn, claim.id, because))
        if fields:
            await orders.set_fields(conn, sheet.record.id, **fields)
        await changelog.write(
            conn, sheet.record.id, "void", because, {"effect": claim.kind, "attempt": claim.attempt, **facts}
        )
        if facts.get("look") == "absent":
            hold = Hold(
                AttentionKind.NO_EFFECT_FOUND,
                f"{claim.kind}, attempt {claim.attempt}: {because}; it is tried again",
                {"claim": claim.id, "effect": claim.kind, "units": list(claim.units)},
                cause={"effect": claim.kind, "units": list(claim.units)},
            )
            await outbreak.raise_holds(conn, sheet.record.id, (hold,))

    await desk.db.write(write)
    _tell(desk, claim, "void", because)


async def _refused(
    desk: Desk, sheet: Sheet, sides: Sides, claim: Claim, handler: Handler, because: str, code: str = ""
) -> Step:
    """The other side said no: the refusal stands until the facts change or a person says *settle now*."""
    facts = standing_facts(sheet, sides)

    async def write(conn: AsyncConnection) -> None:
        _still_ours(claim, changed=await ledger.void(conn, claim.id, because))
        record = await orders.locked(conn, sheet.record.id)
        forced = dict(record.forced) if record else {}
        forced["refusals"] = {
            **forced.get("refusals", {}),
            handler.refusal_key(claim): {"claim": claim.id, "because": because, "code": code, "facts": facts},
        }
        await orders.set_fields(conn, sheet.record.id, forced=forced)
        await changelog.write(
            conn, sheet.record.id, "refused", because, {"effect": claim.kind, "code": code, "attempt": claim.attempt}
        )

    await desk.db.write(write)
    _tell(desk, claim, "refused", because)
    return AGAIN


def kind_of(claim: Claim) -> EffectKind:
    return EffectKind(claim.kind)
