"""Orders and refunds as the bodies of webhooks: the REST shape, ids as numbers, times with an offset."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from bridge.sandbox.shopify import totals
from bridge.sandbox.shopify.model import Fulfillment, Line, Order, Refund, RefundLine, TaxLine, Transaction
from bridge.sandbox.shopify.wire import Json, cents, gid

SHOP_ZONE = timezone(timedelta(hours=-5))


def _at(moment: datetime | None) -> str | None:
    return moment.astimezone(SHOP_ZONE).isoformat(timespec="seconds") if moment else None


def _text(amount: Decimal) -> str:
    return f"{cents(amount):f}"


def _set(amount: Decimal, currency: str) -> Json:
    both = {"amount": _text(amount), "currency_code": currency}
    return {"shop_money": both, "presentment_money": both}


def _taxes(taxes: list[TaxLine], currency: str) -> list[Json]:
    return [
        {
            "title": tax.title,
            "rate": float(tax.rate),
            "price": _text(tax.amount),
            "price_set": _set(tax.amount, currency),
            "channel_liable": False,
        }
        for tax in taxes
    ]


def line_body(order: Order, line: Line) -> Json:
    status = None
    if line.fulfilled:
        status = "partial" if line.unfulfilled else "fulfilled"
    return {
        "id": line.id,
        "admin_graphql_api_id": gid("LineItem", line.id),
        "current_quantity": line.quantity - max(line.refunded, line.removed),
        "fulfillable_quantity": line.unfulfilled,
        "fulfillment_service": "manual",
        "fulfillment_status": status,
        "gift_card": False,
        "grams": 0,
        "name": line.title,
        "price": _text(line.unit_price),
        "price_set": _set(line.unit_price, order.currency),
        "product_exists": line.variant is not None,
        "product_id": None,
        "properties": [{"name": key, "value": value} for key, value in line.properties],
        "quantity": line.quantity,
        "requires_shipping": line.requires_shipping,
        "sku": line.sku,
        "taxable": line.taxable,
        "title": line.title,
        "total_discount": _text(line.discount),
        "total_discount_set": _set(line.discount, order.currency),
        "variant_id": line.variant.id if line.variant else None,
        "variant_inventory_management": "shopify" if line.variant and line.variant.tracked else None,
        "variant_title": None,
        "vendor": None,
        "tax_lines": _taxes(line.taxes, order.currency),
        "duties": [],
        "discount_allocations": [],
    }


def transaction_body(order: Order, one: Transaction) -> Json:
    return {
        "id": one.id,
        "admin_graphql_api_id": gid("OrderTransaction", one.id),
        "amount": _text(one.amount),
        "authorization": None,
        "created_at": _at(one.created_at),
        "currency": order.currency,
        "gateway": one.gateway,
        "kind": one.kind.lower(),
        "message": f"Refunded {_text(one.amount)} from {'manual gateway' if one.manual else one.gateway}"
        if one.kind == "REFUND"
        else None,
        "order_id": order.id,
        "parent_id": one.parent.id if one.parent else None,
        "processed_at": _at(one.created_at),
        "receipt": {},
        "status": one.status.lower(),
        "test": one.test,
    }


def _refund_line(order: Order, one: RefundLine) -> Json:
    return {
        "id": one.id,
        "line_item_id": one.line.id,
        "location_id": one.location_id,
        "quantity": one.quantity,
        "restock_type": one.restock_type.lower(),
        "subtotal": float(one.subtotal),
        "subtotal_set": _set(one.subtotal, order.currency),
        "total_tax": float(one.tax),
        "total_tax_set": _set(one.tax, order.currency),
        "line_item": line_body(order, one.line),
    }


def refund_body(order: Order, refund: Refund) -> Json:
    adjusted: list[Json] = []
    if refund.shipping or refund.shipping_tax:
        adjusted.append(
            {
                "id": refund.id + 1,
                "kind": "shipping_refund",
                "reason": "Shipping refund",
                "amount": _text(-refund.shipping),
                "amount_set": _set(-refund.shipping, order.currency),
                "tax_amount": _text(-refund.shipping_tax),
                "order_id": order.id,
                "refund_id": refund.id,
            }
        )
    return {
        "id": refund.id,
        "admin_graphql_api_id": gid("Refund", refund.id),
        "created_at": _at(refund.created_at),
        "note": refund.note,
        "order_id": order.id,
        "processed_at": _at(refund.created_at),
        "restock": any(line.restock_type in {"CANCEL", "RETURN"} for line in refund.lines),
        "user_id": None,
        "total_duties_set": _set(Decimal(0), order.currency),
        "return": None,
        "refund_shipping_lines": [],
        "order_adjustments": adjusted,
        "duties": [],
        "transactions": [transaction_body(order, one) for one in refund.transactions],
        "refund_line_items": [_refund_line(order, one) for one in refund.lines],
    }


def _fulfillment(order: Order, one: Fulfillment) -> Json:
    sent = [(line, one.quantities[line.id]) for line in order.lines if line.id in one.quantities]
    return {
        "id": one.id,
        "admin_graphql_api_id": gid("Fulfillment", one.id),
        "created_at": _at(one.created_at),
        "location_id": one.location_id,
        "order_id": order.id,
        "status": one.status.lower(),
        "line_items": [{**line_body(order, line), "quantity": quantity} for line, quantity in sent],
    }


def _status(order: Order) -> str | None:
    if not any(line.fulfilled for line in order.lines):
        return None
    return "partial" if any(line.unfulfilled for line in order.lines) else "fulfilled"


def order_body(order: Order) -> Json:
    money: dict[str, Any] = {
        "current_subtotal_price": _text(totals.current_subtotal(order)),
        "current_total_price": _text(totals.current_total(order)),
        "current_total_tax": _text(totals.current_tax(order)),
        "subtotal_price": _text(totals.subtotal(order)),
        "total_discounts": _text(totals.discounts(order)),
        "total_outstanding": _text(totals.outstanding(order)),
        "total_price": _text(totals.total(order)),
        "total_price_set": _set(totals.total(order), order.currency),
        "total_shipping_price_set": _set(totals.shipping(order), order.currency),
        "total_tax": _text(totals.tax(order)),
    }
    return {
        "id": order.id,
        "admin_graphql_api_id": gid("Order", order.id),
        "app_id": order.app_id,
        "cancel_reason": order.cancel_reason.lower() if order.cancel_reason else None,
        "cancelled_at": _at(order.cancelled_at),
        "closed_at": _at(order.closed_at),
        "confirmed": True,
        "created_at": _at(order.created_at),
        "currency": order.currency,
        "email": order.email or "",
        "financial_status": totals.financial_status(order).lower(),
        "fulfillment_status": _status(order),
        "fulfillments": [_fulfillment(order, one) for one in order.fulfillments],
        "line_items": [line_body(order, line) for line in order.lines],
        "location_id": None,
        "name": order.name,
        "note": order.note,
        "note_attributes": [{"name": key, "value": value} for key, value in order.attributes],
        "number": order.number - 1000,
        "order_number": order.number,
        "payment_gateway_names": list(dict.fromkeys(one.gateway for one in order.transactions)),
        "phone": None,
        "presentment_currency": order.currency,
        "processed_at": _at(order.processed_at),
        "refunds": [refund_body(order, one) for one in order.refunds],
        "shipping_lines": [
            {
                "id": line.id,
                "code": line.code,
                "title": line.title,
                "source": line.source,
                "price": _text(line.price),
                "discounted_price": _text(line.price - line.discount),
                "tax_lines": _taxes(line.taxes, order.currency),
            }
            for line in order.shipping
        ],
        "source_identifier": order.source_identifier,
        "source_name": order.source_name,
        "source_url": None,
        "tags": ", ".join(order.tags),
        "taxes_included": order.taxes_included,
        "test": order.test,
        "updated_at": _at(order.updated_at),
        "user_id": None,
        **money,
    }
