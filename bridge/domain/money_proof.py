"""The money proof of a settled order: what its credit memos gave back, held against TikTok's own amounts. Pure.

It moves nothing and blocks nothing: TikTok pays the buyer, the store's credit memo is offline. It tells an accountant
whether both say the same, to the cent, unit by unit, and where not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from bridge.domain.attention import fingerprint
from bridge.domain.books import line_order, rows_of
from bridge.domain.channel_amounts import ChannelAmounts, amounts_of
from bridge.domain.channel_order import ChannelOrder, Unit
from bridge.domain.money import cents, spread
from bridge.domain.plans import Piece
from bridge.domain.store_order import StoreOrder
from bridge.domain.words import units as unit_words

ZERO = Decimal(0)
NAMED = 3
"""So many lines that differ are named in the reason; the rest stands in the lines."""


class ProofState(StrEnum):
    EQUAL = "equal"
    WITHIN = "within"
    """Different, but within the shop's tolerance, in all and on every line."""
    DIFFERENT = "different"
    UNKNOWN = "unknown"
    """The two cannot be held against each other; the reason says why."""


@dataclass(frozen=True, slots=True)
class ProofLine:
    """One unit, or one amount that belongs to no unit. Amounts are in the order's currency."""

    what: str
    """`unit`, `shipping_and_fees`, `adjustment`, `other`, or `not_cancelled`: a unit refunded that lives on TikTok."""
    unit_id: str
    sku: str
    channel: Decimal
    store: Decimal
    explained: Decimal
    """What the store gives back beyond TikTok for a known reason: TikTok's own discount, booked as revenue."""
    basis: str
    """Where TikTok's amount comes from: `told` for this unit, a `share` of its cancellation, or `price`."""

    @property
    def difference(self) -> Decimal:
        """What the store gave back too much (positive) or too little."""
        return ZERO if self.what == "not_cancelled" else self.store - self.channel - self.explained

    def to_json(self) -> dict[str, Any]:
        return {
            "what": self.what,
            "unit": self.unit_id,
            "sku": self.sku,
            "tiktok": f"{self.channel:.2f}",
            "store": f"{self.store:.2f}",
            "explained": f"{self.explained:.2f}",
            "difference": f"{self.difference:.2f}",
            "basis": self.basis,
        }


@dataclass(frozen=True, slots=True)
class MoneyProof:
    state: ProofState
    currency: str
    channel: Decimal | None
    """What TikTok pays back for the units cancelled, shipping and fees included; None where it cannot be told."""
    store: Decimal | None
    """What the credit memos gave back for them."""
    difference: Decimal | None
    lines: tuple[ProofLine, ...]
    because: str

    @property
    def fingerprint(self) -> str:
        return fingerprint({"state": self.state, "because": self.because, "lines": [x.to_json() for x in self.lines]})


def prove(
    channel: ChannelOrder,
    store: StoreOrder,
    unit_map: Mapping[str, tuple[Piece, ...]],
    *,
    booked_total: Decimal | None,
    tolerance: Decimal,
) -> MoneyProof | None:
    """None without credit memos: nothing was given back.

    `unit_map`: unit → pieces by store row id. `booked_total`: the total the store order was made with.
    """
    if not store.refunds:
        return None
    strange = _other_currency(channel, store)
    if strange:
        return MoneyProof(ProofState.UNKNOWN, channel.currency or store.currency, None, None, None, (), strange)
    known = {unit.id: unit for unit in channel.units if unit_map.get(unit.id)}
    dead = sorted(channel.deaths().keys() & known.keys(), key=line_order)
    expected = amounts_of(channel, dead)
    revenue = _revenue(channel, list(known.values()), booked_total, tolerance)
    explained = {
        unit.id: unit.platform_discount.amount if revenue and not unit.is_gift else ZERO for unit in known.values()
    }
    worth = {unit_id: expected.paid[unit_id] + explained[unit_id] for unit_id in known}
    given = _given(store, unit_map, [*dead, *_alive(channel, known, dead)], worth)
    lines = [
        ProofLine(
            "unit",
            unit_id,
            known[unit_id].seller_sku,
            expected.units[unit_id],
            given.get(unit_id, ZERO),
            explained[unit_id],
            expected.basis[unit_id],
        )
        for unit_id in dead
    ]
    others = [
        ProofLine("not_cancelled", unit_id, known[unit_id].seller_sku, ZERO, amount, ZERO, "")
        for unit_id, amount in given.items()
        if unit_id not in expected.units and unit_id in known and amount
    ]
    lines += _sums(channel, store, given, expected, revenue=revenue and len(dead) == len(known))
    return _judged(channel.currency, tuple(lines + others), tolerance, expected, store.refund_word)


