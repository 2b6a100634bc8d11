"""What GraphQL shows of variants, locations and stock."""

from __future__ import annotations

from typing import Any

from bridge.sandbox.shopify.model import Level, Location, Variant
from bridge.sandbox.shopify.paging import connection
from bridge.sandbox.shopify.state import ShopifySandbox
from bridge.sandbox.shopify.wire import Json, gid, money_text, number_in, stamp


def show_location(box: ShopifySandbox, place: Location) -> Json:
    def level(_info: Any, **args: Any) -> Json | None:
        item = number_in(args["inventoryItemId"], "InventoryItem")
        found = next((one for one in box.variants.values() if one.inventory_item_id == item), None)
        held = found.levels.get(place.id) if found else None
        return show_level(box, found, place, held) if found is not None and held is not None else None

    return {
        "__typename": "Location",
        "id": gid("Location", place.id),
        "legacyResourceId": str(place.id),
        "name": place.name,
        "isActive": place.is_active,
        "deactivatedAt": None if place.is_active else stamp(box.now()),
        "isFulfillmentService": place.is_fulfillment_service,
        "fulfillsOnlineOrders": place.is_active,
        "shipsInventory": place.is_active,
        "inventoryLevel": level,
    }


def show_level(box: ShopifySandbox, variant: Variant, place: Location, level: Level) -> Json:
    held = {
        "available": level.available,
        "committed": level.committed,
        "on_hand": level.on_hand,
        "incoming": 0,
        "reserved": 0,
        "damaged": 0,
        "quality_control": 0,
        "safety_stock": 0,
    }

    def quantities(_info: Any, **args: Any) -> list[Json]:
        return [
            {
                "__typename": "InventoryQuantity",
                "id": gid("InventoryQuantity", f"{place.id}{variant.inventory_item_id}-{name}"),
                "name": name,
                "quantity": held[name],
                "updatedAt": None,
            }
            for name in args["names"]
            if name in held
        ]

    return {
        "__typename": "InventoryLevel",
        "id": gid("InventoryLevel", f"{place.id}?inventory_item_id={variant.inventory_item_id}"),
        "isActive": place.is_active,
        "item": lambda _info: show_item(box, variant),
        "location": show_location(box, place),
        "quantities": quantities,
        "updatedAt": stamp(box.now()),
    }


def show_item(box: ShopifySandbox, variant: Variant) -> Json:
    def level(_info: Any, **args: Any) -> Json | None:
        place = box.locations.get(number_in(args["locationId"], "Location") or 0)
        held = variant.levels.get(place.id) if place else None
        return show_level(box, variant, place, held) if place is not None and held is not None else None

    return {
        "__typename": "InventoryItem",
        "id": gid("InventoryItem", variant.inventory_item_id),
        "legacyResourceId": str(variant.inventory_item_id),
        "sku": variant.sku,
        "tracked": variant.tracked,
        "requiresShipping": True,
        "inventoryLevel": level,
        "inventoryLevels": lambda _info, **args: connection(
            list(variant.levels.items()),
            lambda one: show_level(box, variant, box.locations[one[0]], one[1]),
            args,
        ),
    }


def show_variant(box: ShopifySandbox, variant: Variant) -> Json:
    return {
        "__typename": "ProductVariant",
        "id": gid("ProductVariant", variant.id),
        "legacyResourceId": str(variant.id),
        "displayName": variant.title,
        "title": variant.title,
        "sku": variant.sku,
        "price": money_text(variant.price),
        "taxable": True,
        "inventoryPolicy": "CONTINUE" if variant.continue_selling else "DENY",
        "inventoryQuantity": sum(level.available for level in variant.levels.values()),
        "inventoryItem": lambda _info: show_item(box, variant),
        "createdAt": stamp(box.now()),
        "updatedAt": stamp(box.now()),
    }
