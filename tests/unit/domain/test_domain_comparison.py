"""What is settled before any book is compared: blocks, unknown values, orders gone, held, cancelled, not invoiced."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from bridge.domain.attention import AttentionKind
from bridge.domain.effects import InvoiceOrder, Verdict
from bridge.domain.link import Link, Refusal
from bridge.domain.plans import Reserved
from bridge.domain.store_order import StoreOrder
from tests.unit.domain.making import channel, decide, link, memo, pieces, record, request, row, settings, store, unit


def kinds(settlement: object) -> list[AttentionKind]:
    return [hold.kind for hold in settlement.holds]  # type: ignore[attr-defined] # a Settlement


UNKNOWN = [
    channel(status="HALF_CANCELLED"),
    channel([unit("1", status="EVAPORATED"), unit("2")], status="CANCELLED"),
    channel(cancellations=[record("c", ["1", "2"], status="CANCELLATION_REQUEST_MAYBE")]),
]


@pytest.mark.parametrize("reading", UNKNOWN, ids=["order", "line", "cancellation"])
@pytest.mark.parametrize("of_store", [None, store(), store(memos=[memo("1", {"A": 2})])], ids=["no", "living", "gone"])
def test_an_unknown_value_goes_to_attention_and_never_triggers_an_effect(
    reading: object, of_store: StoreOrder | None
) -> None:
    settlement = decide(reading, of_store)  # type: ignore[arg-type] # one of UNKNOWN
    assert settlement.effect is None
    assert kinds(settlement) == [AttentionKind.UNKNOWN_VALUE]


@pytest.mark.parametrize("reading", [channel(), channel(status="CANCELLED")], ids=["living", "dead"])
@pytest.mark.parametrize("memos", [[], [memo("1", {"A": 2})]], ids=["nothing refunded", "all refunded"])
def test_a_blocked_order_does_nothing_in_both_directions(reading: object, memos: list[object]) -> None:
    settlement = decide(
        reading,  # type: ignore[arg-type] # a ChannelOrder
        store(memos=memos),  # type: ignore[arg-type] # memos
        link=link(blocked="expected 1 new credit memo, found 2"),
    )
    assert settlement.effect is None
    assert kinds(settlement) == [AttentionKind.BOOKS_MOVED]
    assert "expected 1 new credit memo, found 2" in settlement.because


def test_a_store_order_that_is_gone_is_for_a_person() -> None:
    settlement = decide(channel(status="CANCELLED"), None, link=link())
    assert kinds(settlement) == [AttentionKind.STORE_ORDER_GONE]
    assert "TT-577001" in settlement.because


@pytest.mark.parametrize(
    "reading",
    [channel(), channel(status="CANCELLED"), channel(cancellations=[request("c", ["1", "2"])])],
    ids=["living", "dead", "requested"],
)
def test_an_order_without_a_store_order_has_no_effect_towards_tiktok(reading: object) -> None:
    for tied in (Link(), link(), link(store_order_id="", store_number="")):
        settlement = decide(reading, None, link=tied)  # type: ignore[arg-type] # a ChannelOrder
        assert settlement.effect is None or settlement.effect.kind.side == "store"


def cancelled_in_the_store() -> StoreOrder:
    return store([replace(row("A", 2, invoiced=0), cancelled=2)], paid="0")


def test_a_store_order_cancelled_before_its_invoice_is_for_a_person() -> None:
    settlement = decide(channel(), cancelled_in_the_store())
    assert kinds(settlement) == [AttentionKind.STORE_ORDER_CANCELLED]


def test_a_store_order_cancelled_before_its_invoice_agrees_with_a_cancelled_channel_order() -> None:
    settlement = decide(channel(status="CANCELLED"), cancelled_in_the_store())
    assert settlement.verdict is Verdict.SETTLED
    assert not settlement.holds


def not_invoiced() -> StoreOrder:
    return store([row("A", 2, invoiced=0)], paid="0")


@pytest.mark.parametrize("reading", [channel(), channel(status="CANCELLED")], ids=["living", "dead"])
def test_an_order_begun_is_finished_to_invoiced(reading: object) -> None:
    effect = decide(reading, not_invoiced()).effect  # type: ignore[arg-type] # a ChannelOrder
    assert isinstance(effect, InvoiceOrder)
    assert not effect.reserve


@pytest.mark.parametrize(
    ("reserved", "tried", "repair"),
    [
        (Reserved.NO, False, True),
        (Reserved.NO, True, False),
        (Reserved.UNKNOWN, False, False),
        (Reserved.YES, False, False),
    ],
)
def test_a_failed_reservation_is_repaired_once_and_only_when_the_header_said_no(
    reserved: Reserved, tried: bool, repair: bool
) -> None:
    effect = decide(channel(), not_invoiced(), link=link(reserved=reserved, repair_tried=tried)).effect
    assert isinstance(effect, InvoiceOrder)
    assert effect.reserve is repair


def test_a_store_order_on_hold_is_not_invoiced() -> None:
    settlement = decide(channel(), replace(not_invoiced(), is_held=True))
    assert kinds(settlement) == [AttentionKind.STORE_ORDER_ON_HOLD]


def test_a_refused_invoice_stands() -> None:
    settlement = decide(channel(), not_invoiced(), link=link(refusals={"invoice": Refusal("c1", "no invoice")}))
    assert kinds(settlement) == [AttentionKind.INVOICE_REFUSED]


def test_dry_run_invoices_nothing() -> None:
    settlement = decide(channel(), not_invoiced(), settings=settings(dry_run=True))
    assert settlement.effect is None
    assert settlement.because.startswith("dry run: would invoice")


def test_memos_without_quantities_cancel_nothing() -> None:
    shipping_only = memo("1", {}, total="5")
    assert decide(channel(), store(memos=[shipping_only])).verdict is Verdict.SETTLED


@pytest.mark.parametrize("quantities", [{}, {"A": 0}], ids=["no rows", "rows of zero"])
def test_memos_without_quantities_that_empty_the_order_ask_a_person(quantities: dict[str, int]) -> None:
    settlement = decide(channel(), store(memos=[memo("1", quantities, total="20")]))
    assert settlement.effect is None
    assert kinds(settlement) == [AttentionKind.EMPTIED_WITHOUT_UNITS]


@pytest.mark.parametrize("partial", ["hold", "ignore", "cancel_lines"])
def test_an_order_emptied_by_units_and_money_together_asks_a_person(partial: str) -> None:
    memos = [memo("1", {"A": 1}), memo("2", {}, total="10")]
    settlement = decide(channel(), store(memos=memos), settings=settings(to_channel={"partial": partial}))
    assert settlement.effect is None
    assert AttentionKind.EMPTIED_WITHOUT_UNITS in kinds(settlement)


@pytest.mark.parametrize("token", ["", "0123456789abcdef"], ids=["the merchant's memo", "our memo"])
def test_a_gift_that_lives_on_when_all_money_is_back_is_equal(token: str) -> None:
    reading = channel(cancellations=[record("c", ["1"])])
    rows = [row("A", 1), replace(row("G", 1), price=Decimal(0))]
    of_store = store(rows, [memo("1", {"A": 1}, token=token)], paid="10")
    settlement = decide(reading, of_store, link=link(pieces(u1="A", u2="G")))
    assert (settlement.verdict, kinds(settlement)) == (Verdict.SETTLED, [])


def test_a_waiting_request_is_shown_with_its_deadline() -> None:
    settlement = decide(channel(cancellations=[request("c", ["1"])]), store())
    assert settlement.effect is None
    assert kinds(settlement) == [AttentionKind.BUYER_REQUEST]
    assert "2026-11-03 12:00 UTC" in settlement.holds[0].because


def test_a_linked_order_without_an_invoice_is_not_ours_to_finish() -> None:
    settlement = decide(channel(), store(rows=[row(invoiced=0)]), link=link(is_linked=True))
    assert settlement.effect is None
    assert kinds(settlement) == [AttentionKind.NOT_INVOICED]


def test_buyers_requests_are_shown_before_there_is_a_store_order_and_are_one_thing_to_look_at() -> None:
    asked = channel(cancellations=[request("7", ["u1"]), request("8", ["u2"])], status="ON_HOLD")
    settlement = decide(asked, None, link=Link())
    assert kinds(settlement) == [AttentionKind.BUYER_REQUEST]
    asked_for = [one["cancellation"] for one in settlement.holds[0].facts["requests"]]
    assert asked_for == ["7", "8"]
