"""Which orders become store orders, and when."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bridge.domain.attention import AttentionKind
from bridge.domain.effects import CreateOrder, Verdict
from bridge.domain.link import Link, Refusal
from tests.unit.domain.making import NOW, PLACED, channel, decide, pieces, record, settings, unit

BEGUN = Link(create_sent=True, unit_map=pieces(u1="A", u2="A"))


def test_a_paid_order_awaiting_shipment_is_created_for_its_living_units() -> None:
    three = [unit("1"), unit("2", status="CANCELLED"), unit("3")]
    effect = decide(channel(three), None).effect
    assert isinstance(effect, CreateOrder)
    assert effect.units == {"1", "3"}, "units dead before the first create are left out"


def test_an_order_of_a_shop_without_a_store_is_left_alone() -> None:
    assert decide(channel(), None, settings=settings(store=None)).verdict is Verdict.IGNORED


def test_create_orders_off_leaves_the_order_to_another_connector() -> None:
    settlement = decide(channel(), None, settings=settings(create_orders=False))
    assert settlement.verdict is Verdict.IGNORED
    assert "another connector" in settlement.because


@pytest.mark.parametrize(("since", "created"), [(timedelta(seconds=1), False), (timedelta(0), True)])
def test_orders_since_compares_the_orders_creation(since: timedelta, created: bool) -> None:
    settlement = decide(channel(), None, settings=settings(orders_since=PLACED + since))
    assert (settlement.effect is not None) is created


@pytest.mark.parametrize(
    ("reading", "wanted"),
    [
        ({"fulfilled_by_channel": True}, "create_fulfilled_by_tiktok"),
        ({"is_sample": True}, "create_samples"),
        ({"is_replacement": True}, "create_replacements"),
        ({"is_digital": True}, "create_digital"),
        ({"total": "0"}, "create_zero_totals"),
    ],
)
def test_special_orders_are_off_by_default_with_one_setting_each(reading: dict[str, Any], wanted: str) -> None:
    off = decide(channel(**reading), None)
    on: dict[str, Any] = {wanted: True}
    assert off.verdict is Verdict.IGNORED
    assert off.because
    assert isinstance(decide(channel(**reading), None, settings=settings(**on)).effect, CreateOrder)


def test_an_order_cancelled_before_its_create_is_not_imported() -> None:
    assert decide(channel(status="CANCELLED"), None).verdict is Verdict.NOT_IMPORTED
    all_units = record("c", ["1", "2"])
    assert decide(channel(cancellations=[all_units]), None).verdict is Verdict.NOT_IMPORTED


def test_not_imported_is_possible_only_while_no_create_was_ever_sent() -> None:
    effect = decide(channel(status="CANCELLED"), None, link=BEGUN).effect
    assert isinstance(effect, CreateOrder)
    assert effect.units == {"1", "2"}, "the first create is final: a repeat has the same units"


def test_a_create_that_was_sent_is_finished_though_the_setting_is_off_by_now() -> None:
    settlement = decide(channel(), None, link=BEGUN, settings=settings(create_orders=False, orders_since=NOW))
    assert isinstance(settlement.effect, CreateOrder)


@pytest.mark.parametrize("status", ["UNPAID", "ON_HOLD"])
def test_an_order_tiktok_holds_waits(status: str) -> None:
    assert decide(channel(status=status), None).verdict is Verdict.WAITING


@pytest.mark.parametrize("status", ["UNPAID", "ON_HOLD"])
def test_not_even_a_person_creates_an_unpaid_order(status: str) -> None:
    assert decide(channel(status=status), None, link=Link(allowed=frozenset({"create"}))).effect is None


@pytest.mark.parametrize(
    "reading",
    [{"status": s} for s in ("PARTIALLY_SHIPPING", "AWAITING_COLLECTION", "IN_TRANSIT", "DELIVERED", "COMPLETED")]
    + [{"has_tracking": True}],
    ids=str,
)
def test_what_is_further_on_is_held_and_created_only_when_a_person_says_so(reading: dict[str, Any]) -> None:
    held = decide(channel(**reading), None)
    assert [hold.kind for hold in held.holds] == [AttentionKind.ALREADY_UNDER_WAY]
    allowed = decide(channel(**reading), None, link=Link(allowed=frozenset({"create"})))
    assert isinstance(allowed.effect, CreateOrder)


def test_an_order_rests_for_the_hold_minutes() -> None:
    fresh = channel(created_at=NOW - timedelta(minutes=59))
    settlement = decide(fresh, None, settings=settings(hold_minutes=60))
    assert settlement.verdict is Verdict.WAITING
    assert settlement.look_again_at == NOW + timedelta(minutes=1)
    rested = channel(created_at=NOW - timedelta(minutes=60))
    assert isinstance(decide(rested, None, settings=settings(hold_minutes=60)).effect, CreateOrder)


@pytest.mark.parametrize("tied", [Link(), BEGUN], ids=["new", "begun"])
def test_dry_run_creates_nothing(tied: Link) -> None:
    settlement = decide(channel(), None, link=tied, settings=settings(dry_run=True))
    assert settlement.effect is None
    assert settlement.because.startswith("dry run: would create")


def test_a_refused_create_stands() -> None:
    settlement = decide(channel(), None, link=Link(refusals={"create": Refusal("c1", "unknown country")}))
    assert [hold.kind for hold in settlement.holds] == [AttentionKind.CREATE_REFUSED]
    assert settlement.because == "unknown country"
