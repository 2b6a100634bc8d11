"""The money proof: memos against TikTok's own amounts, per unit and in all, to the cent."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.channel_amounts import amounts_of, paid_for
from bridge.domain.channel_order import Cancellation, ChannelOrder, Payment, Unit
from bridge.domain.money import Money
from bridge.domain.money_proof import MoneyProof, ProofState, prove
from bridge.domain.plans import Piece
from bridge.domain.store_order import StoreOrder, StoreRefund, StoreRow
from tests.unit.domain.making import channel, pieces, record, row, store, unit, usd

D = Decimal
TOLERANCE = D("0.05")


def refund(
    quantities: dict[str, int], amounts: dict[str, str], *, shipping: str = "0", adjustment: str = "0", rest: str = "0"
) -> StoreRefund:
    rows = {name: D(amount) for name, amount in amounts.items()}
    total = sum(rows.values(), D(shipping) + D(adjustment) + D(rest))
    at = record("x", []).created_at
    return StoreRefund("1", at, at, quantities, Money(total, "USD"), frozenset(), "1", rows, D(shipping), D(adjustment))


def told(units: dict[str, str], total: str | None = None, **more: Any) -> Cancellation:
    """A finished cancellation with TikTok's own amounts."""
    amounts = {name: usd(amount) for name, amount in units.items()}
    whole = usd(total) if total else Money(sum((a.amount for a in amounts.values()), D(0)), "USD")
    return replace(record("c", units, **more), refund=whole, unit_refunds=amounts)


def proof(reading: ChannelOrder, order: StoreOrder, **more: Any) -> MoneyProof:
    unit_map = more.pop("unit_map", pieces(**{f"u{one.id}": "A" for one in reading.units}))
    found = prove(reading, order, unit_map, booked_total=more.pop("booked", None), tolerance=TOLERANCE)
    assert found is not None
    return found


def refunded(*refunds: StoreRefund) -> StoreOrder:
    return replace(store(), refunds=refunds)


def test_without_a_memo_there_is_nothing_to_prove() -> None:
    assert prove(channel(), store(), pieces(u1="A", u2="A"), booked_total=None, tolerance=TOLERANCE) is None


def test_the_same_to_the_cent_is_equal() -> None:
    reading = channel(cancellations=[told({"1": "10", "2": "10"}, "24")], total="24", status="CANCELLED")
    found = proof(reading, refunded(refund({"A": 2}, {"A": "20"}, shipping="4")))
    assert found.state is ProofState.EQUAL
    assert (found.channel, found.store, found.difference) == (D(24), D(24), D(0))
    assert [(line.what, line.channel, line.store, line.basis) for line in found.lines] == [
        ("unit", D(10), D(10), "told"),
        ("unit", D(10), D(10), "told"),
        ("shipping_and_fees", D(4), D(4), "told"),
    ]
    assert found.because == "credit memos gave back 24.00 USD, TikTok Shop 24.00 USD: the same for every unit"


@pytest.mark.parametrize(
    ("given_back", "state"),
    [("20.05", ProofState.WITHIN), ("19.95", ProofState.WITHIN), ("20.06", ProofState.DIFFERENT)],
)
def test_the_tolerance_counts_in_all(given_back: str, state: ProofState) -> None:
    reading = channel(cancellations=[told({"1": "10", "2": "10"})])
    assert proof(reading, refunded(refund({"A": 2}, {"A": given_back}))).state is state


def test_differences_that_cancel_out_are_still_different() -> None:
    reading = channel(cancellations=[told({"1": "10", "2": "10"}, "24")])
    found = proof(reading, refunded(refund({"A": 2}, {"A": "21"}, shipping="3")))
    assert (found.state, found.difference) == (ProofState.DIFFERENT, D(0))
    assert "the same in all; shipping and fees -1.00 USD, unit" in found.because


def test_an_adjustment_by_hand_is_a_line_of_its_own() -> None:
    reading = channel(cancellations=[told({"1": "10", "2": "10"})])
    found = proof(reading, refunded(refund({"A": 2}, {"A": "20"}, adjustment="-2")))
    assert found.state is ProofState.DIFFERENT
    assert "2.00 USD less than that; an adjustment by hand -2.00 USD" in found.because


def test_a_memo_worth_nothing_is_different_not_equal() -> None:
    reading = channel(cancellations=[told({"1": "10", "2": "10"})])
    found = proof(reading, refunded(refund({"A": 2}, {})))
    assert (found.state, found.difference) == (ProofState.DIFFERENT, D(-20))


