"""The decision: two readings and what is settled in, one effect or none out, with its reason. Pure.

Causes, senders and messages are shown to people; they never decide here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from bridge.domain import buying, cancelling, fulfilment, refunding, requests
from bridge.domain.attention import AttentionKind, Hold, refused
from bridge.domain.books import Books, compare_books
from bridge.domain.capabilities import StoreCapabilities
from bridge.domain.channel_order import ChannelOrder
from bridge.domain.effects import ApproveRequest, CancelLines, CancelOrder, InvoiceOrder, Settlement, Verdict
from bridge.domain.link import Link
from bridge.domain.plans import Reserved
from bridge.domain.settings import ShopSettings
from bridge.domain.store_order import StoreOrder
from bridge.domain.words import units


@dataclass(frozen=True, slots=True)
class Case:
    """Everything a decision is made from."""

    channel: ChannelOrder
    store: StoreOrder | None
    link: Link
    settings: ShopSettings
    capabilities: StoreCapabilities
    now: datetime
    cancels_last_hour: int = 0
    """Cancellations sent to this shop in the last hour, for the brake."""
    facts: Mapping[str, Any] = field(default_factory=dict)

    def for_requests(self) -> requests.Reading:
        """The part of it that buyers' requests are answered on."""
        return requests.Reading(self.channel, self.store, self.link, self.settings, self.now, self.cancels_last_hour)


def compare(case: Case) -> Settlement:
    """Decide what one order needs now: what its books ask for, then what its buyer asks for, and its fulfilment."""
    settlement = requests.answered(case.for_requests(), _books(case))
    return fulfilment.guarded(case.channel, case.store, case.link, case.settings, case.capabilities, settlement)


def _books(case: Case) -> Settlement:
    channel, link = case.channel, case.link
    if not channel.is_known:
        values = channel.unknown_values()
        because = f"TikTok Shop sent {', '.join(values)}, which this version does not know: nothing is done"
        return held(Hold(AttentionKind.UNKNOWN_VALUE, because, {"values": list(values)}))
    if link.blocked:
        because = f"blocked until a person settles it: {link.blocked}"
        return held(Hold(AttentionKind.BOOKS_MOVED, because, {"blocked": link.blocked}))
    if case.store is None:
        if link.store_order_id:
            because = f"the store no longer shows its order {link.store_number or link.store_order_id}"
            return held(Hold(AttentionKind.STORE_ORDER_GONE, because, {"store_order": link.store_order_id}))
        return buying.decide(channel, link, case.settings, case.now)
    return _with_store_order(case, case.store)


def _with_store_order(case: Case, store: StoreOrder) -> Settlement:
    link = case.link
    if store.is_cancelled and not store.refunds:
        if not case.channel.living:
            return Settlement(
                Verdict.SETTLED, "cancelled on TikTok Shop, and the store order was cancelled: both agree"
            )
        because = f"the store order {store.number} was cancelled in the store before it was invoiced"
        if case.capabilities.one_way:
            because = (
                f"the store order {store.number} will not be sent ({store.status}), and the sale stands on TikTok Shop"
            )
        return held(Hold(AttentionKind.STORE_ORDER_CANCELLED, because, {"number": store.number}))
    if not store.is_invoiced:
        return _invoice(case, store)
    books = compare_books(case.channel, store, link.unit_map, fill_first=link.refunded_by_us)
    twice = sorted(set(books.unrefunded) & link.refunded_by_us)
    if twice:
        because = (
            f"our own {store.refund_word}s stood for unit {', '.join(twice)}, but the store order {store.number} no "
            "longer counts them as refunded: nothing is refunded a second time"
        )
        return held(Hold(AttentionKind.BOOKS_MOVED, because, {"units": twice}))
    there = (
        refunding.decide(case.channel, store, link, case.settings, case.capabilities, books, case.now)
        if books.missing
        else None
    )
    if there is not None and there.effect is not None:
        return there
    back = _towards_channel(case, store, books)
    if there is not None and back is not None:
        return _together(there, back)
    return there or back or _equal(case.channel, store, books)


def _towards_channel(case: Case, store: StoreOrder, books: Books) -> Settlement | None:
    """What the store refunded of living units, and what follows; None where it refunded none."""
    if books.partly and books.partly <= books.dead.keys() and not books.refunded:
        return None  # dead units only: said where they are refunded
    if books.partly:
        names = ", ".join(sorted(books.partly))
        because = f"the store refunded some rows of unit {names}, not all: a unit is whole or it is held"
        return held(Hold(AttentionKind.UNIT_PARTLY_REFUNDED, because, {"units": sorted(books.partly)}))
    if not books.refunded:
        return None
    if books.beyond:
        return held(_beyond(store, books))
    if case.capabilities.one_way:
        because = (
            f"{units(len(books.refunded))} alive on TikTok Shop will not be sent by the store ({store.status}): what "
            "happens there never cancels here"
        )
        facts = {"number": store.number, "units": sorted(books.refunded)}
        return held(Hold(AttentionKind.STORE_ORDER_CANCELLED, because, facts))
    settlement = cancelling.decide(
        case.channel, store, case.link, case.settings, books, case.cancels_last_hour, case.now
    )
    if isinstance(settlement.effect, (CancelOrder, CancelLines)) and case.channel.requests():
        because = f"{settlement.because}; but a buyer's request waits for an answer: answer it first"
        return Settlement(Verdict.HELD, because)  # the requests themselves are what is asked
    emptied = _emptied(store) if books.refunded != books.living else None
    if emptied is None or isinstance(settlement.effect, ApproveRequest):
        return settlement
    if settlement.effect is not None and cancelling.LINES in case.link.allowed:
        return settlement
    if settlement.effect is not None or settlement.verdict is Verdict.SETTLED:
        return held(emptied)
    return _joined(settlement, (emptied,))


