"""The fields of the query root, and the scope each asks for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from bridge.sandbox.shopify import cancelling, goods, metafields, search, subscriptions, totals, views
from bridge.sandbox.shopify.model import Order, Variant
from bridge.sandbox.shopify.paging import connection
from bridge.sandbox.shopify.state import APP_ID, APP_NAME, ShopifySandbox
from bridge.sandbox.shopify.wire import Json, gid, number_in, split_gid

Resolver = Callable[[ShopifySandbox, Json], Any]


def _order_status(order: Order) -> str:
    if order.cancelled_at is not None:
        return "cancelled"
    return "closed" if order.closed_at is not None else "open"


def _status_field(order: Order, _relation: str, value: str) -> bool:
    held = _order_status(order)
    return value in {"any", held} or (value == "not_closed" and held == "open")


_FULFILMENT = {
    "UNFULFILLED": ("unfulfilled", "unshipped"),
    "PARTIALLY_FULFILLED": ("partial", "unfulfilled"),
    "FULFILLED": ("fulfilled", "shipped"),
    "ON_HOLD": ("on_hold", "unfulfilled"),
}

ORDER_FIELDS: dict[str, search.Field[Order]] = {
    "id": search.number_field(lambda order: order.id),
    "name": search.any_field(lambda order: [order.name, order.name.removeprefix("#")]),
    "tag": search.any_field(lambda order: order.tags),
    "tag_not": lambda order, _relation, value: value.casefold() not in {tag.casefold() for tag in order.tags},
    "email": search.text_field(lambda order: order.email),
    "sku": search.any_field(lambda order: [line.sku or "" for line in order.lines]),
    "source_name": search.text_field(lambda order: order.source_name),
    "channel": search.text_field(lambda order: order.source_name),
    "source_identifier": search.text_field(lambda order: order.source_identifier),
    "status": _status_field,
    "financial_status": search.text_field(totals.financial_status),
    "fulfillment_status": lambda order, _relation, value: value in _FULFILMENT.get(views.fulfillment_status(order), ()),
    "return_status": search.text_field(lambda order: order.return_status),
    "gateway": search.any_field(lambda order: [one.gateway for one in order.transactions]),
    "created_at": search.time_field(lambda order: order.created_at),
    "updated_at": search.time_field(lambda order: order.updated_at),
    "processed_at": search.time_field(lambda order: order.processed_at),
    "test": lambda order, _relation, value: value == str(order.test).lower(),
}

VARIANT_FIELDS: dict[str, search.Field[Variant]] = {
    "id": search.number_field(lambda variant: variant.id),
    "sku": search.text_field(lambda variant: variant.sku),
    "title": search.text_field(lambda variant: variant.title),
}


def _full_text(order: Order) -> str:
    """What terms without a field search in. Whether Shopify searches notes and attributes is not confirmed."""
    return " ".join([order.name, order.email or "", *order.tags, *(line.title for line in order.lines)])


def _place(order: Order, key: str) -> tuple[Any, int]:
    times: dict[str, datetime] = {
        "UPDATED_AT": order.updated_at,
        "CREATED_AT": order.created_at,
        "PROCESSED_AT": order.processed_at,
    }
    if key in {"ID", "ORDER_NUMBER"}:
        return order.id, order.id
    return times.get(key, order.processed_at), order.id


def _orders(box: ShopifySandbox, args: Json) -> Json:
    def of_metafield(name: str) -> search.Field[Order] | None:
        if not name.startswith("metafields."):
            return None
        namespace, _, key = name.removeprefix("metafields.").rpartition(".")
        full = metafields.full_namespace(namespace)

        def test(order: Order, _relation: str, value: str) -> bool:
            found = metafields.find(box, order.id, full, key)
            return found is not None and found.value == value

        return test

    asked = search.parse(args.get("query") or "", ORDER_FIELDS, _full_text, of_metafield)
    box.search_warnings = asked.unknown
    found = [order for order in box.orders.values() if asked.matches(order)]
    key = args.get("sortKey") or "PROCESSED_AT"
    return connection(found, lambda order: views.show_order(box, order), args, lambda order: _place(order, key))


def _variants(box: ShopifySandbox, args: Json) -> Json:
    asked = search.parse(args.get("query") or "", VARIANT_FIELDS, lambda variant: f"{variant.sku} {variant.title}")
    box.search_warnings = asked.unknown
    found = [one for one in box.variants.values() if asked.matches(one)]
    return connection(found, lambda one: goods.show_variant(box, one), args, lambda one: (one.id, one.id))


def _locations(box: ShopifySandbox, args: Json) -> Json:
    found = [one for one in box.locations.values() if one.is_active or args.get("includeInactive")]
    return connection(found, lambda one: goods.show_location(box, one), args, lambda one: (one.id, one.id))


def _location(box: ShopifySandbox, args: Json) -> Json | None:
    found = box.locations.get(number_in(args["id"], "Location") or 0) if args.get("id") else box.home
    return goods.show_location(box, found) if found else None


def _order(box: ShopifySandbox, args: Json) -> Json | None:
    found = box.orders.get(number_in(args["id"], "Order") or 0)
    return views.show_order(box, found) if found else None


def _by_identifier(box: ShopifySandbox, args: Json) -> Json | None:
    given = args["identifier"]
    if given.get("id"):
        return _order(box, given)
    found = metafields.owner_of(box, given["customId"])
    return views.show_order(box, found) if found else None


def _job(box: ShopifySandbox, args: Json) -> Json | None:
    kind, number = split_gid(args["id"])
    cancelling.run_due(box)
    found = box.jobs.get(number) if kind == "Job" else None
    return {"id": args["id"], "done": found.done} if found else None


def _fulfillment_order(box: ShopifySandbox, args: Json) -> Json | None:
    for order in box.orders.values():
        for one in order.fulfillment_orders:
            if one.id == number_in(args["id"], "FulfillmentOrder"):
                return views.show_fulfillment_order(box, order, one)
    return None


def _node(box: ShopifySandbox, args: Json) -> Json | None:
    kind, number = split_gid(args["id"])
    if kind == "OrderCancelJobResult":
        cancelling.run_due(box)
        job = box.jobs.get(number) if box.settings.node_knows_jobs else None
        return views.show_cancel_job(box, job) if job else None
    if kind == "Order":
        return _order(box, args)
    if kind == "FulfillmentOrder":
        return _fulfillment_order(box, args)
    if kind == "Location":
        return _location(box, args)
    if kind == "WebhookSubscription":
        return _subscription(box, args)
    if kind == "ProductVariant":
        variant = box.variants.get(number_in(args["id"], kind) or 0)
        return goods.show_variant(box, variant) if variant else None
    for order in box.orders.values():
        if kind == "Refund":
            for refund in order.refunds:
                if str(refund.id) == number:
                    return views.show_refund(box, order, refund)
        if kind == "LineItem":
            for line in order.lines:
                if str(line.id) == number:
                    return views.show_line(box, order, line)
    return None


def _nodes(box: ShopifySandbox, args: Json) -> list[Json | None]:
    return [_node(box, {"id": one}) for one in args["ids"]]


def _versions(box: ShopifySandbox, _args: Json) -> list[Json]:
    supported = box.settings.api_versions
    coming = [*(one for one in ("2027-01",) if one > supported[-1]), "unstable"]
    return [subscriptions.version(one, supported[-1]) for one in [*supported, *coming]]


def _shop(box: ShopifySandbox, _args: Json) -> Json:
    return {
        "id": gid("Shop", 1),
        "name": box.name,
        "myshopifyDomain": box.domain,
        "url": f"https://{box.domain}",
        "email": "owner@example.invalid",
        "currencyCode": box.currency,
        "ianaTimezone": "America/New_York",
        "taxesIncluded": False,
    }


def _installation(box: ShopifySandbox, _args: Json) -> Json:
    return {
        "__typename": "AppInstallation",
        "id": gid("AppInstallation", 1),
        "app": {"__typename": "App", "id": gid("App", APP_ID), "handle": "bridge", "title": APP_NAME},
        "accessScopes": [{"handle": one, "description": one.replace("_", " ")} for one in box.tokens.scopes],
    }


def _subscription(box: ShopifySandbox, args: Json) -> Json | None:
    found = box.subscriptions.get(number_in(args["id"], "WebhookSubscription") or 0)
    return subscriptions.show(box, found) if found else None


def _definitions(box: ShopifySandbox, args: Json) -> Json:
    namespace = metafields.full_namespace(args["namespace"]) if args.get("namespace") else None
    found = [
        one
        for one in box.definitions
        if (namespace is None or one.namespace == namespace) and (not args.get("key") or one.key == args["key"])
    ]
    found = found if args["ownerType"] == "ORDER" else []
    return connection(found, metafields.show_definition, args)


QUERIES: dict[str, tuple[str | None, Resolver]] = {
    "appInstallation": (None, _installation),
    "currentAppInstallation": (None, _installation),
    "fulfillmentOrder": ("read_merchant_managed_fulfillment_orders", _fulfillment_order),
    "job": (None, _job),
    "location": ("read_locations", _location),
    "locations": ("read_locations", _locations),
    "metafieldDefinitions": (None, _definitions),
    "node": (None, _node),
    "nodes": (None, _nodes),
    "order": ("read_orders", _order),
    "orderByIdentifier": ("read_orders", _by_identifier),
    "orders": ("read_orders", _orders),
    "productVariants": ("read_products", _variants),
    "publicApiVersions": (None, _versions),
    "shop": (None, _shop),
    "webhookSubscription": (None, _subscription),
    "webhookSubscriptions": (None, subscriptions.page),
}