def _other_currency(channel: ChannelOrder, store: StoreOrder) -> str:
    named = {refund.total.currency for refund in store.refunds} | {store.currency}
    paid = {record.refund.currency for record in channel.cancellations if record.refund is not None}
    paid |= {amount.currency for record in channel.cancellations for amount in record.unit_refunds.values()}
    if named | paid | {channel.currency} == {channel.currency}:
        return ""
    there, here = ", ".join(sorted(named)), ", ".join(sorted(paid | {channel.currency}))
    return f"the store gave back in {there}, TikTok Shop in {here}: different currencies cannot be compared"


def _alive(channel: ChannelOrder, known: Iterable[str], dead: Collection[str]) -> list[str]:
    """The other units, as the books fill them: those under a return first."""
    return sorted(set(known) - set(dead), key=lambda unit: (unit not in channel.returned_unit_ids, line_order(unit)))


def _given(
    store: StoreOrder, unit_map: Mapping[str, tuple[Piece, ...]], order: Sequence[str], worth: Mapping[str, Decimal]
) -> dict[str, Decimal]:
    """What the memos gave back by unit; "" for quantities that belong to no unit.

    The store counts per row. A row's money goes to the units that its counts stand for, in the order in which the books
    fill them, each by what it is worth: so that tax and discounts which differ between the units of one row do not look
    like a difference in the refund.
    """
    counts: dict[str, int] = {}
    amounts: dict[str, Decimal] = {}
    for refund in store.refunds:
        for row, quantity in refund.quantities.items():
            counts[row] = counts.get(row, 0) + quantity
        for row, amount in refund.amounts.items():
            amounts[row] = amounts.get(row, ZERO) + amount
    prices = {row.id: row.price for row in store.rows}
    given: dict[str, Decimal] = {}
    for row, amount in amounts.items():
        left, slots = counts.get(row, 0), []
        for unit_id in order:
            wanted = rows_of(unit_map[unit_id])
            taken = min(left, wanted.get(row, 0))
            if taken:
                left -= taken
                slots.append((unit_id, _worth(worth[unit_id], wanted, row, taken, prices)))
        if left or not slots:
            slots.append(("", prices.get(row, ZERO) * left))
        shares = spread(cents(amount), [weight for _, weight in slots])
        for (unit_id, _), share in zip(slots, shares, strict=True):
            given[unit_id] = given.get(unit_id, ZERO) + share
    return given


def _worth(whole: Decimal, wanted: Mapping[str, int], row: str, taken: int, prices: Mapping[str, Decimal]) -> Decimal:
    """What a unit's pieces in one row are worth of the unit: by price where it has several rows, else by count."""
    total = sum((prices.get(one, ZERO) * quantity for one, quantity in wanted.items()), ZERO)
    if total:
        return whole * prices.get(row, ZERO) * taken / total
    return whole * taken / sum(wanted.values())


def _revenue(channel: ChannelOrder, known: Sequence[Unit], booked: Decimal | None, tolerance: Decimal) -> bool:
    """Whether the store order was made with TikTok's own discount as revenue: its total is higher by just that."""
    if booked is None:
        return False
    platform = sum((u.platform_discount.amount for u in known if not u.is_gift), ZERO)
    platform += channel.payment.shipping_platform_discount.amount
    before = {u.id for u in channel.units} - {u.id for u in known}
    records = [r for r in channel.cancellations if r.is_dead and r.unit_ids and r.unit_ids <= before]
    left_out = sum((r.refund.amount for r in records if r.refund is not None), ZERO)
    return platform > 0 and abs(booked - (channel.payment.total.amount - left_out) - platform) <= tolerance


