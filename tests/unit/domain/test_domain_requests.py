"""Buyers' requests: shown; answered by the store, a person or a rule; never crossed by a cancel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given
from hypothesis import settings as with_settings
from hypothesis import strategies as st

from bridge.domain import requests
from bridge.domain.attention import AttentionKind
from bridge.domain.channel_order import Cancellation
from bridge.domain.comparison import Case
from bridge.domain.effects import (
    ApproveRequest,
    CancelLines,
    CancelOrder,
    CreateOrder,
    Effect,
    RejectRequest,
    Settlement,
    Verdict,
)
from bridge.domain.link import Answer, Link, Refusal
from bridge.domain.plans import Reserved
from bridge.domain.request_rules import AFTER_DEADLINE, LAST_LOOK, Shipped, shipment_of
from bridge.domain.settings import BuyerRequests, RequestRule, ShopSettings
from bridge.domain.store_order import Barrier
from tests.unit.domain.making import (
    AFTER,
    CLOSED,
    COMPLETE,
    NOW,
    PENDING,
    PLACED,
    SUCCESS,
    SWITCHED_ON,
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
from tests.unit.domain.world import World

PACKED = "seller_reject_apply_product_has_been_packed"
UNSHIPPED = RequestRule(name="here", decision="approve", store_shipped=False)
GONE = RequestRule(name="gone", decision="reject", store_shipped=True, reject_reason=PACKED, comment="It left")
ASKED = channel(cancellations=[request("r", ["1", "2"])])
DEADLINE = NOW + timedelta(days=1)


def ruled(*rules: RequestRule, **more: Any) -> ShopSettings:
    part = {"enabled": True, "effective_from": SWITCHED_ON, **more.pop("part", {})}
    base = settings(**more)
    sync = base.cancellation_sync.model_copy(update={"buyer_requests": BuyerRequests(rules=rules, **part)})
    return base.model_copy(update={"cancellation_sync": sync})


def kinds(settlement: Settlement) -> list[AttentionKind]:
    return [hold.kind for hold in settlement.holds]


def shown(settlement: Settlement) -> Any:
    return next(hold for hold in settlement.holds if hold.kind is AttentionKind.BUYER_REQUEST)


def said(decision: Any = "approve", **more: Any) -> Link:
    word = Answer(
        decision, PACKED if decision == "reject" else "", "", "Ann", **{"units": ("1", "2"), "shipped": "no"} | more
    )
    return link(answers={"r": word})


# --- shown ------------------------------------------------------------------------------------------------------------


def test_what_is_shown_carries_the_deadline_and_nothing_that_moves_by_itself() -> None:
    first, later = decide(ASKED, store()), decide(ASKED, store(), now=NOW + timedelta(hours=3))
    assert shown(first).deadline_at == DEADLINE
    assert shown(first).fingerprint == shown(later).fingerprint
    assert first.verdict is Verdict.HELD
    assert "a buyer's request waits for an answer" in first.because


def test_a_shipment_changes_the_facts_that_are_shown() -> None:
    before, after = decide(ASKED, store()), decide(ASKED, store([row(shipped=2)]))
    assert (shown(before).facts["requests"][0]["shipped"], shown(after).facts["requests"][0]["shipped"]) == (
        "no",
        "yes",
    )
    assert shown(before).fingerprint != shown(after).fingerprint


@pytest.mark.parametrize(
    "more",
    [
        {"of_store": store([row(invoiced=0)]), "link": link(is_linked=True)},
        {"of_store": store(), "link": link(blocked="two memos")},
        {"of_store": None, "link": link()},
        {"of_store": store(is_held=True)},
    ],
    ids=["not invoiced", "blocked", "gone", "on hold"],
)
def test_a_request_is_shown_whatever_else_is_held(more: dict[str, Any]) -> None:
    assert AttentionKind.BUYER_REQUEST in kinds(decide(ASKED, more.pop("of_store"), **more))


def test_it_is_looked_at_again_after_the_deadline() -> None:
    assert decide(ASKED, store()).look_again_at == DEADLINE + AFTER_DEADLINE
    late = decide(ASKED, store(), now=DEADLINE + timedelta(hours=1))
    assert late.look_again_at is not None
    assert late.look_again_at > DEADLINE + timedelta(hours=1)


# --- whether it left --------------------------------------------------------------------------------------------------


def left(
    asked: list[str],
    rows: list[Any] | None,
    *,
    units: list[Any] | None = None,
    status: str = "AWAITING_SHIPMENT",
    tied: Link | None = None,
    shop: ShopSettings | None = None,
) -> Shipped:
    reading = channel(units, [request("r", asked)], status=status)
    of_store = None if rows is None else store(rows)
    tie = tied if tied is not None else (link() if rows is not None else Link())
    return shipment_of(reading.cancellations[0], reading, of_store, tie, shop or settings()).shipped


def test_it_has_not_left_only_where_both_sides_say_so() -> None:
    assert left(["1", "2"], [row()]) is Shipped.NO
    assert left(["1"], [row(shipped=2)]) is Shipped.YES
    assert left(["1", "2"], [row(shipped=1)]) is Shipped.YES
    assert left(["1"], [row(shipped=1)]) is Shipped.UNKNOWN, "that unit or the other"
    assert left(["1"], [row(ordered=3, shipped=1)], tied=link(pieces(u1="A", u2="A"))) is Shipped.UNKNOWN
    assert left(["1"], [row()], units=[unit("1", left=True), unit("2")]) is Shipped.YES
    assert left(["2"], [row()], units=[unit("1", left=True), unit("2")]) is Shipped.NO
    assert left(["1", "2"], [row()], status="IN_TRANSIT") is Shipped.UNKNOWN
    assert left(["1", "2"], [row()], status="PARTIALLY_SHIPPING") is Shipped.UNKNOWN


def test_a_store_that_cannot_say_what_left_proves_no_shelf() -> None:
    unsure = "its status is “shipped”, which does not say whether the goods left"
    assert isinstance(decide(ASKED, store(), settings=ruled(UNSHIPPED)).effect, ApproveRequest)
    settlement = decide(ASKED, store(whereabouts=unsure), settings=ruled(UNSHIPPED))
    assert settlement.effect is None
    assert shown(settlement).facts["requests"][0]["shipped"] == "unknown"
    assert f"{unsure} (order TT-577001)" in shown(settlement).because
    gone = decide(ASKED, store([row(shipped=2)], whereabouts=unsure), settings=ruled(UNSHIPPED))
    assert shown(gone).facts["requests"][0]["shipped"] == "yes"


def test_rows_of_other_units_do_not_count() -> None:
    tied = link(pieces(u1="A", u2="B"))
    assert left(["1"], [row("A", 1), row("B", 1, shipped=1)], tied=tied) is Shipped.NO
    assert left(["2"], [row("A", 1), row("B", 1, shipped=1)], tied=tied) is Shipped.YES


@pytest.mark.parametrize("passes", [True, False])
def test_what_the_store_cannot_take_back_is_not_known_to_be_there(*, passes: bool) -> None:
    """With a fulfilment service: nothing is marked as sent, and nobody can say that it will not be."""
    reading = channel(cancellations=[request("r", ["1"])])
    with_somebody = store([row()], barrier=Barrier("a fulfilment service packs it", passes=passes))
    found = shipment_of(reading.cancellations[0], reading, with_somebody, link(), settings())
    assert found.shipped is Shipped.UNKNOWN
    assert "a fulfilment service packs it" in found.because
    sent = store([row(shipped=2)], barrier=Barrier("a fulfilment service packs it", passes=passes))
    assert shipment_of(reading.cancellations[0], reading, sent, link(), settings()).shipped is Shipped.YES


def test_what_cannot_be_read_is_not_known() -> None:
    assert left(["1"], None, tied=link()) is Shipped.UNKNOWN, "the store no longer shows it"
    assert left(["1"], None, tied=Link(create_sent=True)) is Shipped.UNKNOWN, "a create whose answer was lost"
    assert left(["1", "3"], [row()]) is Shipped.UNKNOWN, "a unit that has no row"
    assert left(["1"], [row("B")]) is Shipped.UNKNOWN, "a row that is not there"


def test_without_a_store_order_nothing_left_unless_somebody_else_makes_it() -> None:
    assert left(["1"], None) is Shipped.NO
    assert left(["1"], None, shop=settings(create_orders=False)) is Shipped.UNKNOWN
    assert left(["1"], None, shop=settings(store=None)) is Shipped.UNKNOWN
    assert left(["1"], None, shop=settings(orders_since=PLACED + timedelta(days=1))) is Shipped.UNKNOWN


# --- rules ------------------------------------------------------------------------------------------------------------


def test_not_shipped_and_under_a_day_old_is_approved_and_says_on_what() -> None:
    rule = RequestRule(name="young", decision="approve", store_shipped=False, younger_than_hours=48)
    effect = decide(ASKED, store(), settings=ruled(rule)).effect
    assert isinstance(effect, ApproveRequest)
    assert effect.cancellation_id == "r"
    assert effect.units == {"1", "2"}
    for word in ("“young”", "not shipped in the store", "under 48 h", "28 h old", "24 h before TikTok's deadline"):
        assert word in effect.because


@pytest.mark.parametrize(
    ("rule", "more"),
    [
        (UNSHIPPED, {"of_store": store([row(shipped=1)])}),
        (RequestRule(name="y", decision="approve", younger_than_hours=27), {}),
        (RequestRule(name="o", decision="approve", older_than_hours=29), {}),
        (RequestRule(name="r", decision="approve", reasons=("buyer_cancel_late_shipment",)), {}),
        (RequestRule(name="s", decision="approve", seller_skus=("B",)), {}),
        (RequestRule(name="t", decision="approve", total_at_most=Decimal("19.99")), {}),
        (RequestRule(name="h", decision="hold"), {}),
        (GONE, {}),
        (UNSHIPPED, {"part": {"enabled": False}}),
        (UNSHIPPED, {"part": {"effective_from": AFTER + timedelta(minutes=1)}}),
        (UNSHIPPED, {"now": DEADLINE}),
        (UNSHIPPED, {"link": link(blocked="two memos")}),
        (UNSHIPPED, {"cancels_last_hour": 30}),
        (UNSHIPPED, {"dry_run": True}),
        (UNSHIPPED, {"link": link(refusals={"approve:r": Refusal("c", "no")})}),
    ],
)
def test_a_rule_whose_condition_fails_leaves_it_to_a_person(rule: RequestRule, more: dict[str, Any]) -> None:
    of_settings = {name: more.pop(name) for name in ("part", "dry_run") if name in more}
    settlement = decide(ASKED, more.pop("of_store", store()), settings=ruled(rule, **of_settings), **more)
    assert settlement.effect is None
    assert AttentionKind.BUYER_REQUEST in kinds(settlement)


@pytest.mark.parametrize(
    "rule",
    [
        RequestRule(name="all", decision="approve"),
        RequestRule(name="y", decision="approve", younger_than_hours=28.5),
        RequestRule(name="o", decision="approve", older_than_hours=28),
        RequestRule(name="r", decision="approve", reasons=("x", "ecom_order_to_ship_canceled_reason_no_longer_needed")),
        RequestRule(name="s", decision="approve", seller_skus=("A", "B")),
        RequestRule(name="t", decision="approve", total_at_most=Decimal(20)),
    ],
    ids=lambda rule: rule.name,
)
def test_each_condition_holds_at_its_edge(rule: RequestRule) -> None:
    assert isinstance(decide(ASKED, store(), settings=ruled(rule)).effect, ApproveRequest)


def test_all_conditions_must_hold_and_the_first_rule_that_matches_decides() -> None:
    both = RequestRule(name="both", decision="approve", store_shipped=False, total_at_most=Decimal(5))
    held = decide(ASKED, store(), settings=ruled(both, RequestRule(name="rest", decision="hold"), UNSHIPPED))
    assert held.effect is None
    assert "“rest” leaves" in held.because
    shipped = decide(ASKED, store([row(shipped=2)]), settings=ruled(UNSHIPPED, GONE)).effect
    assert isinstance(shipped, RejectRequest)
    assert (shipped.reason, shipped.comment) == (PACKED, "It left")


def test_a_rule_looks_again_when_an_age_is_reached_and_once_before_the_deadline() -> None:
    old = RequestRule(name="old", decision="approve", older_than_hours=30)
    assert decide(ASKED, store(), settings=ruled(old)).look_again_at == PLACED + timedelta(hours=30)
    shipped = decide(ASKED, store(), settings=ruled(GONE))
    assert shipped.look_again_at == DEADLINE - LAST_LOOK
    assert (
        decide(ASKED, store(), settings=ruled(GONE), now=DEADLINE - LAST_LOOK).look_again_at
        == DEADLINE + AFTER_DEADLINE
    )


def test_orders_that_are_left_alone_are_not_answered_by_rules_but_by_a_person() -> None:
    alone: dict[str, Any] = {"orders_since": PLACED + timedelta(days=1)}
    every = RequestRule(name="all", decision="approve")
    settlement = decide(ASKED, None, settings=ruled(every, **alone))
    assert (settlement.effect, settlement.verdict) == (None, Verdict.IGNORED)
    word = Answer("approve", who="Ann", units=("1", "2"), shipped="unknown")
    effect = decide(ASKED, None, settings=settings(**alone), link=Link(answers={"r": word})).effect
    assert isinstance(effect, ApproveRequest)


def test_the_reason_stays_the_same_while_it_waits_so_that_it_is_written_once() -> None:
    one = decide(ASKED, store(), settings=ruled(UNSHIPPED, dry_run=True))
    other = decide(ASKED, store(), settings=ruled(UNSHIPPED, dry_run=True), now=NOW + timedelta(hours=2))
    assert one.because == other.because
    assert "dry run: would answer the buyer" in one.because
    assert one.verdict is Verdict.HELD


# --- a person ---------------------------------------------------------------------------------------------------------


def test_a_persons_word_is_acted_on() -> None:
    approve = decide(ASKED, store(), link=said()).effect
    assert isinstance(approve, ApproveRequest)
    assert approve.because.startswith("Ann approves the buyer's request r")
    reject = decide(ASKED, store(), link=said("reject")).effect
    assert isinstance(reject, RejectRequest)
    assert reject.reason == PACKED


def test_a_persons_word_goes_before_a_rule_and_needs_no_direction() -> None:
    shop = ruled(UNSHIPPED, to_channel={"enabled": False}, to_store={"enabled": False})
    assert isinstance(decide(ASKED, store(), link=said("reject"), settings=shop).effect, RejectRequest)


@pytest.mark.parametrize(
    ("word", "rows", "counts"),
    [
        ({}, [row(shipped=1)], False),
        ({"shipped": "unknown"}, [row()], True),
        ({"shipped": "unknown"}, [row(shipped=2)], False),
        ({"shipped": "yes"}, [row(shipped=2)], True),
        ({"decision": "reject"}, [row(shipped=2)], True),
        ({"units": ("1",)}, [row()], False),
    ],
)
def test_a_word_counts_while_the_request_is_what_was_shown(word: dict[str, Any], rows: Any, counts: bool) -> None:
    tied = said(**word)
    settlement = decide(ASKED, store(rows), link=tied)
    assert (settlement.effect is not None) is counts
    over = requests.lapsed(requests.Reading(ASKED, store(rows), tied, settings(), NOW))
    assert (over == {}) is counts


@pytest.mark.parametrize(
    ("status", "decision", "told"),
    [
        (COMPLETE, "approve", ""),
        (SUCCESS, "reject", "approved already"),
        (CLOSED, "reject", ""),
        (CLOSED, "approve", "withdrawn"),
    ],
)
def test_a_word_that_is_over_is_dropped_and_told_where_it_came_otherwise(status: str, decision: str, told: str) -> None:
    reading = channel(cancellations=[request("r", ["1", "2"], status=status)])
    over = requests.lapsed(requests.Reading(reading, store(), said(decision), settings(), NOW))
    assert set(over) == {"r"}
    assert (told in over["r"]) if told else over["r"] == ""


def test_a_word_on_a_request_that_is_not_shown_any_more_lapses() -> None:
    over = requests.lapsed(requests.Reading(channel(), store(), said(), settings(), NOW))
    assert "does not show" in over["r"]


def test_a_refusal_stands_for_its_own_request() -> None:
    reading = channel(cancellations=[request("q", ["1"]), request("r", ["2"])])
    words = {c: Answer("approve", who="Ann", units=(u,), shipped="no") for c, u in (("q", "1"), ("r", "2"))}
    refused = link(answers=words, refusals={"approve:q": Refusal("clm", "TikTok said no")})
    effect = decide(reading, store(), link=refused).effect
    assert isinstance(effect, ApproveRequest)
    assert effect.cancellation_id == "r"
    both = replace(refused, refusals={f"approve:{c}": Refusal("clm", "TikTok said no") for c in "qr"})
    settlement = decide(reading, store(), link=both)
    assert AttentionKind.REQUEST_REFUSED in kinds(settlement)
    assert next(h for h in settlement.holds if h.kind is AttentionKind.REQUEST_REFUSED).deadline_at == DEADLINE


def test_the_brake_holds_approvals_and_not_rejections_and_lets_one_through() -> None:
    braked = decide(ASKED, store(), link=said(), cancels_last_hour=30)
    assert (braked.effect, AttentionKind.BRAKE in kinds(braked)) == (None, True)
    assert decide(ASKED, store(), link=said("reject"), cancels_last_hour=30).effect is not None
    through = replace(said(), allowed=frozenset({"brake"}))
    assert decide(ASKED, store(), link=through, cancels_last_hour=30).effect is not None


def test_a_cancellation_of_the_sellers_in_work_is_waited_for() -> None:
    working = record("s", ["1"], status=PENDING, role="SELLER")
    settlement = decide(channel(cancellations=[request("r", ["1", "2"]), working]), store(), link=said())
    assert settlement.effect is None
    assert "PENDING is not done" in settlement.because


def test_what_nobody_understands_is_not_answered() -> None:
    strange = channel(cancellations=[request("r", ["1"]), record("x", ["2"], status="SOMETHING_NEW")])
    settlement = decide(strange, store(), link=said(units=("1",)))
    assert settlement.effect is None
    assert {AttentionKind.UNKNOWN_VALUE, AttentionKind.BUYER_REQUEST} <= set(kinds(settlement))


# --- beside the books -------------------------------------------------------------------------------------------------


def test_more_refunded_than_asked_for_approves_first_and_cancels_the_rest_afterwards() -> None:
    refunded = store(memos=[memo("1", {"A": 2})])
    first = decide(channel(cancellations=[request("r", ["1"])]), refunded).effect
    assert isinstance(first, ApproveRequest)
    assert first.units == {"1"}
    rest = decide(channel(cancellations=[request("r", ["1"], status=COMPLETE)]), refunded).effect
    assert isinstance(rest, CancelOrder)
    assert rest.units == {"2"}


def test_a_request_for_what_the_order_does_not_show_is_never_crossed_and_a_person_may_answer() -> None:
    strange = channel(cancellations=[request("r", ["1", "7"])])
    refunded = store(memos=[memo("1", {"A": 2})])
    settlement = decide(strange, refunded)
    assert settlement.effect is None
    assert "answer it first" in settlement.because
    word = link(answers={"r": Answer("approve", who="Ann", units=("1", "7"), shipped="unknown")})
    assert isinstance(decide(strange, refunded, link=word).effect, ApproveRequest)


def test_no_store_order_is_made_while_every_unit_is_asked_for() -> None:
    settlement = decide(ASKED, None, now=PLACED + timedelta(hours=30))
    assert (settlement.effect, settlement.verdict) == (None, Verdict.WAITING)
    assert settlement.look_again_at == DEADLINE + AFTER_DEADLINE
    assert isinstance(decide(ASKED, None, link=Link(allowed=frozenset({"create"}))).effect, CreateOrder)
    some = channel(cancellations=[request("r", ["1"])])
    assert isinstance(decide(some, None).effect, CreateOrder)
    assert isinstance(decide(ASKED, None, link=Link(create_sent=True, unit_map=pieces(u1="A"))).effect, CreateOrder), (
        "an order begun is finished"
    )
    assert isinstance(decide(ASKED, None, settings=ruled(UNSHIPPED)).effect, ApproveRequest)


@pytest.mark.parametrize(
    ("status", "updated", "words"),
    [
        (PENDING, AFTER, "the buyer asks to cancel"),
        (CLOSED, AFTER, "the order lives on"),
        (SUCCESS, AFTER, "as approved"),
        (SUCCESS, DEADLINE, "got no answer before its deadline"),
    ],
)
def test_the_story_of_a_request(status: str, updated: datetime, words: str) -> None:
    asked = replace(request("r", ["1"], status=status), updated_at=updated)
    assert words in requests.story(asked, DEADLINE)


# --- whatever happens -------------------------------------------------------------------------------------------------


@dataclass
class AskedWorld(World):
    """A world with rules and a person who answers; it refuses an answer that neither of them gave."""

    rules: tuple[RequestRule, ...] = ()
    answers: dict[str, Answer] | None = None
    hours_to_answer: int = 24

    def case(self) -> Case:
        made = super().case()
        part = BuyerRequests(enabled=bool(self.rules), effective_from=None, rules=self.rules)
        sync = made.settings.cancellation_sync.model_copy(update={"buyer_requests": part})
        shop = made.settings.model_copy(update={"cancellation_sync": sync})
        cancellations = tuple(self._dated(c) for c in made.channel.cancellations)
        reading = replace(made.channel, cancellations=cancellations)
        return replace(made, channel=reading, settings=shop, link=replace(made.link, answers=self.answers or {}))

    def _dated(self, found: Cancellation) -> Cancellation:
        return replace(found, respond_by=found.created_at + timedelta(hours=self.hours_to_answer))

    def buyer_asks(self, units: Any) -> None:
        before = len(self.records)
        super().buyer_asks(units)
        for place in range(before, len(self.records)):
            self.records[place] = replace(self.records[place], created_at=self.clock)

    def person_says(self, decision: Any, shipped: str) -> None:
        for found in self.records:
            if found.is_request:
                word = Answer(decision, PACKED, "", "Ann", tuple(sorted(found.unit_ids)), shipped)
                self.answers = {**(self.answers or {}), found.id: word}

    def apply(self, effect: Effect) -> None:
        if isinstance(effect, (CancelOrder, CancelLines)):
            assert not any(r.is_request for r in self.records), "never across a request"
        if not isinstance(effect, RejectRequest):
            super().apply(effect)
            return
        self.acts.append(effect)
        place, asked = self._asked(effect.cancellation_id)
        self._check(asked, "reject", effect)
        assert effect.reason == PACKED
        self.records[place] = replace(asked, status=CLOSED, updated_at=self.tick())

    def _asked(self, wanted: str) -> tuple[int, Cancellation]:
        place = next(n for n, r in enumerate(self.records) if r.id == wanted)
        return place, self.records[place]

    def _approve(self, effect: ApproveRequest) -> None:
        place, asked = self._asked(effect.cancellation_id)
        if self._check(asked, "approve", effect):
            self.records[place] = replace(asked, status=SUCCESS, updated_at=self.tick())
            self._close()
        else:
            super()._approve(effect)

    def _check(self, asked: Cancellation, decision: str, effect: Effect) -> bool:
        """Whether a person or a rule stands behind it, by this world's own bookkeeping."""
        assert asked.is_request
        assert not self.more.get("dry_run")
        assert effect.units == asked.unit_ids & self.living()
        word = (self.answers or {}).get(asked.id)
        if "Ann" in effect.because:
            assert word is not None
            assert word.decision == decision
            if decision == "approve" and word.shipped == "no":
                assert not any(self.shipped.get(r) for u in asked.unit_ids for r in self.shape[u])
            return True
        if "rule “" not in effect.because:
            return False
        rule = next(r for r in self.rules if f"“{r.name}”" in effect.because)
        assert rule.decision == decision
        assert self.clock < self._dated(asked).respond_by  # type: ignore[operator]  # _dated always sets it
        age = self.clock - PLACED
        assert rule.younger_than_hours is None or age < timedelta(hours=rule.younger_than_hours)
        assert rule.older_than_hours is None or age >= timedelta(hours=rule.older_than_hours)
        shipped = {r for u in asked.unit_ids for r in self.shape[u] if self.shipped.get(r)}
        away = asked.unit_ids & self.left
        if rule.store_shipped is False:
            assert not shipped
            assert not away
            assert self.status in {"AWAITING_SHIPMENT", "ON_HOLD", "UNPAID"}
        if rule.store_shipped is True:
            assert shipped or away
        return True


