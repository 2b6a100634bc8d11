"""Units dead on the channel and not refunded in the store."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bridge.domain.attention import AttentionKind
from bridge.domain.channel_order import ChannelOrder
from bridge.domain.effects import RefundOrder, Settlement, Verdict
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


def test_a_refund_that_leaves_a_living_unit_is_held_with_both_sides_units() -> None:
    settlement = decide(channel(cancellations=[record("c", ["2"])]), store())
    assert kinds(settlement) == [AttentionKind.PARTIAL_CANCELLATION]
    assert settlement.holds[0].facts == {"units": ["2"], "rows": {"A": 1}}
    assert settlement.effect is None


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
    settlement = decide(cancelled(), store([row("A", 2), row("Z", 1)]))
    assert settlement.effect is None
    assert kinds(settlement) == [AttentionKind.PARTIAL_CANCELLATION]


def test_a_unit_on_a_row_that_the_store_order_does_not_have_is_held() -> None:
    settlement = decide(cancelled(), store([row("A", 1)]), link=link(pieces(u1="A", u2="GONE")))
    assert settlement.effect is None
    assert settlement.holds


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


def test_a_buyers_request_stays_shown_beside_a_held_refund() -> None:
    three, on_one_row = [unit("1"), unit("2"), unit("3")], pieces(u1="A", u2="A", u3="A")
    reading = channel(three, [record("c", ["1"]), request("r", ["2"])])
    settlement = decide(reading, store([row("A", 3)]), link=link(on_one_row))
    assert kinds(settlement) == [AttentionKind.PARTIAL_CANCELLATION, AttentionKind.BUYER_REQUEST]


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


def test_a_row_shipped_in_part_is_two_effects() -> None:
    three, on_one_row = [unit("1"), unit("2"), unit("3")], pieces(u1="A", u2="A", u3="A")
    reading = channel(three, [record("c", ["1", "2", "3"])], status="CANCELLED")
    shipped = row("A", 3, shipped=1)
    first = refund(decide(reading, store([shipped]), link=link(on_one_row)))
    assert first.quantities == {"A": 2}
    assert first.everything is False
    assert first.restock_rows == {"A"}
    assert len(first.units) == 2
    ours = memo("1", first.quantities, token=OURS)
    second = refund(decide(reading, store([shipped], [ours]), link=link(on_one_row, refunded_by_us=first.units)))
    assert second.quantities == {"A": 1}
    assert second.everything is True
    assert second.restock_rows == frozenset()
    assert not first.units & second.units
    assert [hold.kind for hold in second.concerns] == [AttentionKind.GOODS_UNDER_WAY]


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
    first = refund(decide(cancelled(), store(rows), link=tied))
    assert first.units == {"1"}
    assert first.quantities == {"A": 1, "B": 1}
    assert first.restock_rows == {"A"}
    ours = memo("1", first.quantities, token=OURS)
    second = refund(decide(cancelled(), store(rows, [ours]), link=replace(tied, refunded_by_us=first.units)))
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
