"""An order's payment block (Partner Center, "Get Order Detail", `payment`). Pure.

`sub_total` = original product price - seller discount - platform discount; `shipping_fee` likewise;
`total_amount` = `sub_total` + `shipping_fee` + taxes + fees, by the field texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.domain.channel_order import Payment
from bridge.domain.money import Money, decimal_of

_NO_FEES = frozenset({"shipping_fee", "original_shipping_fee", "shipping_fee_tax", "product_tax", "tax"})


def read_payment(payment: Mapping[str, Any], currency: str) -> Payment:
    """All amounts in the order's currency; absent ones are zero. Raises `NotMoney`."""

    def money(name: str) -> Money:
        return Money.of(payment.get(name) or "0", currency)

    return Payment(
        total=money("total_amount"),
        sub_total=money("sub_total"),
        shipping=money("shipping_fee"),
        shipping_tax=money("shipping_fee_tax"),
        tax=money("tax"),
        seller_discount=money("seller_discount"),
        platform_discount=money("platform_discount"),
        # The co-funded part is the seller's too; TikTok reports it in one field or the other, never in both.
        shipping_seller_discount=money("shipping_fee_seller_discount") + money("shipping_fee_cofunded_discount"),
        shipping_platform_discount=money("shipping_fee_platform_discount"),
        fees={name: money(name) for name, value in payment.items() if _is_fee(name) and decimal_of(value or "0")},
    )


def _is_fee(name: str) -> bool:
    """`small_order_fee`, `retail_delivery_fee`, `item_insurance_tax`, … and those TikTok will think of."""
    return name.endswith(("_fee", "_tax")) and name not in _NO_FEES
