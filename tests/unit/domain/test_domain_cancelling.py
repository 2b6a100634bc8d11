"""Living units that the store refunded: whether and how TikTok is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bridge.domain.attention import AttentionKind
from bridge.domain.effects import ApproveRequest, CancelLines, CancelOrder, Settlement, Verdict
from bridge.domain.link import Refusal
from bridge.domain.store_order import StoreOrder, StoreRefund
from tests.unit.domain.making import (
    AFTER,
    BEFORE,
    NOW,
    PENDING,
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
ALL = {"A": 2}


def kinds(settlement: Settlement) -> list[AttentionKind]:
    return [hold.kind for hold in settlement.holds]


def refunded(at: Any = AFTER) -> StoreOrder:
    return store(memos=[memo("1", ALL, at=at)])


def test_all_living_units_refunded_cancels_the_whole_order() -> None:
    effect = decide(channel(), refunded()).effect
    assert isinstance(effect, CancelOrder)
    assert effect.units == {"1", "2"}


def test_several_partial_memos_add_up() -> None:
    assert isinstance(decide(channel(), store(memos=[memo("1", {"A": 1}), memo("2", {"A": 1})])).effect, CancelOrder)


def test_of_two_cancellations_in_work_the_same_one_is_named_however_they_are_listed() -> None:
    """Other words would be another entry in the order's story with each look."""
    working = [record("c1", ["1"], status=PENDING), record("c0", ["2"], status=PENDING)]
    said = {decide(channel(cancellations=listed), refunded()).because for listed in (working, working[::-1])}
    assert len(said) == 1
    assert "working on cancellation c0" in said.pop()


def test_the_memo_is_not_asked_whether_it_is_full() -> None:
    """A partial memo empties the order where the other unit is dead already."""
    tied = link(pieces(u1="A", u2="B"))
    of_store = store([row("A", 1), row("B", 1)], [memo("1", {"A": 1}, token=OURS), memo("2", {"B": 1})])
    effect = decide(channel(cancellations=[record("c", ["1"])]), of_store, link=tied).effect
    assert isinstance(effect, CancelOrder)
    assert effect.units == {"2"}


LINES = settings(to_channel={"partial": "cancel_lines"})
SOME = store(memos=[memo("1", {"A": 1})])


def lines(settlement: Settlement) -> frozenset[str]:
    """The lines to be cancelled; fails with the reason where there are none."""
    assert isinstance(settlement.effect, CancelLines), settlement.because
    return settlement.effect.units


def test_some_living_units_refunded_are_held_with_both_sides_units() -> None:
    settlement = decide(channel(), SOME)
    assert kinds(settlement) == [AttentionKind.PARTIAL_REFUND]
    assert settlement.holds[0].facts == {"refunded": ["1"], "living": ["1", "2"]}
    assert settlement.effect is None


def test_some_living_units_refunded_are_cancelled_line_by_line_where_that_is_chosen() -> None:
    settlement = decide(channel(), SOME, settings=LINES)
    assert lines(settlement) == {"1"}
    assert "1 unit is cancelled on TikTok Shop line by line, 1 unit lives on" in settlement.because


@pytest.mark.parametrize("partial", ["hold", "ignore"])
def test_a_person_may_say_it_for_one_order_whatever_the_setting(partial: str) -> None:
    chosen = settings(to_channel={"partial": partial})
    settlement = decide(channel(), SOME, settings=chosen, link=link(allowed=frozenset({"lines"})))
    assert lines(settlement) == {"1"}


def test_once_the_lines_are_dead_the_books_are_equal_and_the_rest_goes_as_a_whole_order() -> None:
    dead = [record("c", ["1"], role="SELLER")]
    assert "both books agree" in decide(channel(cancellations=dead), SOME, settings=LINES).because
    both = store(memos=[memo("1", {"A": 1}), memo("2", {"A": 1})])
    rest = decide(channel(cancellations=dead), both, settings=LINES)
    assert isinstance(rest.effect, CancelOrder)
    assert rest.effect.units == {"2"}


def test_a_unit_that_never_reached_the_store_keeps_the_order_from_being_cancelled_whole_but_not_its_lines() -> None:
    three = channel([unit("1"), unit("2"), unit("3")])
    assert lines(decide(three, refunded(), settings=LINES)) == {"1", "2"}


