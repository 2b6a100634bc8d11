from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from bridge.connectors.woocommerce.reading import CANCELLATION, read_order
from bridge.domain.outcomes import RemoteProblem
from bridge.domain.store_order import StoreOrder
from bridge.domain.tokens import mark
from tests.unit.woocommerce.woo_json import SALE, line, order, refund, refunded, shipping

OURS = "0123456789abcdef"
NOBODYS: frozenset[str] = frozenset()


def read(*refunds: Any, keys: tuple[str, ...] = (), **changes: Any) -> StoreOrder:
    return read_order(order(refunds=refunds, **changes), list(refunds), keys)


def gone(found: StoreOrder) -> dict[str, int]:
    return {row.id: row.gone for row in found.rows}


def test_an_order_that_lives() -> None:
    found = read(line_items=[line(11, "A", 2, "18.00", subtotal="20.00"), line(13, "B", 1, "2.00")])
    assert (found.id, found.number, found.state, found.channel_order_id) == ("727", "727", "processing", SALE)
    assert [(row.id, row.sku, row.price, row.ordered) for row in found.rows] == [
        ("11", "A", Decimal("10.00"), 2),
        ("13", "B", Decimal("2.00"), 1),
    ]
    assert found.is_invoiced
    assert not found.is_cancelled
    assert not found.is_shipped
    assert gone(found) == {"11": 0, "13": 0}
    assert [str(one) for one in (found.grand_total, found.total_paid, found.total_refunded)] == [
        "25.00 USD",
        "25.00 USD",
        "0.00 USD",
    ]
    assert found.updated_at.utcoffset() is not None


def test_refund_rows_count_by_quantity_and_our_mark_is_read_back() -> None:
    found = read(
        refund(31, "10.80", [refunded(41, 11, 1, "10.00", taxes=[(1, "0.80")])], f"no longer needed {mark(OURS)}"),
        refund(32, "5.00", shipping_lines=[shipping(42, "-5.00")]),
    )
    assert gone(found) == {"11": 1}
    first, second = found.refunds
    assert (first.tokens, first.quantities, first.total.amount) == (frozenset({OURS}), {"11": 1}, Decimal("10.80"))
    assert (first.amounts, first.rest) == ({"11": Decimal("10.80")}, Decimal(0))
    assert (second.tokens, dict(second.quantities), second.shipping, second.rest) == (
        NOBODYS,
        {},
        Decimal(5),
        Decimal(0),
    )
    assert found.total_refunded.amount == Decimal("15.80")


def test_money_alone_takes_no_unit() -> None:
    found = read(refund(31, "12.00"))
    assert gone(found) == {"11": 0}
    assert (dict(found.refunds[0].quantities), found.refunds[0].rest) == ({}, Decimal(12))


def test_the_status_cancelled_takes_all_that_no_refund_took() -> None:
    before = refund(31, "10.00", [refunded(41, 11, 1, "10.00")])
    found = read(before, status="cancelled")
    assert gone(found) == {"11": 2}
    assert [(one.id, one.quantities) for one in found.refunds] == [("31", {"11": 1}), (CANCELLATION, {"11": 1})]
    assert not found.refunds[-1].is_ours
    assert found.total_refunded.amount == 10


def test_a_cancelled_order_is_not_one_that_was_never_invoiced() -> None:
    found = read(status="cancelled")
    assert not found.is_cancelled
    assert found.refunds


@pytest.mark.parametrize("status", ["failed", "on-hold", "pending", "wc-awaiting-pickup", "completed"])
def test_other_statuses_take_nothing(status: str) -> None:
    assert gone(read(status=status)) == {"11": 0}


def test_refunded_set_by_hand_takes_all() -> None:
    # WooCommerce makes a refund of the money alone then.
    assert gone(read(refund(31, "25.00", reason="Order fully refunded."), status="refunded")) == {"11": 2}
    assert gone(read(status="refunded")) == {"11": 2}


def test_money_alone_that_empties_the_order_takes_no_unit_though_woocommerce_calls_it_refunded() -> None:
    goodwill = refund(31, "25.00", reason="sorry for the delay")
    assert gone(read(goodwill, status="refunded")) == {"11": 0}
    assert gone(read(refund(31, "25.00"), status="refunded")) == {"11": 0}
    first, rest = refund(31, "20.00", [refunded(41, 11, 1, "10.00")]), refund(32, "5.00", reason="and the rest")
    assert gone(read(first, rest, status="refunded")) == {"11": 1}


