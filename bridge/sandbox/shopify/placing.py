"""`orderCreate`, and orders that others place: another connector, a buyer in the shop."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from bridge.sandbox.shopify import changes, fulfilling, metafields, stock, totals
from bridge.sandbox.shopify.model import Line, Order, ShippingLine, TaxLine, Transaction, Variant
from bridge.sandbox.shopify.state import APP_ID, APP_NAME, ShopifySandbox
from bridge.sandbox.shopify.wire import Json, cents, number_in, user_error

MANUAL = frozenset({"manual", "cash on delivery (cod)", "bank deposit", "money order", "tiktok shop", "tiktok"})
"""Gateways that only keep books, in lower case. Shopify counts every gateway it does not know itself among them."""
REAL = frozenset({"shopify_payments", "paypal", "bogus", "stripe", "gift_card", "shop_pay_installments"})
BUYER_APP = (580111, "Online Store")
TAG_LENGTH = 40
"""A tag longer than this is refused: shopify.dev, "OrderInput.tags"."""


class Wrong(Exception):
    """A user error of `orderCreate`."""

    def __init__(self, message: str, *field: str, code: str = "INVALID") -> None:
        super().__init__(message)
        self.error = user_error(message, "order", *field, code=code)


def is_manual(gateway: str) -> bool:
    return gateway.casefold() not in REAL


def create(box: ShopifySandbox, args: Json) -> tuple[Order | None, list[Json]]:
    given: dict[str, Any] = args["order"]
    behaviour = (args.get("options") or {}).get("inventoryBehaviour") or "BYPASS"
    try:
        order = read(box, given)
        metas = _read_metafields(box, given.get("metafields") or [])
        if behaviour == "DECREMENT_OBEYING_POLICY":
            _check_stock(order)
    except Wrong as problem:
        return None, [problem.error]
    place(box, order, claim=behaviour != "BYPASS")
    for namespace, key, kind, value in metas:
        metafields.put(box, order, namespace, key, kind, value)
    if (args.get("options") or {}).get("sendReceipt"):
        box.mails["receipt"] += 1
    return order, []


def place(box: ShopifySandbox, order: Order, *, claim: bool) -> None:
    """Enter an order that was read, take its stock, tell of it."""
    box.orders[order.id] = order
    if claim:
        for line in order.lines:
            stock.claim(line, order.location_id)
    fulfilling.open_order(box, order)
    box.effects["order"] += 1
    changes.tell(box, order, "ORDERS_CREATE")


def _check_stock(order: Order) -> None:
    wanted: dict[int, int] = {}
    for line in order.lines:
        if line.variant is not None and line.variant.tracked and not line.variant.continue_selling:
            wanted[line.variant.id] = wanted.get(line.variant.id, 0) + line.quantity
            if line.variant.level(order.location_id).available < wanted[line.variant.id]:
                message = f"Unable to reserve inventory for {line.sku}"
                raise Wrong(message, "lineItems", code="INVENTORY_CLAIM_FAILED")


def _amount(value: object, *field: str) -> Decimal:
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        raise Wrong("Amount is not a number", *field) from None
    if not found.is_finite() or found < 0:
        raise Wrong("Amount must be zero or more", *field)
    return found


def _bag(given: Json, currency: str, *field: str) -> Decimal:
    shop = given["shopMoney"]
    if shop["currencyCode"] != currency:
        raise Wrong(f"Currency must be {currency}", *field, "shopMoney", "currencyCode")
    return _amount(shop["amount"], *field, "shopMoney", "amount")


def _time(value: object, *field: str) -> datetime:
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise Wrong("Time is invalid", *field, code="PROCESSED_AT_INVALID")
    return found


def _taxes(given: list[Json], currency: str, base: Decimal, *field: str) -> list[TaxLine]:
    found = []
    for position, one in enumerate(given):
        rate = _amount(one["rate"], *field, "taxLines", str(position), "rate")
        price = one.get("priceSet")
        amount = _bag(price, currency, *field, "taxLines", str(position)) if price else cents(base * rate)
        found.append(TaxLine(one["title"], rate, amount))
    return found


def _read_line(box: ShopifySandbox, one: Json, currency: str, position: int) -> Line:
    where = ("lineItems", str(position))
    variant: Variant | None = None
    if one.get("variantId"):
        variant = box.variants.get(number_in(one["variantId"], "ProductVariant") or 0)
        if variant is None:
            raise Wrong("Variant does not exist", *where, "variantId")
    title = one.get("title") or (variant.title if variant else None)
    if not title:
        raise Wrong("Title can't be blank", *where, "title")
    if one["quantity"] < 1:
        raise Wrong("Quantity must be greater than zero", *where, "quantity")
    price = one.get("priceSet")
    if price is None and variant is None:
        raise Wrong("Price can't be blank", *where, "priceSet")
    unit = _bag(price, currency, *where, "priceSet") if price else (variant.price if variant else Decimal(0))
    return Line(
        box.next_id(),
        title,
        one.get("sku") or (variant.sku if variant else None),
        variant,
        one["quantity"],
        unit,
        _taxes(one.get("taxLines") or [], currency, unit * one["quantity"], *where),
        properties=[(item["name"], item["value"]) for item in one.get("properties") or []],
        requires_shipping=bool(one.get("requiresShipping")) or variant is not None,
        taxable=bool(one.get("taxable", True)),
    )


def _spread_tax(order: Order, given: list[Json]) -> None:
    """Tax lines of the whole order, over its lines by their share, the last taking what is left."""
    base = totals.subtotal(order)
    for tax in _taxes(given, order.currency, base):
        left = tax.amount
        for position, line in enumerate(order.lines):
            is_last = position == len(order.lines) - 1
            part = left if is_last else cents(tax.amount * line.total / base) if base else Decimal(0)
            line.taxes.append(TaxLine(tax.title, tax.rate, part))
            left -= part


def _discount(order: Order, given: Json) -> None:
    base = totals.subtotal(order)
    code: str
    if given.get("freeShippingDiscountCode"):
        code = given["freeShippingDiscountCode"]["code"]
        for freight in order.shipping:
            freight.discount = freight.price
        order.discount_code = code
        return
    if given.get("itemPercentageDiscountCode"):
        one = given["itemPercentageDiscountCode"]
        amount = cents(base * _amount(one["percentage"], "discountCode") / 100)
    else:
        one = given["itemFixedDiscountCode"]
        amount = _bag(one["amountSet"], order.currency, "discountCode") if one.get("amountSet") else Decimal(0)
    left = amount = min(amount, base)
    for position, line in enumerate(order.lines):
        is_last = position == len(order.lines) - 1
        part = left if is_last else cents(amount * line.total / base) if base else Decimal(0)
        line.discount += part
        left -= part
    order.discount_code = one["code"]


def _address(given: Json | None) -> Json | None:
    if given is None:
        return None
    names = [given.get("firstName"), given.get("lastName")]
    keys = (
        "address1",
        "address2",
        "city",
        "company",
        "firstName",
        "lastName",
        "phone",
        "province",
        "provinceCode",
        "zip",
    )
    name = " ".join(part for part in names if part) or None
    return {
        "id": "gid://shopify/MailingAddress/1",
        **{key: given.get(key) for key in keys},
        "name": name,
        "countryCodeV2": given.get("countryCode"),
    }


def _transaction(box: ShopifySandbox, one: Json, currency: str, position: int) -> Transaction:
    gateway = one.get("gateway") or "manual"
    amount = _bag(one["amountSet"], currency, "transactions", str(position), "amountSet")
    kind, status = one.get("kind") or "SALE", one.get("status") or "SUCCESS"
    made = Transaction(box.next_id(), kind, status, gateway, is_manual(gateway), amount, box.now())
    made.test = bool(one.get("test"))
    return made


def _read_metafields(box: ShopifySandbox, given: list[Json]) -> list[tuple[str, str, str | None, str]]:
    found = []
    for position, one in enumerate(given):
        where = ("metafields", str(position))
        key, value = one.get("key"), one.get("value")
        if not key or value is None:
            raise Wrong("Key and value can't be blank", *where)
        namespace = metafields.full_namespace(one.get("namespace"))
        if not one.get("type") and metafields.definition(box, namespace, key) is None:
            raise Wrong("Type can't be blank", *where, "type")
        fault = metafields.fault_of(box, None, namespace, key, value)
        if fault is not None:
            raise Wrong(fault, *where, "value")
        found.append((namespace, key, one.get("type"), value))
    return found


def read(box: ShopifySandbox, given: Json) -> Order:
    currency = given.get("currency") or box.currency
    lines = given.get("lineItems") or []
    if not lines:
        raise Wrong("Line items must have at least one line item", "lineItems")
    on_lines = any(one.get("taxLines") for one in lines)
    if on_lines and given.get("taxLines"):
        raise Wrong("Tax lines must be specified on the order or on the line items but not both", "taxLines")
    if any(len(tag) > TAG_LENGTH for tag in given.get("tags") or []):
        raise Wrong(f"Each tag must be {TAG_LENGTH} characters or fewer", "tags")
    number, now = box.next_number(), box.now()
    order = Order(
        box.next_id(),
        number,
        given.get("name") or f"#{number}",
        currency,
        now,
        now,
        _time(given["processedAt"], "processedAt") if given.get("processedAt") else now,
        [_read_line(box, one, currency, position) for position, one in enumerate(lines)],
        box.home.id,
        APP_ID,
        APP_NAME,
    )
    customer = (given.get("customer") or {}).get("toUpsert") or {}
    order.email = given.get("email") or customer.get("email")
    order.note = given.get("note")
    order.tags = sorted(set(given.get("tags") or []))
    order.attributes = [(one["key"], one["value"]) for one in given.get("customAttributes") or []]
    order.source_name = given.get("sourceName") or str(APP_ID)
    order.source_identifier = given.get("sourceIdentifier")
    order.taxes_included = bool(given.get("taxesIncluded"))
    order.test = bool(given.get("test"))
    order.said_financial_status = given.get("financialStatus")
    order.shipping_address = _address(given.get("shippingAddress"))
    order.closed_at = _time(given["closedAt"], "closedAt") if given.get("closedAt") else None
    for position, one in enumerate(given.get("shippingLines") or []):
        price = _bag(one["priceSet"], currency, "shippingLines", str(position), "priceSet")
        taxes = _taxes(one.get("taxLines") or [], currency, price, "shippingLines", str(position))
        order.shipping.append(
            ShippingLine(box.next_id(), one["title"], one.get("code"), one.get("source"), price, taxes)
        )
    if given.get("discountCode"):
        _discount(order, given["discountCode"])
    if given.get("taxLines"):
        _spread_tax(order, given["taxLines"])
    order.transactions = [
        _transaction(box, one, currency, position) for position, one in enumerate(given.get("transactions") or [])
    ]
    return order