def test_a_unit_refunded_in_part_of_its_rows_is_never_cancelled() -> None:
    of_store = store([row("A", 2), row("B", 2)], [memo("1", {"A": 1})], paid="40")
    settlement = decide(channel(), of_store, settings=LINES, link=link(pieces(u1="AB", u2="AB")))
    assert kinds(settlement) == [AttentionKind.UNIT_PARTLY_REFUNDED]


def test_quantities_that_do_not_tell_which_units_were_meant_cancel_none() -> None:
    of_store = store([row("A", 2), row("B", 1)], [memo("1", {"A": 1})], paid="30")
    settlement = decide(channel(), of_store, settings=LINES, link=link(pieces(u1="A", u2="AB")))
    assert kinds(settlement) == [AttentionKind.PARTIAL_REFUND]
    assert "do not tell which units" in settlement.because


def test_of_equal_units_the_one_that_did_not_leave_is_cancelled() -> None:
    assert lines(decide(channel([unit("1", left=True), unit("2")]), SOME, settings=LINES)) == {"2"}


def test_a_unit_whose_cancellation_is_under_way_is_the_one_that_was_refunded() -> None:
    """Cancelling the other one would end with both dead and one of them refunded by nobody's wish."""
    working = channel(cancellations=[record("c", ["2"], status=PENDING, role="SELLER")])
    settlement = decide(working, SOME, settings=LINES)
    assert settlement.verdict is Verdict.WAITING
    assert "PENDING is not done" in settlement.because


def test_lines_are_not_cancelled_beside_a_cancellation_of_other_lines() -> None:
    three = channel([unit("1"), unit("2"), unit("3")], [record("c", ["3"], status=PENDING, role="SELLER")])
    of_store = store([row("A", 2), row("B", 1)], [memo("1", {"A": 1})], paid="30")
    settlement = decide(three, of_store, settings=LINES, link=link(pieces(u1="A", u2="A", u3="B")))
    assert settlement.verdict is Verdict.WAITING


def test_of_equal_units_the_one_the_buyer_asks_for_was_refunded_and_its_request_is_approved() -> None:
    settlement = decide(channel(cancellations=[request("r", ["2"])]), SOME, settings=LINES)
    assert isinstance(settlement.effect, ApproveRequest)
    assert settlement.effect.units == {"2"}


def test_lines_are_not_cancelled_across_a_buyers_request() -> None:
    three = channel([unit("1"), unit("2"), unit("3")], [request("r", ["3"])])
    of_store = store([row("A", 2), row("B", 1)], [memo("1", {"A": 1})], paid="30")
    settlement = decide(three, of_store, settings=LINES, link=link(pieces(u1="A", u2="A", u3="B")))
    assert settlement.effect is None
    assert kinds(settlement) == [AttentionKind.BUYER_REQUEST]


def test_only_lines_whose_memo_is_newer_than_the_switch_on_are_cancelled() -> None:
    three, tied = channel([unit("1"), unit("2"), unit("3")]), link(pieces(u1="A", u2="A", u3="A"))
    memos = [memo("1", {"A": 1}, at=BEFORE), memo("2", {"A": 1}, at=AFTER)]
    assert len(lines(decide(three, store([row("A", 3)], memos, paid="30"), settings=LINES, link=tied))) == 1
    old = decide(three, store([row("A", 3)], memos[:1], paid="30"), settings=LINES, link=tied)
    assert kinds(old) == [AttentionKind.BEFORE_SWITCH_ON]
    allowed = replace(tied, allowed=frozenset({"past"}))
    assert len(lines(decide(three, store([row("A", 3)], memos, paid="30"), settings=LINES, link=allowed))) == 2


def test_a_memo_is_a_wish_once() -> None:
    """After its line is dead, the past memo beside it is no wish either."""
    dead = channel([unit("1"), unit("2"), unit("3")], [record("c", ["1"], role="SELLER")])
    memos = [memo("1", {"A": 1}, at=BEFORE), memo("2", {"A": 1}, at=AFTER)]
    tied = link(pieces(u1="A", u2="A", u3="A"))
    settlement = decide(dead, store([row("A", 3)], memos, paid="30"), settings=LINES, link=tied)
    assert settlement.effect is None
    assert kinds(settlement) == [AttentionKind.BEFORE_SWITCH_ON]


