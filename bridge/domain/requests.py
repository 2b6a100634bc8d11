"""Buyers' requests to cancel: shown while they wait, approved when the store has refunded what they ask for. Pure."""

from __future__ import annotations

from bridge.domain.attention import AttentionKind, Hold
from bridge.domain.books import Books
from bridge.domain.channel_order import Cancellation, ChannelOrder
from bridge.domain.effects import ApproveRequest
from bridge.domain.words import units


def waiting(channel: ChannelOrder) -> tuple[Hold, ...]:
    """Buyer requests that wait: shown with their deadlines, the nearest first, as one thing to look at."""
    requests = channel.requests()
    if not requests:
        return ()
    facts = {
        "requests": [
            {
                "cancellation": request.id,
                "units": sorted(request.unit_ids),
                "respond_by": request.respond_by.isoformat() if request.respond_by else None,
            }
            for request in requests
        ]
    }
    return (Hold(AttentionKind.BUYER_REQUEST, "; ".join(_asks(request) for request in requests), facts),)


def _asks(request: Cancellation) -> str:
    deadline = f" before {request.respond_by:%Y-%m-%d %H:%M} UTC" if request.respond_by else ""
    why = request.reason_text or request.reason or "no reason given"
    return f"the buyer asks to cancel {units(len(request.unit_ids))} ({why}); TikTok expects an answer{deadline}"


def refunded(channel: ChannelOrder, books: Books, what: str) -> ApproveRequest | None:
    """A buyer's request whose every living unit the store has refunded is approved, not crossed by a cancel.

    Units under a return are covered; a unit that the order does not show cannot be checked, so nothing is approved.
    """
    known = {unit.id for unit in channel.units}
    for request in channel.requests():
        asked = request.unit_ids & (books.living | books.living_unmapped)
        if asked and asked <= books.refunded and request.unit_ids <= known:
            because = f"{what}, among them every unit of the buyer's request {request.id}: the request is approved"
            return ApproveRequest(because=because, units=frozenset(asked), cancellation_id=request.id)
    return None