def test_one_unit_of_two_is_held_against_its_own_amount_and_shipping_stays() -> None:
    reading = channel(cancellations=[told({"2": "10"})], total="24")
    found = proof(reading, refunded(refund({"A": 1}, {"A": "10"})))
    assert found.state is ProofState.EQUAL
    assert [line.unit_id for line in found.lines] == ["2"]


def test_units_of_one_row_with_different_tax_are_told_apart() -> None:
    units = [replace(unit("1"), tax=usd("1.00")), replace(unit("2"), tax=usd("0.20"))]
    reading = channel(units, [told({"1": "11.00", "2": "10.20"})], total="21.20")
    reading = replace(reading, payment=replace(reading.payment, tax=usd("1.20"), sub_total=usd(20)))
    found = proof(reading, refunded(refund({"A": 2}, {"A": "21.20"})))
    assert found.state is ProofState.EQUAL


def test_tiktoks_discount_booked_as_revenue_is_explained() -> None:
    units = [replace(unit("1"), platform_discount=usd(2)), replace(unit("2"), platform_discount=usd(0))]
    reading = channel(units, [told({"1": "10", "2": "10"})], total="20", status="CANCELLED")
    order = refunded(refund({"A": 2}, {"A": "22"}))
    found = proof(reading, order, booked=D(22))
    assert found.state is ProofState.EQUAL
    assert [line.explained for line in found.lines] == [D(2), D(0)]
    assert "2.00 USD of it are TikTok's own discount, booked as revenue" in found.because
    # Booked as a discount, the same memo gave back too much.
    assert proof(reading, order, booked=D(20)).state is ProofState.DIFFERENT


def test_what_tiktok_does_not_tell_by_unit_is_a_share_of_its_cancellation() -> None:
    whole = replace(record("c", ["1", "2"]), refund=usd("23"))
    found = proof(channel(cancellations=[whole], total="24"), refunded(refund({"A": 2}, {"A": "20"}, shipping="3")))
    assert found.state is ProofState.EQUAL
    assert [line.basis for line in found.lines] == ["share", "share", "told"]


def test_a_cash_order_is_held_against_its_prices_and_says_so() -> None:
    found = proof(
        channel(cancellations=[record("c", ["1", "2"])], total="24", status="CANCELLED"),
        refunded(refund({"A": 2}, {"A": "20"}, shipping="4")),
    )
    assert found.state is ProofState.EQUAL
    assert "TikTok named no refund for 2 units: price and tax were taken" in found.because


def test_other_currencies_are_not_compared() -> None:
    reading = channel(cancellations=[told({"1": "10", "2": "10"})])
    foreign = replace(refund({"A": 2}, {"A": "20"}), total=Money(D(20), "EUR"))
    found = proof(reading, refunded(foreign))
    assert (found.state, found.difference, found.lines) == (ProofState.UNKNOWN, None, ())
    assert found.because.startswith("the store gave back in EUR, USD, TikTok Shop in USD: different currencies")


def test_a_return_refunded_beside_it_makes_the_rest_unknown() -> None:
    reading = channel(
        cancellations=[told({"1": "10"})], returned_unit_ids=frozenset({"2"}), total="24", status="DELIVERED"
    )
    found = proof(reading, refunded(refund({"A": 2}, {"A": "20"}, shipping="4")))
    assert found.state is ProofState.UNKNOWN
    assert [(line.what, line.unit_id, line.store) for line in found.lines] == [
        ("unit", "1", D(10)),
        ("shipping_and_fees", "", D(4)),
        ("not_cancelled", "2", D(10)),
    ]
    # Without anything left over it is plain.
    assert proof(reading, refunded(refund({"A": 2}, {"A": "20"}))).state is ProofState.EQUAL


def test_what_was_left_out_of_the_store_order_is_not_expected_of_it() -> None:
    before = replace(told({"1": "10"}), id="before")
    reading = channel(cancellations=[before, replace(told({"2": "10"}, "14"), id="after")], total="24")
    found = proof(reading, refunded(refund({"A": 1}, {"A": "10"}, shipping="4")), unit_map=pieces(u2="A"), booked=D(14))
    assert (found.state, found.channel) == (ProofState.EQUAL, D(14))


