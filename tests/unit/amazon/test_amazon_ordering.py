"""A TikTok order as a fulfilment order: one row for each SKU, whole, addressed; or held with the reason."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.connectors.amazon.ordering import COMMENT, Wishes, plan
from bridge.connectors.amazon.protocol import POLICIES, SPEEDS, Version, personal
from bridge.connectors.amazon.protocol_2020 import Version2020
from bridge.connectors.amazon.protocol_2026 import Version2026
from bridge.connectors.amazon.reading import store_order
from bridge.domain.adoption import match_rows
from bridge.domain.channel_order import Address, ChannelOrder
from bridge.domain.plans import CannotPlan, CannotPlanKind, OrderPlan
from bridge.domain.settings import ShopSettings
from tests.unit.amazon.answers import read_new, read_old
from tests.unit.amazon.models import operation, problems
from tests.unit.magento.orders import NOW, SETTINGS, cancelled, line, order_of

VERSIONS: list[Version] = [Version2020(), Version2026()]
WISHES = Wishes("Standard", "FillOrKill", marketplace_id="ATVPDKIKX0DER")
ORDER = order_of([line("A", "10"), line("B", "5"), line("A", "9")])


def planned(
    order: ChannelOrder = ORDER,
    version: Version | None = None,
    wishes: Wishes = WISHES,
    settings: ShopSettings = SETTINGS,
    **sku_map: str,
) -> tuple[OrderPlan, dict[str, Any]]:
    found = plan(order, settings, sku_map, version or Version2020(), wishes)
    assert isinstance(found, OrderPlan), found
    return found, json.loads(found.body)


def refused(order: ChannelOrder, settings: ShopSettings = SETTINGS) -> CannotPlan:
    found = plan(order, settings, {}, Version2020(), WISHES)
    assert isinstance(found, CannotPlan), found
    return found


def test_the_older_version_is_told_all_that_it_needs() -> None:
    made, sent = planned(B="B-FBA")
    assert made.number == "TT-576461413038785752"
    assert sent == {
        "sellerFulfillmentOrderId": "TT-576461413038785752",
        "displayableOrderId": "576461413038785752",
        "displayableOrderDate": "2026-11-22T01:00:00Z",
        "displayableOrderComment": COMMENT,
        "shippingSpeedCategory": "Standard",
        "fulfillmentAction": "Ship",
        "fulfillmentPolicy": "FillOrKill",
        "marketplaceId": "ATVPDKIKX0DER",
        "destinationAddress": {
            "name": "Robin Sample",
            "addressLine1": "1 Main St",
            "city": "Austin",
            "stateOrRegion": "Texas",
            "postalCode": "78701",
            "countryCode": "US",
            "phone": "555",
        },
        "items": [
            {"sellerSku": "A", "sellerFulfillmentOrderItemId": "1", "quantity": 2},
            {"sellerSku": "B-FBA", "sellerFulfillmentOrderItemId": "2", "quantity": 1},
        ],
    }


def test_the_newer_version_is_told_the_same_in_its_words() -> None:
    _, sent = planned(version=Version2026(), wishes=replace(WISHES, speed="Expedited", policy="FillAllAvailable"))
    assert sent["orderId"] == "TT-576461413038785752"
    assert sent["fulfillmentConfiguration"] == {
        "serviceLevel": {"serviceTiers": ["EXPEDITED"]},
        "action": "SHIP",
        "policy": "FILL_ALL_AVAILABLE",
    }
    assert sent["lineItems"][0]["amount"] == {"unit": "EACHES", "value": "2"}


@pytest.mark.parametrize(
    ("version", "definition"),
    [(Version2020(), "CreateFulfillmentOrderRequest"), (Version2026(), "CreateOrderRequest")],
    ids=["2020-07-01", "2026-07-04"],
)
def test_every_request_is_one_of_the_official_model(version: Version, definition: str) -> None:
    for speed in SPEEDS:
        for policy in POLICIES:
            _, sent = planned(version=version, wishes=replace(WISHES, speed=speed, policy=policy))
            assert problems(version.name, definition, sent) == []
    calls = [
        version.get("TT-1"),
        version.cancel("TT-1"),
        version.create("{}"),
        version.listing(NOW, None),
        version.listing(NOW, "token"),
    ]
    for call in calls:
        known = operation(version.name, call.method, call.path)
        assert known is not None, call
        declared = {one["name"] for one in known["parameters"] if one.get("in") == "query"}
        assert set(call.query) <= declared, call
        assert (call.body is not None) == any(one.get("in") == "body" for one in known["parameters"])


@pytest.mark.parametrize("version", VERSIONS, ids=["2020-07-01", "2026-07-04"])
def test_what_amazon_shows_of_it_is_known_again(version: Version) -> None:
    found, _ = planned(version=version)
    shown = read_old("Received") if version.name == "2020-07-01" else read_new("PROCESSING")
    assert match_rows(found, store_order(shown)) == {"A": "1", "B": "2"}
    fewer = store_order(replace(shown, items=shown.items[:1]))
    assert match_rows(found, fewer) is None


@given(
    skus=st.lists(st.sampled_from(["A", "B", "C", "D"]), min_size=1, max_size=12),
    dead=st.sets(st.integers(0, 11), max_size=6),
)
def test_every_living_unit_has_its_place_and_no_dead_one(skus: list[str], dead: set[int]) -> None:
    order = order_of([line(sku, "1") for sku in skus])
    gone = sorted(number for number in dead if number < len(skus))
    if gone:
        order = cancelled(order, gone, None)
    living = [unit.seller_sku for unit in order.living]
    found = plan(order, SETTINGS, {"D": "A"}, Version2026(), WISHES)
    if not living:
        assert isinstance(found, CannotPlan)
        return
    assert isinstance(found, OrderPlan)
    wanted = Counter("A" if sku == "D" else sku for sku in living)
    assert {row.sku: row.quantity for row in found.rows} == wanted
    assert set(found.unit_map) == {unit.id for unit in order.living}
    counted = Counter(piece.row for pieces in found.unit_map.values() for piece in pieces)
    assert counted == {row.key: row.quantity for row in found.rows}
    assert found == plan(order, SETTINGS, {"D": "A"}, Version2026(), WISHES)
    assert found.total == Decimal(0)


@pytest.mark.parametrize(
    ("order", "kind", "says"),
    [
        (cancelled(order_of([line("A", "1")]), [0], None), CannotPlanKind.NOT_POSSIBLE, "nothing to send"),
        (order_of([line("", "1")]), CannotPlanKind.UNKNOWN_SKU, "No seller SKU"),
        (order_of([line("S" * 51, "1")]), CannotPlanKind.UNKNOWN_SKU, "at most 50"),
        (order_of([line(f"S{n}", "1") for n in range(101)]), CannotPlanKind.NOT_POSSIBLE, "100 rows"),
        (order_of([line("A", "1")] * 251), CannotPlanKind.NOT_POSSIBLE, "250 units"),
        (replace(ORDER, is_cod=True), CannotPlanKind.NOT_POSSIBLE, "pays on delivery"),
        (replace(ORDER, id="5" * 38), CannotPlanKind.NOT_POSSIBLE, "order_number_prefix"),
        (replace(ORDER, address=Address()), CannotPlanKind.NOT_POSSIBLE, "name, street, city, postal code"),
        (
            replace(ORDER, address=replace(ORDER.address, street=("1 M***",))),
            CannotPlanKind.NOT_POSSIBLE,
            "parts of it hidden",
        ),
    ],
)
def test_what_cannot_be_sent_is_held_with_the_reason(order: ChannelOrder, kind: CannotPlanKind, says: str) -> None:
    found = refused(order)
    assert found.kind is kind
    assert says in found.because
    if kind is CannotPlanKind.UNKNOWN_SKU and order.units[0].seller_sku:
        assert found.skus == (order.units[0].seller_sku,)


def test_a_long_street_keeps_to_three_lines_and_a_hidden_phone_is_left_out() -> None:
    address = replace(ORDER.address, street=("1 Main St", "", "Floor 2", "Door 3", "Ring twice"), phone="(+1)555***22")
    _, sent = planned(replace(ORDER, address=address, region="UK"))
    lines = {name: value for name, value in sent["destinationAddress"].items() if name.startswith("addressLine")}
    assert lines == {"addressLine1": "1 Main St", "addressLine2": "Floor 2", "addressLine3": "Door 3, Ring twice"}
    assert "phone" not in sent["destinationAddress"]
    _, sent = planned(replace(ORDER, address=replace(ORDER.address, country=""), region="UK"))
    assert sent["destinationAddress"]["countryCode"] == "GB"


def test_no_city_is_sent_to_japan() -> None:
    _, sent = planned(replace(ORDER, address=replace(ORDER.address, country="JP", city="")))
    assert "city" not in sent["destinationAddress"]


@pytest.mark.parametrize("version", VERSIONS, ids=["2020-07-01", "2026-07-04"])
def test_what_is_about_a_person_is_known(version: Version) -> None:
    found, _ = planned(version=version)
    assert {"Robin Sample", "1 Main St", "Austin", "78701", "555"} <= set(personal(found.body))
    assert "US" not in personal(found.body)
