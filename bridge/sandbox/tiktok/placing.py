"""A buyer places an order: lines in, an order in the API's shape out, its payment block adding up.

Payment, by the field texts of Get Order Detail: `sub_total` = original prices less seller and platform discounts,
`shipping_fee` = original less its discounts, `total_amount` = `sub_total` + `shipping_fee` + taxes + fees.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bridge.sandbox.tiktok.errors import Json
from bridge.sandbox.tiktok.model import FLOW, Order, Shop

Money = Annotated[Decimal, Field(ge=0)]
ZERO = Decimal(0)
NO_ADDRESS: Json = {
    "full_address": "",
    "phone_number": "",
    "name": "",
    "first_name": "",
    "last_name": "",
    "region_code": "",
    "postal_code": "",
    "address_line1": "",
    "address_line2": "",
    "address_line3": "",
    "address_line4": "",
    "address_detail": "",
    "delivery_preferences": {"drop_off_location": ""},
}


class LineSpec(BaseModel):
    """`quantity` units of one SKU; every unit becomes a line item of its own. Prices and discounts are per unit, and
    `sale_price` = `original_price` - `seller_discount` - `platform_discount`.
    """

    model_config = ConfigDict(extra="forbid")

    seller_sku: str
    sku_id: str | None = None
    product_id: str | None = None
    product_name: str | None = None
    sku_name: str = "Default"
    quantity: int = Field(1, ge=1, le=1000)
    sale_price: Money = ZERO
    original_price: Money | None = None
    seller_discount: Money = ZERO
    platform_discount: Money = ZERO
    tax: Money = ZERO
    is_gift: bool = False
    overrides: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _adds_up(self) -> LineSpec:
        expected = self.sale_price + self.seller_discount + self.platform_discount
        if self.original_price is None:
            self.original_price = expected
        elif self.original_price != expected:
            raise ValueError(f"original_price {self.original_price} is not sale_price plus discounts ({expected})")
        return self


class OrderSpec(BaseModel):
    model_config = ConfigDict(extra="forbid")

    shop_id: str | None = Field(None, description="the first shop when absent")
    id: str | None = None
    lines: list[LineSpec] = Field(min_length=1)
    status: str = "AWAITING_SHIPMENT"
    shipping_fee: Money = Field(ZERO, description="what the buyer pays for shipping")
    shipping_fee_seller_discount: Money = ZERO
    shipping_fee_platform_discount: Money = ZERO
    shipping_fee_cofunded_discount: Money = ZERO
    tax: Money = Field(ZERO, description="tax on the products, spread over lines that name none")
    shipping_fee_tax: Money = ZERO
    small_order_fee: Money = ZERO
    retail_delivery_fee: Money = ZERO
    buyer_service_fee: Money = ZERO
    handling_fee: Money = ZERO
    item_insurance_fee: Money = ZERO
    shipping_insurance_fee: Money = ZERO
    create_time: int | None = None
    is_cod: bool = False
    overrides: dict[str, Any] = Field(default_factory=dict, description="any field of the order, merged last")
    announce: bool = Field(default=True, description="whether an ORDER_STATUS_CHANGE message goes out")


FEES = (
    "small_order_fee",
    "retail_delivery_fee",
    "buyer_service_fee",
    "handling_fee",
    "item_insurance_fee",
    "shipping_insurance_fee",
)


def merge(into: Json, extra: Json) -> None:
    """Objects are merged, everything else is replaced."""
    for key, value in extra.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = value


def build_order(spec: OrderSpec, shop: Shop, new_id: Callable[[str], str], now: int) -> Order:
    facts = shop.facts
    created = spec.create_time or now
    units = [line for line in spec.lines for _ in range(line.quantity)]
    order_id = spec.id or new_id("order")
    taxes = _spread(spec.tax, units, facts.decimals)
    body: Json = {
        "id": order_id,
        "user_id": new_id("user"),
        "status": "UNPAID",
        "create_time": created,
        "update_time": created,
        "buyer_message": "",
        "seller_note": "",
        "buyer_email": f"buyer{order_id[-6:]}@scs.tiktok.com",
        "commerce_platform": "TIKTOK_SHOP",
        "order_type": "NORMAL",
        "fulfillment_type": "FULFILLMENT_BY_SELLER",
        "shipping_type": "SELLER",
        "delivery_type": "HOME_DELIVERY",
        "delivery_option_id": "7091146663229654785",
        "delivery_option_name": "Standard shipping",
        "warehouse_id": f"6955{shop.id[-15:].zfill(15)}",
        "payment_method_name": "Cash on delivery" if spec.is_cod else "CCDC",
        "is_cod": spec.is_cod,
        "is_on_hold_order": False,
        "is_sample_order": False,
        "is_replacement_order": False,
        "is_exchange_order": False,
        "is_buyer_request_cancel": False,
        "has_updated_recipient_address": False,
        "cancel_order_sla_time": created + 5 * 86400,
        "rts_sla_time": created + 2 * 86400,
        "tts_sla_time": created + 3 * 86400,
        "shipping_due_time": created + 3 * 86400,
        "packages": [],
        "recipient_address": dict(NO_ADDRESS),
        "payment": _payment(spec, units, taxes, shop),
        "line_items": [_line(unit, tax, shop, new_id) for unit, tax in zip(units, taxes, strict=True)],
    }
    order = Order(shop=shop, body=body, recipient=facts.address())
    move_to(order, spec.status, created, new_id)
    overrides = dict(spec.overrides)
    merge(order.recipient, overrides.get("recipient_address", {}))
    merge(body, overrides)
    return order


def _line(unit: LineSpec, tax: Decimal, shop: Shop, new_id: Callable[[str], str]) -> Json:
    money = shop.facts.money
    assert unit.original_price is not None
    digits = int.from_bytes(hashlib.sha256(unit.seller_sku.encode()).digest()[:8], "big") % 10**12
    line: Json = {
        "id": new_id("line"),
        "sku_id": unit.sku_id or f"1729700{digits:012d}",
        "product_id": unit.product_id or f"1729600{digits:012d}",
        "product_name": unit.product_name or f"Product {unit.seller_sku}",
        "sku_name": unit.sku_name,
        "sku_type": "NORMAL",
        "seller_sku": unit.seller_sku,
        "currency": shop.facts.currency,
        "original_price": money(unit.original_price),
        "sale_price": money(unit.sale_price),
        "seller_discount": money(unit.seller_discount),
        "platform_discount": money(unit.platform_discount),
        "display_status": "UNPAID",
        "package_status": "TO_FULFILL",
        "is_gift": unit.is_gift,
        "gift_retail_price": money(unit.original_price if unit.is_gift else ZERO),
        "item_tax": [{"tax_type": "SALES_TAX", "tax_amount": money(tax), "tax_rate": "0"}] if tax else [],
    }
    merge(line, unit.overrides)
    return line


def _payment(spec: OrderSpec, units: list[LineSpec], taxes: list[Decimal], shop: Shop) -> Json:
    money = shop.facts.money
    original = sum((unit.original_price or ZERO for unit in units), ZERO)
    seller = sum((unit.seller_discount for unit in units), ZERO)
    platform = sum((unit.platform_discount for unit in units), ZERO)
    product_tax = sum(taxes, ZERO)
    shipping_off = (
        spec.shipping_fee_seller_discount + spec.shipping_fee_platform_discount + spec.shipping_fee_cofunded_discount
    )
    fees = {name: getattr(spec, name) for name in FEES}
    sub_total = original - seller - platform
    tax = product_tax + spec.shipping_fee_tax
    amounts: dict[str, Decimal] = {
        "sub_total": sub_total,
        "shipping_fee": spec.shipping_fee,
        "seller_discount": seller,
        "platform_discount": platform,
        "total_amount": sub_total + spec.shipping_fee + tax + sum(fees.values(), ZERO),
        "original_total_product_price": original,
        "original_shipping_fee": spec.shipping_fee + shipping_off,
        "shipping_fee_seller_discount": spec.shipping_fee_seller_discount,
        "shipping_fee_platform_discount": spec.shipping_fee_platform_discount,
        "shipping_fee_cofunded_discount": spec.shipping_fee_cofunded_discount,
        "tax": tax,
        "product_tax": product_tax,
        "shipping_fee_tax": spec.shipping_fee_tax,
        **{name: fee for name, fee in fees.items() if fee},
    }
    return {"currency": shop.facts.currency, **{name: money(amount) for name, amount in amounts.items()}}


def _spread(tax: Decimal, units: list[LineSpec], decimals: int) -> list[Decimal]:
    """Each unit's tax: its own, plus its share by price of the order's; the last unit takes what rounding leaves."""
    cent = Decimal(1).scaleb(-decimals)
    total = sum((unit.sale_price for unit in units), ZERO)
    shares = [((tax * unit.sale_price / total) if total else ZERO).quantize(cent) for unit in units]
    shares[-1] += tax - sum(shares, ZERO)
    return [unit.tax + share for unit, share in zip(units, shares, strict=True)]


def move_to(order: Order, status: str, now: int, new_id: Callable[[str], str]) -> None:
    """Put the order and its living lines into `status` with the fields that come with it."""
    body = order.body
    body["status"] = status
    body["is_on_hold_order"] = status == "ON_HOLD"
    reached = FLOW.index(status) if status in FLOW else -1
    # Line items have no ON_HOLD and no PARTIALLY_SHIPPING of their own (field text of display_status).
    own = "AWAITING_SHIPMENT" if status in {"ON_HOLD", "PARTIALLY_SHIPPING"} else status
    for line in order.living():
        if status != "PARTIALLY_SHIPPING" or "rts_time" not in line:
            line["display_status"] = own
    if status == "PARTIALLY_SHIPPING" and not any("rts_time" in line for line in order.living()):
        first = order.living()[:1]
        pack(order, first, now, new_id)
        for line in first:
            line["display_status"] = "AWAITING_COLLECTION"
    if reached >= FLOW.index("ON_HOLD"):
        body.setdefault("paid_time", now)
    if reached >= FLOW.index("AWAITING_SHIPMENT") or status == "PARTIALLY_SHIPPING":
        body["recipient_address"] = dict(order.recipient)
    if reached >= FLOW.index("AWAITING_COLLECTION"):
        pack(order, [line for line in order.living() if "rts_time" not in line], now, new_id)
        body.setdefault("rts_time", now)
    if reached >= FLOW.index("IN_TRANSIT"):
        body.setdefault("collection_time", now)
        _set_packages(order, "FULFILLING")
    if reached >= FLOW.index("DELIVERED"):
        body.setdefault("delivery_time", now)
        _set_packages(order, "COMPLETED")


def _set_packages(order: Order, status: str) -> None:
    for line in order.living():
        line["package_status"] = status


def pack(
    order: Order, lines: list[Json], now: int, new_id: Callable[[str], str], tracking_number: str | None = None
) -> None:
    """One package with a label for these lines."""
    if not lines:
        return
    package = new_id("package")
    tracking = tracking_number or f"SBX{package[-9:]}"
    order.body["packages"].append({"id": package})
    order.body.setdefault("tracking_number", tracking)
    order.body.setdefault("shipping_provider", "Sample Express")
    order.body.setdefault("shipping_provider_id", "6617675021119438849")
    for line in lines:
        line["package_id"] = package
        line["package_status"] = "PROCESSING"
        line["tracking_number"] = tracking
        line["shipping_provider_name"] = "Sample Express"
        line["shipping_provider_id"] = "6617675021119438849"
        line["rts_time"] = now
