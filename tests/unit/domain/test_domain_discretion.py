"""What is known of a buyer does not come back in a store's words."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest

from bridge.domain.channel_order import Address
from bridge.domain.discretion import about_buyer, discreet, without
from bridge.domain.outcomes import AlreadyDone, Done, Outcome, Reauth, Rejected, Retry, Unknown
from tests.unit.magento.orders import line, order_of

BUYER = Address(
    name="Anna Maria O'Hara",
    phone="(+1)512-555-0100",
    street=("1 Main St", "Apt. 2"),
    city="Austin",
    region="Texas",
    postal_code="73301",
    country="US",
)
SALE = replace(order_of([line("MUG", "5")]), address=BUYER, buyer_email="anna@example.com")
PRIVATE = about_buyer(SALE)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("Zip 73301 is not valid for Texas, US", "Zip … is not valid for Texas, US"),
        ("anna maria o'hara, 1 MAIN ST, Apt. 2, AUSTIN", "…, …, …"),
        ("First name Maria is odd", "First name … is odd"),
        ("Austinite 1733010 anna@example.community", "Austinite 1733010 …@example.community"),
        ("Phone +15125550100 is invalid", "Phone … is invalid"),
        ("Mail anna@example.com is taken", "Mail … is taken"),
        ("the address is 1 Mai…", "the address is …"),
        ("Unable to reserve inventory for MUG", "Unable to reserve inventory for MUG"),
    ],
)
def test_what_a_store_quotes_of_the_buyer_is_left_out(said: str, kept: str) -> None:
    assert without(said, PRIVATE) == kept


def test_what_was_sent_counts_where_the_channel_has_masked_it_meanwhile() -> None:
    masked = replace(SALE, address=Address(name="A** O**", city="A**"), buyer_email="")
    body = {"order": {"shippingAddress": {"city": "Austin", "countryCode": "US"}, "lineItems": [{"title": "Mug"}]}}
    private = about_buyer(masked, json.dumps(body))
    assert "Austin" in private
    assert not {"US", "Mug"} & private
    assert about_buyer(masked, "not json") == about_buyer(masked)


@pytest.mark.parametrize(
    "outcome",
    [
        AlreadyDone("73301"),
        Retry("73301", 2.0, throttled=True),
        Reauth("73301"),
        Rejected("73301", "x"),
        Unknown("73301"),
    ],
)
def test_every_outcome_keeps_what_it_is(outcome: Outcome) -> None:
    assert discreet(outcome, PRIVATE) == type(outcome)(**{**asdict(outcome), "because": "…"})


def test_what_a_done_create_says_is_left_without_it_too() -> None:
    assert discreet(Done("7", {"message": "sent to Austin"}), PRIVATE) == Done("7", {"message": "sent to …"})