def test_our_own_refund_that_empties_the_order_after_a_goodwill_leaves_the_living_unit_alone() -> None:
    goodwill, ours = refund(31, "15.00"), refund(32, "10.00", [refunded(41, 11, 1, "10.00")], mark(OURS))
    found = read(goodwill, ours, status="refunded")
    assert gone(found) == {"11": 1}
    assert [one.is_ours for one in found.refunds] == [False, True]


def test_refunded_by_hand_after_other_refunds_takes_what_they_left() -> None:
    before = refund(31, "15.00")
    assert gone(read(before, refund(32, "10.00", reason="Order fully refunded."), status="refunded")) == {"11": 2}
    # Its own refund was kept from being made: the refunds that are there do not explain the status.
    assert gone(read(before, status="refunded")) == {"11": 2}


def test_refunded_by_our_own_refunds_takes_what_they_say() -> None:
    """A refund of ours of the last paid unit turns the order `refunded` while a gift is left in it."""
    ours = refund(31, "20.00", [refunded(41, 11, 2, "20.00")], mark(OURS))
    found = read(ours, status="refunded", line_items=[line(11, "A", 2, "20.00"), line(13, "GIFT", 1, "0.00")])
    assert gone(found) == {"11": 2, "13": 0}


def test_completed_is_shipped_and_stays_so_when_it_is_refunded() -> None:
    at = "2026-11-23T00:00:00"
    for status in ("completed", "refunded", "cancelled"):
        assert read(status=status, date_completed_gmt=at).rows[0].shipped == 2
    assert read(status="processing", date_completed_gmt=at).rows[0].shipped == 0


@pytest.mark.parametrize("status", ["shipped", "partial-shipped", "delivered", "trash"])
def test_a_status_that_does_not_say_whether_it_left_proves_no_shelf(status: str) -> None:
    found = read(status=status)
    assert found.whereabouts == f"its status in WooCommerce is “{status}”, which does not say whether the goods left"
    assert found.rows[0].shipped == 0


def test_where_it_is_told_whether_it_left_there_is_nothing_to_doubt() -> None:
    for status in ("pending", "on-hold", "processing", "failed", "completed"):
        assert read(status=status).whereabouts == ""
    sent = read(status="delivered", date_completed_gmt="2026-11-23T00:00:00")
    assert (sent.whereabouts, sent.rows[0].shipped) == ("", 2)
    assert read(status="cancelled").whereabouts == "", "nothing of it is left to be sent"
    assert read(refund(31, "25.00"), status="refunded").whereabouts, "what it was before is not told"


def test_the_trash_stands_in_the_way_and_cancels_nothing() -> None:
    found = read(status="trash")
    assert found.barrier is not None
    assert not found.barrier.passes
    assert gone(found) == {"11": 0}
    assert read().barrier is None


def test_tiktoks_id_comes_from_our_field_or_from_one_that_was_named() -> None:
    theirs = [{"key": "_their_id", "value": 577}, {"key": "x", "value": ["list"]}]
    assert read(meta_data=theirs).channel_order_id == ""
    assert read(meta_data=theirs, keys=("x", "_their_id")).channel_order_id == "577"


def test_a_refund_row_of_an_old_version_is_known_by_its_product() -> None:
    row = refunded(41, 11, 1, "10.00") | {"meta_data": []}
    assert gone(read(refund(31, "10.00", [row]))) == {"11": 1}
    twins = [line(11, "A", 1, "10.00"), line(14, "A", 1, "10.00", product_id=111)]
    with pytest.raises(RemoteProblem):
        read(refund(31, "10.00", [row]), line_items=twins)


@pytest.mark.parametrize(
    "change",
    [
        {"id": None},
        {"id": True},
        {"currency": ""},
        {"status": None},
        {"line_items": "none"},
        {"line_items": [line(11, "A", 1, "abc")]},
        {"line_items": [line(11, "A", 1, "1.00") | {"quantity": 1.5}]},
        {"total": "ten"},
    ],
)
def test_what_decides_and_cannot_be_read_is_a_problem(change: dict[str, Any]) -> None:
    with pytest.raises(RemoteProblem) as problem:
        read(**change, billing={"email": "robin@example.com"})
    assert "robin" not in str(problem.value)
