"""What the control API shows of the books."""

from __future__ import annotations

from bridge.sandbox.woocommerce.model import REDUCED, Json, Order, Product
from bridge.sandbox.woocommerce.state import WooCommerceSandbox
from bridge.sandbox.woocommerce.wire import gmt


def product(one: Product) -> Json:
    keeper = one.keeper
    return {
        "id": one.id,
        "sku": one.sku,
        "kind": one.kind,
        "parent": one.parent.id if one.parent else None,
        "price": str(one.price),
        "manages_stock": one.manages_stock,
        "stock": keeper.stock if keeper else None,
    }


def order(one: Order) -> Json:
    return {
        "id": one.id,
        "number": one.number,
        "status": one.status,
        "currency": one.currency,
        "total": str(one.total),
        "remaining": str(one.remaining),
        "created_via": one.created_via,
        "customer_note": one.customer_note,
        "modified_at": gmt(one.modified_at),
        "stock_reduced": one.stock_reduced,
        "meta": {meta.key: meta.value for meta in one.metas.rows},
        "rows": [
            {
                "id": row.id,
                "kind": row.kind,
                "sku": row.product.sku if row.product else None,
                "quantity": row.quantity,
                "total": str(row.total),
                "tax": str(row.tax),
                "reduced_stock": row.metas.get(REDUCED),
            }
            for row in one.rows
        ],
        "refunds": [
            {
                "id": refund.id,
                "amount": str(refund.amount),
                "reason": refund.reason,
                "refunded_payment": refund.refunded_payment,
                "quantities": {
                    str(row.metas.get("_refunded_item_id")): -row.quantity for row in refund.rows if row.quantity
                },
            }
            for refund in one.refunds
        ],
    }


def everything(box: WooCommerceSandbox) -> Json:
    return {
        "currency": box.currency,
        "key": {"consumer_key": box.keys.key, "consumer_secret": box.keys.secret, "permissions": box.keys.permissions},
        "products": [product(one) for one in box.products.values()],
        "orders": [order(one) for one in box.orders.values()],
        "real_money": str(box.real_money),
        "mails": dict(box.mails),
        "effects": dict(box.effects),
        "webhooks": [
            {
                "id": one.id,
                "topic": one.topic,
                "delivery_url": one.url,
                "status": one.status,
                "failures": one.failures,
                "pending_delivery": one.pending_delivery,
            }
            for one in box.webhooks.values()
        ],
    }