def _sums(
    channel: ChannelOrder,
    store: StoreOrder,
    given: Mapping[str, Decimal],
    expected: ChannelAmounts,
    *,
    revenue: bool,
) -> list[ProofLine]:
    """What belongs to no unit. Everything together is the memos' total, to the cent."""
    shipping = sum((cents(refund.shipping) for refund in store.refunds), ZERO)
    adjustment = sum((cents(refund.adjustment) for refund in store.refunds), ZERO)
    total = sum((cents(refund.total.amount) for refund in store.refunds), ZERO)
    other = total - sum((amount for unit, amount in given.items() if unit), ZERO) - shipping - adjustment
    explained = channel.payment.shipping_platform_discount.amount if revenue and shipping else ZERO
    lines = []
    if shipping or expected.extras:
        basis = expected.extras_basis
        lines.append(ProofLine("shipping_and_fees", "", "", expected.extras, shipping, explained, basis))
    if adjustment:
        lines.append(ProofLine("adjustment", "", "", ZERO, adjustment, ZERO, ""))
    if other:
        lines.append(ProofLine("other", "", "", ZERO, other, ZERO, ""))
    return lines


def _judged(
    currency: str, lines: tuple[ProofLine, ...], tolerance: Decimal, expected: ChannelAmounts, word: str
) -> MoneyProof:
    compared = [line for line in lines if line.what != "not_cancelled"]
    channel = sum((line.channel for line in compared), ZERO)
    store = sum((line.store for line in compared), ZERO)
    explained = sum((line.explained for line in compared), ZERO)
    difference = sum((line.difference for line in compared), ZERO)
    worst = max((abs(line.difference) for line in compared), default=ZERO)
    notes = []
    if explained:
        notes.append(f"{explained:.2f} {currency} of it are TikTok's own discount, booked as revenue")
    priced = sum(basis == "price" for basis in expected.basis.values())
    if priced:
        notes.append(f"TikTok named no refund for {unit_words(priced)}: price and tax were taken")
    told = f"{word}s gave back {store:.2f} {currency}, TikTok Shop {channel:.2f} {currency}"
    if not difference and not worst:
        state, because = ProofState.EQUAL, f"{told}: the same for every unit"
    elif max(abs(difference), worst) <= tolerance:
        state = ProofState.WITHIN
        because = f"{told}: {_more(difference, currency)}, within the {tolerance:.2f} {currency} allowed"
    elif any(line.what == "not_cancelled" for line in lines):
        state = ProofState.UNKNOWN
        because = (
            f"{told} for what was cancelled; but they gave back units too that live on TikTok Shop (returns, say), and "
            f"what else they gave back cannot be told apart: {_named(compared, currency)}"
        )
    else:
        state, because = ProofState.DIFFERENT, f"{told}: {_more(difference, currency)}; {_named(compared, currency)}"
    return MoneyProof(state, currency, channel, store, difference, lines, "; ".join([because, *notes]))


def _more(difference: Decimal, currency: str) -> str:
    if not difference:
        return "the same in all"
    return f"{abs(difference):.2f} {currency} {'more' if difference > 0 else 'less'} than that"


def _named(lines: Sequence[ProofLine], currency: str) -> str:
    """The lines that differ most."""
    differ = sorted((line for line in lines if line.difference), key=lambda line: -abs(line.difference))
    names = {"shipping_and_fees": "shipping and fees", "adjustment": "an adjustment by hand", "other": "other amounts"}
    parts = [
        f"{names.get(line.what, f'unit {line.unit_id} ({line.sku})')} {_signed(line.difference)} {currency}"
        for line in differ[:NAMED]
    ]
    more = f" and {len(differ) - NAMED} more" if len(differ) > NAMED else ""
    return ", ".join(parts) + more


def _signed(amount: Decimal) -> str:
    return f"{amount:+.2f}"
