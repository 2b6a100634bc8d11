from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from bridge.connectors.shopify.reading import CANCELLATION, barrier, channel_order_id, read_order
from bridge.domain.linking import ids_named
from bridge.domain.outcomes import RemoteProblem
from bridge.domain.settings import ShopSettings
from bridge.domain.verification import BookState, differences
from tests.unit.shopify.orders import line, money, order, refund, refund_row

TOKEN = "0123456789abcdef"
NOTE = f"TikTok cancellation 4035 [bridge:{TOKEN}]"


def read(given: dict[str, Any], rows: dict[str, Any] | None = None) -> Any:
    return read_order(given, given["lineItems"]["nodes"], rows or {})


def test_an_order_as_it_was_made_counts_as_invoiced_and_living() -> None:
    found = read(order([line(1, "A", 2), line(2, "B", 1)]))
    assert found.is_invoiced
    assert not found.is_shipped
    assert [(row.id, row.sku, row.ordered, row.left, row.price) for row in found.rows] == [
        ("1", "A", 2, 2, Decimal(10)),
        ("2", "B", 1, 1, Decimal(10)),
    ]
    assert (found.id, found.number) == ("5324790137142", "TT-576461413038785752")
    assert found.channel_order_id == "576461413038785752"
    assert found.barrier is None
    assert found.refunds == ()


def test_a_partial_refund_of_ours_is_read_back_with_its_mark() -> None:
    given = order([line(1, "A", 2, current=1)], totalRefundedSet=money("10.00"))
    before = BookState.of(read(order([line(1, "A", 2)])))
    given["refunds"] = [refund(7, "2026-11-22T02:00:00Z", NOTE)]
    found = read(given, {"gid://shopify/Refund/7": [refund_row(1, 1)]})
    assert found.refunded_by_us() == {"1": 1}
    assert differences(before, found, TOKEN, {"1": 1}) == []


def test_a_cancellation_of_ours_is_one_refund_of_all_that_was_left() -> None:
    before = BookState.of(read(order([line(1, "A", 2)])))
    given = order(
        [line(1, "A", 2, current=0)],
        cancelledAt="2026-11-22T02:00:00Z",
        cancellation={"staffNote": NOTE},
        totalRefundedSet=money("25.00"),
        refunds=[refund(8, "2026-11-22T02:00:01Z", "", "25.00")],
    )
    found = read(given, {"gid://shopify/Refund/8": [refund_row(1, 2, "20.00")]})
    [memo] = found.refunds
    assert (memo.id, memo.tokens, memo.quantities) == (CANCELLATION, {TOKEN}, {"1": 2})
    assert (memo.total.amount, memo.amounts, memo.shipping) == (Decimal(25), {"1": Decimal(20)}, Decimal(5))
    assert memo.rest == 0
    assert differences(before, found, TOKEN, {"1": 2}) == []


def test_a_cancellation_without_any_refund_takes_its_units_all_the_same() -> None:
    found = read(order([line(1, "A", 2, current=0)], cancelledAt="2026-11-22T02:00:00Z"))
    [memo] = found.refunds
    assert (memo.quantities, memo.total.amount, memo.is_ours) == ({"1": 2}, Decimal(0), False)
    assert [row.left for row in found.rows] == [0]


def test_an_earlier_refund_stays_beside_the_cancellation() -> None:
    given = order(
        [line(1, "A", 3, current=0)],
        cancelledAt="2026-11-22T02:00:00Z",
        cancellation={"staffNote": NOTE},
        totalRefundedSet=money("30.00"),
        refunds=[refund(7, "2026-11-22T01:30:00Z", "a person"), refund(8, "2026-11-22T02:00:00Z", "", "20.00")],
    )
    rows = {"gid://shopify/Refund/7": [refund_row(1, 1)], "gid://shopify/Refund/8": [refund_row(1, 2, "20.00")]}
    found = read(given, rows)
    assert [(memo.id, memo.quantities, memo.is_ours) for memo in found.refunds] == [
        ("7", {"1": 1}, False),
        (CANCELLATION, {"1": 2}, True),
    ]
    assert [row.refunded for row in found.rows] == [3]


def test_units_taken_out_by_editing_are_cancelled_not_refunded() -> None:
    [row] = read(order([line(1, "A", 3, current=2)])).rows
    assert (row.ordered, row.refunded, row.cancelled, row.left) == (3, 0, 1, 2)


def test_a_refund_of_money_alone_takes_no_unit() -> None:
    found = read(order(refunds=[refund(7, "2026-11-22T02:00:00Z", "goodwill", "3.00")]))
    assert found.refunds[0].quantities == {}
    assert [row.left for row in found.rows] == [2]


@pytest.mark.parametrize(
    ("change", "stands"),
    [
        ({"fulfillments": [{"status": "SUCCESS"}]}, True),
        ({"fulfillments": [{"status": "SOMETHING_NEW"}]}, True),
        ({"fulfillments": [{"status": "CANCELLED"}]}, False),
        ({"returnStatus": "IN_PROGRESS"}, True),
        ({"returnStatus": "RETURN_REQUESTED"}, True),
        ({"returnStatus": "SOMETHING_NEW"}, True),
        ({"returnStatus": "RETURNED"}, False),
        ({"fulfillmentOrders": {"nodes": [{"status": "IN_PROGRESS", "requestStatus": "ACCEPTED"}]}}, True),
        ({"fulfillmentOrders": {"nodes": [{"status": "OPEN", "requestStatus": "SUBMITTED"}]}}, True),
        ({"fulfillmentOrders": {"nodes": [{"status": "ON_HOLD", "requestStatus": "UNSUBMITTED"}]}}, False),
    ],
)
def test_what_left_returns_or_is_being_packed_is_never_forced(change: dict[str, Any], stands: bool) -> None:
    found = barrier(order(**change))
    assert (found is not None) is stands
    assert found is None or not found.passes


def test_the_sale_is_named_by_field_source_or_tag() -> None:
    field: dict[str, Any] = {"metafield": {"value": "576461413038785752"}, "sourceIdentifier": "other"}
    assert channel_order_id(order(**field)) == "576461413038785752"
    tagged: dict[str, Any] = {"sourceIdentifier": None, "tags": ["x", "TikTokOrderID:576461413038785752"]}
    assert channel_order_id(order(**tagged)) == "576461413038785752"
    two: dict[str, Any] = {"sourceIdentifier": None, "tags": ["TikTokOrderID:1", "TikTokOrderID:2"]}
    assert channel_order_id(order(**two)) == ""


def test_additional_details_are_read_like_the_note() -> None:
    given = order(
        sourceIdentifier=None, customAttributes=[{"key": "TikTok order", "value": "576461413038785752"}], name="#1001"
    )
    found = read(given)
    settings = ShopSettings(link_note_patterns=("TikTok order: {id}",))
    assert ids_named(settings, found.channel_order_id, found.number, found.customer_note) == {"576461413038785752"}


@pytest.mark.parametrize(
    "change",
    [
        {"currencyCode": None},
        {"id": None},
        {"totalPriceSet": money("1.00", "EUR")},
        {"totalPriceSet": money("x")},
        {"refunds": "none"},
    ],
)
def test_what_decides_about_money_is_never_guessed(change: dict[str, Any]) -> None:
    with pytest.raises(RemoteProblem):
        read(order(**change))


@pytest.mark.parametrize("value", [None, True, "2", -1, 1.5])
def test_a_quantity_that_is_no_number_is_refused(value: Any) -> None:
    with pytest.raises(RemoteProblem):
        read(order([line(1, "A", 2) | {"currentQuantity": value}]))
