"""What is dead on the channel, what is gone in the store, and how counts are laid onto units."""

from __future__ import annotations

import pytest

from bridge.domain.attention import AttentionKind
from bridge.domain.books import Books, compare_books, line_order
from bridge.domain.effects import CancelOrder, RefundOrder, Verdict
from bridge.domain.plans import Piece
from tests.unit.domain.making import (
    CLOSED,
    COMPLETE,
    PENDING,
    SUCCESS,
    channel,
    decide,
    link,
    memo,
    pieces,
    record,
    row,
    settings,
    store,
    unit,
)

OURS = "0123456789abcdef"


def books(of_channel: object, of_store: object, unit_map: object = None) -> Books:
    return compare_books(of_channel, of_store, unit_map or pieces(u1="A", u2="A"))  # type: ignore[arg-type] # brevity


@pytest.mark.parametrize("status", [SUCCESS, COMPLETE])
def test_units_of_a_finished_cancellation_are_dead(status: str) -> None:
    assert channel(cancellations=[record("c", ["1"], status=status)]).deaths().keys() == {"1"}


def test_a_cancelled_line_is_dead_without_a_record() -> None:
    assert channel([unit("1", status="CANCELLED"), unit("2")]).deaths().keys() == {"1"}


def test_every_unit_of_a_cancelled_order_is_dead() -> None:
    assert channel(status="CANCELLED").deaths().keys() == {"1", "2"}


def test_pending_is_not_done() -> None:
    reading = channel(cancellations=[record("c", ["1", "2"], status=PENDING)])
    assert not reading.deaths()
    assert decide(reading, store()).verdict is Verdict.SETTLED


def test_a_closed_request_leaves_the_order_alive() -> None:
    reading = channel(cancellations=[record("c", ["1", "2"], status=CLOSED, kind="BUYER_CANCEL")])
    assert not reading.deaths()
    settlement = decide(reading, store())
    assert settlement.verdict is Verdict.SETTLED
    assert not settlement.holds


def test_a_record_of_units_of_another_order_kills_nothing() -> None:
    assert not channel(cancellations=[record("c", ["99"])]).deaths()


def test_dead_units_are_filled_first_then_living_ones_by_line_id() -> None:
    three = [unit("9"), unit("10"), unit("11")]
    on_one_row = pieces(u9="A", u10="A", u11="A")
    found = books(channel(three, [record("c", ["11"])]), store([row("A", 3)], [memo("1", {"A": 2})]), on_one_row)
    assert not found.missing
    assert found.refunded == {"9"}, "9 comes before 10: by number, not by text"


def test_line_ids_sort_by_number_and_others_after_them() -> None:
    assert sorted(["b", "10", "9", "a"], key=line_order) == ["9", "10", "a", "b"]


def test_what_our_memos_refunded_beyond_the_dead_units_never_counts_as_a_wish() -> None:
    ours = memo("1", {"A": 2}, token=OURS)
    settlement = decide(channel(), store(memos=[ours]))
    assert settlement.effect is None
    assert [hold.kind for hold in settlement.holds] == [AttentionKind.BOOKS_MOVED], "nor are the books equal"
    assert "2 of row A" in settlement.because


def test_a_merchants_memo_after_ours_counts_only_for_itself() -> None:
    three, on_one_row = [unit("1"), unit("2"), unit("3")], pieces(u1="A", u2="A", u3="A")
    memos = [memo("1", {"A": 1}, token=OURS), memo("2", {"A": 1})]
    assert books(channel(three), store([row("A", 3)], memos), on_one_row).refunded == {"1"}


def test_a_unit_that_never_reached_the_store_is_in_neither_book() -> None:
    found = books(channel(cancellations=[record("c", ["2"])]), store([row("A", 1)]), pieces(u1="A"))
    assert found.is_equal
    assert "2" not in found.dead


def test_a_unit_that_never_reached_the_store_never_causes_a_cancellation() -> None:
    """The store refunded all it has; a living unit it never had keeps the order alive."""
    one_row = store([row("A", 1)], [memo("1", {"A": 1})])
    settlement = decide(channel(), one_row, link=link(pieces(u1="A")))
    assert settlement.effect is None
    assert [hold.kind for hold in settlement.holds] == [AttentionKind.PARTIAL_REFUND]


def test_a_dead_unit_that_never_reached_the_store_does_not_stand_in_the_way() -> None:
    one_row = store([row("A", 1)], [memo("1", {"A": 1})])
    settlement = decide(channel(cancellations=[record("c", ["2"])]), one_row, link=link(pieces(u1="A")))
    assert isinstance(settlement.effect, CancelOrder)
    assert settlement.effect.units == {"1"}


