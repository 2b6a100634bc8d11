"""Answering a buyer's request to cancel: approve, or reject with one of TikTok's own reasons."""

from __future__ import annotations

from bridge.domain import requests
from bridge.domain.channel_order import Cancellation, CancellationStatus
from bridge.domain.effects import ApproveRequest, EffectKind, RejectRequest
from bridge.domain.outcomes import Done, Outcome, Rejected, RemoteProblem
from bridge.killpoints import KillPoint
from bridge.storage.ledger import Claim
from bridge.sync.desk import Desk
from bridge.sync.effect import Handler, Look, Points, Prepared, Step
from bridge.sync.reading import read_channel
from bridge.sync.sheet import RemoteDown, Sheet, Sides, link_of


async def prepare_approve(_desk: Desk, _sheet: Sheet, _sides: Sides, effect: ApproveRequest) -> Prepared | Step:
    return Prepared({"cancellation": effect.cancellation_id}, about=effect.cancellation_id)


async def call_approve(_desk: Desk, _sheet: Sheet, sides: Sides, claim: Claim) -> Outcome:
    return await sides.channel_port.approve_cancellation(claim.payload["cancellation"], claim.token)


async def look_approve(desk: Desk, sheet: Sheet, claim: Claim, _answer: Done | None) -> Look:
    wanted = claim.payload["cancellation"]
    request = await _read(desk, sheet, wanted)
    if request is None:
        return Look("absent", f"TikTok Shop does not show the buyer's request {wanted}")
    if request.is_dead:
        return Look("landed", f"the buyer's request {wanted} is approved", reference=wanted)
    if request.status == CancellationStatus.CLOSED:
        return Look("refused", f"the buyer's request {wanted} was closed: withdrawn, or rejected by somebody else")
    return Look("absent", f"the buyer's request {wanted} still waits for an answer")


async def prepare_reject(desk: Desk, sheet: Sheet, sides: Sides, effect: RejectRequest) -> Prepared | Step:
    """TikTok changes the keys by market and date: asked now, and one that it does not list is not sent."""
    try:
        listed = [reason.key for reason in await sides.channel_port.reject_reasons(effect.cancellation_id)]
    except RemoteProblem as problem:
        if not isinstance(problem.outcome, Rejected):
            raise RemoteDown(sheet.shop.connection_id, problem) from problem
        listed = [effect.reason]  # no list to be had here: TikTok's answer to the rejection decides
    if effect.reason not in listed:
        return Step(settlement=requests.not_listed(as_read(desk, sheet, sides), effect, listed))
    payload = {"cancellation": effect.cancellation_id, "reason": effect.reason, "comment": effect.comment}
    return Prepared(payload, about=effect.cancellation_id)


async def call_reject(_desk: Desk, _sheet: Sheet, sides: Sides, claim: Claim) -> Outcome:
    payload = claim.payload
    return await sides.channel_port.reject_cancellation(
        payload["cancellation"], payload["reason"], payload["comment"], claim.token
    )


async def look_reject(desk: Desk, sheet: Sheet, claim: Claim, _answer: Done | None) -> Look:
    wanted = claim.payload["cancellation"]
    request = await _read(desk, sheet, wanted)
    if request is None:
        return Look("absent", f"TikTok Shop does not show the buyer's request {wanted}")
    if request.status == CancellationStatus.CLOSED:
        reason = claim.payload["reason"]
        because = f"the buyer's request {wanted} is rejected, reason {reason}: the order lives on"
        return Look("landed", because, reference=wanted, facts={"reason": reason})
    if request.is_dead:
        return Look("refused", f"the buyer's request {wanted} was approved before it could be rejected")
    return Look("absent", f"the buyer's request {wanted} still waits for an answer")


def as_read(desk: Desk, sheet: Sheet, sides: Sides) -> requests.Reading:
    """What buyers' requests are answered on, from what was read."""
    return requests.Reading(
        sides.channel,
        sides.store,
        link_of(sheet, sides),
        sheet.shop.settings,
        desk.clock.now(),
        sheet.cancels_last_hour,
    )


async def _read(desk: Desk, sheet: Sheet, cancellation: str) -> Cancellation | None:
    order = await read_channel(desk, sheet)
    return next((c for c in order.cancellations if c.id == cancellation), None) if order else None


def _refusal_key(claim: Claim) -> str:
    return requests.refusal_key(EffectKind(claim.kind), claim.payload["cancellation"])


APPROVE = Handler(
    points=Points(
        KillPoint.APPROVE_CLAIMED, KillPoint.APPROVE_ANSWERED, KillPoint.APPROVE_CONFIRMED, KillPoint.APPROVE_RECORDED
    ),
    prepare=prepare_approve,
    call=call_approve,
    look=look_approve,
    refusal_key=_refusal_key,
)
REJECT = Handler(
    points=Points(
        KillPoint.REJECT_CLAIMED, KillPoint.REJECT_ANSWERED, KillPoint.REJECT_CONFIRMED, KillPoint.REJECT_RECORDED
    ),
    prepare=prepare_reject,
    call=call_reject,
    look=look_reject,
    refusal_key=_refusal_key,
)
