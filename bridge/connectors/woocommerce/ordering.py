"""A TikTok order as the WooCommerce order it will become: rows, amounts, and the exact bytes of the request. Pure.

WooCommerce takes no tax amounts: it computes its own from its rates with every order that is made
(`WC_Abstract_Order::calculate_taxes`), and the total would be another than what the buyer paid. So rows are priced with
TikTok's tax inside, and the order says that no tax is to be computed (`is_vat_exempt`). `subtotal` is the price of a
row, `total` what is paid for it after discounts; their sum with shipping is the order's total, to the cent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from bridge.connectors.woocommerce.reading import META_KEY
from bridge.domain.booking import ZERO, AmountsDiffer, OrderAmounts, UnitAmounts, book
from bridge.domain.channel_order import ChannelOrder, Unit
from bridge.domain.money import cents
from bridge.domain.plans import CannotPlan, CannotPlanKind, OrderPlan, Piece, PlannedRow
from bridge.domain.settings import ShopSettings

METHOD: Final = "tiktok_shop"
"""Id of a payment and of a shipping method that no plugin has, so that none acts on them."""
TITLE: Final = "TikTok Shop"
SOLD_AT: Final = "_bridge_tiktok_sold_at"
TAX: Final = "_bridge_tiktok_tax"
NO_TAXES: Final = "is_vat_exempt"
CENTS: Final = 2


@dataclass(frozen=True, slots=True)
class Product:
    """What the store says of one SKU."""

    product_id: int
    variation_id: int
    """0 for a product without variations."""
    sku: str


@dataclass(frozen=True, slots=True)
class About:
    """What the store says of itself, as far as an order depends on it."""

    currency: str
    decimals: int | None
    """Digits after the point that its prices have; None where it does not say."""


@dataclass(frozen=True, slots=True)
class _Row:
    planned: PlannedRow
    product: Product
    paid: Decimal
    """By unit."""
    tax: Decimal


def store_sku(unit: Unit, sku_map: Mapping[str, str]) -> str:
    return sku_map.get(unit.seller_sku, unit.seller_sku)


def plan(
    order: ChannelOrder,
    settings: ShopSettings,
    sku_map: Mapping[str, str],
    products: Mapping[str, Sequence[Product]],
    about: About,
) -> OrderPlan | CannotPlan:
    """The intention for the order's living units, or why there is none. The same input gives the same bytes.

    `products` by the SKU asked for.
    """
    refused = _refusal(order, about) or _sku_refusal(order, sku_map, products)
    if refused:
        return refused
    try:
        amounts = book(order, settings)
    except AmountsDiffer as problem:
        return CannotPlan(CannotPlanKind.AMOUNTS_DIFFER, str(problem))
    chosen = {unit.id: products[store_sku(unit, sku_map)][0] for unit in order.living}
    rows, unit_map = _group(amounts.units, chosen)
    if amounts.total < ZERO or any(row.paid < ZERO for row in rows):
        return CannotPlan(CannotPlanKind.AMOUNTS_DIFFER, "The order's discounts are larger than its prices.")
    number = settings.order_number_prefix + order.id
    tax = sum((row.tax for row in rows), amounts.shipping_tax)
    notes = (f"TikTok's tax of {tax:.2f} is inside the prices: WooCommerce takes no tax amounts.",) if tax else ()
    return OrderPlan(
        number=number,
        view="",
        body=json.dumps(_order(order, number, rows, amounts, tax), separators=(",", ":"), sort_keys=True),
        rows=tuple(row.planned for row in rows),
        unit_map=unit_map,
        total=cents(amounts.total),
        currency=order.currency,
        notes=amounts.notes + notes,
    )


def _refusal(order: ChannelOrder, about: About) -> CannotPlan | None:
    if not order.living:
        return CannotPlan(
            CannotPlanKind.NOT_POSSIBLE, "Every unit of the order is cancelled; there is nothing to create."
        )
    if order.currency != about.currency:
        return CannotPlan(
            CannotPlanKind.NOT_POSSIBLE,
            f"The order is in {order.currency}, but the WooCommerce store's currency is {about.currency}. Tie this "
            f"TikTok Shop to a store whose currency is {order.currency}.",
        )
    if about.decimals is not None and about.decimals < CENTS and not _is_whole(order, about.decimals):
        return CannotPlan(
            CannotPlanKind.AMOUNTS_DIFFER,
            f"WooCommerce rounds its totals to {about.decimals} decimals, and this order has cents. Set WooCommerce › "
            "Settings › General › Number of decimals to 2.",
        )
    return None


def _is_whole(order: ChannelOrder, decimals: int) -> bool:
    step = Decimal(1).scaleb(-decimals)
    payment = order.payment
    paid = [unit.sale_price.amount for unit in order.units] + [payment.total.amount, payment.shipping.amount]
    return all(value == value.quantize(step) for value in paid)


def _sku_refusal(
    order: ChannelOrder, sku_map: Mapping[str, str], products: Mapping[str, Sequence[Product]]
) -> CannotPlan | None:
    wanted = list(dict.fromkeys(store_sku(unit, sku_map) for unit in order.living))
    nameless = [unit.name or unit.id for unit in order.living if not store_sku(unit, sku_map)]
    if nameless:
        return CannotPlan(
            CannotPlanKind.UNKNOWN_SKU,
            f"No seller SKU on TikTok for: {', '.join(dict.fromkeys(nameless))}. Set one in Seller Center.",
        )
    unknown = [sku for sku in wanted if not products.get(sku)]
    if unknown:
        return CannotPlan(
            CannotPlanKind.UNKNOWN_SKU,
            f"WooCommerce has no product or variation with SKU {', '.join(unknown)}. Correct the seller SKU on TikTok, "
            "add the product, or add a SKU mapping in the shop's settings.",
            skus=tuple(dict.fromkeys(unit.seller_sku for unit in order.living if store_sku(unit, sku_map) in unknown)),
        )
    several = [sku for sku in wanted if len(products[sku]) > 1]
    if several:
        return CannotPlan(
            CannotPlanKind.NOT_POSSIBLE,
            f"Several WooCommerce products have the SKU {', '.join(several)}: which one was sold cannot be told. Give "
            "each an SKU of its own.",
        )
    return None


def _group(
    units: Sequence[UnitAmounts], chosen: Mapping[str, Product]
) -> tuple[list[_Row], dict[str, tuple[Piece, ...]]]:
    """One row per (SKU, price, price paid), so that every unit of a row is worth the same when it is refunded."""
    groups: dict[tuple[str, Decimal, Decimal], list[UnitAmounts]] = {}
    for unit in units:
        price = cents(unit.price + unit.tax)
        groups.setdefault((chosen[unit.unit_id].sku, price, price - cents(unit.discount)), []).append(unit)
    rows: list[_Row] = []
    unit_map: dict[str, tuple[Piece, ...]] = {}
    for (sku, price, paid), members in groups.items():
        key = f"{sku}@{price}" + (f"-{price - paid}" if paid != price else "")
        tax = sum((unit.tax for unit in members), ZERO)
        rows.append(_Row(PlannedRow(key, sku, price, len(members)), chosen[members[0].unit_id], paid, tax))
        unit_map |= {unit.unit_id: (Piece(key, 1),) for unit in members}
    return rows, unit_map


def _order(
    order: ChannelOrder, number: str, rows: Sequence[_Row], amounts: OrderAmounts, tax: Decimal
) -> dict[str, Any]:
    shipping = amounts.shipping + amounts.shipping_tax
    if sum((row.paid * row.planned.quantity for row in rows), shipping) != amounts.total:
        raise AssertionError("the rows do not sum to the total they were made from")

    def line(row: _Row) -> dict[str, Any]:
        count = row.planned.quantity
        return {
            "product_id": row.product.product_id,
            **({"variation_id": row.product.variation_id} if row.product.variation_id else {}),
            "quantity": count,
            "subtotal": f"{row.planned.price * count:.2f}",
            "total": f"{row.paid * count:.2f}",
            **({"meta_data": [{"key": TAX, "value": f"{row.tax:.2f}"}]} if row.tax else {}),
        }

    fields = {
        META_KEY: order.id,
        SOLD_AT: order.created_at.isoformat(),
        NO_TAXES: "yes",
        "_bridge_order_number": number,
    }
    fields |= {TAX: f"{tax:.2f}"} if tax else {}
    made: dict[str, Any] = {
        # Both take the stock, once: whichever WooCommerce does first marks it (`wc_maybe_reduce_stock_levels`).
        "status": "processing",
        "set_paid": True,
        "currency": order.currency,
        "payment_method": METHOD,
        "payment_method_title": TITLE,
        "transaction_id": order.id,
        "customer_note": f"TikTok Shop order {order.id}",
        "meta_data": [{"key": key, "value": value} for key, value in fields.items()],
        "line_items": [line(row) for row in rows],
        "shipping_lines": [{"method_id": METHOD, "method_title": TITLE, "total": f"{shipping:.2f}"}],
    }
    address = _address(order)
    return made | ({"shipping": address, "billing": address} if address else {})


def _address(order: ChannelOrder) -> dict[str, str]:
    """What TikTok shows of it; it masks or leaves out personal data by status and market.

    No e-mail address: WooCommerce would write to it.
    """
    given = order.address
    first, last = given.first_name.strip(), given.last_name.strip()
    if not first and not last:
        first, _, last = given.name.strip().rpartition(" ")
    street = [part.strip() for part in given.street if part.strip()]
    country = {"UK": "GB"}.get((given.country or order.region).upper(), (given.country or order.region).upper())
    rows = {
        "first_name": first,
        "last_name": last,
        "address_1": street[0] if street else "",
        "address_2": ", ".join(street[1:]),
        "city": given.city.strip(),
        "state": given.region.strip(),
        "postcode": given.postal_code.strip(),
        "phone": given.phone.strip(),
        "country": country if len(country) == 2 else "",
    }
    return {name: value[:255] for name, value in rows.items() if value}
