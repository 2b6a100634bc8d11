from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from bridge.connectors.tiktok.reasons import is_out_of_stock, market_of, reasons_for, valid

TABLE = Path(__file__).resolve().parents[4] / "shared" / "schemas" / "tiktok" / "cancel_reasons.json"
WITHDRAWN = {"seller_cancel_paid_reason_address_not_deliver", "seller_cancel_unable_to_deliver_to_buyer_address"}
SEA = {"ID", "MY", "PH", "SG", "TH", "VN"}


@pytest.mark.skipif(not TABLE.is_file(), reason=f"TikTok Shop's reason tables are not beside this project ({TABLE})")
def test_against_the_vendors_tables() -> None:
    """All of the page, less what its changelog withdrew in South-East Asia."""
    for heading, sections in json.loads(TABLE.read_text("utf-8")).items():
        market = heading.split()[0]
        rows = sections["Seller Initiates Cancel Reason"]
        for status in ("UNPAID", "ON_HOLD", "AWAITING_SHIPMENT"):
            expected = {key for cell, _text, key in rows if status in re.findall(r"[A-Z_]+", cell)}
            expected -= WITHDRAWN if market in SEA else set()
            assert {reason.key for reason in reasons_for(market, status)} == expected, (market, status)


def test_regions_of_shops_lead_to_markets() -> None:
    assert market_of("GB") == market_of("uk") == "UK"
    assert market_of("DE") == market_of("EU") == "EU"
    assert market_of("US") == "US"


def test_validity() -> None:
    assert valid("US", "seller_cancel_reason_out_of_stock")
    assert not valid("GB", "seller_cancel_reason_out_of_stock")
    assert valid("GB", "seller_cancel_reason_out_of_stock_uk")
    assert not valid("VN", "seller_cancel_paid_reason_address_not_deliver")
    assert not valid("US", "ecom_order_delivered_refund_reason_none")
    assert valid("ZA", "whatever_eligibility_says")
    assert not valid("ZA", "")
    assert reasons_for("ZA") == ()


def test_seller_fault_is_told() -> None:
    fault = {reason.key: reason.seller_fault for reason in reasons_for("US", "AWAITING_SHIPMENT")}
    assert fault["seller_cancel_reason_out_of_stock"] is True
    assert fault["seller_cancel_paid_reason_buyer_requested_cancellation"] is False
    assert fault["seller_cancel_paid_reason_address_not_deliver"] is None


def test_shipped_orders_have_no_reasons_and_collected_ones_those_of_paid() -> None:
    assert reasons_for("US", "IN_TRANSIT") == ()
    assert reasons_for("US", "AWAITING_COLLECTION") == reasons_for("US", "AWAITING_SHIPMENT")


def test_out_of_stock() -> None:
    assert is_out_of_stock("seller_cancel_reason_out_of_stock_uk")
    assert not is_out_of_stock("seller_cancel_reason_wrong_price")
