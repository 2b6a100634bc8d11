"""Whatever happened, in whatever order: deciding and doing ends, harms nobody, and leaves equal books or a reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

from hypothesis import HealthCheck, event, given
from hypothesis import settings as with_settings
from hypothesis import strategies as st

from bridge.domain.comparison import compare
from bridge.domain.effects import RefundOrder, Settlement, Verdict
from bridge.domain.plans import Reserved
from tests.unit.domain.world import (
    CLOSED,
    COMPLETE,
    PENDING,
    SUCCESS,
    SWITCHED_ON,
    World,
    shuffled,
    told_otherwise,
    total,
)

UNIT_IDS = ["9", "10", "11", "12"]
ROW_IDS = ["A", "B", "C"]
Event = Callable[[World], object]

one_row = st.sampled_from(ROW_IDS[:2]).map(lambda row_id: {row_id: 1})
any_rows = st.dictionaries(st.sampled_from(ROW_IDS), st.integers(1, 2), min_size=1, max_size=2)
some_units = st.lists(st.sampled_from(UNIT_IDS), min_size=1, max_size=4, unique=True)
row_counts = st.dictionaries(st.sampled_from(ROW_IDS), st.integers(0, 3), max_size=3)
partial_modes = st.sampled_from(["hold", "ignore", "cancel_lines"])
replenish = st.sampled_from([None, True, False])
reasons = st.sampled_from(["ecom_order_to_ship_canceled_reason_no_longer_needed", "package_lost", ""])


def _check(world: World) -> Settlement:
    """Settle, and see that what is left is told."""
    settlement = world.settle()
    for act in world.acts:
        event(act.kind.value)
    assert settlement.because
    assert all(hold.because and hold.facts for hold in settlement.holds)
    event(settlement.verdict.value)
    if settlement.verdict is Verdict.HELD:
        assert settlement.holds
    if settlement.verdict is Verdict.SETTLED and not world.is_equal():
        off = not (world.to_store.get("enabled", True) and world.to_channel.get("enabled", True))
        ignored = world.to_channel.get("partial") == "ignore"
        assert off or ignored, settlement.because
        assert "switched off" in settlement.because or "ignored" in settlement.because
    if settlement.verdict is Verdict.SETTLED and "both books agree" in settlement.because:
        assert world.is_equal()
    if settlement.verdict is Verdict.WAITING:
        words = settlement.because
        waits = ("dry run", "PENDING", "rests until") if world.capabilities.get("refunds_work", True) else ("",)
        assert any(reason in words for reason in waits), words
    return settlement


merchant: st.SearchStrategy[Event] = st.one_of(
    row_counts.map(lambda counts: lambda w: w.merchant_refunds(counts)),
    some_units.map(lambda ids: lambda w: [w.merchant_refunds(w.shape.get(u, {})) for u in ids]),
    st.sampled_from([1, 5, 1000]).map(lambda money: lambda w: w.merchant_refunds({}, money)),
    row_counts.map(lambda counts: lambda w: w.merchant_ships(counts)),
)
tiktok: st.SearchStrategy[Event] = st.one_of(
    st.tuples(some_units, st.sampled_from([SUCCESS, COMPLETE, CLOSED, PENDING]), replenish, reasons).map(
        lambda drawn: lambda w: w.channel_cancels(drawn[0], drawn[1], replenish=drawn[2], reason=drawn[3])
    ),
    some_units.map(lambda ids: lambda w: w.buyer_asks(ids)),
    st.just(lambda w: w.buyer_asks(UNIT_IDS)),
    st.sampled_from([SUCCESS, COMPLETE, CLOSED]).map(lambda status: lambda w: w.answer_pending(status)),
    some_units.map(lambda ids: lambda w: setattr(w, "returned", w.returned | (frozenset(ids) & w.living()))),
    st.sampled_from(["AWAITING_COLLECTION", "IN_TRANSIT"]).map(
        lambda status: lambda w: setattr(w, "status", status if w.living() else w.status)
    ),
)
switches: st.SearchStrategy[Event] = st.one_of(
    st.booleans().map(lambda held: lambda w: setattr(w, "held", held)),
    st.booleans().map(lambda on: lambda w: w.to_store.update(enabled=on)),
    st.booleans().map(lambda on: lambda w: w.to_store.update(restock=on)),
    st.booleans().map(lambda on: lambda w: w.to_channel.update(enabled=on)),
    partial_modes.map(lambda partial: lambda w: w.to_channel.update(partial=partial)),
    st.just(lambda w: w.to_channel.update(effective_from=max(w.clock, SWITCHED_ON))),
    st.just(lambda w: w.to_store.update(effective_from=max(w.clock, SWITCHED_ON))),
    st.booleans().map(lambda on: lambda w: w.more.update(dry_run=on)),
    st.booleans().map(lambda on: lambda w: w.capabilities.update(refunds_work=on)),
    st.just(lambda w: setattr(w, "clock", max(w.clock, SWITCHED_ON))),
)
settling: st.SearchStrategy[Event] = st.just(_check)
full_memo: st.SearchStrategy[Event] = st.just(lambda w: w.merchant_refunds(w.ordered))
whole_order: st.SearchStrategy[Event] = st.tuples(replenish, reasons).map(
    lambda drawn: lambda w: w.channel_cancels(UNIT_IDS, COMPLETE, replenish=drawn[0], reason=drawn[1])
)
memo_of_some: st.SearchStrategy[Event] = some_units.map(
    lambda ids: lambda w: w.merchant_refunds(total(w.shape.get(u, {}) for u in ids[:2]))
)
cancels_some: st.SearchStrategy[Event] = st.tuples(some_units, replenish).map(
    lambda drawn: lambda w: w.channel_cancels(drawn[0][:2], COMPLETE, replenish=drawn[1])
)
events = st.sampled_from(
    [whole_order, full_memo, merchant, merchant, memo_of_some, tiktok, tiktok, cancels_some, switches, settling]
).flatmap(lambda kind: kind)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    rows = draw(st.sampled_from([one_row, any_rows]))
    shape = {unit_id: draw(rows) for unit_id in UNIT_IDS[: draw(st.integers(1, 4))]}
    world = World(
        shape=shape,
        reserved=draw(st.sampled_from(list(Reserved))),
        left=frozenset(draw(st.lists(st.sampled_from(UNIT_IDS), max_size=2))),
    )
    world.to_channel["partial"] = draw(partial_modes)
    if len(shape) > 1 and draw(st.integers(0, 3)) == 3:
        world.channel_cancels(draw(some_units)[:1], COMPLETE)
    world.settle()
    if draw(st.integers(0, 3)) < 3:
        world.clock = SWITCHED_ON
    return world


def live(world: World, history: list[Event]) -> Settlement:
    for happens in history:
        happens(world)
    return _check(world)


HISTORY = st.lists(events, min_size=1, max_size=8)
often = with_settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@often
@given(worlds(), HISTORY)
def test_it_ends_harms_nobody_and_leaves_equal_books_or_a_reason(world: World, history: list[Event]) -> None:
    live(world, history)


@often
@given(worlds(), HISTORY, st.sampled_from(["hold", "cancel_lines"]))
def test_with_all_switched_on_only_a_person_or_tiktok_keeps_the_books_apart(
    world: World, history: list[Event], partial: str
) -> None:
    live(world, history)
    world.more.update(dry_run=False)
    world.to_store.update(enabled=True)
    world.to_channel.update(enabled=True, partial=partial)
    world.capabilities.update(refunds_work=True)
    settlement = _check(world)
    if not settlement.holds and world.created:
        assert world.is_equal() or "PENDING" in settlement.because


@often
@given(worlds(), HISTORY, st.randoms(use_true_random=False))
def test_the_order_in_which_the_remotes_list_things_does_not_matter(
    world: World, history: list[Event], random: Random
) -> None:
    for happens in history:
        happens(world)
        case = world.case()
        assert compare(shuffled(case, random)) == compare(case)


@often
@given(worlds(), st.lists(st.one_of(memo_of_some, cancels_some, settling), min_size=2, max_size=8))
def test_with_lines_cancelled_partial_after_partial_ends_equal(world: World, history: list[Event]) -> None:
    """Whatever comes in parts from both sides: nothing but a unit half refunded, or one nobody can tell, is held."""
    world.clock = max(world.clock, SWITCHED_ON)
    world.to_channel.update(partial="cancel_lines")
    settlement = live(world, history)
    told = {"unit_partly_refunded", "partial_refund", "goods_under_way", "restock_uncertain"}
    assert world.is_equal() or {hold.kind.value for hold in settlement.holds} & told, settlement.because


def _bare(settlement: Settlement) -> tuple[Any, ...]:
    """The decision without its words, and without what concerns the stock."""
    effect = settlement.effect
    if isinstance(effect, RefundOrder):
        effect = replace(
            effect, because="", restock_because="", restock_rows=frozenset(), concerns=(), everything=True,
            units=frozenset(), quantities={}, cancellation_id="", reason="",
        )  # fmt: skip
    elif effect is not None:
        effect = replace(effect, because="")
    return settlement.verdict, effect, [(hold.kind, hold.facts) for hold in settlement.holds]


@often
@given(worlds(), HISTORY)
def test_roles_reasons_and_words_never_decide(world: World, history: list[Event]) -> None:
    for happens in history:
        happens(world)
        case = world.case()
        assert _bare(compare(told_otherwise(case))) == _bare(compare(case))


@often
@given(worlds(), HISTORY)
def test_without_restock_the_whole_refund_is_the_same_whatever_the_reason(world: World, history: list[Event]) -> None:
    """Restock is all that a reason may touch: without it every unit and quantity is the same."""
    world.to_store.update(restock=False)
    for happens in history:
        happens(world)
        world.to_store.update(restock=False)
        one, other = compare(world.case()).effect, compare(told_otherwise(world.case())).effect
        if isinstance(one, RefundOrder):
            assert isinstance(other, RefundOrder)
            assert (one.units, one.quantities, one.everything) == (other.units, other.quantities, other.everything)
            assert not one.restock_rows


@often
@given(worlds(), HISTORY)
def test_dry_run_does_nothing_at_all(world: World, history: list[Event]) -> None:
    acts = len(world.acts)
    for happens in history:
        happens(world)
        if len(world.acts) == acts:
            world.more.update(dry_run=True)
            assert compare(world.case()).effect is None
            world.more.update(dry_run=False)
        acts = len(world.acts)
