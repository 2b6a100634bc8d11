"""Orders made, edited, and moved from status to status.

Source: WooCommerce's REST orders controllers (versions 2 and 3) and `WC_Order`. Any status may follow any other.
"""

from __future__ import annotations

from decimal import Decimal

from bridge.sandbox.woocommerce import refunding, stock
from bridge.sandbox.woocommerce.model import STATUSES, TRASH, Json, Order, Product, Row, WpError, invalid
from bridge.sandbox.woocommerce.state import WooCommerceSandbox
from bridge.sandbox.woocommerce.wire import read_amount, rounded, whole

TAKES_STOCK = frozenset({"processing", "completed", "on-hold"})
PUTS_BACK = frozenset({"cancelled", "pending"})
PAYABLE = frozenset({"pending", "on-hold", "failed", "cancelled"})
"""Statuses that a payment moves on."""
VAT_EXEMPT = "is_vat_exempt"
_ZERO = Decimal(0)
_TEXTS = {
    "payment_method": "payment_method",
    "payment_method_title": "payment_title",
    "transaction_id": "transaction_id",
    "customer_note": "customer_note",
}


def create(box: WooCommerceSandbox, body: Json, *, via: str = "rest-api", number: str | None = None) -> Order:
    """Raises `WpError`, and nothing is kept then."""
    status = _status(body) or "pending"
    currency = body.get("currency") or box.currency
    if not isinstance(currency, str) or len(currency) != 3 or not currency.isupper():
        raise invalid("currency", "currency is not one of the known ones.")
    now, order_id = box.now(), box.next_id()
    order = Order(order_id, number or str(order_id), "pending", currency, now, now, [], created_via=via)
    order.prices_include_tax = box.settings.prices_include_tax
    _edit(box, order, body)
    order.rows = [_line(box, row) for row in _list(body, "line_items")]
    order.rows += [_shipping(box, row) for row in _list(body, "shipping_lines")]
    order.rows += [_fee(box, row) for row in _list(body, "fee_lines")]
    _total(box, order)
    box.orders[order.id] = order
    box.effects["create"] += 1
    box.deliveries.publish("order.created", order.id)
    move(box, order, status)
    if body.get("set_paid") is True:
        pay(box, order)
        box.changed(order)
    return order


def update(box: WooCommerceSandbox, order: Order, body: Json) -> None:
    """Raises `WpError`. Rows cannot be edited here."""
    status = _status(body)
    if any(name in body for name in ("line_items", "shipping_lines", "fee_lines", "coupon_lines")):
        raise WpError("sandbox_not_built", "The sandbox does not edit rows of an order.", 501)
    _edit(box, order, body)
    if status:
        move(box, order, status)
    if body.get("set_paid") is True and order.status in PAYABLE:
        pay(box, order)
    box.changed(order)


def move(box: WooCommerceSandbox, order: Order, status: str) -> None:
    """To another status, with what hangs on it."""
    if status == order.status:
        return
    order.status = status
    box.touch(order)
    if status in {"processing", "completed"} and order.paid_at is None:
        order.paid_at = box.now()
    if status == "completed":
        order.completed_at = box.now()
    if status in TAKES_STOCK:
        stock.maybe_take(box, order)
    if status in PUTS_BACK:
        stock.maybe_put_back(box, order)
    if status == "cancelled":
        box.effects["cancel"] += 1
    if status in {"processing", "completed", "on-hold", "refunded"} and order.billing.get("email"):
        box.mails[f"customer_{status}_order"] += 1
    if status == "refunded":
        refunding.rest_by_status(box, order)


def pay(box: WooCommerceSandbox, order: Order) -> None:
    if order.paid_at is None:
        order.paid_at = box.now()
    if order.status in PAYABLE:
        move(box, order, "processing")
    stock.maybe_take(box, order)


def trash(box: WooCommerceSandbox, order: Order) -> None:
    """Its stock stays where it is."""
    order.before_trash, order.status = order.status, TRASH
    box.touch(order)
    box.deliveries.publish("order.deleted", order.id)


def restore(box: WooCommerceSandbox, order: Order) -> None:
    order.status, order.before_trash = order.before_trash or "pending", ""
    box.touch(order)
    box.deliveries.publish("order.restored", order.id)


def _status(body: Json) -> str | None:
    status = body.get("status")
    if status is not None and status not in STATUSES:
        raise invalid("status", f"status is not one of {', '.join(STATUSES)}.")
    return status


def _edit(box: WooCommerceSandbox, order: Order, body: Json) -> None:
    for name, held in _TEXTS.items():
        if body.get(name) is not None:
            setattr(order, held, str(body[name]))
    for name in ("billing", "shipping"):
        given = body.get(name)
        if given is not None and not isinstance(given, dict):
            raise invalid(name, f"{name} is not of type object.")
        setattr(order, name, {**getattr(order, name), **(given or {})})
    for meta in _list(body, "meta_data"):
        order.metas.set(box.next_id(), str(meta.get("key")), meta.get("value"))


def _list(body: Json, name: str) -> list[Json]:
    value = body.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise invalid(name, f"{name} is not of type array.")
    return value


def _line(box: WooCommerceSandbox, given: Json) -> Row:
    product = _product(box, given)
    quantity = whole(given, "quantity", 1)
    price = (product.price if product else _ZERO) * quantity
    total, subtotal = read_amount(given, "total"), read_amount(given, "subtotal")
    row = Row(
        id=box.next_id(),
        kind="line_item",
        name=str(given.get("name") or (product.name if product else "")),
        total=price if total is None else total,
        subtotal=price if subtotal is None else subtotal,
        quantity=quantity,
        product=product,
    )
    # A row is never worth more than it was before its discount.
    row.subtotal = max(row.subtotal, row.total)
    for meta in _list(given, "meta_data"):
        row.metas.set(box.next_id(), str(meta.get("key")), meta.get("value"))
    return row


def _product(box: WooCommerceSandbox, given: Json) -> Product | None:
    """None for an id that is none: such a row stands without a product."""
    if given.get("sku"):
        return box.by_sku(str(given["sku"]))
    named = given.get("variation_id") or given.get("product_id")
    if not named:
        raise WpError("woocommerce_rest_required_product_reference", "Product ID or SKU is required.", 400)
    return box.products.get(int(named)) if str(named).isdigit() else None


def _shipping(box: WooCommerceSandbox, given: Json) -> Row:
    if not given.get("method_id"):
        raise WpError("woocommerce_rest_invalid_shipping_item", "Shipping method ID is required.", 400)
    total = read_amount(given, "total") or _ZERO
    title = str(given.get("method_title") or "")
    return Row(box.next_id(), "shipping", title, total, total, method_id=str(given["method_id"]))


def _fee(box: WooCommerceSandbox, given: Json) -> Row:
    if not given.get("name"):
        raise WpError("woocommerce_rest_invalid_fee_item", "Fee name is required.", 400)
    total = read_amount(given, "total") or _ZERO
    return Row(box.next_id(), "fee", str(given["name"]), total, total)


def _total(box: WooCommerceSandbox, order: Order) -> None:
    """Taxes come on top of what rows were given as; the total is rounded to the store's decimals."""
    decimals, rate = box.settings.number_of_decimals, box.settings.tax_rate
    if rate and order.metas.get(VAT_EXEMPT) != "yes":
        for row in order.rows:
            row.is_taxed = True
            row.tax, row.subtotal_tax = rounded(row.total * rate, decimals), rounded(row.subtotal * rate, decimals)
    order.total = rounded(sum((row.total + row.tax for row in order.rows), _ZERO), decimals)
