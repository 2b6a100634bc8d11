"""What Magento computes for an invoice and for a credit memo (2.4.6 totals collectors), in order or base currency.

Every function takes the prefix of the columns: "" for the order's currency, "base_" for the base currency.
Per row a refund gives (what was invoiced - what was given back) / units left x units, rounded; the last unit takes
the exact rest, so partial memos add up to the invoice.
"""

from __future__ import annotations

from decimal import Decimal

from bridge.sandbox.magento.rules import own_rows, to_refund
from bridge.sandbox.magento.state import Order
from bridge.sandbox.magento.wire import RestError, Row, amount, cents, price_text

PREFIXES = ("", "base_")


def share(whole: Decimal, part: Decimal, of: Decimal) -> Decimal:
    return Decimal(0) if of == 0 else cents(whole * part / of)


def invoice_totals(order: Order, quantities: dict[int, Decimal], prefix: str, *, last: bool) -> Row:
    """Totals of an invoice over these units; `last` when it leaves nothing to invoice."""
    row = order.row
    subtotal = tax = discount = Decimal(0)
    for item in own_rows(order):
        quantity = quantities.get(item["item_id"], Decimal(0))
        ordered = amount(item, "qty_ordered")
        subtotal += share(amount(item, f"{prefix}row_total"), quantity, ordered)
        tax += share(amount(item, f"{prefix}tax_amount"), quantity, ordered)
        discount += share(amount(item, f"{prefix}discount_amount"), quantity, ordered)
    shipping = amount(row, f"{prefix}shipping_amount") - amount(row, f"{prefix}shipping_invoiced")
    if shipping > 0:
        discount += amount(row, f"{prefix}shipping_discount_amount")
        tax += amount(row, f"{prefix}shipping_tax_amount")
    if last:
        subtotal = amount(row, f"{prefix}subtotal") - amount(row, f"{prefix}subtotal_invoiced")
        tax = amount(row, f"{prefix}tax_amount") - amount(row, f"{prefix}tax_invoiced")
    return {
        "subtotal": subtotal,
        "tax": tax,
        "discount": discount,
        "shipping": shipping,
        "grand_total": subtotal + tax + shipping - discount,
    }


def memo_item(item: Row, quantity: Decimal, prefix: str) -> Row:
    """One row of a credit memo: `row_total`, `tax_amount`, `discount_amount`, `row_total_incl_tax`."""
    left = to_refund(item)

    def rest(invoiced: str, refunded: str) -> Decimal:
        remaining = amount(item, f"{prefix}{invoiced}") - amount(item, f"{prefix}{refunded}")
        return remaining if quantity == left else share(remaining, quantity, left)

    if quantity <= 0:
        return dict.fromkeys(("row_total", "tax_amount", "discount_amount", "row_total_incl_tax"), Decimal(0))
    ordered = amount(item, "qty_ordered")
    return {
        "row_total": rest("row_invoiced", "amount_refunded"),
        "tax_amount": rest("tax_invoiced", "tax_refunded"),
        "discount_amount": rest("discount_invoiced", "discount_refunded"),
        "row_total_incl_tax": share(amount(item, f"{prefix}row_total_incl_tax"), quantity, ordered),
    }


def memo_shipping(order: Order, prefix: str, asked: Decimal | None) -> Decimal:
    """The shipping to give back: what was asked, in base currency, or all that is left.

    Raises `RestError` 400 when more is asked than is left.
    """
    row = order.row
    left = amount(row, f"{prefix}shipping_amount") - amount(row, f"{prefix}shipping_refunded")
    if asked is None:
        return left
    base_left = amount(row, "base_shipping_amount") - amount(row, "base_shipping_refunded")
    if cents(asked) > cents(base_left):
        text = price_text(base_left, str(row.get("base_currency_code") or "USD"))
        raise RestError(400, "Maximum shipping amount allowed to refund is: %1", [text])
    if prefix == "base_":
        return asked
    return cents(asked * (amount(row, "base_to_order_rate") or Decimal(1)))


def memo_totals(
    order: Order,
    items: list[Row],
    prefix: str,
    *,
    shipping: Decimal | None,
    positive: Decimal,
    negative: Decimal,
    takes_all: bool,
) -> Row:
    """Totals of a credit memo over rows made by `memo_item`. `takes_all`: no unit is left afterwards."""
    row = order.row
    rate = Decimal(1) if prefix else amount(row, "base_to_order_rate") or Decimal(1)
    positive, negative = cents(positive * rate), cents(negative * rate)
    given = memo_shipping(order, prefix, shipping)
    whole = amount(row, f"{prefix}shipping_amount")
    shipping_tax_left = amount(row, f"{prefix}shipping_tax_amount") - amount(row, f"{prefix}shipping_tax_refunded")
    shipping_is_done = given + amount(row, f"{prefix}shipping_refunded") >= whole
    shipping_tax = (
        shipping_tax_left if shipping_is_done else share(amount(row, f"{prefix}shipping_tax_amount"), given, whole)
    )
    subtotal = sum((amount(item, f"{prefix}row_total") for item in items), Decimal(0))
    discount = sum((amount(item, f"{prefix}discount_amount") for item in items), Decimal(0))
    discount += share(amount(row, f"{prefix}shipping_discount_amount"), given, whole)
    tax = sum((amount(item, f"{prefix}tax_amount") for item in items), Decimal(0)) + shipping_tax
    tax_left = amount(row, f"{prefix}tax_invoiced") - amount(row, f"{prefix}tax_refunded")
    tax = tax_left if takes_all and shipping_is_done else min(tax, tax_left)
    return {
        "subtotal": subtotal,
        "tax": tax,
        "discount": discount,
        "shipping": given,
        "shipping_tax": shipping_tax,
        "positive": positive,
        "negative": negative,
        "grand_total": subtotal + tax + given - discount + positive - negative,
    }
