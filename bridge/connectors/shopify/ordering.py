"""A TikTok order as the Shopify order it will become: rows, amounts, and the exact bytes of the request. Pure.

`orderCreate` takes one discount code and no discounts of rows, so a row is priced as the buyer pays it. What the buyer
pays in all is then the sum of the rows, their taxes where prices are net, and shipping, to the cent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from bridge.connectors.shopify.documents import KEY, NAMESPACE, ORDER_CREATE
from bridge.domain.booking import ZERO, AmountsDiffer, OrderAmounts, UnitAmounts, book, prices_include_tax
from bridge.domain.channel_order import ChannelOrder, Unit
from bridge.domain.money import cents
from bridge.domain.plans import CannotPlan, CannotPlanKind, OrderPlan, Piece, PlannedRow
from bridge.domain.settings import ShopSettings

GATEWAY: Final = "TikTok Shop"
"""Name of the gateway the payment is booked on. Shopify counts one it does not know as manual [not confirmed]."""
TAG: Final = "TikTok Shop"
SOURCE: Final = "tiktok-shop"


@dataclass(frozen=True, slots=True)
class Variant:
    """What the shop says of one SKU."""

    id: str
    sku: str
    title: str


@dataclass(frozen=True, slots=True)
class _Row:
    planned: PlannedRow
    variant: Variant
    tax: Decimal


def store_sku(unit: Unit, sku_map: Mapping[str, str]) -> str:
    return sku_map.get(unit.seller_sku, unit.seller_sku)


def plan(
    order: ChannelOrder,
    settings: ShopSettings,
    sku_map: Mapping[str, str],
    variants: Mapping[str, Sequence[Variant]],
    currency: str,
) -> OrderPlan | CannotPlan:
    """The intention for the order's living units, or why there is none. The same input gives the same bytes.

    `variants` by the SKU asked for; `currency` is the shop's own.
    """
    refused = _refusal(order, currency) or _sku_refusal(order, sku_map, variants)
    if refused:
        return refused
    try:
        amounts = book(order, settings)
    except AmountsDiffer as problem:
        return CannotPlan(CannotPlanKind.AMOUNTS_DIFFER, str(problem))
    inclusive = prices_include_tax(order.region, settings)
    chosen = {unit.id: variants[store_sku(unit, sku_map)][0] for unit in order.living}
    rows, unit_map = _group(amounts.units, chosen, inclusive=inclusive)
    number = settings.order_number_prefix + order.id
    body = _order(order, number, rows, amounts, inclusive=inclusive)
    if any(row.planned.price < ZERO for row in rows) or amounts.total < ZERO:
        return CannotPlan(CannotPlanKind.AMOUNTS_DIFFER, "The order's discounts are larger than its prices.")
    options = {"inventoryBehaviour": "DECREMENT_IGNORING_POLICY", "sendReceipt": False, "sendFulfillmentReceipt": False}
    sent = {"query": ORDER_CREATE, "variables": {"order": body, "options": options}}
    discount = sum((unit.discount for unit in amounts.units), ZERO)
    notes = (f"Discounts of {discount:.2f} are taken off the prices of the rows.",) if discount else ()
    return OrderPlan(
        number=number,
        view="",
        body=json.dumps(sent, separators=(",", ":"), sort_keys=True),
        rows=tuple(row.planned for row in rows),
        unit_map=unit_map,
        total=cents(amounts.total),
        currency=order.currency,
        notes=amounts.notes + notes,
    )


def _refusal(order: ChannelOrder, currency: str) -> CannotPlan | None:
    if not order.living:
        return CannotPlan(
            CannotPlanKind.NOT_POSSIBLE, "Every unit of the order is cancelled; there is nothing to create."
        )
    if order.currency != currency:
        return CannotPlan(
            CannotPlanKind.NOT_POSSIBLE,
            f"The order is in {order.currency}, but the Shopify shop's currency is {currency}. Tie this TikTok Shop to "
            f"a shop whose currency is {order.currency}.",
        )
    return None


def _sku_refusal(
    order: ChannelOrder, sku_map: Mapping[str, str], variants: Mapping[str, Sequence[Variant]]
) -> CannotPlan | None:
    wanted = list(dict.fromkeys(store_sku(unit, sku_map) for unit in order.living))
    nameless = [unit.name or unit.id for unit in order.living if not store_sku(unit, sku_map)]
    if nameless:
        return CannotPlan(
            CannotPlanKind.UNKNOWN_SKU,
            f"No seller SKU on TikTok for: {', '.join(dict.fromkeys(nameless))}. Set one in Seller Center.",
        )
    unknown = [sku for sku in wanted if not variants.get(sku)]
    if unknown:
        return CannotPlan(
            CannotPlanKind.UNKNOWN_SKU,
            f"Shopify has no variant with SKU {', '.join(unknown)}. Correct the seller SKU on TikTok, add the product, "
            "or add a SKU mapping in the shop's settings.",
            skus=tuple(dict.fromkeys(unit.seller_sku for unit in order.living if store_sku(unit, sku_map) in unknown)),
        )
    several = [sku for sku in wanted if len(variants[sku]) > 1]
    if several:
        return CannotPlan(
            CannotPlanKind.NOT_POSSIBLE,
            f"Several Shopify variants have the SKU {', '.join(several)}: which one was sold cannot be told. Give each "
            "variant an SKU of its own.",
        )
    return None


def _group(
    units: Sequence[UnitAmounts], chosen: Mapping[str, Variant], *, inclusive: bool
) -> tuple[list[_Row], dict[str, tuple[Piece, ...]]]:
    """One row per (SKU, price paid), in the order in which they first come."""
    groups: dict[tuple[str, Decimal], list[UnitAmounts]] = {}
    for unit in units:
        price = cents(unit.price - unit.discount + (unit.tax if inclusive else ZERO))
        groups.setdefault((chosen[unit.unit_id].sku, price), []).append(unit)
    rows: list[_Row] = []
    unit_map: dict[str, tuple[Piece, ...]] = {}
    for (sku, price), members in groups.items():
        key = f"{sku}@{price}"
        tax = sum((unit.tax for unit in members), ZERO)
        rows.append(_Row(PlannedRow(key, sku, price, len(members)), chosen[members[0].unit_id], tax))
        unit_map |= {unit.unit_id: (Piece(key, 1),) for unit in members}
    return rows, unit_map


def _order(
    order: ChannelOrder, number: str, rows: Sequence[_Row], amounts: OrderAmounts, *, inclusive: bool
) -> dict[str, Any]:
    goods = sum((row.planned.price * row.planned.quantity + (ZERO if inclusive else row.tax) for row in rows), ZERO)
    if goods + amounts.shipping + amounts.shipping_tax != amounts.total:
        raise AssertionError("the rows do not sum to the total they were made from")

    def money(value: Decimal) -> dict[str, Any]:
        return {"shopMoney": {"amount": f"{value:.2f}", "currencyCode": order.currency}}

    def taxes(value: Decimal, base: Decimal) -> list[dict[str, Any]]:
        if not value:
            return []
        net = base - value if inclusive else base
        # TikTok tells the tax and no rate; Shopify wants one, and keeps the amount as it is given.
        rate = (value / net).quantize(Decimal("0.0001")) if net > ZERO else ZERO
        # Where taxes come on top (US), TikTok itself pays them to the state.
        return [{"title": "Tax", "rate": f"{rate:f}", "priceSet": money(value), "channelLiable": not inclusive}]

    def line(row: _Row) -> dict[str, Any]:
        tax = taxes(row.tax, row.planned.price * row.planned.quantity)
        return {
            "variantId": row.variant.id,
            "quantity": row.planned.quantity,
            "priceSet": money(row.planned.price),
            "requiresShipping": not order.is_digital,
            **({"taxLines": tax} if tax else {"taxable": False}),
        }

    paid = {"kind": "SALE", "status": "SUCCESS", "gateway": GATEWAY, "amountSet": money(amounts.total)}
    shipping = amounts.shipping + (amounts.shipping_tax if inclusive else ZERO)
    made: dict[str, Any] = {
        "name": number,
        "currency": order.currency,
        "processedAt": order.created_at.isoformat(),
        "sourceIdentifier": order.id,
        "sourceName": SOURCE,
        "tags": [TAG],
        "note": f"TikTok Shop order {order.id}",
        "taxesIncluded": inclusive,
        "metafields": [{"namespace": NAMESPACE, "key": KEY, "type": "id", "value": order.id}],
        "lineItems": [line(row) for row in rows],
        "shippingLines": [
            {
                "title": GATEWAY,
                "priceSet": money(shipping),
                **({"taxLines": taxes(amounts.shipping_tax, shipping)} if amounts.shipping_tax else {}),
            }
        ],
        "transactions": [paid] if amounts.total else [],
        "financialStatus": "PAID",
    }
    address = _address(order)
    return made | ({"shippingAddress": address, "billingAddress": address} if address else {})


def _address(order: ChannelOrder) -> dict[str, str]:
    """What TikTok shows of it; it masks or leaves out personal data by status and market."""
    given = order.address
    first, last = given.first_name.strip(), given.last_name.strip()
    if not first and not last:
        first, _, last = given.name.strip().rpartition(" ")
    street = [part.strip() for part in given.street if part.strip()]
    country = {"UK": "GB"}.get((given.country or order.region).upper(), (given.country or order.region).upper())
    rows = {
        "firstName": first,
        "lastName": last,
        "address1": street[0] if street else "",
        "address2": ", ".join(street[1:]),
        "city": given.city.strip(),
        "province": given.region.strip(),
        "zip": given.postal_code.strip(),
        "phone": given.phone.strip(),
        "countryCode": country if len(country) == 2 else "",
    }
    return {name: value[:255] for name, value in rows.items() if value}
