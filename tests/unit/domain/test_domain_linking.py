"""How store orders of another connector are recognised, and whether they fit."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bridge.domain.channel_order import Unit
from bridge.domain.linking import (
    Fit,
    Misfit,
    candidates,
    fit_rows,
    id_in_number,
    ids_in_note,
    ids_named,
    judge,
    notes_of,
    numbers_of,
    stands_in,
)
from bridge.domain.plans import Piece
from bridge.domain.store_order import StoreRow
from tests.unit.domain.making import AFTER, PLACED, channel, memo, record, settings, store, unit, usd

IDS = st.from_regex(r"57[0-9]{16}", fullmatch=True)
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="{}"), max_size=12)


@st.composite
def patterns(draw: st.DrawFn) -> str:
    return f"{draw(TEXT)}{{id}}{draw(TEXT)}"


# --- patterns ---------------------------------------------------------------------------------------------------------


@given(patterns(), IDS)
def test_a_number_made_by_a_pattern_is_read_by_it(pattern: str, order_id: str) -> None:
    assert id_in_number(pattern, pattern.replace("{id}", order_id)) == order_id


@given(patterns(), IDS, TEXT, TEXT)
def test_a_text_in_a_note_is_found_and_read_back(pattern: str, order_id: str, before: str, after: str) -> None:
    text = pattern.replace("{id}", order_id)
    assume(not (text[0].isdigit() and before[-1:].isdigit()))
    assume(not (text[-1].isdigit() and after[:1].isdigit()))
    note = f"{before}{text}{after}"
    assert stands_in(text, note)
    assert order_id in ids_in_note(pattern, note)


@given(patterns(), st.text(st.sampled_from("0123456789 T-"), max_size=40), IDS)
def test_what_is_read_out_of_a_note_is_what_is_found_in_it(pattern: str, note: str, order_id: str) -> None:
    """Forward and back agree on any note: neither finds what the other would not."""
    for named in ids_in_note(pattern, note):
        assert stands_in(pattern.replace("{id}", named), note)
    assert stands_in(pattern.replace("{id}", order_id), note) == (order_id in ids_in_note(pattern, note))


@given(IDS, st.text(st.sampled_from("0123456789"), min_size=1, max_size=3))
def test_an_id_is_not_found_inside_a_longer_one(order_id: str, more: str) -> None:
    for pattern in ("{id}", "TTS-{id}", "TikTok {id} (paid)"):
        text = pattern.replace("{id}", order_id)
        for longer in (order_id + more, more + order_id):
            assert not stands_in(text, pattern.replace("{id}", longer))
            assert order_id not in ids_in_note(pattern, pattern.replace("{id}", longer))
            assert id_in_number(pattern, pattern.replace("{id}", longer)) != order_id


def test_a_note_may_name_several_sales() -> None:
    note = "TikTok order 577000000000000001, TikTok order 577000000000000012; for John"
    assert ids_in_note("TikTok order {id}", note) == {"577000000000000001", "577000000000000012"}


def test_what_a_store_order_may_stand_for() -> None:
    shop = settings(link_patterns=("TTS-{id}",), link_note_patterns=("sale {id}!",))
    one, two, three = "577000000000000001", "577000000000000002", "577000000000000003"
    assert ids_named(shop, one, f"TTS-{two}", f"sale {three}!") == {one, two, three}
    assert ids_named(shop, "", f"TT-{one}", "") == {one}
    assert ids_named(shop, "AS-77", "000000123", "sale 12!") == frozenset()
    assert numbers_of(shop, one) == (f"TT-{one}", f"TTS-{one}")
    assert notes_of(shop, one) == (f"sale {one}!",)


def test_letters_of_a_pattern_mean_themselves() -> None:
    assert id_in_number("T.T({id})", "T.T(577)") == "577"
    assert id_in_number("T.T({id})", "TxT(577)") is None
    assert not stands_in("100% {id}", "100 577")


# --- rows -------------------------------------------------------------------------------------------------------------


def rows(*made: tuple[str, str, int, str]) -> list[StoreRow]:
    return [
        StoreRow(id=row_id, sku=sku, price=Decimal(price), ordered=ordered, invoiced=ordered)
        for row_id, sku, ordered, price in made
    ]


def pieces_of(judged: Fit | Misfit) -> dict[str, str]:
    assert isinstance(judged, Fit), judged
    assert all(pieces == (Piece(pieces[0].row, 1),) for pieces in judged.unit_map.values())
    return {unit_id: pieces[0].row for unit_id, pieces in judged.unit_map.items()}


def priced(unit_id: str, sale: str, *, off: str = "0", sku: str = "A") -> Unit:
    return replace(
        unit(unit_id, sku),
        sale_price=usd(sale),
        seller_discount=usd(off),
        original_price=usd(str(Decimal(sale) + Decimal(off))),
    )


def test_skus_and_quantities_decide_and_not_the_price() -> None:
    sale = channel([unit("1"), unit("2"), unit("3", "B")])
    order = store(rows(("7", "A", 2, "8.40"), ("8", "b", 1, "99")))
    assert pieces_of(fit_rows(sale, order, {})) == {"1": "7", "2": "7", "3": "8"}


@pytest.mark.parametrize(
    "made",
    [
        [("7", "A", 1, "10")],
        [("7", "A", 3, "10")],
        [("7", "A", 2, "10"), ("8", "GIFT", 1, "0")],
        [("7", "C", 2, "10")],
    ],
)
def test_other_skus_or_quantities_do_not_fit(made: list[tuple[str, str, int, str]]) -> None:
    judged = fit_rows(channel(), store(rows(*made)), {})
    assert isinstance(judged, Misfit)
    assert "2 × a" in judged.because


def test_a_mapped_sku_fits() -> None:
    order = store(rows(("7", "STORE-A", 2, "10")))
    assert pieces_of(fit_rows(channel(), order, {"A": "STORE-A"})) == {"1": "7", "2": "7"}
    assert isinstance(fit_rows(channel(), order, {}), Misfit)


def test_prices_tell_rows_of_one_sku_apart() -> None:
    sale = channel([priced("1", "7", off="3"), priced("2", "9")])
    before_discount = store(rows(("8", "A", 1, "9"), ("9", "A", 1, "10")))
    assert pieces_of(fit_rows(sale, before_discount, {})) == {"1": "9", "2": "8"}
    as_paid = store(rows(("8", "A", 1, "7"), ("9", "A", 1, "9")))
    assert pieces_of(fit_rows(sale, as_paid, {})) == {"1": "8", "2": "9"}


def test_prices_that_do_not_tell_are_for_a_person() -> None:
    sale = channel([priced("1", "7", off="3"), priced("2", "9")])
    judged = fit_rows(sale, store(rows(("8", "A", 1, "6.66"), ("9", "A", 1, "8.88"))), {})
    assert isinstance(judged, Misfit)
    assert "do not tell" in judged.because


def test_prices_without_tax_keep_their_order() -> None:
    sale = channel([priced("1", "12"), priced("2", "24")])
    order = store(rows(("8", "A", 1, "20"), ("9", "A", 1, "10")))
    assert pieces_of(fit_rows(sale, order, {})) == {"1": "9", "2": "8"}


def test_units_dead_before_the_store_order_may_be_left_out_of_it() -> None:
    made = PLACED + timedelta(hours=1)
    early = record("c1", ["1"], at=PLACED + timedelta(minutes=5))
    late = record("c2", ["2"], at=AFTER)
    sale = channel([unit("1"), unit("2"), unit("3")], [early, late])
    without = replace(store(rows(("7", "A", 2, "10"))), created_at=made)
    assert pieces_of(fit_rows(sale, without, {})) == {"2": "7", "3": "7"}
    whole = replace(store(rows(("7", "A", 3, "10"))), created_at=made)
    assert pieces_of(fit_rows(sale, whole, {})) == {"1": "7", "2": "7", "3": "7"}
    living = replace(store(rows(("7", "A", 1, "10"))), created_at=made)
    assert pieces_of(fit_rows(sale, living, {})) == {"3": "7"}


SKUS = st.sampled_from("ABC")


@given(st.lists(st.tuples(SKUS, st.sampled_from(["5", "8", "10"])), min_size=1, max_size=7), st.randoms())
def test_the_map_is_whole_and_the_same_whatever_the_order_of_reading(
    sold: list[tuple[str, str]], random: Random
) -> None:
    sale = channel([priced(str(number), price, sku=sku) for number, (sku, price) in enumerate(sold)])
    counts: dict[tuple[str, str], int] = {}
    for one in sold:
        counts[one] = counts.get(one, 0) + 1
    made = rows(*((str(70 + n), sku, count, price) for n, ((sku, price), count) in enumerate(counts.items())))
    laid = pieces_of(fit_rows(sale, store(made), {}))
    assert laid.keys() == {each.id for each in sale.units}
    at = {row.id: (row.sku, str(row.price)) for row in made}
    assert [at[laid[str(number)]] for number in range(len(sold))] == sold
    shuffled_units, shuffled_rows = list(sale.units), list(made)
    random.shuffle(shuffled_units)
    random.shuffle(shuffled_rows)
    again = fit_rows(replace(sale, units=tuple(shuffled_units)), store(shuffled_rows), {})
    assert pieces_of(again) == laid


# --- which orders -----------------------------------------------------------------------------------------------------


def test_an_order_that_is_another_sale_by_its_external_id_is_not_taken() -> None:
    sale = replace(channel(), id="577000000000000001")
    other = replace(store(rows(("7", "A", 2, "10"))), channel_order_id="577000000000000002")
    assert candidates(sale, [other]) == ()
    foreign = replace(other, channel_order_id="AS-1")
    assert candidates(sale, [foreign]) == (foreign,)


def test_one_cancelled_in_the_store_gives_way_to_one_that_stands() -> None:
    cancelled = replace(store([replace(rows(("7", "A", 2, "10"))[0], cancelled=2)]), id="1")
    standing = replace(store(rows(("8", "A", 2, "10"))), id="2")
    sale = channel()
    assert candidates(sale, [cancelled, standing]) == (standing,)
    assert candidates(sale, [cancelled]) == (cancelled,)


def test_several_are_for_a_person() -> None:
    one = replace(store(rows(("7", "A", 2, "10"))), id="1", number="100")
    two = replace(store(rows(("8", "A", 2, "10"))), id="2", number="101")
    judged = judge(channel(), [one, two], {})
    assert isinstance(judged, Misfit)
    assert "100, 101" in judged.because
    assert isinstance(judge(channel(), [one], {}), Fit)


def test_a_refunded_order_fits_as_well() -> None:
    order = store(rows(("7", "A", 2, "10")), [memo("m", {"7": 2})])
    fit = fit_rows(channel(), order, {})
    assert isinstance(fit, Fit)
    plan = fit.plan(order)
    assert (plan.number, plan.body, {row.key for row in plan.rows}) == (order.number, "", {"7"})
    assert plan.from_json(plan.to_json()) == plan
