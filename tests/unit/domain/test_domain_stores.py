"""Stores that are not like Magento: whole orders only, one way, with stock books of their own, slow to say yes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.domain.attention import AttentionKind
from bridge.domain.effects import RefundOrder, Verdict
from bridge.domain.plans import Reserved
from bridge.domain.refunding import BARRIER_LOOK
from bridge.domain.store_order import Barrier
from tests.unit.domain.making import (
    able,
    case,
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

CANCELLED = channel(cancellations=[record("c1", ["1", "2"])], status="CANCELLED")


def test_what_passes_by_itself_is_waited_for() -> None:
    order = replace(store(), barrier=Barrier("it is New at Amazon, which cancels it from Received on", passes=True))
    settlement = decide(CANCELLED, order)
    assert (settlement.verdict, settlement.effect, settlement.holds) == (Verdict.WAITING, None, ())
    assert "it is New at Amazon" in settlement.because
    assert settlement.look_again_at == case(CANCELLED, order).now + BARRIER_LOOK


def test_what_does_not_pass_is_for_a_person() -> None:
    order = replace(store(), barrier=Barrier("it is Processing at Amazon: too late to cancel", passes=False))
    settlement = decide(CANCELLED, order)
    assert settlement.effect is None
    assert [hold.kind for hold in settlement.holds] == [AttentionKind.CANNOT_REFUND]


@pytest.mark.parametrize("dead", [["1"], ["2"]])
def test_a_store_that_cancels_whole_orders_only_is_never_asked_for_less(dead: list[str]) -> None:
    whole = able(partial_refunds=False, partial_because="this store cancels whole orders only")
    settlement = decide(channel(cancellations=[record("c1", dead)]), store(), capabilities=whole)
    assert settlement.effect is None
    assert [hold.kind for hold in settlement.holds] == [AttentionKind.CANNOT_REFUND]
    assert "whole orders only" in settlement.because
    assert isinstance(decide(CANCELLED, store(), capabilities=whole).effect, RefundOrder)


def test_a_store_that_speaks_one_way_never_cancels_on_the_channel() -> None:
    emptied = store(memos=[memo("1", {"A": 2})])
    assert decide(channel(), emptied).effect is not None
    settlement = decide(channel(), emptied, capabilities=able(one_way=True))
    assert (settlement.verdict, settlement.effect) == (Verdict.HELD, None)
    assert [hold.kind for hold in settlement.holds] == [AttentionKind.STORE_ORDER_CANCELLED]
    assert "will not be sent" in settlement.because
    assert "never cancels" in settlement.because
    gone = replace(store(), status="Invalid", rows=tuple(replace(row, cancelled=row.ordered) for row in store().rows))
    settlement = decide(channel(), gone, capabilities=able(one_way=True))
    assert (settlement.verdict, settlement.effect) == (Verdict.HELD, None)
    assert "will not be sent (Invalid)" in settlement.because


def test_one_way_there_is_no_switch_that_could_be_off() -> None:
    """A shop may have been tied to another store before, with that direction off."""
    off = settings(to_store={"enabled": False})
    assert decide(CANCELLED, store(), settings=off).effect is None
    assert isinstance(decide(CANCELLED, store(), settings=off, capabilities=able(one_way=True)).effect, RefundOrder)


def test_where_nothing_can_be_split_a_cancelled_order_is_cancelled_whole() -> None:
    """One of its units may have left TikTok's seller by some sign: elsewhere the units are refunded in two steps."""
    order = channel([unit("1"), unit("2", left=True)], cancellations=[record("c1", ["1", "2"])], status="CANCELLED")
    split = decide(order, store()).effect
    assert isinstance(split, RefundOrder)
    assert not split.everything
    whole = decide(order, store(), capabilities=able(partial_refunds=False)).effect
    assert isinstance(whole, RefundOrder)
    assert whole.everything


def test_a_store_that_puts_back_only_what_it_took_is_not_asked_whether_it_did() -> None:
    unknown = link(pieces(u1="A", u2="A"), reserved=Reserved.UNKNOWN)
    cautious = decide(CANCELLED, store(), link=unknown).effect
    assert isinstance(cautious, RefundOrder)
    assert not cautious.restock_rows
    trusting = decide(CANCELLED, store(), link=unknown, capabilities=able(knows_its_stock=True)).effect
    assert isinstance(trusting, RefundOrder)
    assert trusting.restock_rows == {"A"}


def test_a_store_whose_refund_restocks_all_its_rows_or_none_is_asked_for_one_and_then_the_other() -> None:
    tied = link(pieces(u1="A", u2="B"))
    order = store(rows=[row("A", 1), row("B", 1)])
    sold = [unit("1"), unit("2", "B", left=True)]
    dead = channel(sold, [record("c1", ["1", "2"])], status="CANCELLED")
    both = decide(dead, order, link=tied).effect
    assert isinstance(both, RefundOrder)
    assert (dict(both.quantities), both.restock_rows) == ({"A": 1, "B": 1}, frozenset("A"))
    first = decide(dead, order, link=tied, capabilities=able(restocks_by_row=False)).effect
    assert isinstance(first, RefundOrder)
    assert (dict(first.quantities), first.restock_rows, first.everything) == ({"A": 1}, frozenset("A"), False)