def test_a_cancellation_whose_lines_say_more_than_it_does_is_shared_down() -> None:
    found = amounts_of(channel(cancellations=[told({"1": "10", "2": "10"}, "15")]), ["1", "2"])
    assert (sum(found.units.values()), found.extras) == (D(15), D(0))


cents = st.integers(0, 20_000).map(lambda number: D(number) / 100)


@st.composite
def orders(draw: st.DrawFn) -> tuple[ChannelOrder, list[str]]:
    """An order of up to five units, some dead by up to two cancellations that tell much, little or nothing."""
    count = draw(st.integers(1, 5))
    units: list[Unit] = []
    for number in range(count):
        made = unit(str(number + 1))
        price, tax, off = draw(cents), draw(cents), draw(cents)
        units.append(
            replace(
                made,
                sale_price=Money(price, "USD"),
                tax=Money(tax, "USD"),
                platform_discount=Money(off, "USD"),
                is_gift=draw(st.booleans()),
            )
        )
    dead = draw(st.lists(st.sampled_from([one.id for one in units]), unique=True, min_size=1))
    cut = draw(st.integers(0, len(dead)))
    records = []
    for name, mine in (("c1", dead[:cut]), ("c2", dead[cut:])):
        amounts = {one: Money(draw(cents), "USD") for one in mine if draw(st.booleans())}
        total = draw(st.none() | cents)
        records.append(
            replace(record(name, mine), refund=None if total is None else Money(total, "USD"), unit_refunds=amounts)
        )
    goods = sum((one.sale_price.amount for one in units), D(0))
    tax = sum((one.tax.amount for one in units), D(0))
    shipping, on_top = draw(cents), draw(st.booleans())
    total = goods + shipping + (tax if on_top else 0)
    zero = usd(0)
    payment = Payment(
        Money(total, "USD"),
        Money(goods, "USD"),
        Money(shipping, "USD"),
        zero,
        Money(tax, "USD"),
        zero,
        zero,
        zero,
        zero,
    )
    return replace(channel(units, records), payment=payment), dead


@given(orders())
def test_tiktoks_amounts_sum_to_its_totals_and_are_never_negative(made: tuple[ChannelOrder, list[str]]) -> None:
    reading, dead = made
    found = amounts_of(reading, dead)
    assert found.units.keys() == set(dead)
    assert all(amount >= 0 for amount in [*found.units.values(), found.extras])
    if all(one.refund is not None for one in reading.cancellations if one.unit_ids):
        totals = sum((one.refund.amount for one in reading.cancellations if one.refund and one.unit_ids), D(0))
        assert sum(found.units.values(), found.extras) == totals
    assert all(amount >= 0 for amount in paid_for(reading).values())


@given(
    orders(),
    st.lists(st.tuples(st.integers(0, 5), cents, cents, st.integers(-500, 500)), min_size=1, max_size=3),
    st.integers(1, 2),
)
def test_lines_sum_to_the_memos_to_the_cent_whatever_they_gave_back(
    made: tuple[ChannelOrder, list[str]], memos: list[tuple[int, Decimal, Decimal, int]], pieces_of_a_unit: int
) -> None:
    reading, _ = made
    refunds = []
    for number, (count, amount, shipping, hand) in enumerate(memos):
        one = refund({"A": count} if count else {}, {"A": str(amount)}, shipping=str(shipping))
        hand_made = D(hand) / 100
        refunds.append(
            replace(one, id=str(number), adjustment=hand_made, total=Money(one.total.amount + hand_made, "USD"))
        )
    rows: tuple[StoreRow, ...] = (row("A", 10),)
    unit_map = {one.id: (Piece("A", pieces_of_a_unit),) for one in reading.units}
    found = proof(replace(reading), replace(store(), rows=rows, refunds=tuple(refunds)), unit_map=unit_map)
    total = sum((one.total.amount for one in refunds), D(0))
    assert sum((line.store for line in found.lines), D(0)) == total
    assert all(line.store >= 0 for line in found.lines if line.what in {"unit", "not_cancelled", "shipping_and_fees"})
    assert found.difference == sum((line.difference for line in found.lines), D(0))
    worst = max((abs(line.difference) for line in found.lines), default=D(0))
    if found.state is ProofState.EQUAL:
        assert worst == 0
    if found.state is ProofState.WITHIN:
        assert max(worst, abs(found.difference or D(0))) <= TOLERANCE