def test_while_our_own_memos_went_beyond_the_dead_units_nothing_is_cancelled() -> None:
    """A cancellation that was undone: with one line cancelled our memo would stand for it, and theirs be a new wish."""
    memos = [memo("1", {"A": 1}, token=OURS), memo("2", {"A": 1})]
    settlement = decide(channel(), store(memos=memos, paid="30"), settings=LINES)
    assert settlement.effect is None
    assert kinds(settlement) == [AttentionKind.BOOKS_MOVED]


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({"cancels_last_hour": 30}, AttentionKind.BRAKE),
        ({"link": link(refusals={"cancel_lines": Refusal("c", "25005010")})}, AttentionKind.CANCEL_REFUSED),
    ],
    ids=["brake", "refusal"],
)
def test_cancelling_lines_is_an_effect_like_any_other(more: dict[str, Any], kind: AttentionKind) -> None:
    settlement = decide(channel(), SOME, settings=LINES, **more)
    assert settlement.effect is None
    assert kinds(settlement) == [kind]


@pytest.mark.parametrize("status", ["IN_TRANSIT", "DELIVERED", "COMPLETED"])
def test_too_late_for_lines(status: str) -> None:
    assert kinds(decide(channel(status=status), SOME, settings=LINES)) == [AttentionKind.TOO_LATE]


def test_a_refused_line_cancel_does_not_stop_the_whole_order() -> None:
    tied = link(refusals={"cancel_lines": Refusal("c", "25005010")})
    assert isinstance(decide(channel(), refunded(), settings=LINES, link=tied).effect, CancelOrder)


def test_some_living_units_refunded_can_be_ignored_with_a_line() -> None:
    some = store(memos=[memo("1", {"A": 1})])
    settlement = decide(channel(), some, settings=settings(to_channel={"partial": "ignore"}))
    assert settlement.verdict is Verdict.SETTLED
    assert "ignored" in settlement.because
    assert not settlement.holds


def test_the_direction_switched_off_does_nothing_and_says_so() -> None:
    settlement = decide(channel(), refunded(), settings=settings(to_channel={"enabled": False}))
    assert settlement.verdict is Verdict.SETTLED
    assert "switched off" in settlement.because


def test_effective_from_compares_the_memo_not_the_orders_age() -> None:
    assert isinstance(decide(channel(), refunded(AFTER)).effect, CancelOrder)
    assert kinds(decide(channel(), refunded(BEFORE))) == [AttentionKind.BEFORE_SWITCH_ON]
    allowed = decide(channel(), refunded(BEFORE), link=link(allowed=frozenset({"past"})))
    assert isinstance(allowed.effect, CancelOrder)


def test_the_memo_that_emptied_the_order_is_the_change() -> None:
    memos = [memo("1", {"A": 1}, at=BEFORE), memo("2", {"A": 1}, at=AFTER)]
    assert isinstance(decide(channel(), store(memos=memos)).effect, CancelOrder)


def test_a_later_memo_that_stands_for_a_dead_unit_does_not_make_an_old_change_new() -> None:
    """One unit was refunded before the switch-on; then the other one died, and its memo was made by hand."""
    dead = channel(cancellations=[record("c", ["1"])])
    memos = [memo("1", {"A": 1}, at=BEFORE), memo("2", {"A": 1}, at=AFTER)]
    settlement = decide(dead, store(memos=memos))
    assert (settlement.effect, kinds(settlement)) == (None, [AttentionKind.BEFORE_SWITCH_ON])
    new = [memo("1", {"A": 1}, at=AFTER), memo("2", {"A": 1}, at=AFTER)]
    assert isinstance(decide(dead, store(memos=new)).effect, CancelOrder)
    ours = [memo("1", {"A": 1}, token=OURS, at=AFTER), memo("2", {"A": 1}, at=AFTER)]
    assert isinstance(decide(dead, store(memos=ours)).effect, CancelOrder)


