"""`refundCreate`, and what Shopify would suggest for it.

A refund gives money back only by the transactions it names. On a manual gateway that is bookkeeping; elsewhere money
moves, and `box.real_money` says how much.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from bridge.sandbox.shopify import changes, stock, totals
from bridge.sandbox.shopify.model import Line, Order, Refund, RefundLine, Transaction
from bridge.sandbox.shopify.state import ShopifySandbox
from bridge.sandbox.shopify.wire import Json, number_in, refused, user_error


@dataclass
class Suggestion:
    lines: list[RefundLine]
    subtotal: Decimal
    tax: Decimal
    shipping: Decimal
    shipping_tax: Decimal
    amount: Decimal
    payments: list[tuple[Transaction, Decimal]]


@dataclass
class Wanted:
    """One line of a refund, checked."""

    line: Line
    quantity: int
    restock_type: str
    location_id: int | None


def spread(order: Order, amount: Decimal) -> list[tuple[Transaction, Decimal]]:
    """An amount over the payments that can still give back, the oldest first."""
    found: list[tuple[Transaction, Decimal]] = []
    for parent in totals.payments(order):
        part = min(amount, totals.refundable_of(order, parent))
        if part > 0:
            found.append((parent, part))
            amount -= part
    return found


def value_of(wanted: list[Wanted]) -> list[RefundLine]:
    """The lines of a refund with what their units cost; without ids yet."""
    counted: dict[int, int] = {}
    found = []
    for one in wanted:
        start = one.line.refunded + counted.get(one.line.id, 0)
        subtotal, tax = totals.unit_amounts(one.line, start, one.quantity)
        counted[one.line.id] = counted.get(one.line.id, 0) + one.quantity
        found.append(RefundLine(0, one.line, one.quantity, one.restock_type, one.location_id, subtotal, tax))
    return found


def everything(order: Order, home: int | None) -> list[Wanted]:
    """All that can be refunded, unsent units as cancelled; without a location none go back to stock."""
    found = []
    for line in order.lines:
        unsent = min(line.unfulfilled, line.refundable)
        for work, quantity in stock.standing(order, line, unsent):
            place = work.location_id if work is not None else home
            found.append(Wanted(line, quantity, "CANCEL" if home else "NO_RESTOCK", place if home else None))
        if line.refundable > unsent:
            found.append(Wanted(line, line.refundable - unsent, "RETURN" if home else "NO_RESTOCK", home))
    return found


def suggest(box: ShopifySandbox, order: Order, args: Json) -> Suggestion:
    full = bool(args.get("suggestFullRefund"))
    if full:
        wanted = everything(order, order.location_id)
    else:
        wanted, errors = _read_lines(box, order, args.get("refundLineItems") or [], lenient=True)
        if errors:
            raise refused(str(errors[0]["message"]), "BAD_REQUEST")
    lines = value_of(wanted)
    subtotal = sum((one.subtotal for one in lines), Decimal(0))
    tax = sum((one.tax for one in lines), Decimal(0))
    left = totals.shipping(order) - totals.refunded_shipping(order)
    shipping = Decimal(0)
    if args.get("refundShipping") or (full and args.get("refundShipping") is None and not args.get("shippingAmount")):
        shipping = left
    elif args.get("shippingAmount") is not None:
        shipping = min(left, Decimal(str(args["shippingAmount"])))
    shipping_tax = _shipping_tax(order, shipping)
    asked = subtotal + shipping + (Decimal(0) if order.taxes_included else tax + shipping_tax)
    amount = min(asked, totals.received(order) - totals.refunded(order))
    return Suggestion(lines, subtotal, tax, shipping, shipping_tax, amount, spread(order, amount))


def _shipping_tax(order: Order, amount: Decimal) -> Decimal:
    whole = totals.shipping(order)
    return (totals.shipping_tax(order) * amount / whole).quantize(Decimal("0.01")) if whole else Decimal(0)


def _read_lines(
    box: ShopifySandbox, order: Order, given: list[Json], *, lenient: bool = False
) -> tuple[list[Wanted], list[Json]]:
    wanted: list[Wanted] = []
    errors: list[Json] = []
    counted: dict[tuple[int, str], int] = {}
    for position, one in enumerate(given):
        where = ("refundLineItems", str(position))
        line = order.line(number_in(one["lineItemId"], "LineItem") or 0)
        quantity, kind = one["quantity"], one.get("restockType") or "NO_RESTOCK"
        if line is None:
            errors.append(user_error("Line item does not exist", *where, "lineItemId"))
            continue
        if kind == "LEGACY_RESTOCK":
            errors.append(user_error("Restock type is invalid", *where, "restockType"))
            continue
        place = number_in(one["locationId"], "Location") if one.get("locationId") else None
        fault = None if lenient else _place_fault(box, kind, place)
        if fault is not None:
            errors.append(user_error(fault, *where, "locationId"))
            continue
        for group in (kind, "all"):
            counted[line.id, group] = counted.get((line.id, group), 0) + quantity
        room = {"CANCEL": line.unfulfilled, "RETURN": line.fulfilled}.get(kind, line.refundable)
        if quantity < 1 or counted[line.id, "all"] > line.refundable:
            errors.append(user_error("Quantity cannot refund more items than were purchased", *where, "quantity"))
        elif counted[line.id, kind] > room:
            what = "unfulfilled" if kind == "CANCEL" else "fulfilled"
            errors.append(user_error(f"Quantity cannot {kind.lower()} more than the {what} items", *where, "quantity"))
        else:
            wanted.append(Wanted(line, quantity, kind, place))
    return wanted, errors


def _place_fault(box: ShopifySandbox, kind: str, place: int | None) -> str | None:
    if kind == "NO_RESTOCK":
        return "Location must be blank" if place is not None else None
    if place is None or place not in box.locations:
        return "Location is required to restock"
    return None if box.locations[place].is_active else "Location is deactivated"


def _decimal(value: object) -> Decimal | None:
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _read_transactions(order: Order, given: list[Json], *, over: bool) -> tuple[list[Transaction], list[Json]]:
    made: list[Transaction] = []
    errors: list[Json] = []
    for position, one in enumerate(given):
        where = ("transactions", str(position))
        parent_id = number_in(one["parentId"], "OrderTransaction") if one.get("parentId") else None
        parent = next((paid for paid in totals.payments(order) if paid.id == parent_id), None)
        amount = _decimal(one["amount"])
        if one["kind"] != "REFUND":
            errors.append(user_error("Kind must be refund", *where, "kind"))
        elif number_in(one["orderId"], "Order") != order.id:
            errors.append(user_error("Order does not match", *where, "orderId"))
        elif parent is None:
            errors.append(user_error("Parent transaction does not exist", *where, "parentId"))
        elif amount is None or amount <= 0:
            errors.append(user_error("Amount must be greater than zero", *where, "amount"))
        elif one["gateway"] != parent.gateway:
            errors.append(user_error("Gateway does not match the parent transaction", *where, "gateway"))
        else:
            before = sum((done.amount for done in made if done.parent is parent), Decimal(0))
            if not over and before + amount > totals.refundable_of(order, parent):
                errors.append(user_error("Refund amount exceeds the maximum refundable", *where, "amount"))
            made.append(refund_transaction(parent, amount))
    return made, errors


def refund_transaction(parent: Transaction, amount: Decimal) -> Transaction:
    """Not booked yet: without an id."""
    return Transaction(0, "REFUND", "SUCCESS", parent.gateway, parent.manual, amount, parent.created_at, parent)


def book(
    box: ShopifySandbox,
    order: Order,
    lines: list[RefundLine],
    transactions: list[Transaction],
    *,
    note: str | None = None,
    shipping: Decimal = Decimal(0),
) -> Refund:
    """Enter a refund that was checked: units, stock, money. Nobody is told yet."""
    for one in lines:
        one.id = box.next_id()
        _apply(box, order, one)
    for money in transactions:
        money.id, money.created_at = box.next_id(), box.now()
        order.transactions.append(money)
        if not money.manual:
            box.real_money += money.amount
    refund = Refund(box.next_id(), note, box.now(), lines, shipping, _shipping_tax(order, shipping), transactions)
    order.refunds.append(refund)
    box.effects["refund"] += 1
    close_finished(box, order)
    return refund


def _apply(box: ShopifySandbox, order: Order, one: RefundLine) -> None:
    line = one.line
    unsent = min(one.quantity, line.unfulfilled) if one.restock_type != "RETURN" else 0
    line.refunded += one.quantity
    if unsent:
        back_to = one.location_id if one.restock_type == "CANCEL" else None
        for home, count in stock.leave(order, line, unsent, back_to):
            stock.take_off(line, count, home, back_to, unclaimed_too=box.settings.restock_unclaimed)
        line.removed += unsent
    if one.restock_type == "RETURN" and one.location_id is not None:
        stock.bring_back(line, one.quantity, one.location_id)


def close_finished(box: ShopifySandbox, order: Order) -> None:
    """Fulfilment orders without a unit left to send are closed."""
    for one in order.works:
        if not any(one.units.values()):
            one.status, one.updated_at, one.holds = "CLOSED", box.now(), []


def create(box: ShopifySandbox, args: Json, key: str) -> tuple[Order | None, Refund | None, list[Json]]:
    """`refundCreate`: the order, the refund that stands under this key, and what kept it from being made."""
    given: dict[str, Any] = args["input"]
    asked = json.dumps(given, sort_keys=True, default=str)
    if key in box.idempotency:
        before, order, refund = box.idempotency[key]
        if before != asked:
            return None, None, [user_error("The same idempotency key can't be used with different parameters")]
        return order, refund, []
    found = box.orders.get(number_in(given["orderId"], "Order") or 0)
    if found is None:
        return None, None, [user_error("Order does not exist", "orderId")]
    wanted, errors = _read_lines(box, found, given.get("refundLineItems") or [])
    over = bool(given.get("allowOverRefunding"))
    transactions, wrong = _read_transactions(found, given.get("transactions") or [], over=over)
    shipping, fault = _read_shipping(found, given.get("shipping") or {})
    errors += wrong + fault
    if not errors and not wanted and not transactions and not shipping:
        errors.append(user_error("Refund must have line items, shipping or transactions"))
    if errors:
        return found, None, errors
    made = book(box, found, value_of(wanted), transactions, note=given.get("note"), shipping=shipping)
    box.idempotency[key] = (asked, found, made)
    if given.get("notify"):
        box.mails["refund"] += 1
    changes.tell(box, found, refund=made)
    return found, made, []


def _read_shipping(order: Order, given: Json) -> tuple[Decimal, list[Json]]:
    left = totals.shipping(order) - totals.refunded_shipping(order)
    if given.get("fullRefund"):
        return left, []
    amount = _decimal(given.get("amount") or 0)
    if amount is None or amount < 0 or amount > left:
        return Decimal(0), [user_error("Shipping amount exceeds the maximum refundable", "shipping", "amount")]
    return amount, []
