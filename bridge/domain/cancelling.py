"""Living units that the store refunded: whether and how the channel is told. Pure.

Never "is this credit memo full?" but "are all living units refunded?".
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from bridge.domain import requests
from bridge.domain.attention import AttentionKind, Hold, refused
from bridge.domain.books import Books, living_order, rows_of
from bridge.domain.channel_order import CancellationStatus, ChannelOrder, OrderStatus
from bridge.domain.effects import ApproveRequest, CancelLines, CancelOrder, Effect, Settlement, Verdict
from bridge.domain.link import Link
from bridge.domain.settings import ShopSettings, is_before
from bridge.domain.store_order import StoreOrder
from bridge.domain.words import are, lives, units

LOOK_AGAIN = timedelta(minutes=1)
LINES = "lines"
"""What a person allows for one order: its refunded units may be cancelled line by line."""
TOO_LATE = frozenset({OrderStatus.IN_TRANSIT, OrderStatus.DELIVERED, OrderStatus.COMPLETED})


def decide(
    channel: ChannelOrder,
    store: StoreOrder,
    link: Link,
    settings: ShopSettings,
    books: Books,
    cancels_last_hour: int,
    now: datetime,
) -> Settlement:
    direction = settings.cancellation_sync.store_to_channel
    what = f"the store refunded {len(books.refunded)} of {units(len(books.living))} that lived"
    if not direction.enabled:
        return Settlement(Verdict.SETTLED, f"{what}, but refund → TikTok Shop cancellation is switched off")
    effect: Effect | None = requests.refunded(channel, books, what) or _whole(books, what)
    if effect is None and direction.partial == "ignore" and LINES not in link.allowed:
        return _partial(settings, books, what)
    limit = None if "past" in link.allowed else direction.effective_from
    past = _before(store, link, books, effect.units if effect else books.refunded, limit)
    if past is not None:
        because = (
            f"{what}; the {store.refund_word} ({past:%Y-%m-%d %H:%M} UTC) is older than the switch-on of this direction"
        )
        return _held(AttentionKind.BEFORE_SWITCH_ON, because, books)
    if effect is None and direction.partial != "cancel_lines" and LINES not in link.allowed:
        return _partial(settings, books, what)
    if effect is None:
        lines = _lines(channel, store, link, books, what, limit)
        if isinstance(lines, Settlement):
            return lines
        effect = lines
    pending = [c for c in channel.cancellations if c.status == CancellationStatus.PENDING and not c.is_request]
    pending.sort(key=lambda c: c.id)  # in whatever order TikTok lists them, the words are the same
    alone = isinstance(effect, CancelLines)  # TikTok takes no second cancellation beside one of other lines
    working = next((c for c in pending if alone or not c.unit_ids or effect.units & c.unit_ids), None)
    if working is not None:
        because = f"{what}; TikTok Shop is working on cancellation {working.id}: PENDING is not done"
        return Settlement(Verdict.WAITING, because, look_again_at=now + LOOK_AGAIN, waits_for="pending")
    if channel.status in TOO_LATE:
        because = f"{what}, but the order is {channel.status} on TikTok Shop: it can no longer be cancelled"
        return _held(AttentionKind.TOO_LATE, because, books)
    key, kind = effect.kind.value, AttentionKind.CANCEL_REFUSED
    if isinstance(effect, ApproveRequest):
        key, kind = requests.refusal_key(effect.kind, effect.cancellation_id), AttentionKind.REQUEST_REFUSED
    refusal = link.refusals.get(key)
    if refusal is not None:
        hold = refused(kind, refusal.because, {**_facts(books), "claim": refusal.claim})
        return Settlement(Verdict.HELD, refusal.because, holds=(hold,))
    if isinstance(effect, (CancelOrder, CancelLines)) and not direction.default_reason:
        return _held(AttentionKind.NO_REASON, f"{what}, but no default cancellation reason is set", books)
    if cancels_last_hour >= direction.max_cancels_per_hour and "brake" not in link.allowed:
        because = (
            f"{what}, but {cancels_last_hour} orders of this shop were cancelled in the last hour "
            f"(limit {direction.max_cancels_per_hour}): the direction is paused"
        )
        return _held(AttentionKind.BRAKE, because, books)
    if settings.dry_run:
        return Settlement(Verdict.WAITING, f"dry run: would act on TikTok Shop. {effect.because}")
    return Settlement(Verdict.ACT, effect.because, effect)


def _whole(books: Books, what: str) -> Effect | None:
    if books.living_unmapped or books.refunded != books.living:
        return None
    because = f"{what}: every living unit, so the whole order is cancelled on TikTok Shop"
    return CancelOrder(because=because, units=books.living)


def _lines(
    channel: ChannelOrder, store: StoreOrder, link: Link, books: Books, what: str, effective_from: datetime | None
) -> CancelLines | Settlement:
    """The refunded units by themselves, as far as it is certain which they are and that they are no past ones."""
    wants = {unit: rows_of(link.unit_map[unit]) for unit in books.living}
    unlike = sorted(
        {
            row
            for unit in books.refunded
            for other in books.living - books.refunded
            if wants[unit] != wants[other]
            for row in wants[unit].keys() & wants[other].keys()
        }
    )
    if unlike:
        because = (
            f"{what}; other units that live on share their rows ({', '.join(unlike)}), so the quantities do not tell "
            "which units were meant"
        )
        return _held(AttentionKind.PARTIAL_REFUND, because, books)
    meant = books.refunded
    if effective_from is not None:
        meant = _since(store, link, books, living_order(channel, books.refunded), effective_from)
    if not meant:
        because = f"{what}; {store.refund_word}s older than the switch-on of this direction speak for them"
        return _held(AttentionKind.BEFORE_SWITCH_ON, because, books)
    rest = len(books.living) - len(meant) + len(books.living_unmapped)
    because = f"{what}; {are(len(meant))} cancelled on TikTok Shop line by line, {lives(rest)} in the order"
    return CancelLines(because=because, units=meant)


def _since(
    store: StoreOrder, link: Link, books: Books, refunded: Sequence[str], effective_from: datetime
) -> frozenset[str]:
    """The refunded units for which credit memos since the switch-on speak."""
    room = _since_then(store, link, books, effective_from)
    meant: list[str] = []
    for unit in refunded:
        wants = rows_of(link.unit_map[unit])
        if all(room.get(name, 0) >= quantity for name, quantity in wants.items()):
            meant.append(unit)
            for taken, quantity in wants.items():
                room[taken] -= quantity
    return frozenset(meant)


def _since_then(store: StoreOrder, link: Link, books: Books, effective_from: datetime) -> dict[str, int]:
    """How many of each row the merchant refunded since the switch-on, for units that live.

    A memo is counted once: dead units that no memo of ours stands for are taken to stand on the newest ones.
    """
    ours = store.refunded_by_us()
    room: dict[str, int] = {}
    for row in store.rows:
        since = sum(
            refund.quantities.get(row.id, 0)
            for refund in store.refunds
            if not refund.is_ours and not is_before(refund.created_at, effective_from)
        )
        if not is_before(store.updated_at, effective_from):
            since += row.cancelled
        dead = sum(rows_of(link.unit_map[unit]).get(row.id, 0) for unit in books.dead)
        room[row.id] = since - max(0, dead - ours.get(row.id, 0))
    return room


def _partial(settings: ShopSettings, books: Books, what: str) -> Settlement:
    rest = len(books.living) - len(books.refunded) + len(books.living_unmapped)
    because = f"{what}; {lives(rest)} in the order, so nothing is cancelled by itself"
    if settings.cancellation_sync.store_to_channel.partial == "ignore":
        return Settlement(Verdict.SETTLED, f"{because} (partial refunds are set to be ignored)")
    return _held(AttentionKind.PARTIAL_REFUND, because, books)


def _before(
    store: StoreOrder, link: Link, books: Books, refunded: frozenset[str], effective_from: datetime | None
) -> datetime | None:
    """The newest credit memo of the merchant's own that took some of these units' rows, when older than the switch-on.

    The memo that emptied the order is the change; an earlier partial one does not make it old, and one that stands for
    units that are dead does not make an older one new. Units cancelled in the store have no memo: all that is known is
    that the order was not touched after its own `updated_at`.
    """
    if effective_from is None:
        return None
    rows = {row for unit in refunded for row in rows_of(link.unit_map[unit])}
    theirs = [
        refund.created_at
        for refund in store.refunds
        if not refund.is_ours and any(refund.quantities.get(row, 0) > 0 for row in rows)
    ]
    if any(row.cancelled for row in store.rows if row.id in rows) or not theirs:
        theirs.append(store.updated_at)
    older = [at for at in theirs if is_before(at, effective_from)]
    room = _since_then(store, link, books, effective_from)
    if len(older) < len(theirs) and any(room.get(row, 0) > 0 for row in rows):
        return None
    return max(older, default=None)


def _held(kind: AttentionKind, because: str, books: Books) -> Settlement:
    return Settlement(Verdict.HELD, because, holds=(Hold(kind, because, _facts(books)),))


def _facts(books: Books) -> dict[str, Any]:
    return {"refunded": sorted(books.refunded), "living": sorted(books.living | books.living_unmapped)}
