"""The fields of the mutation root, and the scope each asks for."""

from __future__ import annotations

from typing import Any

from bridge.sandbox.shopify import cancelling, fulfilling, metafields, placing, refunding, subscriptions, views
from bridge.sandbox.shopify.changes import tell
from bridge.sandbox.shopify.queries import Resolver
from bridge.sandbox.shopify.state import ShopifySandbox
from bridge.sandbox.shopify.wire import Json, gid, number_in, refused, user_error

IDEMPOTENCY_KEY = " idempotency key "
"""Where the engine puts the key of `@idempotent` among the arguments; no argument is spelt like this."""


def _create_order(box: ShopifySandbox, args: Json) -> Json:
    order, errors = placing.create(box, args)
    return {"order": views.show_order(box, order) if order else None, "userErrors": errors}


def _cancel(box: ShopifySandbox, args: Json) -> Json:
    job, errors = cancelling.ask(box, args)
    started: dict[str, Any] = {}
    if job is not None:
        # Shown as it is now, before any of it is done.
        started = {"job": {"id": gid("Job", job.id), "done": False}, "jobResult": views.show_cancel_job(box, job)}
    return {"job": None, "jobResult": None, **started, "orderCancelUserErrors": errors, "userErrors": errors}


def _refund(box: ShopifySandbox, args: Json) -> Json:
    key = args.get(IDEMPOTENCY_KEY)
    if not key:
        raise refused("The @idempotent directive is required for this mutation but was not provided.", "BAD_REQUEST")
    order, refund, errors = refunding.create(box, args, key)
    return {
        "refund": views.show_refund(box, order, refund) if order and refund else None,
        "order": views.show_order(box, order) if order else None,
        "userErrors": errors,
    }


def _add_tags(box: ShopifySandbox, args: Json) -> Json:
    order = box.orders.get(number_in(args["id"], "Order") or 0)
    if order is None:
        return {"node": None, "userErrors": [user_error("Order does not exist", "id")]}
    order.tags = sorted({*order.tags, *args["tags"]})
    tell(box, order)
    return {"node": views.show_order(box, order), "userErrors": []}


MUTATIONS: dict[str, tuple[str | None, Resolver]] = {
    "fulfillmentCancel": ("write_merchant_managed_fulfillment_orders", fulfilling.cancel_fulfillment),
    "fulfillmentOrderCancel": ("write_merchant_managed_fulfillment_orders", fulfilling.cancel_order),
    "fulfillmentOrderHold": ("write_merchant_managed_fulfillment_orders", fulfilling.hold),
    "fulfillmentOrderReleaseHold": ("write_merchant_managed_fulfillment_orders", fulfilling.release),
    "fulfillmentOrderSubmitCancellationRequest": (
        "write_third_party_fulfillment_orders",
        fulfilling.request_cancellation,
    ),
    "metafieldDefinitionCreate": ("write_orders", metafields.define),
    "metafieldsSet": ("write_orders", metafields.set_many),
    "orderCancel": ("write_orders", _cancel),
    "orderCreate": ("write_orders", _create_order),
    "refundCreate": ("write_orders", _refund),
    "tagsAdd": ("write_orders", _add_tags),
    "webhookSubscriptionCreate": ("read_orders", subscriptions.create),
    "webhookSubscriptionDelete": (None, subscriptions.delete),
}
