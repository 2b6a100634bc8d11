"""A TikTok order as the Magento order it will become: rows, amounts, and the exact bytes of the request. Pure.

Rows are plain simple products: a configurable row made through `POST /V1/orders` stays without its variant and can
never be shipped or refunded (measured on 2.4.6-p11).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bridge.connectors.magento.people import address_rows, buyer
from bridge.domain.booking import ZERO, AmountsDiffer, OrderAmounts, UnitAmounts, book
from bridge.domain.channel_order import ChannelOrder, Unit
from bridge.domain.money import cents
from bridge.domain.plans import CannotPlan, CannotPlanKind, OrderPlan, Piece, PlannedRow
from bridge.domain.settings import ShopSettings, Tie
from bridge.ports import StoreView

MAX_EXT_ORDER_ID = 32
"""`sales_order.ext_order_id` is a varchar(32) (magento/module-sales, db_schema.xml)."""
MAX_INCREMENT_ID = 50
_SIMPLE = "simple"


@dataclass(frozen=True, slots=True)
class Product:
    """What the store says of one SKU."""

    id: str
    sku: str
    name: str
    type_id: str
    weight: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class _Row:
    planned: PlannedRow
    product: Product
    discount: Decimal
    tax: Decimal

    @property
    def total(self) -> Decimal:
        return self.planned.price * self.planned.quantity


def store_sku(unit: Unit, sku_map: Mapping[str, str]) -> str:
    """The store's SKU for a unit."""
    return sku_map.get(unit.seller_sku, unit.seller_sku)


def plan(
    order: ChannelOrder,
    settings: ShopSettings,
    sku_map: Mapping[str, str],
    products: Mapping[str, Product],
    view: StoreView,
    salable: Mapping[str, Decimal] | None,
) -> OrderPlan | CannotPlan:
    """The intention for the order's living units, or why there is none. The same input gives the same bytes.

    `products` by the SKU asked for; a SKU the store does not know is absent.
    """
    number = settings.order_number_prefix + order.id
    tie = settings.store or Tie(connection="-")
    refused = _refusal(order, number, view) or _sku_refusal(order, sku_map, products)
    if refused:
        return refused
    try:
        amounts = book(order, settings)
    except AmountsDiffer as problem:
        return CannotPlan(CannotPlanKind.AMOUNTS_DIFFER, str(problem))
    skus = {unit.id: products[store_sku(unit, sku_map)].sku for unit in order.living}
    rows, unit_map = _group(amounts.units, skus, {product.sku: product for product in products.values()})
    notes = amounts.notes + _uneven(amounts.units, unit_map)
    entity = _entity(order, number, tie, view, rows, amounts)
    if -entity["discount_amount"] > entity["subtotal"] + entity["tax_amount"] or amounts.total < ZERO:
        return CannotPlan(CannotPlanKind.AMOUNTS_DIFFER, "The order's discounts are larger than its prices.")
    return OrderPlan(
        number=number,
        view=view.code,
        body=dump({"entity": entity}),
        rows=tuple(row.planned for row in rows),
        unit_map=unit_map,
        total=cents(amounts.total),
        currency=order.currency,
        salable_before=None
        if salable is None
        else {row.product.sku: salable[row.product.sku] for row in rows if row.product.sku in salable},
        notes=notes,
    )


def _refusal(order: ChannelOrder, number: str, view: StoreView) -> CannotPlan | None:
    if not order.living:
        return CannotPlan(
            CannotPlanKind.NOT_POSSIBLE, "Every unit of the order is cancelled; there is nothing to create."
        )
    if len(order.id) > MAX_EXT_ORDER_ID or len(number) > MAX_INCREMENT_ID:
        return CannotPlan(CannotPlanKind.NOT_POSSIBLE, f"The order number {number} is longer than Magento keeps.")
    if view.currency != order.currency:
        return CannotPlan(
            CannotPlanKind.NOT_POSSIBLE,
            f"The order is in {order.currency}, but the base currency of store view {view.code} is {view.currency}. "
            f"Tie this shop to a store view of a website with base currency {order.currency}.",
        )
    return None


def _sku_refusal(order: ChannelOrder, sku_map: Mapping[str, str], products: Mapping[str, Product]) -> CannotPlan | None:
    wanted = list(dict.fromkeys(store_sku(unit, sku_map) for unit in order.living))
    nameless = [unit.name or unit.id for unit in order.living if not store_sku(unit, sku_map)]
    if nameless:
        return CannotPlan(
            CannotPlanKind.UNKNOWN_SKU,
            f"No seller SKU on TikTok for: {', '.join(dict.fromkeys(nameless))}. Set one in Seller Center.",
        )
    unknown = [sku for sku in wanted if sku not in products]
    if unknown:
        return CannotPlan(
            CannotPlanKind.UNKNOWN_SKU,
            f"The store has no product with SKU {', '.join(unknown)}. Correct the seller SKU on TikTok, add the "
            "product, or add a SKU mapping in the shop's settings.",
            skus=tuple(dict.fromkeys(unit.seller_sku for unit in order.living if store_sku(unit, sku_map) in unknown)),
        )
    odd = [f"{sku} ({products[sku].type_id})" for sku in wanted if products[sku].type_id != _SIMPLE]
    if odd:
        return CannotPlan(
            CannotPlanKind.NOT_POSSIBLE,
            f"Only simple products can be ordered through Magento's REST interface, not {', '.join(odd)}: Magento "
            "could neither ship nor refund such a row. Map the seller SKU to the SKU of the variant itself.",
        )
    return None


