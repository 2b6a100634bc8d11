"""Refunds, as `wc_create_refund` makes them.

Source: WooCommerce's wc-order-functions.php and RestApiUtil. `api_refund` and `api_restock` are true where they are
left out. Only the money is checked: how many units were bought, or refunded before, is not asked. What is refused comes
with HTTP 500, because its status is given bare.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from bridge.sandbox.woocommerce import stock
from bridge.sandbox.woocommerce.model import Json, Order, Refund, Row, WpError, invalid
from bridge.sandbox.woocommerce.state import WooCommerceSandbox
from bridge.sandbox.woocommerce.wire import number, read_amount, whole

REFUNDED_ITEM = "_refunded_item_id"
_ZERO = Decimal(0)


@dataclass
class Asked:
    """One row of a refund that is asked for."""

    quantity: int
    total: Decimal | None
    tax: Decimal


def from_request(box: WooCommerceSandbox, order: Order, body: Json) -> Refund:
    """Raises `WpError`."""
    asked = {int(row["id"]): _asked(row) for row in _rows(body)}
    amount = read_amount(body, "amount")
    if amount is None:
        # Only where every row says what it is worth; else nothing is given back at all.
        known = bool(asked) and all(one.total is not None for one in asked.values())
        amount = sum(((one.total or _ZERO) + one.tax for one in asked.values()), _ZERO) if known else _ZERO
    if amount < 0:
        told = "Refund amount must be greater than zero."
        raise WpError("woocommerce_rest_invalid_order_refund", told, 400, bare=True)
    refund = make(
        box,
        order,
        amount,
        str(body.get("reason") or ""),
        asked,
        pays_back=body["api_refund"] if isinstance(body.get("api_refund"), bool) else True,
        restocks=body["api_restock"] if isinstance(body.get("api_restock"), bool) else True,
    )
    for meta in body.get("meta_data") or []:
        refund.metas.set(box.next_id(), str(meta.get("key")), meta.get("value"))
    return refund


def make(
    box: WooCommerceSandbox,
    order: Order,
    amount: Decimal,
    reason: str,
    asked: Mapping[int, Asked],
    *,
    pays_back: bool,
    restocks: bool,
) -> Refund:
    """Raises `WpError`, and nothing is kept then."""
    remaining = order.remaining
    if amount < 0 or amount > remaining:
        raise failed("Invalid refund amount.")
    if pays_back:
        _pay_back(box, order, amount)
    refund = Refund(box.next_id(), amount, reason, box.now(), [], refunded_payment=pays_back)
    refund.rows = [
        _negative(box, row, asked[row.id]) for row in order.rows if row.id in asked and _is_worth(asked[row.id])
    ]
    left = units_left(order)
    order.refunds.append(refund)
    box.effects["refund"] += 1
    if restocks:
        stock.restock(box, order, {row_id: one.quantity for row_id, one in asked.items()})
    free_left = any(row.total == 0 for row in order.rows_of("line_item")) and left > sum(
        one.quantity for one in asked.values()
    )
    is_partial = remaining - amount > 0 or (bool(asked) and free_left)
    if order.billing.get("email"):
        box.mails["customer_partially_refunded_order" if is_partial else "customer_refunded_order"] += 1
    if not is_partial and order.status != "refunded":
        order.status = "refunded"
    box.changed(order)
    return refund


def rest_by_status(box: WooCommerceSandbox, order: Order) -> None:
    """The status `refunded`, set by hand, makes a refund of the money that is left: no rows, no stock, no payment."""
    if order.remaining > 0:
        make(box, order, order.remaining, "Order fully refunded.", {}, pays_back=False, restocks=False)


def units_left(order: Order) -> int:
    gone = sum(-row.quantity for one in order.refunds for row in one.rows if row.kind == "line_item")
    return sum(row.quantity for row in order.rows_of("line_item")) - gone


def failed(message: str) -> WpError:
    return WpError("woocommerce_rest_cannot_create_order_refund", message, 500, bare=True)


def _pay_back(box: WooCommerceSandbox, order: Order, amount: Decimal) -> None:
    refunds_itself = box.settings.gateways.get(order.payment_method)
    if refunds_itself is None:
        raise failed("The payment gateway for this order does not exist.")
    if not refunds_itself:
        raise failed("The payment gateway for this order does not support automatic refunds.")
    box.real_money += amount


def _rows(body: Json) -> list[Json]:
    rows = body.get("line_items") or []
    if not isinstance(rows, list) or not all(isinstance(one, dict) and str(one.get("id")).isdigit() for one in rows):
        raise invalid("line_items", "line_items is not of type array.")
    return rows


def _asked(row: Json) -> Asked:
    taxes = row.get("refund_tax") or []
    if not isinstance(taxes, list) or not all(isinstance(one, dict) and "id" in one for one in taxes):
        raise invalid("line_items", "line_items[refund_tax] is not of type array.")
    total = row.get("refund_total")
    return Asked(
        whole(row, "quantity", 0),
        None if total is None else number(total, "refund_total"),
        sum((number(one.get("refund_total", 0), "refund_total") for one in taxes), _ZERO),
    )


def _is_worth(one: Asked) -> bool:
    return bool(one.quantity or one.total or one.tax)


def _negative(box: WooCommerceSandbox, row: Row, one: Asked) -> Row:
    total = one.total or _ZERO
    made = Row(
        id=box.next_id(),
        kind=row.kind,
        name=row.name,
        total=-total,
        subtotal=-total,
        tax=-one.tax,
        subtotal_tax=-one.tax,
        is_taxed=bool(one.tax),
        quantity=-one.quantity,
        product=row.product,
        method_id=row.method_id,
    )
    made.metas.set(box.next_id(), REFUNDED_ITEM, str(row.id))
    return made
