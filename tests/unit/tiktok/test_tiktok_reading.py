from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bridge.connectors.tiktok.reading import (
    Unreadable,
    may_have_returns,
    read_address,
    read_cancellation,
    read_order,
    returned_units,
)
from bridge.domain.channel_order import CancellationStatus, ChannelOrder
from bridge.domain.money import Money

Json = dict[str, Any]
SPECS = Path(__file__).resolve().parents[4] / "shared" / "schemas" / "tiktok" / "endpoints"


def line(number: int, **more: Any) -> Json:
    return {
        "id": f"57790000000000001{number}",
        "sku_id": "1729700000000000001",
        "product_id": "1729700000000000000",
        "product_name": "Water",
        "seller_sku": "SKU-450",
        "currency": "USD",
        "original_price": "12.00",
        "sale_price": "10.00",
        "seller_discount": "1.50",
        "platform_discount": "0.50",
        "display_status": "AWAITING_SHIPMENT",
        "item_tax": [{"tax_type": "SALES_TAX", "tax_amount": "0.80"}, {"tax_type": "OTHER", "tax_amount": "0.10"}],
        **more,
    }


ORDER: Json = {
    "id": "577900000000000001",
    "status": "AWAITING_SHIPMENT",
    "create_time": 1795000000,
    "update_time": 1795000100,
    "fulfillment_type": "FULFILLMENT_BY_SELLER",
    "shipping_type": "SELLER",
    "payment": {
        "currency": "USD",
        "sub_total": "20.00",
        "shipping_fee": "4.00",
        "shipping_fee_tax": "0.30",
        "tax": "2.10",
        "total_amount": "28.10",
        "seller_discount": "3.00",
        "platform_discount": "1.00",
        "original_shipping_fee": "6.00",
        "shipping_fee_seller_discount": "0",
        "shipping_fee_cofunded_discount": "1.50",
        "shipping_fee_platform_discount": "0.50",
        "small_order_fee": "2.00",
        "retail_delivery_fee": "0",
        "product_tax": "1.80",
        "item_insurance_tax": "0.05",
        "moon_landing_fee": "0.01",
    },
    "line_items": [line(1), line(2)],
}
CANCELLATION: Json = {
    "cancel_id": "4035318504086604100",
    "order_id": "577900000000000001",
    "cancel_type": "BUYER_CANCEL",
    "cancel_status": "CANCELLATION_REQUEST_PENDING",
    "role": "BUYER",
    "cancel_reason": "ecom_order_to_ship_canceled_reason_created_by_mistakes",
    "create_time": 1795000050,
    "update_time": 1795000060,
    "seller_next_action_response": [{"action": "SELLER_RESPOND_CANCEL", "deadline": 1795090000}],
    "should_replenish_stock": False,
    "refund_amount": {"currency": "USD", "refund_total": "14.05"},
    "cancel_line_items": [{"cancel_line_item_id": "1", "order_line_item_id": "577900000000000011"}],
}


def read(order: Json, cancellations: list[Json] | None = None, returns: list[Json] | None = None) -> ChannelOrder:
    return read_order(order, cancellations or [], returns or [], shop_id="7495", region="US")


def changed(**more: Any) -> Json:
    return copy.deepcopy(ORDER) | more


def test_money_and_times() -> None:
    order = read(ORDER)
    assert order.payment.total == Money(Decimal("28.10"), "USD")
    assert order.payment.shipping_seller_discount == Money(Decimal("1.50"), "USD")
    assert {name: fee.amount for name, fee in order.payment.fees.items()} == {
        "small_order_fee": Decimal("2.00"),
        "item_insurance_tax": Decimal("0.05"),
        "moon_landing_fee": Decimal("0.01"),
    }
    assert order.units[0].tax.amount == Decimal("0.90")
    assert order.units[0].sale_price.amount == Decimal("10.00")
    assert order.created_at == datetime.fromtimestamp(1795000000, UTC)
    assert order.is_known
    assert len(order.living) == 2


def test_a_pending_request_kills_nothing() -> None:
    order = read(ORDER, [CANCELLATION])
    (record,) = order.cancellations
    assert record.is_request
    assert record.replenish is False
    assert record.refund == Money(Decimal("14.05"), "USD")
    assert record.respond_by == datetime.fromtimestamp(1795090000, UTC)
    assert len(order.living) == 2


