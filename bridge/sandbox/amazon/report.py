"""What the control API shows of the books."""

from __future__ import annotations

from bridge.sandbox.amazon.model import Json, Order
from bridge.sandbox.amazon.state import AmazonSandbox
from bridge.sandbox.amazon.wire import stamp


def order(one: Order) -> Json:
    return {
        "id": one.id,
        "displayed_id": one.displayed_id,
        "comment": one.comment,
        "status": one.status.value,
        "cancel_asked": one.cancel_asked,
        "creates": one.creates,
        "channel": one.channel,
        "speed": one.speed,
        "action": one.action,
        "policy": one.policy,
        "address": one.address,
        "received_at": stamp(one.received_at),
        "updated_at": stamp(one.updated_at),
        "items": [
            {
                "id": item.id,
                "sku": item.sku,
                "quantity": item.quantity,
                "shipped": item.shipped,
                "cancelled": item.cancelled,
                "unfulfillable": item.unfulfillable,
            }
            for item in one.items
        ],
        "shipments": [
            {"id": sent.id, "status": sent.status, "quantities": sent.quantities, "tracking": sent.tracking}
            for sent in one.shipments
        ],
    }


def everything(box: AmazonSandbox) -> Json:
    return {
        "marketplace_id": box.marketplace_id,
        "app": {"client_id": box.tokens.client_id, "client_secret": box.tokens.client_secret},
        "refresh_token": box.tokens.refresh_token,
        "tokens_granted": box.tokens.granted,
        "stock": dict(box.stock),
        "orders": [order(one) for one in box.orders.values()],
        "effects": dict(box.effects),
        "rate": box.rates.told(),
    }
