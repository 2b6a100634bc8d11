from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.connectors.magento.ordering import Product, dump, plan
from bridge.domain.channel_order import Address, ChannelOrder
from bridge.domain.money import Money, spread
from bridge.domain.plans import CannotPlan, CannotPlanKind, OrderPlan
from bridge.domain.settings import ShopSettings
from bridge.ports import StoreView
from tests.unit.magento.orders import (
    SETTINGS,
    VIEW,
    ZERO,
    Line,
    cancelled,
    line,
    order_of,
    products_of,
)

SKUS = ("A", "B", "C")
PRODUCTS = products_of(*SKUS)


def planned(order: ChannelOrder, shop: ShopSettings = SETTINGS, **changes: Any) -> OrderPlan:
    found = plan(order, shop, changes.get("sku_map", {}), changes.get("products", PRODUCTS), VIEW, None)
    assert isinstance(found, OrderPlan), found
    return found


def refused(order: ChannelOrder, kind: CannotPlanKind, shop: ShopSettings = SETTINGS, **changes: Any) -> str:
    view = changes.get("view", VIEW)
    found = plan(order, shop, changes.get("sku_map", {}), changes.get("products", PRODUCTS), view, None)
    assert isinstance(found, CannotPlan), found
    assert found.kind is kind
    return found.because


def entity(found: OrderPlan) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(found.body, parse_float=Decimal, parse_int=Decimal)["entity"]
    return read


def check(order: ChannelOrder, found: OrderPlan, total: Decimal) -> None:
    """Magento's identity to the cent, in both currencies, and every living unit on exactly one row."""
    row = entity(found)
    for prefix in ("", "base_"):
        items = row["items"]
        row_totals = sum((item[f"{prefix}row_total"] for item in items), ZERO)
        item_tax = sum((item[f"{prefix}tax_amount"] for item in items), ZERO)
        discount = sum((item[f"{prefix}discount_amount"] for item in items), ZERO)
        assert row[f"{prefix}subtotal"] == row_totals
        assert row[f"{prefix}discount_amount"] == -discount
        assert row[f"{prefix}tax_amount"] == item_tax + row[f"{prefix}shipping_tax_amount"]
        assert (
            row[f"{prefix}grand_total"]
            == row_totals + row[f"{prefix}shipping_amount"] + row[f"{prefix}tax_amount"] - discount
            == total
            == found.total
        )
        assert row["payment"][f"{prefix}amount_ordered"] == total
        for item in items:
            assert item[f"{prefix}row_total"] == item[f"{prefix}price"] * item["qty_ordered"]
            assert 0 <= item[f"{prefix}discount_amount"] <= item[f"{prefix}row_total"] + item[f"{prefix}tax_amount"]
        for name in ("subtotal", "shipping_amount", "shipping_tax_amount", "tax_amount", "grand_total"):
            assert row[f"{prefix}{name}"] >= 0
    living = {unit.id for unit in order.living}
    assert set(found.unit_map) == living
    counted: dict[str, int] = {}
    for pieces in found.unit_map.values():
        for piece in pieces:
            counted[piece.row] = counted.get(piece.row, 0) + piece.quantity
    assert counted == {planned_row.key: planned_row.quantity for planned_row in found.rows}
    assert [(item["sku"], item["price"], item["qty_ordered"]) for item in row["items"]] == [
        (planned_row.sku, planned_row.price, planned_row.quantity) for planned_row in found.rows
    ]
    assert len({(planned_row.sku, planned_row.price) for planned_row in found.rows}) == len(found.rows)
    assert all(item["product_type"] == "simple" for item in row["items"])


money = st.decimals(min_value=0, max_value=1000, places=2, allow_nan=False, allow_infinity=False)


@st.composite
def lines(draw: st.DrawFn) -> Line:
    price = draw(money)
    seller = min(draw(money), price)
    platform = min(draw(money), price - seller)
    paid = price - seller - platform
    return Line(draw(st.sampled_from(SKUS)), price, seller, platform, min(draw(money), paid), draw(st.booleans()))


@settings(deadline=None)
@given(
    st.lists(lines(), min_size=1, max_size=8),
    money,
    money,
    money,
    st.dictionaries(st.sampled_from(["small_order_fee", "retail_delivery_fee"]), money.filter(bool)),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["discount", "revenue"]),
)
def test_for_any_priced_order_the_identity_holds_to_the_cent(
    sold: list[Line],
    shipping: Decimal,
    shipping_tax: Decimal,
    shipping_platform: Decimal,
    fees: dict[str, Decimal],
    net_prices: bool,
    unit_taxes: bool,
    platform: str,
) -> None:
    shipping_tax = min(shipping_tax, shipping)
    order = order_of(
        sold,
        shipping=shipping,
        shipping_tax=shipping_tax,
        shipping_platform=shipping_platform,
        fees=fees,
        net_prices=net_prices,
        unit_taxes=unit_taxes,
    )
    shop = SETTINGS.model_copy(update={"platform_discount": platform, "prices_include_tax": not net_prices})
    found = planned(order, shop)
    revenue = ZERO
    if platform == "revenue":
        gifts = [one for one in sold if one.gift and not one.paid]
        revenue = sum((one.platform for one in sold if one not in gifts), ZERO) + shipping_platform
    check(order, found, order.payment.total.amount + revenue)
    assert planned(order, shop) == found