def test_spellings_of_the_messages_are_accepted() -> None:
    order = read(changed(status="CANCEL", cancel_time=1795000200), [])
    assert order.status == "CANCELLED"
    assert order.living == ()
    record = read_cancellation(CANCELLATION | {"cancel_status": "CANCELLATION_REQUEST_CANCELLED"})
    assert record.status == CancellationStatus.CLOSED
    assert not record.is_dead


def test_statuses_nobody_knows_are_kept_as_they_came() -> None:
    order = changed(status="TELEPORTED")
    order["line_items"][0]["display_status"] = "IN_ORBIT"
    reading = read(order, [CANCELLATION | {"cancel_status": "CANCELLATION_REQUEST_MAYBE"}])
    assert not reading.is_known
    assert reading.unknown_values() == (
        "order status 'TELEPORTED'",
        "order line status 'IN_ORBIT'",
        "cancellation status 'CANCELLATION_REQUEST_MAYBE'",
    )
    assert len(reading.living) == 2


def test_what_is_paid_back_is_read_by_unit_where_tiktok_says_so() -> None:
    lines: list[Json] = [
        {"order_line_item_id": "11", "refund_amount": {"currency": "USD", "refund_total": "10.50"}},
        {"order_line_item_id": "12", "refund_amount": {"currency": "USD", "refund_total": ""}},
        {"order_line_item_id": "13"},
    ]
    record = read_cancellation(CANCELLATION | {"cancel_line_items": lines})
    assert record.unit_ids == {"11", "12", "13"}
    assert record.unit_refunds == {"11": Money(Decimal("10.50"), "USD")}
    broken = {"order_line_item_id": "11", "refund_amount": {"currency": "USD", "refund_total": "ten"}}
    with pytest.raises(Unreadable, match="refund cannot be read"):
        read_cancellation(CANCELLATION | {"cancel_line_items": [broken]})


def test_without_refund_or_stock_advice() -> None:
    bare = {k: v for k, v in CANCELLATION.items() if k not in {"refund_amount", "should_replenish_stock"}}
    record = read_cancellation(bare)
    assert record.refund is None
    assert record.replenish is None


@pytest.mark.parametrize(
    ("more", "left"),
    [
        ({}, False),
        ({"package_id": "1", "package_status": "TO_FULFILL"}, False),
        ({"package_id": "1", "package_status": "CANCELLED"}, False),
        ({"package_id": "1", "package_status": "CANCELLED", "rts_time": 1795000000}, True),
        ({"package_id": "1", "package_status": "PROCESSING"}, True),
        ({"package_id": "1"}, True),
        ({"package_status": "SOMETHING_NEW"}, True),
        ({"tracking_number": "X1"}, True),
        ({"tracking_number": "", "rts_time": 0}, False),
        ({"display_status": "IN_TRANSIT"}, True),
    ],
)
def test_signs_that_a_unit_left(more: Json, left: bool) -> None:
    order = changed(line_items=[line(1, **more), line(2)])
    assert [unit.left_seller for unit in read(order).units] == [left, False]


def test_an_order_level_sign_counts_where_no_line_tells() -> None:
    order = read(changed(rts_time=1795000300))
    assert all(unit.left_seller for unit in order.units)
    assert order.has_tracking


def test_an_order_level_sign_says_nothing_of_a_unit_where_lines_tell() -> None:
    order = read(changed(rts_time=1795000300, line_items=[line(1, rts_time=1795000300), line(2)]))
    assert [unit.left_seller for unit in order.units] == [True, False]


def test_tracking_of_a_dead_unit_is_not_tracking_of_the_order() -> None:
    dead = line(1, display_status="CANCELLED", tracking_number="X1")
    assert not read(changed(line_items=[dead, line(2)])).has_tracking
    assert read(changed(line_items=[line(1), line(2, tracking_number="X2")])).has_tracking


