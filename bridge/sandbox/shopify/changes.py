"""Telling the app's subscriptions of a change. Everything that one action changed shares an event id."""

from __future__ import annotations

import uuid

from bridge.sandbox.shopify import rest
from bridge.sandbox.shopify.model import Order, Refund
from bridge.sandbox.shopify.state import ShopifySandbox


def tell(box: ShopifySandbox, order: Order, *topics: str, refund: Refund | None = None) -> None:
    """`topics` about the order, `REFUNDS_CREATE` about the refund, and `ORDERS_UPDATED` after all of them."""
    box.touch(order)
    event = str(uuid.uuid4())
    for topic in topics:
        box.deliveries.publish(topic, rest.order_body(order), event)
    if refund is not None:
        box.deliveries.publish("REFUNDS_CREATE", rest.refund_body(order, refund), event)
    box.deliveries.publish("ORDERS_UPDATED", rest.order_body(order), event)


def tell_uninstalled(box: ShopifySandbox) -> None:
    body = {"id": 1, "name": box.name, "domain": box.domain, "myshopify_domain": box.domain, "currency": box.currency}
    box.deliveries.publish("APP_UNINSTALLED", body, str(uuid.uuid4()))
