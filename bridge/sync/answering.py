"""Answering a buyer's request to cancel."""

from __future__ import annotations

from bridge.domain.channel_order import CancellationStatus
from bridge.domain.effects import ApproveRequest
from bridge.domain.outcomes import Done, Outcome
from bridge.killpoints import KillPoint
from bridge.storage.ledger import Claim
from bridge.sync.desk import Desk
from bridge.sync.effect import Handler, Look, Points, Prepared, Step
from bridge.sync.reading import read_channel
from bridge.sync.sheet import Sheet, Sides


async def prepare_approve(_desk: Desk, _sheet: Sheet, _sides: Sides, effect: ApproveRequest) -> Prepared | Step:
    return Prepared({"cancellation": effect.cancellation_id})


async def call_approve(_desk: Desk, _sheet: Sheet, sides: Sides, claim: Claim) -> Outcome:
    return await sides.channel_port.approve_cancellation(claim.payload["cancellation"], claim.token)


async def look_approve(desk: Desk, sheet: Sheet, claim: Claim, _answer: Done | None) -> Look:
    order = await read_channel(desk, sheet)
    wanted = claim.payload["cancellation"]
    request = next((c for c in order.cancellations if c.id == wanted), None) if order else None
    if request is None:
        return Look("absent", f"TikTok Shop does not show the buyer's request {wanted}")
    if request.is_dead:
        return Look("landed", f"the buyer's request {wanted} is approved", reference=wanted)
    if request.status == CancellationStatus.CLOSED:
        return Look("refused", f"the buyer's request {wanted} was closed: withdrawn, or rejected by somebody else")
    return Look("absent", f"the buyer's request {wanted} still waits for an answer")


APPROVE = Handler(
    points=Points(
        KillPoint.APPROVE_CLAIMED, KillPoint.APPROVE_ANSWERED, KillPoint.APPROVE_CONFIRMED, KillPoint.APPROVE_RECORDED
    ),
    prepare=prepare_approve,
    call=call_approve,
    look=look_approve,
)
