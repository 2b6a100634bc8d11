from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from bridge.connectors.magento.reading import read_order, text
from bridge.domain.outcomes import RemoteProblem
from bridge.domain.store_order import StoreOrder
from tests.unit.magento.recorded import exchange


def body(name: str) -> Any:
    return json.loads(exchange(name)["response"]["body"])


def memos() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = body("creditmemos/creditmemos_by_order")["items"]
    return found


def test_a_partly_refunded_order_is_read_in_full() -> None:
    order = read_order(body("orders/order_get_partially_refunded"), memos()[:1])
    assert (order.id, order.number, order.channel_order_id) == ("113", "TT-576461413038789900", "576461413038789900")
    assert (order.view, order.state, order.currency) == ("1", "processing", "USD")
    assert order.grand_total.amount == order.total_paid.amount == Decimal(125)
    assert order.total_refunded.amount == Decimal(50)
    assert order.created_at == datetime(2026, 11, 22, 1, 24, 49, tzinfo=UTC)
    assert [(row.id, row.sku, row.ordered, row.refunded, row.left, row.restock_id) for row in order.rows] == [
        ("134", "SKU-A", 2, 1, 1, "134"),
        ("135", "CONF-BLUE", 1, 0, 1, "135"),
    ]
    assert order.is_invoiced
    assert not order.is_held
    [refund] = order.refunds
    assert refund.quantities == {"134": 1}
    assert refund.total.amount == Decimal(50)


def test_memos_are_read_with_the_rest_of_the_order() -> None:
    order = read_order(body("orders/order_get_closed"), memos())
    assert order.state == "closed"
    assert [row.left for row in order.rows] == [0, 0]
    assert [refund.quantities for refund in order.refunds] == [{"134": 1}, {"134": 1, "135": 1}]
    assert sum(refund.total.amount for refund in order.refunds) == order.total_refunded.amount


def test_a_new_order_has_nothing_paid_though_the_keys_are_absent() -> None:
    order = read_order(body("orders/order_get_new"), [])
    assert "total_paid" not in body("orders/order_get_new")
    assert order.total_paid.amount == order.total_refunded.amount == 0
    assert not order.is_invoiced


def test_our_token_is_found_in_a_memos_comment() -> None:
    [memo, _] = memos()
    memo["comments"][0]["comment"] = "TikTok cancellation 7 [bridge:0123456789abcdef]"
    order = read_order(body("orders/order_get_closed"), [memo])
    assert order.refunds[0].tokens == {"0123456789abcdef"}
    assert order.refunded_by_us() == {"134": 1}


def test_memos_of_another_order_are_left_out() -> None:
    assert read_order(body("orders/order_get_closed") | {"entity_id": 7}, memos()).refunds == ()


@pytest.mark.parametrize("empty", [None, []])
def test_a_memo_without_items_or_comments_counts_no_units(empty: Any) -> None:
    memo = memos()[0] | {"items": empty, "comments": empty}
    [refund] = read_order(body("orders/order_get_closed"), [memo]).refunds
    assert refund.quantities == {}
    assert refund.total.amount == Decimal(50)


def configurable() -> StoreOrder:
    row = body("orders/order_get_partially_refunded")
    parent, other = row["items"]
    parent |= {"product_type": "configurable", "sku": "CONF-RED"}
    child = dict(other) | {"item_id": 136, "parent_item_id": 134, "sku": "CONF-RED", "price": 0}
    memo = memos()[0]
    memo["items"] = [memo["items"][0], memo["items"][0] | {"order_item_id": 136, "price": 0}]
    return read_order(row | {"items": [parent, child, other]}, [memo])


def test_of_a_configurable_the_parent_row_counts_and_the_child_goes_back_to_stock() -> None:
    order = configurable()
    assert [(row.id, row.restock_id) for row in order.rows] == [("134", "136"), ("135", "135")]
    assert order.refunds[0].quantities == {"134": 1}


