from __future__ import annotations

import json
from decimal import ROUND_DOWN, Decimal
from typing import Any

import pytest
from graphql import OperationDefinitionNode, parse
from graphql.execution.values import get_variable_values
from hypothesis import given
from hypothesis import strategies as st

from bridge.connectors.shopify.cancelling import NOTE_LENGTH, cancels_whole, is_manual, key_of, note_of
from bridge.connectors.shopify.ordering import Variant, plan
from bridge.domain.channel_order import ChannelOrder
from bridge.domain.plans import CannotPlan, CannotPlanKind, OrderPlan, RefundRequest
from bridge.domain.settings import ShopSettings
from bridge.domain.tokens import tokens_in
from tests.unit.magento.orders import SETTINGS, Line, line, order_of
from tests.unit.shopify.official import schema
from tests.unit.shopify.orders import line as row
from tests.unit.shopify.orders import order as shopify_order
from tests.unit.shopify.test_shopify_reading import read

TOKEN = "0123456789abcdef"


def variants(*skus: str) -> dict[str, list[Variant]]:
    return {sku: [Variant(f"gid://shopify/ProductVariant/{at}", sku, sku)] for at, sku in enumerate(skus)}


def planned(order: ChannelOrder, settings: ShopSettings = SETTINGS) -> tuple[OrderPlan, dict[str, Any]]:
    found = plan(order, settings, {}, variants("A", "B"), order.currency)
    assert isinstance(found, OrderPlan), found
    return found, json.loads(found.body)["variables"]


def total(sent: dict[str, Any]) -> Decimal:
    """What Shopify makes of it: rows, shipping, and taxes where they come on top."""

    def amount(bag: dict[str, Any]) -> Decimal:
        return Decimal(bag["priceSet"]["shopMoney"]["amount"])

    def taxes(one: dict[str, Any]) -> Decimal:
        return (
            Decimal(0) if sent["taxesIncluded"] else sum((amount(tax) for tax in one.get("taxLines", [])), Decimal(0))
        )

    goods = sum((amount(one) * one["quantity"] + taxes(one) for one in sent["lineItems"]), Decimal(0))
    return goods + sum((amount(one) + taxes(one) for one in sent["shippingLines"]), Decimal(0))


CENTS = st.integers(0, 50_000).map(lambda value: Decimal(value) / 100)


@st.composite
def sold(draw: st.DrawFn) -> Line:
    price = draw(CENTS)
    seller = min(price, draw(CENTS) / 10).quantize(Decimal("0.01"))
    platform = min(price - seller, draw(CENTS) / 10).quantize(Decimal("0.01"))
    tax = min((price - seller - platform) / 5, draw(CENTS) / 20).quantize(Decimal("0.01"), rounding=ROUND_DOWN)
    return Line(draw(st.sampled_from("AB")), price, seller, platform, tax)


@given(st.lists(sold(), min_size=1, max_size=6), CENTS, st.sampled_from(["discount", "revenue"]))
def test_what_is_sent_sums_to_what_is_paid_to_the_cent(lines: list[Line], shipping: Decimal, booked: str) -> None:
    order = order_of(lines, shipping=shipping)
    settings = SETTINGS.model_copy(update={"platform_discount": booked})
    found, variables = planned(order, settings)
    sent = variables["order"]
    assert total(sent) == found.total
    paid = [Decimal(one["amountSet"]["shopMoney"]["amount"]) for one in sent["transactions"]]
    assert sum(paid, Decimal(0)) == found.total
    if booked == "discount":
        assert found.total == order.payment.total.amount
    assert sum(one["quantity"] for one in sent["lineItems"]) == len(order.units)
    assert set(found.unit_map) == {unit.id for unit in order.units}


@given(st.lists(sold(), min_size=1, max_size=4), CENTS)
def test_where_prices_contain_tax_it_holds_as_well(lines: list[Line], shipping: Decimal) -> None:
    found, variables = planned(order_of(lines, shipping=shipping, net_prices=False, region="GB"))
    assert variables["order"]["taxesIncluded"] is True
    assert total(variables["order"]) == found.total