UNIT_IDS = ["9", "10", "11"]
hours = st.sampled_from([None, 2, 10, 30])
some = st.lists(st.sampled_from(UNIT_IDS), min_size=1, max_size=3, unique=True)


@st.composite
def some_rules(draw: st.DrawFn) -> tuple[RequestRule, ...]:
    found = []
    for number in range(draw(st.integers(0, 3))):
        young, old = draw(hours), draw(hours)
        if young is not None and old is not None and young <= old:
            old = None
        decision: Any = draw(st.sampled_from(["approve", "approve", "reject", "hold"]))
        found.append(
            RequestRule(
                name=f"rule {number}",
                decision=decision,
                store_shipped=draw(st.sampled_from([None, False, True])),
                younger_than_hours=young,
                older_than_hours=old,
                reject_reason=PACKED if decision == "reject" else None,
            )
        )
    return tuple(found)


Happens = Callable[[AskedWorld], object]
happenings: st.SearchStrategy[Happens] = st.one_of(
    some.map(lambda ids: lambda w: w.buyer_asks(ids)),
    st.just(lambda w: w.buyer_asks(UNIT_IDS)),
    some.map(lambda ids: lambda w: [w.merchant_refunds(w.shape.get(u, {})) for u in ids]),
    st.just(lambda w: w.merchant_refunds(w.ordered)),
    some.map(lambda ids: lambda w: [w.merchant_ships(w.shape.get(u, {})) for u in ids]),
    st.tuples(st.sampled_from(["approve", "reject"]), st.sampled_from(["no", "unknown", "yes"])).map(
        lambda drawn: lambda w: w.person_says(*drawn)
    ),
    st.sampled_from([SUCCESS, COMPLETE, CLOSED]).map(lambda status: lambda w: w.answer_pending(status)),
    st.sampled_from([1, 5, 25]).map(lambda span: lambda w: setattr(w, "clock", w.clock + timedelta(hours=span))),
    st.booleans().map(lambda on: lambda w: w.more.update(dry_run=on)),
    st.just(lambda w: w.settle()),
)


@with_settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(happenings, max_size=3),
    some,
    st.lists(happenings, max_size=6),
    some_rules(),
    st.lists(st.sampled_from(UNIT_IDS), max_size=1),
)
def test_every_answer_has_somebody_behind_it_and_the_books_still_end(
    before: list[Happens], asked: list[str], after: list[Happens], rules: tuple[RequestRule, ...], away: list[str]
) -> None:
    world = AskedWorld(
        shape={"9": {"A": 1}, "10": {"A": 1}, "11": {"B": 1}}, reserved=Reserved.YES, left=frozenset(away), rules=rules
    )
    world.settle()
    for happens in [*before, lambda w: w.buyer_asks(asked), *after]:
        happens(world)
    settlement = world.settle()
    for act in world.acts:
        event(act.kind.value)
    waiting = world.channel().requests()
    assert bool(waiting) == (AttentionKind.BUYER_REQUEST in kinds(settlement)), "shown while it waits, and only then"
    if waiting:
        assert settlement.look_again_at is not None
        assert settlement.look_again_at > world.clock
    if settlement.verdict is Verdict.SETTLED:
        assert world.is_equal()