def test_of_a_bundle_with_prices_of_its_own_parts_the_child_rows_count() -> None:
    row = body("orders/order_get_partially_refunded")
    parent, child = row["items"]
    parent["product_type"] = "bundle"
    child["parent_item_id"] = parent["item_id"]
    order = read_order(row, [])
    assert [found.id for found in order.rows] == ["135"]
    assert any("bundle" in note for note in order.notes)


def test_a_configurable_row_without_its_variant_is_pointed_out() -> None:
    row = body("orders/order_get_partially_refunded")
    row["items"][0]["product_type"] = "configurable"
    assert any("neither ship nor refund" in note for note in read_order(row, []).notes)


def test_a_held_order_is_held() -> None:
    assert read_order(body("orders/order_get_invoiced") | {"state": "holded"}, []).is_held


def test_numbers_may_come_as_text_and_ids_as_numbers() -> None:
    row = body("orders/order_get_invoiced") | {"grand_total": "125.0000", "store_id": "1"}
    row["items"][0]["qty_ordered"] = "2.0000"
    order = read_order(row, [])
    assert order.grand_total.amount == Decimal(125)
    assert order.rows[0].ordered == 2
    values: list[Any] = [7, 7.0, "7", None, True, []]
    assert [text(value) for value in values] == ["7", "7", "7", "", "", ""]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"items": [{"item_id": 1, "qty_ordered": 1.5}]}, "whole units"),
        ({"items": {"a": 1}}, "not a list"),
        ({"grand_total": "a lot"}, "grand_total"),
        ({"order_currency_code": None, "base_currency_code": "dollars"}, "no currency"),
    ],
)
def test_what_cannot_be_read_is_a_problem_and_not_a_zero(change: dict[str, Any], says: str) -> None:
    with pytest.raises(RemoteProblem, match=says):
        read_order(body("orders/order_get_invoiced") | change, [])


def memo_with(**changes: Any) -> Any:
    """The first recorded memo (50 for one of row 134) with other amounts; `row` changes its row."""
    [memo] = memos()[:1]
    row = changes.pop("row", {})
    memo |= changes
    memo["items"] = [memo["items"][0] | row, *memo["items"][1:]]
    [refund] = read_order(body("orders/order_get_closed"), [memo]).refunds
    return refund


def test_a_memos_amounts_are_read_by_row_and_explain_its_total() -> None:
    found = read_order(body("orders/order_get_closed"), memos()).refunds
    assert [refund.amounts for refund in found] == [{"134": Decimal(50)}, {"134": Decimal(50), "135": Decimal(20)}]
    assert [[int(n) for n in (r.shipping, r.adjustment, r.rest)] for r in found] == [[0, 0, 0], [5, 0, 0]]


@pytest.mark.parametrize("row_total", [50, 44])
def test_a_rows_amount_is_after_discount_with_tax_however_rest_tells_its_total(row_total: int) -> None:
    """REST tells orders' `row_total` after discount; the memo's subtotal says which it is here."""
    refund = memo_with(
        row={"row_total": row_total, "discount_amount": 6, "tax_amount": 4.4},
        subtotal=50,
        discount_amount=-6,
        tax_amount=4.4,
        grand_total=48.4,
    )
    assert refund.amounts == {"134": Decimal("48.4")}
    assert refund.rest == 0


def test_shipping_of_a_memo_is_with_its_tax_and_less_its_own_discount() -> None:
    refund = memo_with(
        row={"discount_amount": 6},
        subtotal=50,
        discount_amount=-8,
        shipping_amount=5,
        shipping_tax_amount=0.5,
        adjustment_positive=1,
        adjustment_negative=3,
        grand_total=45.5,
    )
    assert (refund.shipping, refund.adjustment, refund.rest) == (Decimal("3.5"), Decimal(-2), Decimal(0))


def test_a_memo_booked_by_ids_only_is_worth_nothing() -> None:
    bare = {"row_total": None, "discount_amount": None, "tax_amount": None}
    refund = memo_with(row=bare, grand_total=0, subtotal=None)
    assert (refund.amounts, refund.rest) == ({}, 0)
    assert refund.quantities == {"134": 1}
