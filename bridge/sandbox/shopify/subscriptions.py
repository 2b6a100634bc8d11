"""Subscriptions to webhooks, made and ended by the app. http addresses are taken, which Shopify would refuse."""

from __future__ import annotations

import re
from typing import Any

from bridge.sandbox.shopify.model import Subscription
from bridge.sandbox.shopify.paging import connection
from bridge.sandbox.shopify.state import ShopifySandbox
from bridge.sandbox.shopify.wire import Json, gid, number_in, stamp, user_error

_NAME = re.compile(r"[A-Za-z0-9_-]{1,50}")


def version(handle: str, newest: str) -> Json:
    is_candidate = handle > newest
    return {
        "handle": handle,
        "displayName": f"{handle} (Release candidate)" if is_candidate else handle,
        "supported": not is_candidate,
    }


def show(box: ShopifySandbox, one: Subscription) -> Json:
    newest = box.settings.api_versions[-1]
    return {
        "__typename": "WebhookSubscription",
        "id": gid("WebhookSubscription", one.id),
        "legacyResourceId": str(one.id),
        "topic": one.topic,
        "uri": one.uri,
        "name": one.name,
        "filter": one.filter,
        "format": "JSON",
        "includeFields": one.include_fields,
        "apiVersion": version(newest, newest),
        "createdAt": stamp(one.created_at),
        "updatedAt": stamp(one.created_at),
    }


def fault_of(box: ShopifySandbox, topic: str, given: Json) -> Json | None:
    uri, name = given.get("uri") or "", given.get("name")
    if not re.match(r"https?://[^/\s]+", uri):
        return user_error("Address is invalid", "webhookSubscription", "uri")
    if name is not None and not _NAME.fullmatch(name):
        message = "Name must be at most 50 letters, digits, hyphens and underscores"
        return user_error(message, "webhookSubscription", "name")
    if given.get("format") not in {None, "JSON"}:
        return user_error("The sandbox delivers JSON only", "webhookSubscription", "format")
    for one in box.subscriptions.values():
        if (one.topic, one.uri, one.filter) == (topic, uri, given.get("filter")):
            return user_error("Address for this topic has already been taken", "webhookSubscription", "uri")
    return None


def create(box: ShopifySandbox, args: Json) -> Json:
    given: dict[str, Any] = args["webhookSubscription"]
    fault = fault_of(box, args["topic"], given)
    if fault is not None:
        return {"webhookSubscription": None, "userErrors": [fault]}
    made = Subscription(
        box.next_id(),
        args["topic"],
        given["uri"],
        given.get("name"),
        given.get("filter"),
        given.get("includeFields") or [],
        box.now(),
    )
    box.subscriptions[made.id] = made
    return {"webhookSubscription": show(box, made), "userErrors": []}


def delete(box: ShopifySandbox, args: Json) -> Json:
    gone = box.subscriptions.pop(number_in(args["id"], "WebhookSubscription") or 0, None)
    if gone is None:
        error = user_error("Webhook subscription does not exist", "id")
        return {"deletedWebhookSubscriptionId": None, "userErrors": [error]}
    return {"deletedWebhookSubscriptionId": args["id"], "userErrors": []}


def page(box: ShopifySandbox, args: Json) -> Json:
    topics, uri = args.get("topics"), args.get("uri")
    found = [
        one
        for one in box.subscriptions.values()
        if (not topics or one.topic in topics) and (uri is None or one.uri == uri)
    ]
    return connection(found, lambda one: show(box, one), args, lambda one: (one.created_at, one.id))
