from __future__ import annotations

import json
from decimal import ROUND_DOWN, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.connectors.woocommerce.ordering import About, Product, plan
from bridge.connectors.woocommerce.reading import read_order
from bridge.domain.adoption import match_rows
from bridge.domain.channel_order import ChannelOrder
from bridge.domain.plans import CannotPlan, CannotPlanKind, OrderPlan
from bridge.domain.settings import ShopSettings
from tests.unit.magento.orders import SETTINGS, Line, cancelled, line, order_of
from tests.unit.woocommerce.woo_json import line as row_json
from tests.unit.woocommerce.woo_json import order as order_json

USD = About("USD", 2)


def products(*skus: str) -> dict[str, list[Product]]:
    return {sku: [Product(100 + at, 0, sku)] for at, sku in enumerate(skus)}


def planned(order: ChannelOrder, settings: ShopSettings = SETTINGS) -> tuple[OrderPlan, dict[str, Any]]:
    found = plan(order, settings, {}, products("A", "B"), USD)
    assert isinstance(found, OrderPlan), found
    return found, json.loads(found.body)


CENTS = st.integers(0, 50_000).map(lambda value: Decimal(value) / 100)


@st.composite
def sold(draw: st.DrawFn) -> Line:
    price = draw(CENTS)
    seller = min(price, draw(CENTS) / 10).quantize(Decimal("0.01"))
    platform = min(price - seller, draw(CENTS) / 10).quantize(Decimal("0.01"))
    tax = min((price - seller - platform) / 5, draw(CENTS) / 20).quantize(Decimal("0.01"), rounding=ROUND_DOWN)
    return Line(draw(st.sampled_from("AB")), price, seller, platform, tax)


@given(
    st.lists(sold(), min_size=1, max_size=6),
    CENTS,
    st.sampled_from(["discount", "revenue"]),
    st.sampled_from([("US", True), ("UK", False)]),
)
def test_what_is_sent_sums_to_what_is_paid_to_the_cent(
    lines: list[Line], shipping: Decimal, booked: str, market: tuple[str, bool]
) -> None:
    order = order_of(lines, shipping=shipping, region=market[0], net_prices=market[1])
    found, sent = planned(order, SETTINGS.model_copy(update={"platform_discount": booked}))
    rows = [*sent["line_items"], *sent["shipping_lines"]]
    assert sum((Decimal(one["total"]) for one in rows), Decimal(0)) == found.total
    if booked == "discount":
        assert found.total == order.payment.total.amount
    assert sum(one["quantity"] for one in sent["line_items"]) == len(order.units)
    assert set(found.unit_map) == {unit.id for unit in order.units}
    # Each unit of a row is worth the same whole cents.
    for one in sent["line_items"]:
        assert Decimal(one["total"]) * 100 % one["quantity"] == 0
    # And what WooCommerce shows of them again is the plan.
    echoed = [
        row_json(at, found.rows[at - 11].sku, one["quantity"], one["total"], subtotal=one["subtotal"])
        for at, one in enumerate(sent["line_items"], 11)
    ]
    assert match_rows(found, read_order(order_json(echoed), [])) is not None


def test_an_order_is_paid_processing_and_untaxed_and_names_its_sale() -> None:
    found, sent = planned(order_of([line("A", "10", seller="1", tax="0.80"), line("A", "10", seller="1", tax="0.80")]))
    assert (sent["set_paid"], sent["status"]) == (True, "processing")
    fields = {one["key"]: one["value"] for one in sent["meta_data"]}
    assert fields["_bridge_tiktok_order_id"] == sent["transaction_id"] == "576461413038785752"
    assert fields["is_vat_exempt"] == "yes"
    assert fields["_bridge_tiktok_tax"] == "1.60"
    assert sent["line_items"][0]["subtotal"] == "21.60"
    assert sent["line_items"][0]["total"] == "19.60"
    assert "email" not in sent["billing"]
    assert any("tax of 1.60" in note for note in found.notes)


def test_the_same_order_gives_the_same_bytes_and_a_variation_is_named_with_its_product() -> None:
    order = order_of([line("A", "10")])
    chosen = {"A": [Product(5, 17, "A")]}
    first, second = (plan(order, SETTINGS, {}, chosen, USD) for _ in range(2))
    assert first == second
    assert isinstance(first, OrderPlan)
    (item,) = json.loads(first.body)["line_items"]
    assert (item["product_id"], item["variation_id"]) == (5, 17)


@pytest.mark.parametrize(
    ("order", "chosen", "about", "kind", "told"),
    [
        (order_of([line("A", "10")]), {}, USD, CannotPlanKind.UNKNOWN_SKU, "no product or variation with SKU A"),
        (order_of([line("", "10")]), {}, USD, CannotPlanKind.UNKNOWN_SKU, "No seller SKU"),
        (
            order_of([line("A", "10")]),
            {"A": [Product(1, 0, "A"), Product(2, 0, "A")]},
            USD,
            CannotPlanKind.NOT_POSSIBLE,
            "Several WooCommerce products",
        ),
        (order_of([line("A", "10")]), products("A"), About("EUR", 2), CannotPlanKind.NOT_POSSIBLE, "currency is EUR"),
        (order_of([line("A", "9.99")]), products("A"), About("USD", 0), CannotPlanKind.AMOUNTS_DIFFER, "decimals"),
        (
            cancelled(order_of([line("A", "10")]), [0], "10"),
            products("A"),
            USD,
            CannotPlanKind.NOT_POSSIBLE,
            "nothing to create",
        ),
    ],
)
def test_what_cannot_be_made_is_said(
    order: ChannelOrder, chosen: dict[str, list[Product]], about: About, kind: CannotPlanKind, told: str
) -> None:
    found = plan(order, SETTINGS, {}, chosen, about)
    assert isinstance(found, CannotPlan)
    assert (found.kind, told in found.because) == (kind, True), found.because


def test_whole_amounts_are_made_in_a_store_without_decimals() -> None:
    assert isinstance(plan(order_of([line("A", "10")]), SETTINGS, {}, products("A"), About("USD", 0)), OrderPlan)