@pytest.mark.parametrize(
    "later",
    [memo("2", {}, total="5"), memo("2", {"A": 0}, total="5"), memo("2", {"B": 1}), memo("2", {"B": 1}, token=OURS)],
    ids=["money", "zero", "a dead unit", "ours"],
)
def test_a_later_memo_that_took_no_living_unit_does_not_make_an_old_change_new(later: StoreRefund) -> None:
    before = [] if later.quantities.get("B") else [memo("0", {"B": 1}, at=BEFORE)]
    of_store = store([row("A", 2), row("B", 1)], [*before, memo("1", ALL, at=BEFORE), later], paid="300")
    three = channel([unit("1"), unit("2"), unit("3", status="CANCELLED")])
    settlement = decide(three, of_store, link=link(pieces(u1="A", u2="A", u3="B")))
    assert kinds(settlement) == [AttentionKind.BEFORE_SWITCH_ON]


def test_units_cancelled_in_the_store_before_the_switch_on_are_old() -> None:
    """No credit memo tells when; the order itself was not touched since."""
    rows = [replace(row("A", 1, invoiced=0), cancelled=1), row("B", 1)]
    of_store = store(rows, [memo("1", {"B": 1}, at=BEFORE)], updated_at=BEFORE)
    tied = link(pieces(u1="A", u2="B"))
    assert kinds(decide(channel(), of_store, link=tied)) == [AttentionKind.BEFORE_SWITCH_ON]
    reading = channel([unit("1"), unit("2", status="CANCELLED")])
    assert kinds(decide(reading, of_store, link=tied)) == [AttentionKind.BEFORE_SWITCH_ON]


@pytest.mark.parametrize("status", ["IN_TRANSIT", "DELIVERED", "COMPLETED"])
def test_too_late(status: str) -> None:
    settlement = decide(channel(status=status), refunded())
    assert kinds(settlement) == [AttentionKind.TOO_LATE]
    assert status in settlement.because


def test_no_reason() -> None:
    settlement = decide(channel(), refunded(), settings=settings(to_channel={"default_reason": None}))
    assert kinds(settlement) == [AttentionKind.NO_REASON]


@pytest.mark.parametrize(("sent", "stopped"), [(29, False), (30, True), (31, True)])
def test_more_than_the_limit_an_hour_pauses_the_direction_and_asks(sent: int, stopped: bool) -> None:
    settlement = decide(channel(), refunded(), cancels_last_hour=sent)
    assert (kinds(settlement) == [AttentionKind.BRAKE]) is stopped
    assert (settlement.effect is None) is stopped
    let_through = decide(channel(), refunded(), cancels_last_hour=sent, link=link(allowed=frozenset({"brake"})))
    assert isinstance(let_through.effect, CancelOrder)


def test_the_brake_does_not_stop_refunds() -> None:
    assert decide(channel(status="CANCELLED"), store(), cancels_last_hour=1000).effect is not None


def test_dry_run_claims_nothing() -> None:
    settlement = decide(channel(), refunded(), settings=settings(dry_run=True))
    assert settlement.verdict is Verdict.WAITING
    assert settlement.because.startswith("dry run: would act on TikTok Shop")


def test_a_refusal_stands_and_one_in_other_words_is_a_new_fact() -> None:
    def refused(claim: str) -> Settlement:
        return decide(channel(), refunded(), link=link(refusals={"cancel": Refusal(claim, "risk control")}))

    assert kinds(refused("c1")) == [AttentionKind.CANCEL_REFUSED]
    assert refused("c1").because == "risk control"
    assert refused("c1").holds[0].fingerprint == refused("c2").holds[0].fingerprint
    other = decide(channel(), refunded(), link=link(refusals={"cancel": Refusal("c2", "order is shipped")}))
    assert other.holds[0].fingerprint != refused("c1").holds[0].fingerprint


def test_a_cancellation_tiktok_is_working_on_is_waited_for() -> None:
    working = [record("c0", ["2"], status=PENDING, role="SELLER"), record("c9", ["9"], status=PENDING)]
    settlement = decide(channel(cancellations=[working[1], working[0]]), refunded())
    assert settlement.verdict is Verdict.WAITING
    assert "c0" in settlement.because
    assert "PENDING is not done" in settlement.because
    assert settlement.look_again_at == NOW + timedelta(minutes=1)