def test_a_unit_mapped_to_no_piece_never_reached_the_store() -> None:
    found = books(channel(), store([row("A", 1)], [memo("1", {"A": 1})]), {"1": (Piece("A", 1),), "2": ()})
    assert found.living_unmapped == {"2"}
    assert found.mapped == {"1"}


def test_a_row_named_twice_by_one_unit_counts_twice() -> None:
    twice = {"1": (Piece("A", 1), Piece("A", 1))}
    found = books(channel([unit("1")]), store(memos=[memo("1", {"A": 1})]), twice)
    assert not found.refunded
    assert found.partly == {"1"}


def test_returned_units_count_as_covered() -> None:
    returned = channel(returned_unit_ids=frozenset({"1"}))
    assert books(returned, store()).is_equal
    assert books(returned, store(memos=[memo("1", {"A": 1})])).refunded == frozenset()
    assert not books(returned, store()).missing


def test_a_returned_unit_takes_a_refund_before_a_living_one() -> None:
    returned = channel(returned_unit_ids=frozenset({"2"}))
    settlement = decide(returned, store(memos=[memo("1", {"A": 1})]))
    assert settlement.verdict is Verdict.SETTLED
    assert "1 under a return" in settlement.because


def test_some_pieces_only_are_held() -> None:
    of_two = store([row("A", 1), row("B", 1)], [memo("1", {"A": 1})])
    settlement = decide(channel([unit("1")]), of_two, link=link(pieces(u1="AB")))
    assert [hold.kind for hold in settlement.holds] == [AttentionKind.UNIT_PARTLY_REFUNDED]
    assert settlement.effect is None


def test_a_piece_refunded_for_one_unit_is_not_counted_for_the_next() -> None:
    found = books(channel(), store([row("A", 3)], [memo("1", {"A": 1})]), pieces(u1="A2", u2="A"))
    assert found.partly == {"1"}
    assert not found.refunded


def test_some_pieces_of_a_dead_unit_are_held_too() -> None:
    of_two = store([row("A", 1), row("B", 1)], [memo("1", {"A": 1})])
    settlement = decide(channel([unit("1")], status="CANCELLED"), of_two, link=link(pieces(u1="AB")))
    assert [hold.kind for hold in settlement.holds] == [AttentionKind.UNIT_PARTLY_REFUNDED]
    assert settlement.holds[0].facts["units"] == ["1"]


def test_every_unit_is_shown_with_both_sides() -> None:
    three = [unit("1"), unit("2", status="CANCELLED"), unit("3")]
    lines = books(channel(three), store([row("A", 2)], [memo("1", {"A": 1})]), pieces(u1="A", u2="A")).lines
    shown = [(line.unit_id, line.channel, line.store) for line in lines]
    assert shown == [
        ("1", "living", "living"),
        ("2", "cancelled", "refunded"),
        ("3", "living", "not in the store"),
    ]


def test_equal_books_say_so() -> None:
    alive = decide(channel(), store())
    assert alive.verdict is Verdict.SETTLED
    assert alive.because.startswith("both books agree: 2 units alive on both sides")
    dead = decide(channel(status="CANCELLED"), store(memos=[memo("1", {"A": 2}, token=OURS)]))
    assert dead.because.startswith("both books agree: all 2 units cancelled")
    some = decide(channel(cancellations=[record("c", ["1"])]), store(memos=[memo("1", {"A": 1})]))
    assert some.because.startswith("both books agree: 1 cancelled and refunded, 1 alive")


def test_both_at_once_the_refund_first() -> None:
    """Unit 1 died on TikTok, the store refunded unit 2: refund, read again, then cancel."""
    tied = link(pieces(u1="A", u2="B"))
    rows = [row("A", 1), row("B", 1)]
    reading = channel(cancellations=[record("c", ["1"])])
    theirs = memo("1", {"B": 1})
    first = decide(reading, store(rows, [theirs]), link=tied)
    assert isinstance(first.effect, RefundOrder)
    assert first.effect.units == {"1"}
    then = decide(reading, store(rows, [theirs, memo("2", {"A": 1}, token=OURS)]), link=tied)
    assert isinstance(then.effect, CancelOrder)
    assert then.effect.units == {"2"}


def test_a_direction_that_is_off_does_not_stop_the_other() -> None:
    """Refunds are off and one is missing: the living unit that the store refunded must still not be shipped."""
    tied = link(pieces(u1="A", u2="B"))
    of_store = store([row("A", 1), row("B", 1)], [memo("1", {"B": 1})])
    reading = channel(cancellations=[record("c", ["1"])])
    settlement = decide(reading, of_store, link=tied, settings=settings(to_store={"enabled": False}))
    assert isinstance(settlement.effect, CancelOrder)
    assert settlement.effect.units == {"2"}
