"""Holding a store's fulfilment while a buyer's request to cancel waits, and letting go once it is decided. Pure.

Between a request and its answer the parcel may leave. A hold of ours is known by our mark in the store's own books, so
a crash forgets none; nobody else's hold is ever touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bridge.domain.attention import AttentionKind, Hold, refused
from bridge.domain.capabilities import StoreCapabilities
from bridge.domain.channel_order import Cancellation, ChannelOrder
from bridge.domain.effects import EffectKind, HoldFulfilment, ReleaseFulfilment, Settlement, Verdict
from bridge.domain.link import Link
from bridge.domain.requests import refusal_key
from bridge.domain.settings import ShopSettings
from bridge.domain.store_order import StoreOrder


def guarded(
    channel: ChannelOrder,
    store: StoreOrder | None,
    link: Link,
    settings: ShopSettings,
    able: StoreCapabilities,
    settlement: Settlement,
) -> Settlement:
    """The settlement with what the fulfilment needs: a decided request lets go first, one that waits is held for last.

    Letting go needs no setting: what we hold is ours to release, also after the setting was switched off.
    """
    if store is None or not channel.is_known or link.blocked:
        return settlement
    waiting = channel.requests()
    if store.holds and not waiting:
        return _let_go(channel, store, link, settings, settlement)
    wanted = settings.cancellation_sync.buyer_requests.hold_fulfilment and bool(waiting)
    if not wanted or settlement.effect is not None or settlement.verdict is Verdict.IGNORED:
        return settlement
    return _hold(channel, waiting, store, link, settings, able, settlement)


def _hold(
    channel: ChannelOrder,
    waiting: Sequence[Cancellation],
    store: StoreOrder,
    link: Link,
    settings: ShopSettings,
    able: StoreCapabilities,
    settlement: Settlement,
) -> Settlement:
    ids = ", ".join(sorted(request.id for request in waiting))
    what = f"the fulfilment of the store order {store.number}"
    units = frozenset(unit.id for unit in channel.living)
    refusal = link.refusals.get(refusal_key(EffectKind.HOLD, ids))
    if store.holds and not store.can_hold:
        said = f"{what} is held until it is decided"
    elif not able.holds_fulfilment:
        said = f"{what} is not held: {able.holds_because}"
    elif not store.can_hold or not units:
        said = f"nothing of {what} can be held any more"
    elif refusal is not None:
        said = f"{what} is not held: {refusal.because}"
    elif settings.dry_run:
        said = f"dry run: would hold {what}"
    else:
        because = f"{what} is held while the buyer's request {ids} waits for an answer"
        return Settlement(Verdict.ACT, because, HoldFulfilment(because, units, ids))
    return replace(settlement, because=f"{settlement.because}; {said}")


def _let_go(
    channel: ChannelOrder, store: StoreOrder, link: Link, settings: ShopSettings, settlement: Settlement
) -> Settlement:
    ids = frozenset(hold.id for hold in store.holds)
    what = f"our hold on the fulfilment of the store order {store.number}"
    refusal = link.refusals.get(refusal_key(EffectKind.RELEASE, ", ".join(sorted(ids))))
    if refusal is not None:
        because = f"{what} could not be released, release it in the store: {refusal.because}"
        hold = refused(AttentionKind.STORE_ORDER_ON_HOLD, because, {"number": store.number, "claim": refusal.claim})
        return _asking(settlement, hold)
    if settings.dry_run:
        return replace(settlement, because=f"{settlement.because}; dry run: would release {what}")
    because = f"no buyer's request waits any more: {what} is released"
    units = frozenset(unit.id for unit in channel.units)
    return Settlement(Verdict.ACT, because, ReleaseFulfilment(because, units, ids))


def _asking(settlement: Settlement, hold: Hold) -> Settlement:
    holds = settlement.holds + ((hold,) if all(hold.kind is not one.kind for one in settlement.holds) else ())
    if settlement.effect is not None:
        return replace(settlement, holds=holds)
    return replace(settlement, verdict=Verdict.HELD, because=f"{settlement.because}; {hold.because}", holds=holds)
