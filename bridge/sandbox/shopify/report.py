"""What the control API shows of the books."""

from __future__ import annotations

from bridge.sandbox.shopify import totals
from bridge.sandbox.shopify.model import Order, Variant
from bridge.sandbox.shopify.state import ShopifySandbox
from bridge.sandbox.shopify.views import fulfillment_status
from bridge.sandbox.shopify.wire import Json, cents, gid, stamp


def variant(box: ShopifySandbox, one: Variant) -> Json:
    levels = one.levels or {box.home.id: one.level(box.home.id)}
    return {
        "id": str(one.id),
        "gid": gid("ProductVariant", one.id),
        "sku": one.sku,
        "available": sum(level.available for level in levels.values()),
        "committed": sum(level.committed for level in levels.values()),
        "on_hand": sum(level.on_hand for level in levels.values()),
        "locations": {
            str(place): {"available": level.available, "committed": level.committed, "on_hand": level.on_hand}
            for place, level in levels.items()
        },
    }


def order(one: Order) -> Json:
    return {
        "id": str(one.id),
        "gid": gid("Order", one.id),
        "name": one.name,
        "tags": one.tags,
        "note": one.note,
        "source_name": one.source_name,
        "source_identifier": one.source_identifier,
        "cancelled_at": stamp(one.cancelled_at),
        "cancel_reason": one.cancel_reason,
        "staff_note": one.staff_note,
        "financial_status": totals.financial_status(one),
        "fulfillment_status": fulfillment_status(one),
        "return_status": one.return_status,
        "total": str(cents(totals.total(one))),
        "received": str(cents(totals.received(one))),
        "refunded": str(cents(totals.refunded(one))),
        "currency": one.currency,
        "lines": [
            {
                "id": str(line.id),
                "gid": gid("LineItem", line.id),
                "sku": line.sku,
                "quantity": line.quantity,
                "fulfilled": line.fulfilled,
                "unfulfilled": line.unfulfilled,
                "removed": line.removed,
                "refunded": line.refunded,
            }
            for line in one.lines
        ],
        "transactions": [
            {
                "id": str(paid.id),
                "kind": paid.kind,
                "gateway": paid.gateway,
                "manual": paid.manual,
                "amount": str(cents(paid.amount)),
                "status": paid.status,
            }
            for paid in one.transactions
        ],
        "refunds": [
            {
                "id": str(refund.id),
                "note": refund.note,
                "total": str(cents(refund.total)),
                "shipping": str(cents(refund.shipping)),
                "lines": [
                    {"line": str(line.line.id), "quantity": line.quantity, "restock_type": line.restock_type}
                    for line in refund.lines
                ],
            }
            for refund in one.refunds
        ],
        "fulfillment_orders": [
            {
                "id": str(work.id),
                "status": work.status,
                "request_status": work.request_status,
                "location": str(work.location_id),
                "units": {str(line_id): count for line_id, count in work.units.items() if count},
                "holds": [hold.handle for hold in work.holds],
            }
            for work in one.fulfillment_orders
        ],
        "fulfillments": [{"id": str(sent.id), "status": sent.status} for sent in one.fulfillments],
    }


def everything(box: ShopifySandbox) -> Json:
    return {
        "domain": box.domain,
        "currency": box.currency,
        "app": {"client_id": box.tokens.client_id, "client_secret": box.tokens.secrets[0]},
        "locations": [
            {"id": str(place.id), "name": place.name, "active": place.is_active} for place in box.locations.values()
        ],
        "variants": [variant(box, one) for one in box.variants.values()],
        "orders": [order(one) for one in box.orders.values()],
        "jobs": [
            {"id": job.id, "order": str(job.order.id), "status": job.status, "errors": job.errors}
            for job in box.jobs.values()
        ],
        "real_money": str(cents(box.real_money)),
        "mails": dict(box.mails),
        "effects": dict(box.effects),
        "subscriptions": [
            {"id": str(one.id), "topic": one.topic, "uri": one.uri, "name": one.name, "failures": one.failures}
            for one in box.subscriptions.values()
        ],
        "bucket": box.bucket.status(),
    }
