"""What either version says of an order, and what that means for a cancellation."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.connectors.amazon.protocol_2020 import Version2020
from bridge.connectors.amazon.protocol_2026 import Version2026
from bridge.connectors.amazon.reading import Status, barrier, channel_order_id, store_order
from bridge.domain.outcomes import RemoteProblem
from tests.unit.amazon.answers import new, old, read_new, read_old
from tests.unit.amazon.models import example, problems

OLD = {
    # status: (what it means, may be cancelled now, passes by itself, nothing of it is sent)
    "New": (Status.NEW, False, True, False),
    "Received": (Status.CANCELLABLE, True, False, False),
    "Planning": (Status.CANCELLABLE, True, False, False),
    "Processing": (Status.PROCESSING, False, False, False),
    "Cancelled": (Status.CANCELLED, True, False, True),
    "Complete": (Status.COMPLETE, False, False, False),
    "CompletePartialled": (Status.COMPLETE_PARTIAL, False, False, False),
    "Unfulfillable": (Status.UNFULFILLABLE, True, False, True),
    "Invalid": (Status.INVALID, True, False, True),
    "Paused": (Status.UNKNOWN, False, False, False),
    "": (Status.UNKNOWN, False, False, False),
}
NEW = {
    # Whether units are being picked is not told: a cancellation is tried.
    "PROCESSING": (Status.PROCESSING, True, False, False),
    "COMPLETE": (Status.COMPLETE, False, False, False),
    "COMPLETE_PARTIAL": (Status.COMPLETE_PARTIAL, False, False, False),
    "CANCELLED": (Status.CANCELLED, True, False, True),
    "UNFULFILLABLE": (Status.UNFULFILLABLE, True, False, True),
    "INVALID": (Status.INVALID, True, False, True),
    "ON_HOLD": (Status.UNKNOWN, False, False, False),
}
CASES = [
    *((read_old, word, meant) for word, meant in OLD.items()),
    *((read_new, word, meant) for word, meant in NEW.items()),
]


@pytest.mark.parametrize("cased", [str, str.upper, str.lower, str.swapcase], ids=["as is", "upper", "lower", "swapped"])
@pytest.mark.parametrize(("read", "word", "meant"), CASES, ids=[f"{r.__name__} {w}" for r, w, _ in CASES])
def test_every_status_means_one_thing_in_whatever_case(
    read: Any, word: str, meant: tuple[Any, ...], cased: Any
) -> None:
    order = read(cased(word))
    status, cancellable, passes, nothing = meant
    stands = barrier(order)
    assert order.status is status
    assert (stands is None) == cancellable
    if stands is not None:
        assert stands.passes == passes
    seen = store_order(order)
    assert (seen.state == "cancelled") == nothing
    assert [dict(one.quantities) for one in seen.refunds] == ([{"1": 2, "2": 1}] if nothing else [])
    assert not any(one.is_ours or one.total.amount for one in seen.refunds)
    assert seen.is_invoiced
    assert seen.status == cased(word)


@pytest.mark.parametrize("read", [read_old, read_new])
def test_too_late_says_what_to_do(read: Any) -> None:
    for word in ("Complete", "complete_partial"):
        stands = barrier(read(word))
        assert stands is not None
        assert "return or refuse" in stands.because
    stands = barrier(read_old("Processing"))
    assert stands is not None
    assert "picking its units" in stands.because


@pytest.mark.parametrize(("read", "word"), [(read_old, "Planning"), (read_new, "PROCESSING")])
def test_a_parcel_that_left_is_too_late_and_one_the_fulfiller_cancelled_is_nothing(read: Any, word: str) -> None:
    left = read(word, parcels=("CANCELLED_BY_FULFILLER", "Shipped"))
    stands = barrier(left)
    assert stands is not None
    assert not stands.passes
    assert [row.shipped for row in store_order(left).rows] == [2, 0]
    made_again = read(word, parcels=("CANCELLED_BY_FULFILLER", "PENDING"))
    assert barrier(made_again) is None
    assert [row.shipped for row in store_order(made_again).rows] == [0, 0]


def test_the_two_versions_read_alike() -> None:
    one, other = store_order(read_old("Cancelled")), store_order(read_new("CANCELLED"))
    assert one.rows == other.rows
    assert (one.id, one.number, one.state) == (other.id, other.number, other.state)
    assert one.updated_at == other.updated_at == datetime(2026, 11, 22, 2, tzinfo=UTC)


def test_amazon_holds_no_money_of_the_sale() -> None:
    seen = store_order(read_old("Received"))
    assert not seen.keeps_money
    assert not seen.keeps_marks
    assert seen.told(seen.grand_total) == ""
    assert seen.total_paid.amount == 0


@pytest.mark.parametrize(
    ("order_id", "shown", "found"),
    [
        ("TT-576461413038785752", "576461413038785752", "576461413038785752"),
        ("576461413038785752", "Parcel 7", "576461413038785752"),
        ("576461413038785752", "1122334455", "576461413038785752"),
        ("AS-7", "Order 7", ""),
    ],
)
def test_the_sale_is_named_by_its_own_id_or_by_the_papers(order_id: str, shown: str, found: str) -> None:
    order = read_old("Received", sellerFulfillmentOrderId=order_id, displayableOrderId=shown)
    assert channel_order_id(order) == found


@given(quantity=st.integers(1, 250), cancelled=st.integers(0, 300), lost=st.integers(0, 300), sent=st.integers(0, 300))
def test_no_row_has_more_gone_or_sent_than_was_ordered(quantity: int, cancelled: int, lost: int, sent: int) -> None:
    for word in ("Processing", "CompletePartialled", "Cancelled"):
        body = old(word, parcels=("SHIPPED",))
        item = body["payload"]["fulfillmentOrderItems"][0]
        item |= {"quantity": quantity, "cancelledQuantity": cancelled, "unfulfillableQuantity": lost}
        body["payload"]["fulfillmentShipments"][0]["fulfillmentShipmentItem"][0]["quantity"] = sent
        row = store_order(Version2020().order(body)).rows[0]
        assert 0 <= row.gone <= row.ordered == quantity
        assert 0 <= row.shipped <= row.left
        assert (row.left == 0) == (word == "Cancelled" or cancelled + lost >= quantity)


@pytest.mark.parametrize("value", ["1.5", "-1", "many", None, True, "NaN", "Infinity", 1.5])
def test_a_quantity_that_is_no_whole_number_is_no_order(value: object) -> None:
    body = new("PROCESSING")
    body["order"]["lineItems"][0]["amount"] = {"unit": "EACHES", "value": value}
    with pytest.raises(RemoteProblem, match="amount"):
        Version2026().order(body)
    body = old("Received")
    body["payload"]["fulfillmentOrderItems"][0]["cancelledQuantity"] = value
    with pytest.raises(RemoteProblem, match="cancelledQuantity"):
        Version2020().order(body)


@pytest.mark.parametrize(
    ("version", "body"),
    [
        (Version2020(), {}),
        (Version2020(), {"payload": {"fulfillmentOrder": []}}),
        (Version2020(), {"payload": {"fulfillmentOrder": {"sellerFulfillmentOrderId": "1"}}}),
        (Version2026(), {"order": None}),
        (Version2026(), {"order": {"orderId": "1", "receiveTime": "yesterday"}}),
        (Version2026(), {"order": {"orderId": "1", "receiveTime": "2026-11-22T01:00:00Z", "lineItems": ["x"]}}),
    ],
)
def test_what_is_no_order_is_said(version: Any, body: dict[str, Any]) -> None:
    with pytest.raises(RemoteProblem, match="cannot be read"):
        version.order(body)


def test_an_order_without_items_is_never_taken_for_a_cancelled_one() -> None:
    body = old("Received")
    body["payload"]["fulfillmentOrderItems"] = []
    with pytest.raises(RemoteProblem, match="no items"):
        store_order(Version2020().order(body))


def test_the_models_own_examples_are_read() -> None:
    shown = example("2020-07-01", "/fba/outbound/2020-07-01/fulfillmentOrders/{sellerFulfillmentOrderId}")
    order = Version2020().order(shown)
    # The example spells PROCESSING where the list of statuses says Processing.
    assert (order.said, order.status) == ("PROCESSING", Status.PROCESSING)
    assert [(item.sku, item.quantity) for item in order.items][1] == ("CR-47K6-H6QN", 3)
    listed, _ = Version2020().page(example("2020-07-01", "/fba/outbound/2020-07-01/fulfillmentOrders"))
    assert listed
    later = Version2026().order(example("2026-07-04", "/fulfillment/outbound/2026-07-04/orders/{orderId}"))
    assert (later.displayed_id, later.has_left, later.items[0].quantity) == ("MyOrder-123", True, 1)
    listed, token = Version2026().page(example("2026-07-04", "/fulfillment/outbound/2026-07-04/orders"))
    assert listed
    assert token is None or token


def test_the_answers_of_these_tests_are_such_as_the_models_have() -> None:
    assert problems("2020-07-01", "GetFulfillmentOrderResponse", old("Received", parcels=("SHIPPED",))) == []
    assert problems("2026-07-04", "GetOrderResponse", new("PROCESSING", parcels=("SHIPPED",))) == []
