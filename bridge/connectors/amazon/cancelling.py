"""Cancelling a fulfilment order: looked at, cancelled whole, and watched until Amazon shows it as cancelled.

Amazon takes a cancellation while no unit is picked, and says nothing of how it answers afterwards [not confirmed]. So
what the order shows decides, before the call and after a refusal.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from bridge.connectors.amazon.client import Client
from bridge.connectors.amazon.protocol import Version
from bridge.connectors.amazon.reading import TOO_LATE, FulfilmentOrder, Status, barrier
from bridge.connectors.amazon.wire import Answer
from bridge.domain.outcomes import AlreadyDone, Done, Outcome, Rejected, RemoteProblem, Retry, Unknown
from bridge.domain.plans import RefundRequest
from bridge.ports import Progress

WHOLE_ONLY: Final = (
    "Amazon cancels whole orders only: cancel the order in Seller Central and make a new one there for what the buyer "
    "keeps, or let it be sent and have the rest returned"
)
NEW_LOOK: Final = 60.0
"""Seconds until an order that Amazon is still checking is looked at again."""
Look = Callable[[str], Awaitable[FulfilmentOrder | None]]


async def cancel(client: Client, version: Version, look: Look, order_id: str, request: RefundRequest) -> Outcome:
    """`Done.reference` names the order, for `progress`."""
    try:
        order = await look(order_id)
    except RemoteProblem as problem:
        return problem.outcome
    before = _instead(order, request)
    if before is not None:
        return before
    answer = await client.write(version.cancel(order_id))
    if isinstance(answer, Answer):
        return Done(order_id)
    return await _after(look, order_id, answer) if isinstance(answer, Rejected) else answer


def _instead(order: FulfilmentOrder | None, request: RefundRequest) -> Outcome | None:
    """What is answered where nothing may be sent."""
    if order is None:
        return Rejected("Amazon no longer has the order", "not_found")
    if order.sends_nothing:
        return AlreadyDone(f"Amazon shows the order as {order.said}")
    stands = barrier(order)
    if stands is not None:
        return Retry(stands.because, NEW_LOOK) if stands.passes else Rejected(stands.because, "too_late")
    left = {item.id: item.quantity - item.cancelled - item.unfulfillable for item in order.items}
    if not request.everything or any(count > request.quantities.get(item, 0) for item, count in left.items()):
        return Rejected(WHOLE_ONLY, "whole_only")
    return None


async def _after(look: Look, order_id: str, refused: Rejected) -> Outcome:
    """Amazon refused: the order itself says what that means."""
    try:
        order = await look(order_id)
    except RemoteProblem:
        return Unknown(f"{refused.because}; and the order could not be read again")
    if order is None:
        return Rejected("Amazon no longer has the order", "not_found")
    if order.sends_nothing:
        return AlreadyDone(f"Amazon shows the order as {order.said}")
    stands = barrier(order)
    if stands is not None and stands.passes:
        return Retry(stands.because, NEW_LOOK)
    if stands is not None:
        return Rejected(stands.because, "too_late")
    if order.status is Status.PROCESSING:
        return Rejected(f"{refused.because}. Amazon is preparing it ({order.said}), so {TOO_LATE}", "too_late")
    return refused


async def progress(look: Look, order_id: str) -> Progress:
    """How far a cancellation is that Amazon took. Raises `RemoteProblem`."""
    order = await look(order_id)
    if order is None:
        return Progress("failed", "Amazon took the cancellation, and no longer shows the order")
    stands = barrier(order)
    if stands is not None and not stands.passes and order.status is not Status.UNKNOWN:
        return Progress("failed", f"Amazon took the cancellation, but it came too late: {stands.because}")
    return Progress("working", f"Amazon took the cancellation and is working on it ({order.said})")
