"""Metafields of orders: values of the app's own, and the definition that makes one unique.

`$app` at the start of a namespace, and no namespace at all, stand for the namespace reserved to the app.
"""

from __future__ import annotations

import hashlib
from typing import Any

from bridge.sandbox.shopify.model import Definition, Metafield, Order
from bridge.sandbox.shopify.state import APP_ID, ShopifySandbox
from bridge.sandbox.shopify.wire import Json, gid, number_in, refused, stamp, user_error

MOST_AT_ONCE = 25


def full_namespace(given: str | None) -> str:
    own = f"app--{APP_ID}"
    if not given or given == "$app":
        return own
    return f"{own}--{given.removeprefix('$app:')}" if given.startswith("$app:") else given


def find(box: ShopifySandbox, owner: int, namespace: str, key: str) -> Metafield | None:
    return next(
        (one for one in box.metafields if one.owner == owner and (one.namespace, one.key) == (namespace, key)), None
    )


def definition(box: ShopifySandbox, namespace: str, key: str) -> Definition | None:
    return next((one for one in box.definitions if (one.namespace, one.key) == (namespace, key)), None)


def fault_of(box: ShopifySandbox, owner: int | None, namespace: str, key: str, value: str) -> str | None:
    """Why this value cannot be set: it is another's where the definition says that each has its own."""
    defined = definition(box, namespace, key)
    if not value:
        return "can't be blank"
    if defined is not None and defined.unique:
        for one in box.metafields:
            if (one.namespace, one.key, one.value) == (namespace, key, value) and one.owner != owner:
                return "Value must be unique"
    return None


def put(box: ShopifySandbox, order: Order, namespace: str, key: str, kind: str | None, value: str) -> Metafield:
    found = find(box, order.id, namespace, key)
    if found is None:
        defined = definition(box, namespace, key)
        chosen = kind or (defined.type if defined else "single_line_text_field")
        found = Metafield(box.next_id(), order.id, namespace, key, chosen, value, box.now())
        box.metafields.append(found)
    found.value = value
    return found


def show(one: Metafield) -> Json:
    return {
        "__typename": "Metafield",
        "id": gid("Metafield", one.id),
        "legacyResourceId": str(one.id),
        "namespace": one.namespace,
        "key": one.key,
        "type": one.type,
        "value": one.value,
        "ownerType": "ORDER",
        "compareDigest": hashlib.sha256(one.value.encode()).hexdigest(),
        "createdAt": stamp(one.created_at),
        "updatedAt": stamp(one.created_at),
    }


def show_of(box: ShopifySandbox, order: Order, args: Json) -> Json | None:
    found = find(box, order.id, full_namespace(args.get("namespace")), args["key"])
    return show(found) if found else None


def owner_of(box: ShopifySandbox, args: Json) -> Order | None:
    """The order whose unique metafield has this value. Without a definition of type `id`, an error."""
    namespace = full_namespace(args.get("namespace"))
    defined = definition(box, namespace, args["key"])
    if defined is None or defined.type != "id":
        raise refused("Metafield definition of type 'id' is required when using custom ids.", "NOT_FOUND")
    for one in box.metafields:
        if (one.namespace, one.key, one.value) == (namespace, args["key"], args["value"]):
            return box.orders.get(one.owner)
    return None


def set_many(box: ShopifySandbox, args: Json) -> Json:
    """All or none of them."""
    given: list[Json] = args["metafields"]
    errors: list[Json] = []
    if len(given) > MOST_AT_ONCE:
        errors.append(user_error(f"Exceeded the maximum metafields input limit of {MOST_AT_ONCE}.", "metafields"))
    places: list[tuple[Order, str, Json]] = []
    for position, one in enumerate(given):
        order = box.orders.get(number_in(one["ownerId"], "Order") or 0)
        where = ("metafields", str(position))
        if order is None:
            errors.append(user_error("Owner does not exist.", *where, "ownerId", code="INVALID"))
            continue
        namespace = full_namespace(one.get("namespace"))
        if not one.get("type") and definition(box, namespace, one["key"]) is None:
            errors.append(user_error("Type can't be blank", *where, "type", code="BLANK"))
        fault = fault_of(box, order.id, namespace, one["key"], one["value"])
        if fault is not None:
            errors.append(user_error(fault, *where, "value", code="TAKEN" if "unique" in fault else "BLANK"))
        places.append((order, namespace, one))
    if errors:
        return {"metafields": None, "userErrors": errors}
    made = [put(box, order, namespace, one["key"], one.get("type"), one["value"]) for order, namespace, one in places]
    return {"metafields": [show(one) for one in made], "userErrors": []}


def show_definition(one: Definition) -> Json:
    return {
        "id": gid("MetafieldDefinition", one.id),
        "name": one.name,
        "namespace": one.namespace,
        "key": one.key,
        "ownerType": "ORDER",
        "type": {"name": one.type},
    }


def define(box: ShopifySandbox, args: Json) -> Json:
    given: dict[str, Any] = args["definition"]
    namespace, key = full_namespace(given.get("namespace")), given["key"]
    if given["ownerType"] != "ORDER":
        error = user_error("The sandbox keeps metafields of orders only", "definition", "ownerType", code="INVALID")
        return {"createdDefinition": None, "userErrors": [error]}
    if definition(box, namespace, key) is not None:
        error = user_error("Key is in use for Order metafields", "definition", "key", code="TAKEN")
        return {"createdDefinition": None, "userErrors": [error]}
    asked = ((given.get("capabilities") or {}).get("uniqueValues") or {}).get("enabled", False)
    made = Definition(box.next_id(), given["name"], namespace, key, given["type"], given["type"] == "id" or asked)
    box.definitions.append(made)
    return {"createdDefinition": show_definition(made), "userErrors": []}
