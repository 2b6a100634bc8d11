"""What the past would have caused: the same comparison, both directions on since ever."""

from __future__ import annotations

import json

import pytest

from bridge.domain.comparison import compare
from bridge.domain.effects import EffectKind
from bridge.domain.past import DIRECTIONS, NO_REASON_YET, as_if_on, direction_of, would
from tests.unit.domain.making import AFTER, BEFORE, case, channel, link, memo, record, row, settings, store, unit

OLD = {"enabled": False}


def test_both_directions_count_as_on_since_ever_without_dry_run() -> None:
    shop = settings({"default_reason": None, **OLD}, OLD, dry_run=True)
    on = as_if_on(shop, DIRECTIONS)
    there, back = on.cancellation_sync.store_to_channel, on.cancellation_sync.channel_to_store
    assert (there.enabled, there.effective_from, there.default_reason) == (True, None, NO_REASON_YET)
    assert (back.enabled, back.effective_from, on.dry_run) == (True, None, False)
    assert back.restock == shop.cancellation_sync.channel_to_store.restock
    one = as_if_on(shop, ["channel_to_store"])
    assert not one.cancellation_sync.store_to_channel.enabled


@pytest.mark.parametrize("kind", list(EffectKind))
def test_each_effect_hangs_on_one_direction(kind: EffectKind) -> None:
    assert direction_of(kind) == ("store_to_channel" if kind.side == "channel" else "channel_to_store")


def test_an_old_cancellation_would_have_been_a_refund() -> None:
    sale = channel([unit("1"), unit("2")], [record("c", ["1", "2"], at=BEFORE)], status="CANCELLED")
    shop = settings(dry_run=True)
    assert compare(case(sale, store(), settings=shop)).effect is None
    settlement = compare(case(sale, store(), settings=as_if_on(shop, DIRECTIONS)))
    found = would(settlement, sale, store(), link())
    assert (found.effect, found.verdict) == ("refund", "act")
    assert found.facts["units"] == ["1", "2"]
    assert found.facts["rows"] == [{"row": "A", "sku": "SKU-A", "quantity": 2, "restock": True}]
    assert found.facts["changed_at"] == BEFORE.isoformat()
    assert "restocked" in found.because
    assert json.loads(json.dumps(found.facts)) == found.facts


def test_an_old_refund_would_have_been_a_cancel() -> None:
    sale, made = channel(), store(memos=[memo("m", {"A": 2}, at=BEFORE)])
    found = would(compare(case(sale, made, settings=as_if_on(settings(OLD), DIRECTIONS))), sale, made, link())
    assert (found.effect, found.facts["changed_at"]) == ("cancel", BEFORE.isoformat())


def test_what_is_held_says_what_for_and_what_is_equal_says_nothing_is_left() -> None:
    part = store(memos=[memo("m", {"A": 1}, at=BEFORE)])
    held = would(compare(case(channel(), part, settings=as_if_on(settings(), DIRECTIONS))), channel(), part, link())
    assert (held.effect, held.verdict) == (None, "held")
    assert [hold["kind"] for hold in held.facts["holds"]] == ["partial_refund"]
    equal = would(
        compare(case(channel(), store(), settings=as_if_on(settings(), DIRECTIONS))), channel(), store(), link()
    )
    assert (equal.effect, equal.verdict) == (None, "settled")


def test_an_invoice_that_is_still_to_be_made_is_not_the_past() -> None:
    made = store([row(invoiced=0)])
    settlement = compare(case(channel(), made, settings=as_if_on(settings(), DIRECTIONS)))
    assert settlement.effect is not None
    found = would(settlement, channel(), made, link())
    assert (found.effect, found.verdict, found.facts["changed_at"]) == (None, "waiting", AFTER.isoformat())
