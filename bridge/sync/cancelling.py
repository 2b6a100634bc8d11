"""Cancelling on the channel: the whole order, or single lines of it. PENDING is not done."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.domain.attention import AttentionKind, Hold
from bridge.domain.channel_order import Cancellation, CancellationStatus, ChannelOrder
from bridge.domain.effects import CancelLines, CancelOrder, Settlement, Verdict
from bridge.domain.outcomes import Done, Outcome, RemoteProblem
from bridge.killpoints import KillPoint
from bridge.ports import LineReasons
from bridge.storage.ledger import Claim
from bridge.sync.desk import Desk
from bridge.sync.effect import Handler, Look, Points, Prepared, Step
from bridge.sync.reading import read_channel
from bridge.sync.sheet import RemoteDown, Sheet, Sides


async def prepare_cancel(_desk: Desk, sheet: Sheet, sides: Sides, _effect: CancelOrder) -> Prepared | Step:
    """The shop's default reason, then its listed fallbacks: the first that the channel takes for this order now."""
    listed = sheet.shop.settings.cancellation_sync.store_to_channel.listed_reasons
    try:
        valid = await sides.channel_port.cancel_reasons(sides.channel)
    except RemoteProblem as problem:
        raise RemoteDown(sheet.shop.connection_id, problem) from problem
    reason = next((key for key in listed if valid is None or key in valid), None)
    if reason is None:
        because = (
            f"none of the listed reasons ({', '.join(listed) or 'none listed'}) is valid for this order in "
            f"{sides.channel.region} now; TikTok takes {', '.join(valid or ()) or 'none'}"
        )
        # What TikTok takes differs with the order's status: that none of the listed is among it is what is said.
        facts = {"listed": list(listed), "valid": sorted(valid or ())}
        hold = Hold(AttentionKind.NO_REASON, because, facts, cause={"listed": list(listed)})
        return Step(settlement=Settlement(Verdict.HELD, because, holds=(hold,)))
    known = sorted(cancellation.id for cancellation in sides.channel.cancellations)
    return Prepared({"reason": reason, "known": known})


async def call_cancel(_desk: Desk, _sheet: Sheet, sides: Sides, claim: Claim) -> Outcome:
    return await sides.channel_port.cancel_order(sides.channel, claim.payload["reason"], None)


async def look_cancel(desk: Desk, sheet: Sheet, claim: Claim, answer: Done | None) -> Look:
    order = await read_channel(desk, sheet)
    if order is None:
        return Look("absent", "TikTok Shop does not show the order")
    ours = _of_claim(order, claim, answer)
    if set(claim.units) <= order.deaths().keys():
        because = f"TikTok Shop shows the order as cancelled, reason {claim.payload['reason']}"
        return Look("landed", because, reference=ours.id if ours else "", facts={"reason": claim.payload["reason"]})
    if ours is not None and ours.status == CancellationStatus.PENDING:
        return Look("pending", f"TikTok Shop is working on cancellation {ours.id}: PENDING is not done", ours.id)
    if ours is not None and ours.status == CancellationStatus.CLOSED:
        return Look("refused", f"TikTok Shop closed cancellation {ours.id} without cancelling the order", ours.id)
    return Look("absent", f"the order is {order.status} on TikTok Shop and shows no cancellation of ours")


def _of_claim(order: ChannelOrder, claim: Claim, answer: Done | None) -> Cancellation | None:
    """The cancellation this claim made: by the id answered, else a new one by the seller."""
    for cancellation in order.cancellations:
        if answer is not None and answer.reference and cancellation.id == answer.reference:
            return cancellation
    fresh = [
        c
        for c in order.cancellations
        if c.id not in claim.payload["known"]
        and not c.is_request
        and (not c.unit_ids or c.unit_ids.intersection(claim.units))
    ]
    return max(fresh, key=lambda c: c.created_at, default=None)


async def prepare_lines(_desk: Desk, sheet: Sheet, sides: Sides, effect: CancelLines) -> Prepared | Step:
    """The first listed reason with which the channel cancels just these lines now."""
    listed = sheet.shop.settings.cancellation_sync.store_to_channel.listed_reasons
    try:
        told = await sides.channel_port.line_cancel_reasons(sides.channel, effect.units)
    except RemoteProblem as problem:
        raise RemoteDown(sheet.shop.connection_id, problem) from problem
    reason = next((key for key in listed if key in told.keys), None)
    if reason is None:
        because = no_line_reason(listed, told)
        facts = {"listed": list(listed), "valid": list(told.keys), "units": sorted(effect.units)}
        hold = Hold(AttentionKind.NO_REASON, because, facts, cause={"listed": list(listed), "units": facts["units"]})
        return Step(settlement=Settlement(Verdict.HELD, because, holds=(hold,)))
    known = sorted(cancellation.id for cancellation in sides.channel.cancellations)
    return Prepared({"reason": reason, "known": known})


def no_line_reason(listed: Sequence[str], told: LineReasons) -> str:
    """Why single lines cannot be cancelled with any reason the merchant listed, and which to list."""
    if not told.keys:
        return told.because
    return (
        f"none of the listed reasons ({', '.join(listed) or 'none listed'}) is one with which TikTok Shop cancels "
        f"single lines; list {' or '.join(told.keys)} as default or fallback reason"
    )


async def call_lines(_desk: Desk, _sheet: Sheet, sides: Sides, claim: Claim) -> Outcome:
    return await sides.channel_port.cancel_order(sides.channel, claim.payload["reason"], frozenset(claim.units))


async def look_lines(desk: Desk, sheet: Sheet, claim: Claim, answer: Done | None) -> Look:
    order = await read_channel(desk, sheet)
    if order is None:
        return Look("absent", "TikTok Shop does not show the order")
    ours = _of_claim(order, claim, answer)
    named = ", ".join(claim.units)
    if set(claim.units) <= order.deaths().keys():
        because = f"TikTok Shop shows lines {named} as cancelled, reason {claim.payload['reason']}"
        facts = {"reason": claim.payload["reason"], "lines": list(claim.units)}
        return Look("landed", because, reference=ours.id if ours else "", facts=facts)
    if ours is not None and ours.status == CancellationStatus.PENDING:
        return Look("pending", f"TikTok Shop is working on cancellation {ours.id}: PENDING is not done", ours.id)
    if ours is not None and ours.status == CancellationStatus.CLOSED:
        return Look("refused", f"TikTok Shop closed cancellation {ours.id} without cancelling lines {named}", ours.id)
    return Look("absent", f"TikTok Shop does not show lines {named} as cancelled, and no cancellation of ours")


CANCEL = Handler(
    points=Points(
        KillPoint.CANCEL_CLAIMED, KillPoint.CANCEL_ANSWERED, KillPoint.CANCEL_CONFIRMED, KillPoint.CANCEL_RECORDED
    ),
    prepare=prepare_cancel,
    call=call_cancel,
    look=look_cancel,
)
CANCEL_LINES = Handler(
    points=Points(
        KillPoint.CANCEL_LINES_CLAIMED,
        KillPoint.CANCEL_LINES_ANSWERED,
        KillPoint.CANCEL_LINES_CONFIRMED,
        KillPoint.CANCEL_LINES_RECORDED,
    ),
    prepare=prepare_lines,
    call=call_lines,
    look=look_lines,
)
