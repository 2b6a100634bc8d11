"""Regions, addresses and credentials as they are given, and as they are kept."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from bridge.connectors.amazon.addresses import base_of, region_of, seller_url
from bridge.connectors.amazon.credentials import check, chosen
from bridge.connectors.amazon.finding import ids_to_ask, names
from bridge.connectors.amazon.platform import PLATFORM
from tests.unit.amazon.answers import read_old

GRANT = {"client_id": "amzn1.application-oa2-client.1", "client_secret": "amzn1.oa2-cs.v1.2", "refresh_token": "Atzr|3"}


@pytest.mark.parametrize(
    ("given", "url", "region"),
    [
        ("eu", "https://sellingpartnerapi-eu.amazon.com", "eu"),
        (" NA ", "https://sellingpartnerapi-na.amazon.com", "na"),
        ("fe/A2SELLER", "https://sellingpartnerapi-fe.amazon.com/A2SELLER", "fe"),
        ("sandbox.eu", "https://sandbox.sellingpartnerapi-eu.amazon.com", "eu"),
        ("SellingPartnerAPI-EU.amazon.com", "https://sellingpartnerapi-eu.amazon.com", "eu"),
        ("https://sellingpartnerapi-eu.amazon.com/", "https://sellingpartnerapi-eu.amazon.com", "eu"),
        ("https://sellingpartnerapi-eu.amazon.com:443/A2", "https://sellingpartnerapi-eu.amazon.com/A2", "eu"),
    ],
)
def test_a_region_is_an_address_and_a_seller_may_be_named(given: str, url: str, region: str) -> None:
    found = seller_url(given, allow_private=False)
    assert found == url
    assert region_of(found) == region
    assert base_of(found) == re.sub(r"(amazon\.com).*", r"\1", url)
    assert seller_url(found, allow_private=False) == found


@pytest.mark.parametrize(
    "given",
    [
        "",
        None,
        "us",
        "https://example.com",
        "http://sellingpartnerapi-eu.amazon.com",
        "https://sellingpartnerapi-eu.amazon.com.example.org",
        "https://sellingpartnerapi-xx.amazon.com",
        "eu/a/b",
        "eu/../b",
        "https://10.0.0.1",
    ],
)
def test_no_other_server_is_given_the_tokens(given: str | None) -> None:
    with pytest.raises(ValueError, match=r"region|address|after the region|private|public"):
        seller_url(given, allow_private=False)


def test_a_private_address_is_for_those_who_allow_it() -> None:
    assert seller_url("http://127.0.0.1:8077", allow_private=True) == "http://127.0.0.1:8077"
    assert region_of("http://127.0.0.1:8077") == ""


def test_credentials_are_kept_in_one_spelling() -> None:
    kept = check({**GRANT, "shipping_speed": "expedited", "scan": "NO", "marketplace_id": "", "api_version": None})
    assert kept == {**GRANT, "shipping_speed": "Expedited", "scan": "no"}
    assert chosen(kept, "fulfillment_policy") == "FillOrKill"
    assert chosen(kept, "api_version") == "2020-07-01"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({**GRANT, "refresh_token": ""}, "refresh_token"),
        ({"client_id": "x"}, "client_secret"),
        ({**GRANT, "aws_key": "x"}, "unknown credentials: aws_key"),
        ({**GRANT, "api_version": "2019-01-01"}, "api_version must be one of 2020-07-01, 2026-07-04"),
        ({**GRANT, "shipping_speed": "ScheduledDelivery"}, "shipping_speed must be one of"),
        ({**GRANT, "client_secret": "a\nb"}, "client_secret must be text"),
        ({**GRANT, "client_secret": 7}, "client_secret must be text"),
        ({**GRANT, "order_comment": "x" * 751}, "at most 750"),
    ],
)
def test_what_is_wrong_is_said_and_no_value_is(given: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)) as caught:
        check(given)
    assert "Atzr" not in str(caught.value).replace("(Atzr|…)", "")


def test_it_is_one_way_and_hears_nothing() -> None:
    assert PLATFORM.one_way
    assert PLATFORM.topics == frozenset()
    assert PLATFORM.keys(GRANT) == ()


def test_every_id_that_the_sale_may_have_is_asked_for_once() -> None:
    numbers = ("TT-577", "AS_577", "TT-577", "", "X" * 41)
    assert ids_to_ask("577", numbers) == ("TT-577", "AS_577", "577")


def test_a_listed_order_names_its_sale_by_its_papers() -> None:
    order = read_old("Received", displayableOrderId="AS_577", displayableOrderComment="TikTok 577001.")
    assert names(order, "577", ["AS_577"], [])
    assert not names(order, "577", ["TT-577"], [])
    assert names(order, "577001", [], ["TikTok 577001"])
    assert not names(order, "57700", [], ["TikTok 57700"])
    assert not names(read_old("Received", displayableOrderId=""), "", [""], [])


def test_times_are_read_as_utc() -> None:
    order = read_old("Received", statusUpdatedDate="2026-11-22T04:00:00+02:00")
    assert order.updated_at == datetime(2026, 11, 22, 2, tzinfo=UTC)
    assert order.updated_at - order.received_at == timedelta(hours=1)
