"""What changed behind a difference that is about to be closed, and whether a message had told of it. Pure.

A drift is a change of which no message told: the sweep, the audit or a person had the order looked at. It decides
nothing; it is counted, because each is a message that somebody lost.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bridge.domain.channel_order import CancellationStatus, ChannelOrder
from bridge.domain.effects import Effect, EffectKind, Side
from bridge.domain.store_order import StoreOrder

CLOCKS = timedelta(minutes=5)
"""So far a remote's clock may be from ours: where only its own time of the change is known."""
FINISHED = frozenset({CancellationStatus.SUCCESS.value, CancellationStatus.COMPLETE.value})
ORDER = "order"
"""Stands for a change of the order as a whole, without a record of its own."""


@dataclass(frozen=True, slots=True)
class Change:
    """What changed, on which side, when by that side's clock."""

    side: Side
    at: datetime
    ids: frozenset[str]
    """The records that tell of it: cancellations of the channel, credit memos of the store."""
    what: str
    """In words for the changelog."""


def behind(effect: Effect, channel: ChannelOrder, store: StoreOrder | None) -> Change | None:
    """The change that this effect answers; None for an effect that answers our own doing, such as an invoice."""
    if effect.kind is EffectKind.CREATE:
        return Change("channel", channel.created_at, frozenset({ORDER}), "the order itself")
    if effect.kind is EffectKind.REFUND:
        return _of_channel(effect.units, channel)
    if effect.kind.side == "channel" and store is not None:
        return _of_store(store)
    return None


def _of_channel(units: Collection[str], channel: ChannelOrder) -> Change | None:
    deaths = [death for unit, death in channel.deaths().items() if unit in units]
    if not deaths:
        return None
    at = max(death.at or channel.updated_at for death in deaths)
    ids = frozenset(death.cancellation_id or ORDER for death in deaths)
    names = ", ".join(sorted(ids - {ORDER}))
    return Change("channel", at, ids, f"cancellation {names}" if names else "the order's cancellation")


def _of_store(store: StoreOrder) -> Change | None:
    """The merchant's own credit memos; without one it is a rule or a person that acts, not a change of the store."""
    memos = [memo for memo in store.refunds if not memo.is_ours]
    if memos:
        names = ", ".join(memo.number or memo.id for memo in memos)
        words = f"{store.refund_word} {names}"
        return Change("store", max(m.created_at for m in memos), frozenset(m.id for m in memos), words)
    if any(row.cancelled for row in store.rows):
        return Change("store", store.updated_at, frozenset({ORDER}), "the store order's cancellation")
    return None


def told_since(change: Change, reading: Mapping[str, Any] | None) -> datetime:
    """From when on a message of that side counts as one that told of the change.

    Where an earlier look did not show it, every message since that look does, whatever the remote's clock says. Where
    there was no look, or one that held back, the remote's own time has to do, less what clocks may differ.
    """
    if reading is not None and not change.ids <= _known(reading, change.side):
        return datetime.fromisoformat(reading["read_at"])
    return change.at - CLOCKS


def _known(reading: Mapping[str, Any], side: Side) -> set[str]:
    """The records that the last stored reading held."""
    shown = reading.get(side)
    if shown is None:
        return set()
    if side == "store":
        return {memo["id"] for memo in shown["memos"]} | ({ORDER} if shown["state"] == "canceled" else set())
    known = {record["id"] for record in shown["cancellations"] if record["status"] in FINISHED}
    return known | ({ORDER} if shown["status"] == "CANCELLED" else set())
