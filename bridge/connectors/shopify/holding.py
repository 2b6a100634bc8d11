"""Holding fulfilment orders and letting them go: what is sent, what its answer means, and which holds are ours.

A hold is ours if this app made it and its handle begins with our mark. It is released by its own id: without ids
Shopify would release everybody's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from bridge.connectors.shopify.answers import told_errors
from bridge.connectors.shopify.client import Client
from bridge.connectors.shopify.documents import HOLD, RELEASE
from bridge.connectors.shopify.reading import AT_SERVICE, gid, number_of, rows_in, text
from bridge.domain.outcomes import AlreadyDone, Done, Outcome, Reauth, Rejected
from bridge.domain.store_order import FulfilmentHold, StoreOrder

MARK: Final = "bridge-"
NOTES_LENGTH: Final = 255
HELD_ALREADY: Final = "DUPLICATE_FULFILLMENT_HOLD_HANDLE"
CAN_BE_HELD: Final = frozenset({"OPEN", "SCHEDULED", "ON_HOLD"})


def _ours(work: Mapping[str, Any]) -> list[str]:
    return [
        number_of(one.get("id"))
        for one in rows_in(work.get("fulfillmentHolds"), "fulfillmentHolds")
        if one.get("heldByRequestingApp") is True and text(one.get("handle")).startswith(MARK)
    ]


def _waits(work: Mapping[str, Any]) -> bool:
    return text(work.get("status")) in CAN_BE_HELD and text(work.get("requestStatus")) not in AT_SERVICE


def holds_in(works: Sequence[Mapping[str, Any]]) -> tuple[FulfilmentHold, ...]:
    """Our holds that stand: what is closed or cancelled is held no more."""
    return tuple(
        FulfilmentHold(found, number_of(work.get("id")))
        for work in works
        if text(work.get("status")) in CAN_BE_HELD
        for found in _ours(work)
    )


def holdable(works: Sequence[Mapping[str, Any]]) -> list[str]:
    """Ids of the fulfilment orders that could be held and are not by us."""
    return [number_of(work.get("id")) for work in works if _waits(work) and not _ours(work)]


async def hold(client: Client, works: Sequence[Mapping[str, Any]], token: str, because: str) -> Outcome:
    """One hold for each fulfilment order; one that is there under this handle is not made again."""
    made = 0
    for place in holdable(works):
        wanted = {
            "reason": "OTHER",
            "reasonNotes": because[:NOTES_LENGTH],
            "handle": MARK + token,
            "notifyMerchant": False,
        }
        answer = await client.write(
            HOLD, {"id": gid("FulfillmentOrder", place), "hold": wanted}, "fulfillmentOrderHold"
        )
        if not isinstance(answer, Mapping):
            return _not_allowed(answer)
        errors = rows_in(answer.get("userErrors"), "errors")
        if errors and HELD_ALREADY not in {str(one.get("code")) for one in errors}:
            return Rejected(f"Shopify does not hold the fulfilment: {told_errors(errors)}", "hold_refused")
        made += 1
    return Done() if made else AlreadyDone("Nothing of the order can be held any more")


def _not_allowed(outcome: Outcome) -> Outcome:
    """One fulfilment order may be another service's: that is no reason to stop everything else of the shop."""
    return Rejected(outcome.because, "not_allowed") if isinstance(outcome, Reauth) else outcome


async def release(client: Client, order: StoreOrder) -> Outcome:
    by_place: dict[str, list[str]] = {}
    for one in order.holds:
        by_place.setdefault(one.place, []).append(gid("FulfillmentHold", one.id))
    for place, ids in by_place.items():
        variables = {"id": gid("FulfillmentOrder", place), "holds": ids}
        answer = await client.write(RELEASE, variables, "fulfillmentOrderReleaseHold")
        if not isinstance(answer, Mapping):
            return _not_allowed(answer)
        errors = rows_in(answer.get("userErrors"), "errors")
        if errors:
            # Somebody may have released it by hand: what the order shows decides, not these words.
            return AlreadyDone(f"Shopify does not release the hold: {told_errors(errors)}")
    return Done()