@settings(deadline=None)
@given(st.lists(lines(), min_size=2, max_size=6), money, st.data())
def test_units_dead_before_the_create_are_left_out_to_the_cent(
    sold: list[Line], shipping: Decimal, data: st.DataObject
) -> None:
    dead = data.draw(st.lists(st.integers(0, len(sold) - 1), min_size=1, max_size=len(sold) - 1, unique=True))
    kept = data.draw(st.decimals(min_value=0, max_value=shipping, places=2))
    order = order_of(sold, shipping=shipping)
    refund = sum((sold[number].paid + sold[number].tax for number in dead), ZERO) + shipping - kept
    order = cancelled(order, dead, refund)
    found = planned(order)
    check(order, found, order.payment.total.amount - refund)


def mapped(found: OrderPlan) -> list[tuple[str, Decimal, int]]:
    return [(row.sku, row.price, row.quantity) for row in found.rows]


def test_equal_units_share_a_row_and_others_do_not() -> None:
    order = order_of([line("A", "10"), line("A", "10"), line("A", "8"), line("B", "10")], shipping="5")
    found = planned(order)
    assert mapped(found) == [("A", Decimal("10.00"), 2), ("A", Decimal("8.00"), 1), ("B", Decimal("10.00"), 1)]
    check(order, found, Decimal(43))


def test_a_gift_is_a_row_of_its_own_at_price_zero() -> None:
    order = order_of([line("A", "10"), line("A", "10", seller="10", gift=True)])
    found = planned(order)
    assert mapped(found) == [("A", Decimal("10.00"), 1), ("A", Decimal("0.00"), 1)]
    assert entity(found)["discount_amount"] == 0
    check(order, found, Decimal(10))


def test_discounts_stand_as_discounts_or_the_platforms_as_revenue() -> None:
    order = order_of([line("A", "33.33", seller="3", platform="2", tax="2.34")], shipping="15", shipping_tax="1.24")
    as_discount = planned(order)
    check(order, as_discount, Decimal("46.91"))
    assert entity(as_discount)["discount_amount"] == -5
    as_revenue = planned(order, SETTINGS.model_copy(update={"platform_discount": "revenue"}))
    check(order, as_revenue, Decimal("48.91"))
    assert entity(as_revenue)["discount_amount"] == -3
    assert any("revenue" in note for note in as_revenue.notes)


def test_fees_go_into_the_shipping_and_are_named() -> None:
    order = order_of([line("A", "10")], shipping="5", fees={"retail_delivery_fee": Decimal("0.28")})
    found = planned(order)
    assert entity(found)["shipping_amount"] == Decimal("5.28")
    assert any("retail_delivery_fee of 0.28 USD" in note for note in found.notes)


@pytest.mark.parametrize("region", ["GB", "UK", "DE", "ID", "VN"])
def test_where_prices_contain_vat_it_is_taken_out_of_them(region: str) -> None:
    order = order_of([line("A", "12", tax="2")], shipping="6", shipping_tax="1", net_prices=False, region=region)
    found = planned(order)
    check(order, found, Decimal(18))
    assert mapped(found) == [("A", Decimal("10.00"), 1)]
    assert entity(found)["shipping_amount"] == 5
    assert entity(found)["shipping_incl_tax"] == 6
    assert entity(found)["items"][0]["price_incl_tax"] == 12


def test_the_setting_wins_over_the_region() -> None:
    order = order_of([line("A", "12", tax="2")], net_prices=True, region="GB")
    told = refused(order, CannotPlanKind.AMOUNTS_DIFFER)
    assert "without tax" in told
    check(order, planned(order, SETTINGS.model_copy(update={"prices_include_tax": False})), Decimal(14))


def test_tax_named_only_for_the_order_is_spread_over_its_units() -> None:
    sold = [line("A", "10", tax="0.83"), line("A", "10", tax="0.83"), line("A", "10", tax="0.84")]
    order = order_of(sold, unit_taxes=False)
    found = planned(order)
    check(order, found, Decimal("32.50"))
    assert mapped(found) == [("A", Decimal("10.00"), 3)]
    assert entity(found)["items"][0]["tax_amount"] == Decimal("2.50")


def test_tax_on_fees_goes_with_the_tax_on_shipping() -> None:
    order = order_of([line("A", "10", tax="1")], shipping="5", shipping_tax="0.50")
    payment = replace(order.payment, tax=order.payment.tax + Money.of("0.25", "USD"))
    order = replace(order, payment=replace(payment, total=payment.total + Money.of("0.25", "USD")))
    found = planned(order)
    assert entity(found)["shipping_tax_amount"] == Decimal("0.75")
    check(order, found, Decimal("16.75"))


