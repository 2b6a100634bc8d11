"""Holding the store's fulfilment and letting it go: known by our own mark in what the store shows of the order."""

from __future__ import annotations

from bridge.domain.effects import EffectKind, HoldFulfilment, ReleaseFulfilment
from bridge.domain.outcomes import Done, Outcome
from bridge.domain.requests import refusal_key
from bridge.killpoints import KillPoint
from bridge.ports import HoldsFulfilment
from bridge.storage.ledger import Claim
from bridge.sync.desk import Desk
from bridge.sync.effect import Handler, Look, Points, Prepared, Step
from bridge.sync.reading import read_store
from bridge.sync.sheet import Sheet, Sides


def _port(sides: Sides) -> HoldsFulfilment:
    if not isinstance(sides.store_port, HoldsFulfilment):
        raise TypeError("a hold was decided for a store that holds nothing")
    return sides.store_port


async def prepare_hold(_desk: Desk, _sheet: Sheet, _sides: Sides, effect: HoldFulfilment) -> Prepared | Step:
    return Prepared({"about": effect.cancellation_id}, about=effect.cancellation_id)


async def call_hold(_desk: Desk, _sheet: Sheet, sides: Sides, claim: Claim) -> Outcome:
    if sides.store is None:
        raise RuntimeError("a hold was claimed without a store order")
    because = f"TikTok Shop: the buyer asks to cancel (request {claim.payload['about']})"
    return await _port(sides).hold_fulfilment(sides.store, claim.token, because)


async def look_hold(desk: Desk, sheet: Sheet, _claim: Claim, _answer: Done | None) -> Look:
    order = await read_store(desk, sheet)
    if order is None:
        return Look("absent", "the store no longer shows its order")
    if not order.holds:
        return Look("absent", f"the store order {order.number} shows no hold of ours")
    if order.can_hold:
        return Look("absent", f"a part of the store order {order.number} is not held by us")
    ids = sorted(hold.id for hold in order.holds)
    because = f"the fulfilment of the store order {order.number} is held"
    return Look("landed", because, reference=", ".join(ids), facts={"holds": ids})


async def prepare_release(_desk: Desk, _sheet: Sheet, _sides: Sides, effect: ReleaseFulfilment) -> Prepared | Step:
    about = ", ".join(sorted(effect.holds))
    return Prepared({"about": about, "holds": sorted(effect.holds)}, about=about)


async def call_release(_desk: Desk, _sheet: Sheet, sides: Sides, _claim: Claim) -> Outcome:
    if sides.store is None:
        raise RuntimeError("a release was claimed without a store order")
    return await _port(sides).release_fulfilment(sides.store)


async def look_release(desk: Desk, sheet: Sheet, claim: Claim, _answer: Done | None) -> Look:
    order = await read_store(desk, sheet)
    standing = {hold.id for hold in order.holds} & set(claim.payload["holds"]) if order else set()
    if standing:
        return Look("absent", f"our hold {', '.join(sorted(standing))} still stands")
    return Look("landed", "our hold on the fulfilment is released", facts={"holds": claim.payload["holds"]})


def _refusal_key(claim: Claim) -> str:
    return refusal_key(EffectKind(claim.kind), claim.payload["about"])


HOLD = Handler(
    points=Points(KillPoint.HOLD_CLAIMED, KillPoint.HOLD_ANSWERED, KillPoint.HOLD_CONFIRMED, KillPoint.HOLD_RECORDED),
    prepare=prepare_hold,
    call=call_hold,
    look=look_hold,
    refusal_key=_refusal_key,
)
RELEASE = Handler(
    points=Points(
        KillPoint.RELEASE_CLAIMED, KillPoint.RELEASE_ANSWERED, KillPoint.RELEASE_CONFIRMED, KillPoint.RELEASE_RECORDED
    ),
    prepare=prepare_release,
    call=call_release,
    look=look_release,
    refusal_key=_refusal_key,
)