def _together(there: Settlement, back: Settlement) -> Settlement:
    """Both directions have something to say. What may act does; what waits goes on by itself, so it waits."""
    if back.effect is not None:
        return _joined(back, there.holds)
    ranks = (Verdict.WAITING, Verdict.HELD, Verdict.SETTLED)
    looks = [at for at in (there.look_again_at, back.look_again_at) if at is not None]
    return Settlement(
        min(there.verdict, back.verdict, key=ranks.index),
        f"{there.because}; and {back.because}",
        holds=_one_a_kind(there.holds + back.holds),
        look_again_at=min(looks, default=None),
        waits_for=there.waits_for or back.waits_for,
    )


def _one_a_kind(holds: tuple[Hold, ...]) -> tuple[Hold, ...]:
    """A person is asked once of a kind; both directions may have the same to ask."""
    found: dict[AttentionKind, Hold] = {}
    for hold in holds:
        first = found.setdefault(hold.kind, hold)
        if first is not hold:
            cause = {**(hold.cause or hold.facts), **(first.cause or first.facts)}
            facts = {**hold.facts, **first.facts}
            found[hold.kind] = replace(first, because=f"{first.because}; and {hold.because}", facts=facts, cause=cause)
    return tuple(found.values())


def _invoice(case: Case, store: StoreOrder) -> Settlement:
    link = case.link
    if link.is_linked:
        because = f"the store order {store.number} was linked and has no invoice: whoever made it invoices it"
        return held(Hold(AttentionKind.NOT_INVOICED, because, {"number": store.number}))
    if store.is_held:
        because = f"the store order {store.number} is on hold, so it cannot be invoiced"
        return held(Hold(AttentionKind.STORE_ORDER_ON_HOLD, because, {"number": store.number}))
    refusal = link.refusals.get("invoice")
    if refusal is not None:
        return held(refused(AttentionKind.INVOICE_REFUSED, refusal.because, {"claim": refusal.claim}))
    if case.settings.dry_run:
        return Settlement(Verdict.WAITING, f"dry run: would invoice the store order {store.number}")
    repair = link.reserved is Reserved.NO and not link.repair_tried
    because = f"the store order {store.number} is not invoiced yet: an order begun is finished"
    if repair:
        because += ", and its stock is taken on this call because the create said that it was not"
    effect = InvoiceOrder(because=because, units=frozenset(link.unit_map), reserve=repair)
    return Settlement(Verdict.ACT, because, effect)


def _equal(channel: ChannelOrder, store: StoreOrder, books: Books) -> Settlement:
    living = len(books.living)
    if books.beyond:
        return held(_beyond(store, books))
    emptied = _emptied(store) if living else None
    if emptied is not None:
        return held(emptied)
    gone, and_gone = ("refunded", " and refunded") if store.keeps_money else ("cancelled", "")
    if not living and not books.returned:
        because = f"both books agree: all {units(len(books.mapped))} cancelled on TikTok Shop and {gone} in the store"
    elif books.dead:
        because = (
            f"both books agree: {len(books.dead)} cancelled{and_gone}, {living} alive on both sides{_returned(books)}"
        )
    else:
        because = f"both books agree: {units(living)} alive on both sides{_returned(books)}, nothing to do"
    if books.living_unmapped:
        because += f"; {units(len(books.living_unmapped))} never reached the store"
    return Settlement(Verdict.SETTLED, because, facts={"status": channel.status, "store_state": store.state})


def _beyond(store: StoreOrder, books: Books) -> Hold:
    rows = ", ".join(f"{count} of row {row}" for row, count in sorted(books.beyond.items()))
    because = (
        f"our own {store.refund_word}s of the store order {store.number} refunded more than is cancelled on TikTok "
        f"Shop ({rows}): that is no wish to cancel, so nothing is done"
    )
    return Hold(AttentionKind.BOOKS_MOVED, because, {"beyond": dict(sorted(books.beyond.items()))})


def _emptied(store: StoreOrder) -> Hold | None:
    """All the money was given back, but not by quantities. Where only gifts are left there was none to give back."""
    if store.total_paid.amount <= 0 or store.total_refunded.amount < store.total_paid.amount:
        return None
    if all(refund.is_ours for refund in store.refunds) or not any(row.left and row.price for row in store.rows):
        return None
    because = (
        f"{store.refund_word}s of the store order {store.number} gave back all {store.total_paid}, but not all "
        "quantities: money alone cancels nothing by itself"
    )
    facts = {"number": store.number, "refunded": str(store.total_refunded)}
    return Hold(AttentionKind.EMPTIED_WITHOUT_UNITS, because, facts)


def _returned(books: Books) -> str:
    return f", {len(books.returned)} under a return" if books.returned else ""


def _joined(settlement: Settlement, concerns: tuple[Hold, ...]) -> Settlement:
    if not concerns:
        return settlement
    return replace(settlement, holds=settlement.holds + concerns)


def held(hold: Hold, look_again_at: datetime | None = None) -> Settlement:
    return Settlement(Verdict.HELD, hold.because, holds=(hold,), look_again_at=look_again_at)
