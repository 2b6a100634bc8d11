"""What an order costs, what was paid, and what is owed for single units.

Amounts of single units are shares of a line's amount, rounded so that all units together give the line's amount to
the cent: unit by unit the running share is rounded and the last share subtracted.
"""

from __future__ import annotations

from decimal import Decimal

from bridge.sandbox.shopify.model import Line, Order, Transaction
from bridge.sandbox.shopify.wire import cents

ZERO = Decimal(0)
PAYING = frozenset({"SALE", "CAPTURE"})


def share(amount: Decimal, of: int, start: int, count: int) -> Decimal:
    """The part of `amount` that falls on units `start` to `start + count` of `of`."""
    if of == 0:
        return ZERO
    return cents(amount * (start + count) / of) - cents(amount * start / of)


def unit_amounts(line: Line, start: int, count: int) -> tuple[Decimal, Decimal]:
    """Subtotal and tax of so many units, counted from the `start`th that is refunded."""
    return share(line.total, line.quantity, start, count), share(line.tax, line.quantity, start, count)


def subtotal(order: Order) -> Decimal:
    return sum((line.total for line in order.lines), ZERO)


def shipping(order: Order) -> Decimal:
    return sum((line.price - line.discount for line in order.shipping), ZERO)


def shipping_tax(order: Order) -> Decimal:
    return sum((line.tax for line in order.shipping), ZERO)


def tax(order: Order) -> Decimal:
    return sum((line.tax for line in order.lines), shipping_tax(order))


def discounts(order: Order) -> Decimal:
    return sum((line.discount for line in order.lines), sum((line.discount for line in order.shipping), ZERO))


def total(order: Order) -> Decimal:
    return subtotal(order) + shipping(order) + (ZERO if order.taxes_included else tax(order))


def _sum(transactions: list[Transaction], kinds: frozenset[str]) -> Decimal:
    return sum((one.amount for one in transactions if one.kind in kinds and one.status == "SUCCESS"), ZERO)


def received(order: Order) -> Decimal:
    return _sum(order.transactions, PAYING)


def refunded(order: Order) -> Decimal:
    return _sum(order.transactions, frozenset({"REFUND"}))


def refunded_shipping(order: Order) -> Decimal:
    return sum((refund.shipping for refund in order.refunds), ZERO)


def goods_back(order: Order) -> tuple[Decimal, Decimal]:
    """Subtotal and tax of the units that are in refunds."""
    lines = [line for refund in order.refunds for line in refund.lines]
    return sum((line.subtotal for line in lines), ZERO), sum((line.tax for line in lines), ZERO)


def current_subtotal(order: Order) -> Decimal:
    return ZERO if order.cancelled_at else subtotal(order) - goods_back(order)[0]


def current_tax(order: Order) -> Decimal:
    if order.cancelled_at:
        return ZERO
    return tax(order) - goods_back(order)[1] - sum((refund.shipping_tax for refund in order.refunds), ZERO)


def current_total(order: Order) -> Decimal:
    if order.cancelled_at:
        return ZERO
    untaxed = current_subtotal(order) + shipping(order) - refunded_shipping(order)
    return untaxed + (ZERO if order.taxes_included else current_tax(order))


def outstanding(order: Order) -> Decimal:
    return max(ZERO, current_total(order) - received(order) + refunded(order))


def refundable_of(order: Order, parent: Transaction) -> Decimal:
    """What is left to give back of one payment."""
    back = [one.amount for one in order.transactions if one.kind == "REFUND" and one.parent is parent]
    return parent.amount - sum(back, ZERO)


def payments(order: Order) -> list[Transaction]:
    return [one for one in order.transactions if one.kind in PAYING and one.status == "SUCCESS"]


def is_authorizing(order: Order) -> bool:
    """Whether a payment is still being authorised."""
    return any(one.status in {"PENDING", "AWAITING_RESPONSE"} for one in order.transactions)


def financial_status(order: Order) -> str:
    paid, back = received(order), refunded(order)
    if back:
        return "REFUNDED" if back >= paid else "PARTIALLY_REFUNDED"
    if any(one.kind == "VOID" for one in order.transactions) or (order.cancelled_at and not paid):
        return "VOIDED"
    if order.said_financial_status is not None:
        return order.said_financial_status
    if any(one.kind == "AUTHORIZATION" for one in order.transactions) and not paid:
        return "AUTHORIZED"
    if not paid:
        return "PAID" if total(order) == 0 else "PENDING"
    return "PAID" if paid >= total(order) else "PARTIALLY_PAID"