@pytest.mark.parametrize(
    ("status", "covered"),
    [
        ("RETURN_OR_REFUND_REQUEST_PENDING", True),
        ("RETURN_OR_REFUND_REQUEST_COMPLETE", True),
        ("AWAITING_BUYER_SHIP", True),
        ("REJECT_RECEIVE_PACKAGE", True),
        ("REPLACEMENT_REQUEST_REFUND_SUCCESS", True),
        ("SOMETHING_NEW", True),
        ("RETURN_OR_REFUND_REQUEST_CANCEL", False),
        ("RETURN_OR_REFUND__REQUEST_CANCELLED", False),
        ("REFUND_OR_RETURN_REQUEST_REJECT", False),
        ("REPLACEMENT_REQUEST_REJECT", False),
    ],
)
def test_returns_cover_their_units(status: str, covered: bool) -> None:
    record = {"return_status": status, "return_line_items": [{"order_line_item_id": "7"}]}
    assert returned_units([record]) == (frozenset({"7"}) if covered else frozenset())


@pytest.mark.parametrize(
    ("more", "worth"),
    [
        ({}, False),
        ({"status": "ON_HOLD"}, False),
        ({"status": "AWAITING_COLLECTION"}, True),
        ({"status": "COMPLETED"}, True),
        ({"status": "NEW_STATUS"}, True),
        ({"status": "CANCELLED"}, False),
        ({"status": "CANCELLED", "rts_time": 1795000000}, True),
    ],
)
def test_when_returns_are_looked_for(more: Json, worth: bool) -> None:
    assert may_have_returns(changed(**more)) is worth


def test_kinds_of_orders() -> None:
    order = read(
        changed(
            fulfillment_type="FULFILLMENT_BY_TIKTOK",
            shipping_type="TIKTOK_DIGITAL",
            is_sample_order=True,
            is_replacement_order=True,
            is_cod=True,
        )
    )
    assert (order.fulfilled_by_channel, order.is_sample, order.is_replacement, order.is_digital, order.is_cod) == (
        (True,) * 5
    )
    assert not read(ORDER).fulfilled_by_channel


def test_address_by_levels() -> None:
    address = read_address(
        {
            "name": "A B",
            "phone_number": "(+1)2**",
            "region_code": "US",
            "postal_code": "95110",
            "address_line1": "1 Sample Street",
            "address_line2": "",
            "address_line3": "Suite 2",
            "address_detail": "1 Sample Street Suite 2",
            "district_info": [
                {"address_level_name": "Country", "address_name": "United States", "address_level": "L0"},
                {"address_level_name": "State", "address_name": "California", "address_level": "L1"},
                {"address_level_name": "County", "address_name": "Santa Clara", "address_level": "L2"},
                {"address_level_name": "City", "address_name": "San Jose", "address_level": "L3"},
            ],
        }
    )
    assert (address.city, address.region, address.country) == ("San Jose", "California", "US")
    assert address.street == ("1 Sample Street", "Suite 2")
    assert read_address({"address_detail": "5 Road", "post_town": "Leeds"}).street == ("5 Road",)
    assert read_address({"post_town": "Leeds"}).city == "Leeds"
    assert read_address({}).street == ()


@pytest.mark.parametrize(
    "broken",
    [
        {"id": None},
        {"create_time": None},
        {"line_items": "nonsense"},
        {"line_items": [{"id": ""}]},
        {"line_items": [1]},
        {"payment": {}, "line_items": []},
        {"payment": {"currency": "USD", "total_amount": "ten"}},
        {"payment": [1]},
        {"recipient_address": "x"},
    ],
)
def test_what_is_not_documented_is_unreadable_not_a_crash(broken: Json) -> None:
    order = changed(**broken)
    with pytest.raises(Unreadable):
        read(order)


@pytest.mark.skipif(not SPECS.is_dir(), reason=f"TikTok Shop's endpoint pages are not beside this project ({SPECS})")
def test_the_vendors_own_samples() -> None:
    def sample(page: str) -> Json:
        meta = json.loads((SPECS / f"{page}.spec.json").read_text("utf-8"))["document_api_meta"]
        data: Json = json.loads(meta["response_body"])["data"]
        return data

    order = read(
        sample("get-order-detail")["orders"][0],
        sample("search-cancellations")["cancellations"],
        sample("search-returns")["return_orders"],
    )
    assert order.id == "576461413038785752"
    assert order.currency == "IDR"
    assert order.units[0].status == "TO_SHIP"
    assert order.is_known
    assert order.units[0].left_seller
    assert order.payment.fees["handling_fee"].amount == Decimal(1000)
    assert order.cancellations[0].kind == "REQUEST_CANCEL_REFUND"
    assert not order.requests()
    assert order.returned_unit_ids == {"576473917261451851"}