def test_amounts_that_do_not_add_up_are_held() -> None:
    order = order_of([line("A", "10")])
    short = replace(order, payment=replace(order.payment, total=Money.of("9.99", "USD")))
    assert "9.99" in refused(short, CannotPlanKind.AMOUNTS_DIFFER)
    taxed = replace(order, units=tuple(replace(unit, tax=Money.of("1", "USD")) for unit in order.units))
    assert "taxes" in refused(taxed, CannotPlanKind.AMOUNTS_DIFFER)


@pytest.mark.parametrize("refund", [None, "12.01", "9.99"])
def test_a_refund_before_the_create_must_be_known_and_plausible(refund: str | None) -> None:
    order = cancelled(order_of([line("A", "10"), line("B", "20")], shipping="2"), [0], refund)
    refused(order, CannotPlanKind.AMOUNTS_DIFFER)


def test_a_unit_that_died_without_a_cancellation_record_is_held() -> None:
    order = order_of([line("A", "10"), line("B", "20")])
    order = replace(order, units=(replace(order.units[0], status="CANCELLED"), order.units[1]))
    refused(order, CannotPlanKind.AMOUNTS_DIFFER)


def test_an_order_without_a_living_unit_is_not_created() -> None:
    order = cancelled(order_of([line("A", "10")]), [0], "10")
    assert "cancelled" in refused(order, CannotPlanKind.NOT_POSSIBLE)


def test_unknown_skus_are_named() -> None:
    order = order_of([line("A", "1"), line("NOPE", "1"), line("NADA", "1")])
    told = refused(order, CannotPlanKind.UNKNOWN_SKU)
    assert "NOPE, NADA" in told
    assert "mapping" in told
    assert mapped(planned(order, sku_map={"NOPE": "B", "NADA": "B"}))[1] == ("B", Decimal("1.00"), 2)


def test_a_unit_without_a_seller_sku_is_named_by_its_product() -> None:
    assert "Product" in refused(order_of([line("", "1")]), CannotPlanKind.UNKNOWN_SKU)


@pytest.mark.parametrize("type_id", ["configurable", "bundle", "grouped", "virtual", "downloadable"])
def test_only_simple_products_can_be_ordered(type_id: str) -> None:
    products = PRODUCTS | {"A": Product("1", "A", "A", type_id)}
    told = refused(order_of([line("A", "1")]), CannotPlanKind.NOT_POSSIBLE, products=products)
    assert f"A ({type_id})" in told


def test_the_views_base_currency_must_be_the_orders() -> None:
    euro = StoreView("eu_de", "2", "eu", "EUR")
    told = refused(order_of([line("A", "1")]), CannotPlanKind.NOT_POSSIBLE, view=euro)
    assert "EUR" in told
    assert "USD" in told


def test_the_order_carries_its_number_and_tiktoks_id() -> None:
    found = planned(order_of([line("A", "1")]), SETTINGS.model_copy(update={"order_number_prefix": "X-"}))
    row = entity(found)
    assert (found.number, found.view) == ("X-576461413038785752", "default")
    assert (row["increment_id"], row["ext_order_id"]) == (found.number, "576461413038785752")
    assert (row["state"], row["status"], row["store_id"]) == ("new", "pending", 1)
    assert row["payment"]["method"] == "checkmo"


def test_what_tiktok_leaves_out_of_the_address_has_a_placeholder() -> None:
    order = replace(order_of([line("A", "1")]), address=Address(name="Käthe 🙂 Kollwitz"), buyer_email="m***@x")
    row = entity(planned(order))
    billing = row["billing_address"]
    assert (billing["firstname"], billing["lastname"], billing["street"]) == ("Käthe", "Kollwitz", ["-"])
    assert billing["country_id"] == "US"
    assert row["customer_email"] == "tiktok-576461413038785752@example.com"
    assert all(billing[name] for name in ("city", "postcode", "telephone", "email", "region"))


def test_uneven_discounts_in_one_row_are_pointed_out() -> None:
    found = planned(order_of([line("A", "10", seller="5"), line("A", "10")]))
    assert mapped(found) == [("A", Decimal("10.00"), 2)]
    assert any("average" in note for note in found.notes)


def test_a_plan_survives_being_stored() -> None:
    found = planned(order_of([line("A", "10"), line("B", "2")], shipping="5"))
    assert OrderPlan.from_json(json.loads(json.dumps(found.to_json()))) == found


@given(money, st.lists(money, min_size=1, max_size=9))
def test_shares_sum_to_what_is_shared(amount: Decimal, weights: list[Decimal]) -> None:
    shares = spread(amount, weights)
    assert sum(shares, ZERO) == amount
    assert all(share >= 0 for share in shares)


def test_decimals_are_written_in_their_own_digits() -> None:
    assert dump({"a": Decimal("0.10"), "b": [Decimal("1E+2"), None, True, "ü"], "c": 3}) == (
        '{"a":0.10,"b":[100,null,true,"\\u00fc"],"c":3}'
    )
