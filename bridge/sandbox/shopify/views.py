"""What GraphQL shows of an order: objects as dictionaries by field name; what has arguments, or leads back,
is a function.

Lists inside an order are read whole, so a page of them is cut from the front.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from bridge.sandbox.shopify import metafields, refunding, totals
from bridge.sandbox.shopify.goods import show_location, show_variant
from bridge.sandbox.shopify.model import (
    CancelJob,
    Fulfillment,
    FulfillmentOrder,
    Hold,
    Line,
    Order,
    Refund,
    RefundLine,
    ShippingLine,
    TaxLine,
    Transaction,
)
from bridge.sandbox.shopify.paging import connection
from bridge.sandbox.shopify.state import ShopifySandbox
from bridge.sandbox.shopify.wire import Json, bag, gid, stamp

HOLDABLE = frozenset({"OPEN", "ON_HOLD", "SCHEDULED"})


def fulfillment_status(order: Order) -> str:
    if order.cancelled_at is None:
        statuses = {one.status for one in order.fulfillment_orders}
        if "ON_HOLD" in statuses:
            return "ON_HOLD"
        if "IN_PROGRESS" in statuses and not any(line.fulfilled for line in order.lines):
            return "IN_PROGRESS"
    sent = sum(line.fulfilled for line in order.lines)
    if not sent:
        return "UNFULFILLED"
    return "PARTIALLY_FULFILLED" if any(line.unfulfilled for line in order.lines) else "FULFILLED"


def _cut(items: Sequence[Any], args: Json) -> Sequence[Any]:
    return items if args.get("first") is None else items[: args["first"]]


def _tax(tax: TaxLine, currency: str) -> Json:
    return {"title": tax.title, "rate": float(tax.rate), "priceSet": bag(tax.amount, currency), "channelLiable": False}


def show_line(box: ShopifySandbox, order: Order, line: Line) -> Json:
    def money(amount: Decimal) -> Json:
        return bag(amount, order.currency)

    unit = line.total / line.quantity if line.quantity else line.unit_price
    return {
        "__typename": "LineItem",
        "id": gid("LineItem", line.id),
        "name": line.title,
        "title": line.title,
        "sku": line.sku,
        "quantity": line.quantity,
        "currentQuantity": line.quantity - max(line.refunded, line.removed),
        "unfulfilledQuantity": line.unfulfilled,
        "refundableQuantity": line.refundable,
        "nonFulfillableQuantity": line.removed,
        "requiresShipping": line.requires_shipping,
        "restockable": line.variant is not None and line.variant.tracked,
        "taxable": line.taxable,
        "customAttributes": [{"key": key, "value": value} for key, value in line.properties],
        "originalUnitPriceSet": money(line.unit_price),
        "originalTotalSet": money(line.unit_price * line.quantity),
        "discountedUnitPriceSet": money(unit),
        "discountedUnitPriceAfterAllDiscountsSet": money(unit),
        "discountedTotalSet": lambda _info, **_args: money(line.total),
        "totalDiscountSet": money(line.discount),
        "taxLines": lambda _info, **args: [_tax(tax, order.currency) for tax in _cut(line.taxes, args)],
        "variant": lambda _info: show_variant(box, line.variant) if line.variant else None,
    }


def show_transaction(box: ShopifySandbox, order: Order, one: Transaction) -> Json:
    return {
        "__typename": "OrderTransaction",
        "id": gid("OrderTransaction", one.id),
        "kind": one.kind,
        "status": one.status,
        "gateway": one.gateway,
        "formattedGateway": one.gateway,
        "manualPaymentGateway": one.manual,
        "amountSet": bag(one.amount, order.currency),
        "createdAt": stamp(one.created_at),
        "processedAt": stamp(one.created_at),
        "test": one.test,
        "order": lambda _info: show_order(box, order),
        "parentTransaction": lambda _info: show_transaction(box, order, one.parent) if one.parent else None,
    }


def show_shipping(order: Order, line: ShippingLine) -> Json:
    return {
        "id": gid("ShippingLine", line.id),
        "title": line.title,
        "code": line.code,
        "source": line.source,
        "isRemoved": False,
        "originalPriceSet": bag(line.price, order.currency),
        "discountedPriceSet": bag(line.price - line.discount, order.currency),
        "currentDiscountedPriceSet": bag(line.price - line.discount, order.currency),
        "taxLines": [_tax(tax, order.currency) for tax in line.taxes],
    }


def show_refund_line(box: ShopifySandbox, order: Order, one: RefundLine) -> Json:
    place = box.locations.get(one.location_id or 0)
    return {
        "id": gid("RefundLineItem", one.id),
        "lineItem": lambda _info: show_line(box, order, one.line),
        "location": show_location(box, place) if place else None,
        "quantity": one.quantity,
        "restockType": one.restock_type,
        "restocked": one.restock_type in {"CANCEL", "RETURN"},
        "priceSet": bag(one.line.unit_price, order.currency),
        "subtotalSet": bag(one.subtotal, order.currency),
        "totalTaxSet": bag(one.tax, order.currency),
    }


def show_refund(box: ShopifySandbox, order: Order, refund: Refund) -> Json:
    def lines(_info: Any, **args: Any) -> Json:
        return connection(refund.lines, lambda one: show_refund_line(box, order, one), args)

    def shipping(_info: Any, **args: Any) -> Json:
        given = order.shipping[:1] if refund.shipping else []
        return connection(
            given,
            lambda one: {
                "id": gid("RefundShippingLine", refund.id),
                "shippingLine": show_shipping(order, one),
                "subtotalAmountSet": bag(refund.shipping, order.currency),
                "taxAmountSet": bag(refund.shipping_tax, order.currency),
            },
            args,
        )

    return {
        "__typename": "Refund",
        "id": gid("Refund", refund.id),
        "legacyResourceId": str(refund.id),
        "note": refund.note,
        "createdAt": stamp(refund.created_at),
        "processedAt": stamp(refund.created_at),
        "updatedAt": stamp(refund.created_at),
        "order": lambda _info: show_order(box, order),
        "refundLineItems": lines,
        "refundShippingLines": shipping,
        "totalRefundedSet": bag(refund.total, order.currency),
        "transactions": lambda _info, **args: connection(
            refund.transactions, lambda one: show_transaction(box, order, one), args
        ),
    }


def show_hold(hold: Hold) -> Json:
    return {
        "__typename": "FulfillmentHold",
        "id": gid("FulfillmentHold", hold.id),
        "handle": hold.handle,
        "reason": hold.reason,
        "displayReason": hold.reason.replace("_", " ").capitalize(),
        "reasonNotes": hold.notes,
        "heldByRequestingApp": hold.by_app,
    }


def _actions(one: FulfillmentOrder) -> list[str]:
    found = []
    if one.status in HOLDABLE:
        found.append("HOLD")
    if one.holds:
        found.append("RELEASE_HOLD")
    if one.status == "OPEN":
        found += ["CREATE_FULFILLMENT", "MOVE"]
    if one.request_status in {"SUBMITTED", "CANCELLATION_REQUESTED"}:
        found.append("CANCEL_FULFILLMENT_ORDER")
    if one.request_status == "ACCEPTED":
        found.append("REQUEST_CANCELLATION")
    return found


def show_fulfillment_order(box: ShopifySandbox, order: Order, one: FulfillmentOrder) -> Json:
    place = box.locations[one.location_id]
    is_closed = one.status in {"CLOSED", "CANCELLED"}
    held_lines = [held for held in order.lines if held.id in one.units]

    def line(held: Line) -> Json:
        return {
            "__typename": "FulfillmentOrderLineItem",
            "id": gid("FulfillmentOrderLineItem", f"{one.id}{held.id % 1000}"),
            "lineItem": lambda _info: show_line(box, order, held),
            "remainingQuantity": 0 if is_closed else one.units.get(held.id, 0),
            "totalQuantity": held.quantity,
            "sku": held.sku,
        }

    return {
        "__typename": "FulfillmentOrder",
        "id": gid("FulfillmentOrder", one.id),
        "assignedLocation": {"location": show_location(box, place), "name": place.name},
        "createdAt": stamp(one.created_at),
        "updatedAt": stamp(one.updated_at),
        "fulfillmentHolds": [show_hold(hold) for hold in one.holds],
        "lineItems": lambda _info, **args: connection(held_lines, line, args),
        "order": lambda _info: show_order(box, order),
        "orderId": gid("Order", order.id),
        "orderName": order.name,
        "requestStatus": one.request_status,
        "status": one.status,
        "supportedActions": [{"action": action, "externalUrl": None} for action in _actions(one)],
    }


def show_fulfillment(box: ShopifySandbox, order: Order, one: Fulfillment) -> Json:
    place = box.locations.get(one.location_id)
    return {
        "__typename": "Fulfillment",
        "id": gid("Fulfillment", one.id),
        "legacyResourceId": str(one.id),
        "name": f"{order.name}-F{order.fulfillments.index(one) + 1}",
        "status": one.status,
        "displayStatus": "CANCELED" if one.status == "CANCELLED" else "FULFILLED",
        "createdAt": stamp(one.created_at),
        "updatedAt": stamp(one.created_at),
        "totalQuantity": sum(one.quantities.values()),
        "location": show_location(box, place) if place else None,
        "order": lambda _info: show_order(box, order),
    }


def show_cancel_job(box: ShopifySandbox, job: CancelJob) -> Json:
    return {
        "__typename": "OrderCancelJobResult",
        "id": gid("OrderCancelJobResult", job.id),
        "done": job.done,
        "status": job.status,
        "errors": job.errors,
        "order": lambda _info: show_order(box, job.order),
    }


def show_order(box: ShopifySandbox, order: Order) -> Json:
    def money(amount: Decimal) -> Json:
        return bag(amount, order.currency)

    def metafield(_info: Any, **args: Any) -> Json | None:
        return metafields.show_of(box, order, args)

    def transactions(_info: Any, **args: Any) -> list[Json]:
        return [show_transaction(box, order, one) for one in _cut(order.transactions, args)]

    def suggested(_info: Any, **args: Any) -> Json:
        made = refunding.suggest(box, order, args)
        return {
            "amountSet": money(made.amount),
            "subtotalSet": money(made.subtotal),
            "discountedSubtotalSet": money(made.subtotal),
            "totalTaxSet": money(made.tax),
            "maximumRefundableSet": money(totals.received(order) - totals.refunded(order)),
            "shipping": {
                "amountSet": money(made.shipping),
                "maximumRefundableSet": money(totals.shipping(order) - totals.refunded_shipping(order)),
                "taxSet": money(made.shipping_tax),
            },
            "refundLineItems": [show_refund_line(box, order, one) for one in made.lines],
            "suggestedTransactions": [
                {
                    "amountSet": money(amount),
                    "maximumRefundableSet": money(totals.refundable_of(order, parent)),
                    "gateway": parent.gateway,
                    "formattedGateway": parent.gateway,
                    "kind": "SUGGESTED_REFUND",
                    "parentTransaction": show_transaction(box, order, parent),
                }
                for parent, amount in made.payments
            ],
        }

    is_external = order.source_name not in {"web", "pos", "shopify_draft_order"}
    return {
        "__typename": "Order",
        "id": gid("Order", order.id),
        "legacyResourceId": str(order.id),
        "name": order.name,
        "number": order.number,
        "app": {"id": gid("App", order.app_id), "name": order.app_name},
        "attribution": {"handle": order.source_name, "displayName": order.source_name} if is_external else None,
        "sourceName": order.source_name,
        "sourceIdentifier": order.source_identifier,
        "tags": order.tags,
        "note": order.note,
        "email": order.email,
        "customAttributes": [{"key": key, "value": value} for key, value in order.attributes],
        "cancelledAt": stamp(order.cancelled_at),
        "cancelReason": order.cancel_reason,
        "cancellation": {"staffNote": order.staff_note} if order.cancelled_at else None,
        "closed": order.closed_at is not None,
        "closedAt": stamp(order.closed_at),
        "createdAt": stamp(order.created_at),
        "processedAt": stamp(order.processed_at),
        "updatedAt": stamp(order.updated_at),
        "currencyCode": order.currency,
        "presentmentCurrencyCode": order.currency,
        "displayFinancialStatus": totals.financial_status(order),
        "displayFulfillmentStatus": fulfillment_status(order),
        "returnStatus": order.return_status,
        "refundable": any(line.refundable for line in order.lines) or totals.received(order) > totals.refunded(order),
        "restockable": any(line.refundable and line.variant for line in order.lines),
        "fullyPaid": totals.received(order) >= totals.total(order),
        "unpaid": totals.received(order) == 0,
        "test": order.test,
        "taxesIncluded": order.taxes_included,
        "paymentGatewayNames": list(dict.fromkeys(one.gateway for one in order.transactions)),
        "shippingAddress": order.shipping_address,
        "shippingLine": show_shipping(order, order.shipping[0]) if order.shipping else None,
        "shippingLines": lambda _info, **args: connection(order.shipping, lambda one: show_shipping(order, one), args),
        "lineItems": lambda _info, **args: connection(order.lines, lambda one: show_line(box, order, one), args),
        "fulfillmentOrders": lambda _info, **args: connection(
            order.fulfillment_orders, lambda one: show_fulfillment_order(box, order, one), args
        ),
        "fulfillments": lambda _info, **args: [
            show_fulfillment(box, order, one) for one in _cut(order.fulfillments, args)
        ],
        "refunds": lambda _info, **args: [show_refund(box, order, one) for one in _cut(order.refunds, args)],
        "transactions": transactions,
        "metafield": metafield,
        "suggestedRefund": suggested,
        "subtotalPriceSet": money(totals.subtotal(order)),
        "currentSubtotalPriceSet": money(totals.current_subtotal(order)),
        "totalPriceSet": money(totals.total(order)),
        "originalTotalPriceSet": money(totals.total(order)),
        "currentTotalPriceSet": money(totals.current_total(order)),
        "totalTaxSet": money(totals.tax(order)),
        "currentTotalTaxSet": money(totals.current_tax(order)),
        "totalDiscountsSet": money(totals.discounts(order)),
        "totalShippingPriceSet": money(totals.shipping(order)),
        "totalReceivedSet": money(totals.received(order)),
        "netPaymentSet": money(totals.received(order) - totals.refunded(order)),
        "totalRefundedSet": money(totals.refunded(order)),
        "totalRefundedShippingSet": money(totals.refunded_shipping(order)),
        "totalOutstandingSet": money(totals.outstanding(order)),
    }