def test_the_body_is_the_same_each_time_and_names_the_sale() -> None:
    order = order_of([line("A", "10", tax="1"), line("A", "10", tax="1"), line("B", "5")], shipping="5")
    found, variables = planned(order)
    assert planned(order)[0].body == found.body
    sent = variables["order"]
    assert sent["metafields"] == [{"namespace": "$app:tts", "key": "order_id", "type": "id", "value": order.id}]
    assert (sent["name"], sent["sourceIdentifier"]) == (f"TT-{order.id}", order.id)
    assert variables["options"]["inventoryBehaviour"] == "DECREMENT_IGNORING_POLICY"
    assert not variables["options"]["sendReceipt"]
    assert [one["quantity"] for one in sent["lineItems"]] == [2, 1]


def test_the_body_is_valid_by_the_official_schema() -> None:
    found, _ = planned(order_of([line("A", "10", tax="1"), line("B", "5")], shipping="5", shipping_tax="0.4"))
    sent = json.loads(found.body)
    [operation] = parse(sent["query"]).definitions
    assert isinstance(operation, OperationDefinitionNode)
    read_back = get_variable_values(schema(), operation.variable_definitions or (), sent["variables"])
    assert not isinstance(read_back, list), read_back


def test_what_cannot_be_planned_says_why() -> None:
    order = order_of([line("A", "10"), line("C", "5")])
    found = plan(order, SETTINGS, {}, variants("A"), "USD")
    assert isinstance(found, CannotPlan)
    assert (found.kind, found.skus) == (CannotPlanKind.UNKNOWN_SKU, ("C",))
    twice = variants("A", "C")
    twice["C"].append(Variant("gid://shopify/ProductVariant/9", "C", "other"))
    found = plan(order, SETTINGS, {}, twice, "USD")
    assert isinstance(found, CannotPlan)
    assert "Several Shopify variants" in found.because
    found = plan(order, SETTINGS, {}, variants("A", "C"), "EUR")
    assert isinstance(found, CannotPlan)
    assert "currency is EUR" in found.because


# --- what is asked when an order is cancelled -------------------------------------------------------------------------


@given(st.text(max_size=600))
def test_a_staff_note_fits_and_its_mark_is_whole(text: str) -> None:
    note = note_of(RefundRequest(TOKEN, f"{text} [bridge:{TOKEN}]", {}, everything=True))
    assert len(note) <= NOTE_LENGTH
    assert TOKEN in tokens_in(note)


def test_the_same_token_makes_the_same_key_and_another_another() -> None:
    assert key_of(TOKEN) == key_of(TOKEN)
    assert key_of(TOKEN) != key_of(TOKEN[::-1])


@pytest.mark.parametrize(
    ("gateways", "manual"), [([], False), ([True], True), ([True, True], True), ([True, False], False)]
)
def test_money_is_booked_back_only_where_all_of_it_was_manual(gateways: list[bool], manual: bool) -> None:
    paid = [{"kind": "SALE", "status": "SUCCESS", "manualPaymentGateway": one} for one in gateways]
    assert is_manual(paid) is manual


def test_one_cancel_restocks_all_or_nothing_so_mixed_rows_are_taken_one_by_one() -> None:
    order = read(shopify_order([row(1, "A", 1), row(2, "B", 1)]))
    cases: tuple[tuple[frozenset[str], bool], ...] = (
        (frozenset(), True),
        (frozenset({"1", "2"}), True),
        (frozenset({"1"}), False),
    )
    for rows, whole in cases:
        request = RefundRequest(TOKEN, "", {"1": 1, "2": 1}, everything=True, restock_rows=rows)
        assert cancels_whole(order, request) is whole
    assert not cancels_whole(order, RefundRequest(TOKEN, "", {"1": 1}, everything=False))
