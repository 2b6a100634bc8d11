"""Units dead on the channel and not refunded in the store."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from bridge.domain.attention import AttentionKind
from bridge.domain.channel_order import ChannelOrder
from bridge.domain.effects import CancelOrder, RefundOrder, Settlement, Verdict
from bridge.domain.link import Refusal
from bridge.domain.plans import Reserved
from tests.unit.domain.making import (
    AFTER,
    BEFORE,
    able,
    channel,
    decide,
    link,
    memo,
    pieces,
    record,
    request,
    row,
    settings,
    store,
    unit,
)

OURS = "0123456789abcdef"


def refund(settlement: Settlement) -> RefundOrder:
    """The refund asked for; fails with the reason where there is none."""
    assert isinstance(settlement.effect, RefundOrder), settlement.because
    return settlement.effect


def taken(effect: RefundOrder) -> tuple[set[str], dict[str, int], bool]:
    """Units, quantities, and whether it takes everything left."""
    return set(effect.units), dict(effect.quantities), effect.everything


def kinds(settlement: Settlement) -> list[AttentionKind]:
    return [hold.kind for hold in settlement.holds]


def cancelled(at: Any = AFTER, **more: Any) -> ChannelOrder:
    return channel(cancellations=[record("c1", ["1", "2"], at=at, **more)], status="CANCELLED")


def test_a_cancelled_order_is_refunded_in_one_memo_with_everything_left() -> None:
    effect = refund(decide(cancelled(), store()))
    assert effect.everything
    assert effect.quantities == {"A": 2}
    assert effect.units == {"1", "2"}
    assert effect.cancellation_id == "c1"


def test_a_refund_that_leaves_a_living_unit_names_rows_and_quantities() -> None:
    effect = refund(decide(channel(cancellations=[record("c", ["2"])]), store()))
    assert not effect.everything
    assert effect.units == {"2"}
    assert effect.quantities == {"A": 1}
    assert effect.restock_rows == {"A"}
    assert "1 unit is refunded by quantity" in effect.because


def test_a_second_partial_takes_only_what_the_first_left_and_the_rest_takes_everything() -> None:
    three, on_one_row = [unit("1"), unit("2"), unit("3")], pieces(u1="A", u2="A", u3="A")
    deaths = [record("c1", ["1"], at=AFTER)]
    memos = [memo("1", {"A": 1}, token=OURS)]
    deaths.append(record("c2", ["3"], at=AFTER + timedelta(minutes=1)))
    tied = link(on_one_row, refunded_by_us=frozenset({"1"}))
    second = refund(decide(channel(three, deaths), store([row("A", 3)], memos, paid="35"), link=tied))
    assert taken(second) == ({"3"}, {"A": 1}, False)
    assert second.cancellation_id == "c2"
    memos.append(memo("2", {"A": 1}, token=OURS[::-1]))
    tied = link(on_one_row, refunded_by_us=frozenset({"1", "3"}))
    dead = channel(three, [*deaths, record("c3", ["2"])], status="CANCELLED")
    rest = refund(decide(dead, store([row("A", 3)], memos, paid="35"), link=tied))
    assert taken(rest) == ({"2"}, {"A": 1}, True)


def test_two_partial_cancellations_at_once_are_one_memo_that_names_both() -> None:
    three, tied = [unit("1"), unit("2"), unit("3")], link(pieces(u1="A", u2="B", u3="A"))
    reading = channel(three, [record("c1", ["1"]), record("c2", ["2"])])
    effect = refund(decide(reading, store([row("A", 2), row("B", 1)], paid="30"), link=tied))
    assert effect.quantities == {"A": 1, "B": 1}
    assert effect.cancellation_id == "c1, c2"


def test_a_merchants_own_partial_memo_counts_for_the_dead_unit() -> None:
    reading = channel(cancellations=[record("c", ["2"])])
    settlement = decide(reading, store(memos=[memo("1", {"A": 1})]))
    assert settlement.effect is None
    assert "both books agree" in settlement.because


def test_equal_skus_at_different_prices_are_two_rows_and_only_the_dead_ones_is_refunded() -> None:
    tied = link(pieces(u1="A", u2="B"))
    rows = [replace(row("A", 1), sku="MUG"), replace(row("B", 1), sku="MUG")]
    assert refund(decide(channel(cancellations=[record("c", ["2"])]), store(rows), link=tied)).quantities == {"B": 1}


def test_what_a_merchant_refunded_long_ago_stood_for_what_died_long_ago() -> None:
    """Unit 2 died before the switch-on and was refunded by hand; unit 1 died after it and is refunded now."""
    reading = channel(cancellations=[record("c2", ["2"], at=BEFORE), record("c1", ["1"], at=AFTER)])
    three = replace(reading, units=(unit("1"), unit("2"), unit("3")))
    tied = link(pieces(u1="A", u2="A", u3="A"))
    effect = refund(decide(three, store([row("A", 3)], [memo("1", {"A": 1}, at=BEFORE)], paid="30"), link=tied))
    assert effect.units == {"1"}


def test_a_cancellation_from_before_the_switch_on_does_not_keep_a_new_one_waiting() -> None:
    reading = channel(
        [unit("1"), unit("2"), unit("3")], [record("c2", ["2"], at=BEFORE), record("c1", ["1"], at=AFTER)]
    )
    tied = link(pieces(u1="A", u2="B", u3="A"))
    rows = [row("A", 2), row("B", 1)]
    first = refund(decide(reading, store(rows, paid="30"), link=tied))
    assert taken(first) == ({"1"}, {"A": 1}, False)
    ours = memo("1", {"A": 1}, token=OURS)
    then = decide(reading, store(rows, [ours], paid="30"), link=replace(tied, refunded_by_us=first.units))
    assert kinds(then) == [AttentionKind.BEFORE_SWITCH_ON]


def test_a_unit_that_our_own_memo_stood_for_is_never_refunded_a_second_time() -> None:
    """The store lost count of our memo: whatever happened there, refunding again is the worst answer."""
    tied = link(pieces(u1="A", u2="A"), refunded_by_us=frozenset({"1"}))
    settlement = decide(channel(cancellations=[record("c", ["1"])]), store(), link=tied)
    assert settlement.effect is None
    assert kinds(settlement) == [AttentionKind.BOOKS_MOVED]


def test_where_all_money_was_given_back_already_no_memo_is_tried() -> None:
    settlement = decide(cancelled(), store(memos=[memo("1", {}, total="20")]))
    assert kinds(settlement) == [AttentionKind.CANNOT_REFUND]
    assert "gave back all" in settlement.because


def test_a_gift_is_refunded_by_its_quantity_while_there_is_money_left() -> None:
    tied = link(pieces(u1="A", u2="G"))
    rows = [row("A", 1), replace(row("G", 1), price=Decimal(0))]
    effect = refund(decide(channel(cancellations=[record("c", ["2"])]), store(rows, paid="10"), link=tied))
    assert (dict(effect.quantities), effect.everything) == ({"G": 1}, False)


def test_a_held_refund_does_not_keep_the_other_rows_from_being_cancelled() -> None:
    """Unit 1 died long ago and is not refunded; the merchant refunded unit 2, the only one alive."""
    reading = channel(cancellations=[record("c", ["1"], at=BEFORE)])
    tied = link(pieces(u1="A", u2="B"))
    of_store = store([row("A", 1), row("B", 1)], [memo("1", {"B": 1})])
    settlement = decide(reading, of_store, link=tied)
    assert isinstance(settlement.effect, CancelOrder)
    assert kinds(settlement) == [AttentionKind.BEFORE_SWITCH_ON]


def test_both_directions_may_hold_the_same_kind_and_a_person_is_asked_once() -> None:
    reading = channel(cancellations=[record("c", ["1"], at=BEFORE)])
    tied = link(pieces(u1="A", u2="B"))
    of_store = store([row("A", 1), row("B", 1)], [memo("1", {"B": 1}, at=BEFORE)])
    settlement = decide(reading, of_store, link=tied)
    assert kinds(settlement) == [AttentionKind.BEFORE_SWITCH_ON]
    assert settlement.holds[0].facts == {"units": ["1"], "rows": {"A": 1}, "refunded": ["2"], "living": ["2"]}


def test_the_everything_left_body_is_used_only_when_it_takes_the_last_living_unit() -> None:
    """The merchant refunded one of two; the cancellation of the other one takes all that is left."""
    tied = link(pieces(u1="A", u2="B"))
    rows = [row("A", 1), row("B", 1)]
    dead_both = cancelled()
    effect = refund(decide(dead_both, store(rows, [memo("1", {"B": 1})]), link=tied))
    assert effect.everything
    assert effect.quantities == {"A": 1}
    assert effect.units == {"1"}


def test_a_row_that_no_unit_speaks_for_is_never_swept_along() -> None:
    effect = refund(decide(cancelled(), store([row("A", 2), row("Z", 1)], paid="30")))
    assert not effect.everything
    assert effect.quantities == {"A": 2}


def test_a_unit_on_a_row_that_the_store_order_does_not_have_is_held() -> None:
    settlement = decide(cancelled(), store([row("A", 1)]), link=link(pieces(u1="A", u2="Z")))
    assert settlement.effect is None
    assert kinds(settlement) == [AttentionKind.CANNOT_REFUND]
    assert "no longer has their rows (Z)" in settlement.because


def test_the_direction_switched_off_does_nothing_and_says_so() -> None:
    settlement = decide(cancelled(), store(), settings=settings(to_store={"enabled": False}))
    assert settlement.verdict is Verdict.SETTLED
    assert "switched off" in settlement.because


def test_effective_from_compares_the_cancellation_not_the_orders_age() -> None:
    refund(decide(cancelled(AFTER), store()))  # placed long before the switch-on, cancelled after it
    old = decide(cancelled(BEFORE), store())
    assert kinds(old) == [AttentionKind.BEFORE_SWITCH_ON]
    refund(decide(cancelled(BEFORE), store(), link=link(allowed=frozenset({"past"}))))
    refund(decide(cancelled(BEFORE), store(), settings=settings(to_store={"effective_from": None})))


def test_an_old_cancellation_that_was_refunded_does_not_make_a_new_one_old() -> None:
    reading = channel(cancellations=[record("c1", ["1"], at=BEFORE), record("c2", ["2"], at=AFTER)])
    tied = link(pieces(u1="A", u2="B"))
    effect = refund(decide(reading, store([row("A", 1), row("B", 1)], [memo("1", {"A": 1})]), link=tied))
    assert effect.units == {"2"}
    assert effect.cancellation_id == "c2"


def test_dry_run_claims_nothing() -> None:
    settlement = decide(cancelled(), store(), settings=settings(dry_run=True))
    assert settlement.verdict is Verdict.WAITING
    assert settlement.because.startswith("dry run: would refund")


def test_a_store_order_on_hold_waits_for_a_person() -> None:
    assert kinds(decide(cancelled(), store(is_held=True))) == [AttentionKind.STORE_ORDER_ON_HOLD]


def test_refunds_wait_while_the_plugin_breaks_them() -> None:
    broken = able(refunds_work=False, refunds_because="plugin 1.0.25 fails every refund: install 1.0.26")
    settlement = decide(cancelled(), store(), capabilities=broken)
    assert settlement.verdict is Verdict.WAITING
    assert "install 1.0.26" in settlement.because


def test_a_refusal_stands_and_one_in_other_words_is_a_new_fact() -> None:
    def refused(claim: str, said: str = "no more to refund") -> Settlement:
        return decide(cancelled(), store(), link=link(refusals={"refund": Refusal(claim, said)}))

    assert kinds(refused("c1")) == [AttentionKind.REFUND_REFUSED]
    assert refused("c1").because == "no more to refund"
    assert refused("c1").holds[0].fingerprint == refused("c2").holds[0].fingerprint
    assert refused("c1").holds[0].fingerprint != refused("c1", "order is archived").holds[0].fingerprint


def test_a_refusal_of_another_kind_stops_nothing() -> None:
    refund(decide(cancelled(), store(), link=link(refusals={"cancel": Refusal("c", "no")})))


def test_a_buyers_request_stays_shown_beside_a_refund() -> None:
    three, on_one_row = [unit("1"), unit("2"), unit("3")], pieces(u1="A", u2="A", u3="A")
    reading = channel(three, [record("c", ["1"]), request("r", ["2"])])
    settlement = decide(reading, store([row("A", 3)]), link=link(on_one_row))
    assert refund(settlement).units == {"1"}
    assert kinds(settlement) == [AttentionKind.BUYER_REQUEST]


# --- restock: each condition by itself, with its sentence ------------------------------------------------------------


def test_all_conditions_met_restocks() -> None:
    effect = refund(decide(cancelled(), store()))
    assert effect.restock_rows == {"A"}
    assert effect.restock_because == "restocked: the store order took its stock and the units never left"
    assert not effect.concerns


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"settings": settings(to_store={"restock": False})}, "restock is switched off for this shop"),
        (
            {"capabilities": able(restock_allowed=False, restock_because="plugin 1.0.18 is older than 1.0.20")},
            "plugin 1.0.18 is older than 1.0.20",
        ),
        ({"link": link(reserved=Reserved.NO, reserved_because="too few")}, "never took its stock (too few)"),
        ({"link": link(reserved=Reserved.UNKNOWN, reserved_because="old plugin")}, "nobody can say"),
    ],
    ids=["choice", "plugin", "not reserved", "unknown"],
)
def test_without_one_of_the_orders_conditions_it_refunds_without_restock_and_says_which(
    more: dict[str, Any], sentence: str
) -> None:
    effect = refund(decide(cancelled(), store(), **more))
    assert not effect.restock_rows
    assert effect.everything
    assert effect.restock_because.startswith("not restocked: ")
    assert sentence in effect.restock_because


def test_an_unknown_reservation_asks_a_person_to_count() -> None:
    effect = refund(decide(cancelled(), store(), link=link(reserved=Reserved.UNKNOWN)))
    assert [hold.kind for hold in effect.concerns] == [AttentionKind.RESTOCK_UNCERTAIN]


def test_what_was_shipped_in_the_store_is_not_restocked() -> None:
    effect = refund(decide(cancelled(), store([row("A", 2, shipped=2)])))
    assert not effect.restock_rows
    assert "SKU-A was shipped in the store" in effect.restock_because
    assert [hold.kind for hold in effect.concerns] == [AttentionKind.GOODS_UNDER_WAY]


@pytest.mark.parametrize(
    ("reading", "back", "sentence"),
    [
        (cancelled(replenish=True), True, "never left"),
        (cancelled(replenish=False), False, "should not be replenished"),
        (cancelled(reason="package_lost"), False, "after dispatch (package_lost)"),
        (cancelled(reason="package_damagaed"), False, "after dispatch (package_damagaed)"),
        (cancelled(reason="package_lost", replenish=True), True, "never left"),
        (replace(cancelled(), units=(unit("1", left=True), unit("2", left=True))), False, "ready-to-ship time"),
        (
            replace(cancelled(replenish=True), units=(unit("1", left=True), unit("2", left=True))),
            True,
            "never left",
        ),
    ],
    ids=["yes", "no", "lost", "misspelt", "yes beats reason", "tracking", "yes beats tracking"],
)
def test_tiktoks_word_decides_and_where_absent_any_sign_that_the_unit_left(
    reading: ChannelOrder, back: bool, sentence: str
) -> None:
    effect = refund(decide(reading, store()))
    assert bool(effect.restock_rows) is back
    assert sentence in effect.restock_because
    assert bool(effect.concerns) is not back


def test_where_the_rows_do_not_tell_what_left_all_is_refunded_and_nothing_restocked() -> None:
    unsure = "its status is “shipped”, which does not say whether the goods left"
    settlement = decide(
        cancelled(), store([row("A", 1), row("B", 1)], whereabouts=unsure), link=link(pieces(u1="A", u2="B"))
    )
    effect = refund(settlement)
    assert (effect.everything, effect.restock_rows) == (True, frozenset())
    assert effect.restock_because == f"not restocked: {unsure}"
    assert [hold.kind for hold in effect.concerns] == [AttentionKind.GOODS_UNDER_WAY]
    assert unsure in effect.concerns[0].because


def test_a_row_shipped_in_part_is_two_effects() -> None:
    three, on_one_row = [unit("1"), unit("2"), unit("3")], pieces(u1="A", u2="A", u3="A")
    reading = channel(three, [record("c", ["1", "2", "3"])], status="CANCELLED")
    shipped = row("A", 3, shipped=1)
    first = refund(decide(reading, store([shipped], paid="30"), link=link(on_one_row)))
    assert first.quantities == {"A": 2}
    assert first.everything is False
    assert first.restock_rows == {"A"}
    assert len(first.units) == 2
    ours = memo("1", first.quantities, token=OURS)
    tied = link(on_one_row, refunded_by_us=first.units)
    second = refund(decide(reading, store([shipped], [ours], paid="30"), link=tied))
    assert second.quantities == {"A": 1}
    assert second.everything is True
    assert second.restock_rows == frozenset()
    assert not first.units & second.units
    assert [hold.kind for hold in second.concerns] == [AttentionKind.GOODS_UNDER_WAY]


def test_a_row_shipped_in_part_is_two_effects_where_a_unit_lives_on_too() -> None:
    four, on_one_row = [unit("1"), unit("2"), unit("3"), unit("4")], pieces(u1="A", u2="A", u3="A", u4="A")
    reading = channel(four, [record("c", ["1", "2", "3"])])
    shipped = row("A", 4, shipped=2)
    first = refund(decide(reading, store([shipped], paid="40"), link=link(on_one_row)))
    assert (dict(first.quantities), set(first.restock_rows), first.everything) == ({"A": 2}, {"A"}, False)
    assert "2 units are refunded first, of 3" in first.because
    ours = memo("1", first.quantities, token=OURS)
    tied = link(on_one_row, refunded_by_us=first.units)
    second = refund(decide(reading, store([shipped], [ours], paid="40"), link=tied))
    assert (dict(second.quantities), set(second.restock_rows), second.everything) == ({"A": 1}, set(), False)
    assert not first.units & second.units
    assert [hold.kind for hold in second.concerns] == [AttentionKind.GOODS_UNDER_WAY]


def test_a_partial_refund_that_unshipped_units_cover_does_not_speak_of_shipped_ones() -> None:
    three, on_one_row = [unit("1"), unit("2"), unit("3")], pieces(u1="A", u2="A", u3="A")
    off = settings(to_store={"restock": False})
    reading = channel(three, [record("c", ["2"])])
    effect = refund(decide(reading, store([row("A", 3, shipped=1)], paid="30"), link=link(on_one_row), settings=off))
    assert not effect.concerns


def test_a_row_of_which_one_unit_left_by_tiktoks_word_is_two_effects_and_the_second_takes_that_unit() -> None:
    reading = channel([unit("1", left=True), unit("2")], status="CANCELLED")
    first = refund(decide(reading, store()))
    assert first.units == {"2"}
    assert first.restock_rows == {"A"}
    assert first.everything is False
    ours = memo("1", {"A": 1}, token=OURS)
    second = refund(decide(reading, store(memos=[ours]), link=link(refunded_by_us=first.units)))
    assert second.units == {"1"}
    assert second.restock_rows == frozenset()
    assert second.everything is True


def test_two_rows_of_which_one_was_shipped_are_one_effect() -> None:
    tied = link(pieces(u1="A", u2="B"))
    effect = refund(decide(cancelled(), store([row("A", 1), row("B", 1, shipped=1)]), link=tied))
    assert effect.everything
    assert effect.restock_rows == {"A"}
    assert effect.restock_because == "restocked in part: SKU-B was shipped in the store"


def test_units_of_several_rows_are_taken_whole_when_a_row_was_shipped_in_part() -> None:
    tied = link(pieces(u1="AB", u2="AB"))
    rows = [row("A", 2, shipped=1), row("B", 2, shipped=2)]
    first = refund(decide(cancelled(), store(rows, paid="40"), link=tied))
    assert first.units == {"1"}
    assert first.quantities == {"A": 1, "B": 1}
    assert first.restock_rows == {"A"}
    ours = memo("1", first.quantities, token=OURS)
    then = store(rows, [ours], paid="40")
    second = refund(decide(cancelled(), then, link=replace(tied, refunded_by_us=first.units)))
    assert second.units == {"2"}
    assert second.everything
    assert not second.restock_rows


def test_a_unit_of_which_some_pieces_were_shipped_is_not_restocked() -> None:
    effect = refund(
        decide(channel([unit("1")], status="CANCELLED"), store([row("A", 2, shipped=1)]), link=link(pieces(u1="A2")))
    )
    assert effect.units == {"1"}
    assert effect.quantities == {"A": 2}
    assert not effect.restock_rows
    assert effect.everything