def test_a_pending_cancellation_that_names_no_units_may_be_of_all_of_them() -> None:
    working = record("c0", [], status=PENDING, role="SELLER")
    assert decide(channel(cancellations=[working]), refunded()).verdict is Verdict.WAITING


# --- a buyer's request ------------------------------------------------------------------------------------------------


def test_a_request_is_approved_when_the_store_refunded_every_unit_of_it() -> None:
    settlement = decide(channel(cancellations=[request("r", ["1", "2"])]), refunded())
    assert isinstance(settlement.effect, ApproveRequest)
    assert settlement.effect.cancellation_id == "r"
    assert settlement.effect.units == {"1", "2"}
    assert not settlement.holds


def test_a_request_for_some_units_is_approved_and_the_rest_is_settled_afterwards() -> None:
    first = decide(channel(cancellations=[request("r", ["2"])]), refunded())
    assert isinstance(first.effect, ApproveRequest)
    assert first.effect.units == {"2"}
    approved = request("r", ["2"], status="CANCELLATION_REQUEST_SUCCESS")
    then = decide(channel(cancellations=[approved]), refunded())
    assert isinstance(then.effect, CancelOrder)
    assert then.effect.units == {"1"}


@pytest.mark.parametrize("partial", ["hold", "ignore"])
def test_a_request_is_held_when_the_store_refunded_only_some_of_it(partial: str) -> None:
    some = store(memos=[memo("1", {"A": 1})])
    settlement = decide(
        channel(cancellations=[request("r", ["1", "2"])]), some, settings=settings(to_channel={"partial": partial})
    )
    assert settlement.effect is None
    assert AttentionKind.BUYER_REQUEST in kinds(settlement)


def test_a_request_that_names_a_unit_which_never_reached_the_store_is_held() -> None:
    one_row = store([row("A", 1)], [memo("1", {"A": 1})])
    settlement = decide(channel(cancellations=[request("r", ["1", "2"])]), one_row, link=link(pieces(u1="A")))
    assert settlement.effect is None
    assert AttentionKind.BUYER_REQUEST in kinds(settlement)


@pytest.mark.parametrize("units", [[], ["1", "2", "99"]], ids=["none", "one that the order does not have"])
def test_a_request_whose_units_cannot_be_checked_is_neither_approved_nor_crossed(units: list[str]) -> None:
    settlement = decide(channel(cancellations=[request("r", units)]), refunded())
    assert settlement.effect is None
    assert AttentionKind.BUYER_REQUEST in kinds(settlement)


@pytest.mark.parametrize(
    ("more", "at"),
    [
        ({"settings": settings(to_channel={"enabled": False})}, AFTER),
        ({}, BEFORE),
        ({"settings": settings(dry_run=True)}, AFTER),
        ({"cancels_last_hour": 30}, AFTER),
        ({"link": link(refusals={"approve:r": Refusal("c", "refused")})}, AFTER),
    ],
    ids=["enabled", "effective_from", "dry run", "brake", "refusal"],
)
def test_an_approval_is_an_effect_like_any_other_and_the_request_stays_shown(more: dict[str, Any], at: Any) -> None:
    settlement = decide(channel(cancellations=[request("r", ["1", "2"])]), refunded(at), **more)
    assert settlement.effect is None
    assert AttentionKind.BUYER_REQUEST in kinds(settlement)


def test_an_approval_needs_no_reason() -> None:
    reading = channel(cancellations=[request("r", ["1", "2"])])
    no_reason = settings(to_channel={"default_reason": None})
    assert isinstance(decide(reading, refunded(), settings=no_reason).effect, ApproveRequest)


def test_a_returned_unit_of_a_request_counts_as_covered() -> None:
    reading = channel(cancellations=[request("r", ["1", "2"])], returned_unit_ids=frozenset({"1"}))
    settlement = decide(reading, refunded())
    assert isinstance(settlement.effect, ApproveRequest)
    assert settlement.effect.units == {"2"}


def test_a_sentence_has_the_platforms_own_word_for_a_refund() -> None:
    for word in ("credit memo", "refund"):
        of_store = replace(refunded(at=BEFORE), refund_word=word)
        assert f"; the {word} (" in decide(channel(), of_store).because