def _group(
    units: Sequence[UnitAmounts], skus: Mapping[str, str], products: Mapping[str, Product]
) -> tuple[list[_Row], dict[str, tuple[Piece, ...]]]:
    """One row per (store SKU, unit price), in the order in which they first come."""
    groups: dict[tuple[str, Decimal], list[UnitAmounts]] = {}
    for unit in units:
        groups.setdefault((skus[unit.unit_id], cents(unit.price)), []).append(unit)
    rows: list[_Row] = []
    unit_map: dict[str, tuple[Piece, ...]] = {}
    for (sku, price), members in groups.items():
        key = f"{sku}@{price}"
        planned = PlannedRow(key, sku, price, len(members))
        discount = sum((unit.discount for unit in members), ZERO)
        tax = sum((unit.tax for unit in members), ZERO)
        rows.append(_Row(planned, products[sku], discount, tax))
        unit_map |= {unit.unit_id: (Piece(key, 1),) for unit in members}
    return rows, unit_map


def _uneven(units: Sequence[UnitAmounts], unit_map: Mapping[str, tuple[Piece, ...]]) -> tuple[str, ...]:
    seen: dict[str, set[Decimal]] = {}
    for unit in units:
        seen.setdefault(unit_map[unit.unit_id][0].row, set()).add(unit.discount)
    mixed = [key.rpartition("@")[0] for key, discounts in seen.items() if len(discounts) > 1]
    if not mixed:
        return ()
    which = ", ".join(dict.fromkeys(mixed))
    told = f"Units of {which} have different discounts; refunding one of them gives back the average of its row."
    return (told,)


def _entity(
    order: ChannelOrder, number: str, tie: Tie, view: StoreView, rows: Sequence[_Row], amounts: OrderAmounts
) -> dict[str, Any]:
    subtotal = sum((row.total for row in rows), ZERO)
    item_tax = sum((row.tax for row in rows), ZERO)
    discount = sum((row.discount for row in rows), ZERO)
    grand_total = subtotal + amounts.shipping + item_tax + amounts.shipping_tax - discount
    if grand_total != amounts.total:
        raise AssertionError("the rows do not sum to the total they were made from")
    quantity = sum(row.planned.quantity for row in rows)
    person = buyer(order)
    totals = _both(
        grand_total=grand_total,
        total_due=grand_total,
        subtotal=subtotal,
        subtotal_incl_tax=subtotal + item_tax,
        shipping_amount=amounts.shipping,
        shipping_incl_tax=amounts.shipping + amounts.shipping_tax,
        shipping_tax_amount=amounts.shipping_tax,
        tax_amount=item_tax + amounts.shipping_tax,
        # Magento writes an order's discount as a negative number and an item's as a positive one.
        discount_amount=-discount,
        shipping_discount_amount=ZERO,
        discount_tax_compensation_amount=ZERO,
        shipping_discount_tax_compensation_amount=ZERO,
    )
    currencies = {f"{scope}_currency_code": order.currency for scope in ("base", "order", "global", "store")}
    shipping = _both(shipping_amount=amounts.shipping)
    billing, delivery = address_rows(order, person)
    entity: dict[str, Any] = {
        "increment_id": number,
        "ext_order_id": order.id,
        "store_id": int(view.id),
        "state": "new",
        "status": "pending",
        **currencies,
        "base_to_global_rate": 1,
        "base_to_order_rate": 1,
        "store_to_base_rate": 1,
        "store_to_order_rate": 1,
        "customer_email": person.email,
        "customer_firstname": person.first_name,
        "customer_lastname": person.last_name,
        "customer_is_guest": 1,
        "customer_group_id": 0,
        "customer_note_notify": 0,
        **totals,
        "total_qty_ordered": quantity,
        "is_virtual": 0,
        "shipping_description": "TikTok Shop",
        "items": [_item(row, int(view.id)) for row in rows],
        "billing_address": billing,
        "payment": {"method": tie.payment_method, **_both(amount_ordered=grand_total), **shipping},
        "extension_attributes": {
            "shipping_assignments": [
                {"shipping": {"address": delivery, "method": tie.shipping_method, "total": dict(shipping)}}
            ]
        },
    }
    if any(row.discount for row in rows):
        entity["discount_description"] = "TikTok Shop"
    return entity


def _item(row: _Row, store_id: int) -> dict[str, Any]:
    with_tax = row.total + row.tax
    return {
        "sku": row.product.sku,
        "name": row.product.name,
        "product_id": int(row.product.id),
        "product_type": _SIMPLE,
        "qty_ordered": row.planned.quantity,
        **_both(
            price=row.planned.price,
            original_price=row.planned.price,
            price_incl_tax=cents(with_tax / row.planned.quantity),
            row_total=row.total,
            row_total_incl_tax=with_tax,
            tax_amount=row.tax,
            discount_amount=row.discount,
            discount_tax_compensation_amount=ZERO,
        ),
        "weight": row.product.weight,
        "row_weight": row.product.weight * row.planned.quantity,
        "is_virtual": 0,
        "store_id": store_id,
    }


def _both(**amounts: Decimal) -> dict[str, Decimal]:
    """Each amount in the order's and in the base currency, which are the same here."""
    return {f"{prefix}{name}": amount for name, amount in amounts.items() for prefix in ("", "base_")}


def dump(value: object) -> str:
    """JSON text with decimals in their own digits, never by way of a float; the same text for the same input."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(str(key))}:{dump(part)}" for key, part in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(dump(part) for part in value) + "]"
    return json.dumps(value, ensure_ascii=True)
