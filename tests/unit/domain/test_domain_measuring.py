"""Held against what was meant: found orders, reservations, the books after a refund."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.adoption import match_rows, mismatch
from bridge.domain.plans import OrderPlan, PlannedRow, Reserved
from bridge.domain.reservation import reserved_by
from bridge.domain.store_order import StoreRow
from bridge.domain.verification import BookState, differences, memo_of
from tests.unit.domain.making import memo, row, store, usd

TOKEN = "0123456789abcdef"


def plan(*rows: tuple[str, str, int], salable: Mapping[str, int] | None = None) -> OrderPlan:
    planned = tuple(PlannedRow(f"k{n}", sku, Decimal(price), count) for n, (sku, price, count) in enumerate(rows))
    before = None if salable is None else {sku: Decimal(count) for sku, count in salable.items()}
    return OrderPlan("TT-1", "default", "{}", planned, {}, Decimal(0), "USD", before)


def stored(row_id: str, sku: str, price: str, ordered: int) -> StoreRow:
    return StoreRow(row_id, sku, Decimal(price), ordered)


# --- adoption ---------------------------------------------------------------------------------------------------------


def test_rows_match_by_sku_price_and_quantity_in_any_order() -> None:
    meant = plan(("A", "10", 2), ("B", "5.5", 1))
    assert match_rows(meant, store([stored("8", "B", "5.5000", 1), stored("9", "A", "10.00", 2)])) == {
        "k0": "9",
        "k1": "8",
    }


def test_equal_skus_at_different_prices_are_kept_apart() -> None:
    meant = plan(("A", "10", 1), ("A", "8", 1))
    found = match_rows(meant, store([stored("1", "A", "8", 1), stored("2", "A", "10", 1)]))
    assert found == {"k0": "2", "k1": "1"}


def test_equal_rows_twice_are_two_rows() -> None:
    meant = plan(("A", "10", 1), ("A", "10", 1))
    found = match_rows(meant, store([stored("1", "A", "10", 1), stored("2", "A", "10", 1)]))
    assert found is not None
    assert sorted(found.values()) == ["1", "2"]


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [stored("1", "A", "10", 1)],
        [stored("1", "A", "10", 3)],
        [stored("1", "A", "10.01", 2)],
        [stored("1", "a", "10", 2)],
        [stored("1", "A", "10", 1), stored("2", "A", "10", 1)],
        [stored("1", "A", "10", 2), stored("2", "Z", "1", 1)],
    ],
    ids=["none", "fewer", "more", "price", "case", "split", "one more"],
)
def test_an_order_whose_rows_are_not_the_intention_is_not_adopted(rows: list[StoreRow]) -> None:
    meant, found = plan(("A", "10", 2)), store(rows)
    assert match_rows(meant, found) is None
    assert mismatch(meant, [found]).startswith("meant 2 × A at 10.00; found TT-577001: ")


ROWS = st.lists(st.tuples(st.sampled_from("AB"), st.sampled_from(["1", "2.00"]), st.integers(1, 2)), max_size=5)


@given(ROWS, st.randoms(use_true_random=False))
def test_any_shuffle_of_the_planned_rows_matches_one_to_one(rows: list[tuple[str, str, int]], random: object) -> None:
    shuffled = list(enumerate(rows))
    random.shuffle(shuffled)  # type: ignore[attr-defined] # a Random
    found = match_rows(plan(*rows), store([stored(str(n), *values) for n, values in shuffled]))
    assert found is not None
    assert len(set(found.values())) == len(rows)
    for key, row_id in found.items():
        assert rows[int(key.removeprefix("k"))] == rows[int(row_id)]


# --- reservation ------------------------------------------------------------------------------------------------------


def after(**salable: int) -> dict[str, Decimal]:
    return {sku: Decimal(count) for sku, count in salable.items()}


def test_the_creates_own_header_decides_whatever_the_quantities_say() -> None:
    fell, stood = after(A=8), after(A=10)
    meant = plan(("A", "10", 2), salable={"A": 10})
    assert reserved_by("yes", "", meant, stood)[0] is Reserved.YES
    state, because = reserved_by("no", "The requested qty is not available", meant, fell)
    assert state is Reserved.NO
    assert "The requested qty is not available" in because


@pytest.mark.parametrize(
    ("before", "later", "expected"),
    [
        ({"A": 10}, after(A=8), Reserved.YES),
        ({"A": 10}, after(A=3), Reserved.YES),
        ({"A": 2}, after(A=0), Reserved.YES),
        ({"A": 10}, after(A=9), Reserved.UNKNOWN),
        ({"A": 10}, after(A=12), Reserved.UNKNOWN),
        ({"A": 1}, after(A=-1), Reserved.UNKNOWN),
        ({}, after(A=8), Reserved.UNKNOWN),
        ({"A": 10}, after(), Reserved.UNKNOWN),
        (None, after(A=8), Reserved.UNKNOWN),
        ({"A": 10}, None, Reserved.UNKNOWN),
    ],
)
def test_without_a_header_only_enough_before_and_a_fall_say_yes(
    before: Mapping[str, int] | None, later: Mapping[str, Decimal] | None, expected: Reserved
) -> None:
    state, because = reserved_by(None, "", plan(("A", "10", 2), salable=before), later)
    assert state is expected
    assert because


def test_without_a_header_nothing_ever_says_no() -> None:
    assert reserved_by(None, "", plan(("A", "10", 2), salable={"A": 10}), after(A=10))[0] is Reserved.UNKNOWN


def test_rows_of_one_sku_at_two_prices_are_counted_together() -> None:
    meant = plan(("A", "10", 1), ("A", "8", 1), salable={"A": 10})
    assert reserved_by(None, "", meant, after(A=9))[0] is Reserved.UNKNOWN
    assert reserved_by(None, "", meant, after(A=8))[0] is Reserved.YES


def test_one_row_that_did_not_fall_is_enough_for_nobody_to_know() -> None:
    meant = plan(("A", "10", 1), ("B", "8", 1), salable={"A": 10, "B": 10})
    assert reserved_by(None, "", meant, after(A=9, B=10))[0] is Reserved.UNKNOWN


# --- verification -----------------------------------------------------------------------------------------------------

BEFORE = BookState.of(store([row("A", 3), row("B", 1)], [memo("1", {"A": 1})]))
OURS = memo("2", {"A": 1}, token=TOKEN)


def now(*memos: object, rows: list[StoreRow] | None = None) -> list[str]:
    of_store = store(rows or [row("A", 3), row("B", 1)], [memo("1", {"A": 1}), *memos])  # type: ignore[list-item] # memos
    return differences(BEFORE, of_store, TOKEN, {"A": 1})


def test_as_expected_is_no_difference() -> None:
    assert now(OURS) == []


def test_quantities_of_zero_in_a_memo_are_no_difference() -> None:
    assert now(replace(OURS, quantities={"A": 1, "B": 0})) == []


def test_a_second_memo_of_the_merchants_own_is_told_with_both_numbers() -> None:
    found = now(OURS, memo("3", {"A": 1}))
    assert "expected 1 new credit memo, found 2: M3 is not ours" in found
    assert "row SKU-A: expected 2 refunded, found 3" in found


def test_a_second_memo_of_money_alone_is_told_too() -> None:
    assert any("M3 is not ours" in words for words in now(OURS, memo("3", {}, total="5")))


def test_two_memos_with_our_mark_are_told() -> None:
    assert any("found 2" in words for words in now(OURS, replace(OURS, id="3")))


def test_no_memo_of_ours_is_told() -> None:
    assert any("found 0" in words for words in now())


def test_other_quantities_than_asked_are_told() -> None:
    assert any("asked for quantities {'A': 1}" in words for words in now(memo("2", {"B": 1}, token=TOKEN)))


def test_a_shipment_meanwhile_is_told_with_both_numbers() -> None:
    assert now(OURS, rows=[row("A", 3, shipped=2), row("B", 1)]) == ["row SKU-A: 2 shipped, 0 before"]


def test_counted_twice_is_told_though_there_is_one_memo() -> None:
    twice = replace(row("A", 3), refunded=1)
    assert now(OURS, rows=[twice, row("B", 1)]) == ["row SKU-A: expected 2 refunded, found 3"]


def test_a_row_that_vanished_is_told() -> None:
    assert now(OURS, rows=[row("A", 3)]) == ["row B: 0 refunded before, and the order no longer shows it"]


def test_a_total_that_does_not_add_up_is_told_with_both_numbers() -> None:
    of_store = store([row("A", 3), row("B", 1)], [memo("1", {"A": 1}), OURS], total_refunded=usd("10"))
    assert differences(BEFORE, of_store, TOKEN, {"A": 1}) == ["expected 20 refunded in all, found 10"]


def test_the_state_before_reads_back() -> None:
    assert BookState.from_json(json.loads(json.dumps(BEFORE.to_json()))) == BEFORE


def test_our_memo_is_found_by_its_mark() -> None:
    of_store = store(memos=[memo("1", {"A": 1}, token="f" * 16), memo("2", {"A": 1}, token=TOKEN)])
    found = memo_of(of_store, TOKEN)
    assert found is not None
    assert found.id == "2"
    assert memo_of(of_store, "0" * 16) is None
