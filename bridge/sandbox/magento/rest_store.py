"""REST: store configuration with the plugin's version report, catalog, stock, modules, and the plugin's webhooks."""

from __future__ import annotations

import hashlib
import hmac

from bridge.sandbox.magento import columns, views
from bridge.sandbox.magento.rest_sales import listing, trimmed
from bridge.sandbox.magento.routes import Answer, Call, Route, route
from bridge.sandbox.magento.stock import CONFIGURABLE, Product
from bridge.sandbox.magento.wire import ApplicationError, RestError, Row, not_found, number, required

WEBHOOK_FIELDS = ("id", "topic", "app_key", "address", "integration_id")
MODULES = [
    "Magento_Store",
    "Magento_Backend",
    "Magento_Integration",
    "Magento_Catalog",
    "Magento_CatalogInventory",
    "Magento_Sales",
    "Magento_OfflinePayments",
    "Magento_Inventory",
    "Magento_InventorySales",
    "Magento_InventoryShipping",
    "Magento_InventoryReservations",
    "Magento_SalesInventory",
    "Magento_Webapi",
]


def _configs(call: Call) -> Answer:
    shown = []
    for store in call.box.stores:
        entry: Row = {"id": store.id, "code": store.code, "website_id": store.website.id, "locale": store.locale}
        entry |= {"base_currency_code": store.currency, "default_display_currency_code": store.currency}
        entry |= {"timezone": "UTC", "weight_unit": "lbs"}
        version = int(call.box.now().timestamp())
        for secure in ("", "secure_"):
            entry |= {
                f"{secure}base_url": call.base_url,
                f"{secure}base_link_url": call.base_url,
                f"{secure}base_static_url": f"{call.base_url}static/version{version}/",
                f"{secure}base_media_url": f"{call.base_url}media/",
            }
        if call.box.plugin is not None:
            attributes = {"permissions": call.caller.permissions, "aftership_tiktok": call.box.plugin.reported}
            entry["extension_attributes"] = attributes
        shown.append(entry)
    return Answer(shown)


def _websites(call: Call) -> Answer:
    shown: list[Row] = [{"id": 0, "code": "admin", "name": "Admin", "default_group_id": 0}]
    shown += [
        {"id": site.id, "code": site.code, "name": site.name, "default_group_id": site.id} for site in call.box.websites
    ]
    return Answer(shown)


def _views(call: Call) -> Answer:
    admin = {"id": 0, "code": "admin", "name": "Admin", "website_id": 0, "store_group_id": 0, "is_active": 1}
    shown: list[Row] = [admin]
    for view in call.box.stores:
        entry: Row = {"id": view.id, "code": view.code, "name": view.name, "website_id": view.website.id}
        shown.append(entry | {"store_group_id": view.website.id, "is_active": 1})
    return Answer(shown)


def _modules(call: Call) -> Answer:
    return Answer([*MODULES, *(["AfterShip_TikTokShop"] if call.box.plugin else [])])


def _products(call: Call) -> Answer:
    def row_of(product: Product) -> Row:
        shown = views.product(product, call.box)
        return {key: shown[key] for key in columns.PRODUCTS if key in shown} | {"entity_id": product.id}

    def view(product: Product) -> Row:
        return views.product(product, call.box)

    return Answer(listing(call, list(call.box.stock.products.values()), row_of, view, columns.PRODUCTS))


def _product(call: Call) -> Answer:
    found = call.box.stock.by_sku(call.parts[0])
    if found is None:
        raise RestError(404, "The product that was requested doesn't exist. Verify the product and try again.")
    return Answer(trimmed(call, views.product(found, call.box)))


def _stocked(call: Call) -> Product:
    """The product whose stock is asked for; an unknown one ends in an application error (measured)."""
    found = call.box.stock.by_sku(call.parts[0])
    if found is None or found.type_id == CONFIGURABLE:
        raise ApplicationError
    return found


def _salable(call: Call) -> Answer:
    return Answer(_stocked(call).salable_reading)


def _is_salable(call: Call) -> Answer:
    return Answer(_stocked(call).salable > 0)


def _source_items(call: Call) -> Answer:
    rows: list[Row] = [
        {"sku": found.sku, "source_code": "default", "quantity": found.source, "status": int(found.in_stock)}
        for found in call.box.stock.products.values()
        if found.type_id != CONFIGURABLE
    ]
    return Answer(listing(call, rows, lambda row: row, lambda row: row, columns.SOURCE_ITEMS))


def _resolve_stock(call: Call) -> Answer:
    """One stock for every website."""
    if call.parts[0] not in {site.code for site in call.box.websites}:
        raise not_found()
    channels = [{"type": "website", "code": site.code} for site in call.box.websites]
    return Answer({"stock_id": 1, "name": "Default Stock", "extension_attributes": {"sales_channels": channels}})


def _stock_batch(call: Call) -> Answer:
    """The plugin's batch read, 1.0.25 and above; only its refusal was recorded."""
    found = []
    for part in call.query.split("&"):
        name, _, value = part.partition("=")
        if name == "skus":
            for sku in value.replace("%2C", ",").split(","):
                product = call.box.stock.by_sku(sku)
                if product is not None:
                    entry: Row = {"product_id": product.id, "stock_id": 1, "qty": number(product.source)}
                    found.append(entry | {"stock_status": int(product.in_stock), "extension_attributes": {"sku": sku}})
    return Answer(found)


def _register(call: Call) -> Answer:
    """An id that is stored already answers 200 with what was sent, and stores nothing."""
    sent = call.body.get("webhook") if isinstance(call.body, dict) else None
    if not isinstance(sent, dict):
        raise required("webhook")
    if set(sent) - set(WEBHOOK_FIELDS):
        raise call.box.internal_error()
    if not all(sent.get(key) for key in ("topic", "address", "app_key")):
        raise RestError(400, "The necessary parameters for creating a webhook are missing.", code=400)
    topic, address, app_key = (str(sent[key]) for key in ("topic", "address", "app_key"))
    made = hmac.new(b"id", f"{app_key}-{topic}-{address}".encode(), hashlib.sha256).hexdigest()
    hook = {"id": str(sent.get("id") or made), "topic": topic, "app_key": app_key, "address": address}
    hook["integration_id"] = str(call.caller.user_id)
    if all(one["id"] != hook["id"] for one in call.box.webhooks):
        call.box.webhooks.append(hook)
    return Answer(hook)


def _registrations(call: Call) -> Answer:
    return Answer(call.box.webhooks)


def _registration(call: Call) -> Answer:
    """An unknown id gives an empty list, not null and not 404 (measured)."""
    return Answer(next((hook for hook in call.box.webhooks if hook["id"] == call.parts[0]), []))


def _unregister(call: Call) -> Answer:
    found = next((hook for hook in call.box.webhooks if hook["id"] == call.parts[0]), None)
    if found is None:
        return Answer([])
    call.box.webhooks.remove(found)
    return Answer(found)


_STORE = "Magento_Backend::store"
_STOCK = "Magento_InventorySalesApi::stock"

STORE: list[Route] = [
    route("GET", "store/storeConfigs", _STORE, _configs),
    route("GET", "store/websites", _STORE, _websites),
    route("GET", "store/storeViews", _STORE, _views),
    route("GET", "modules", "Magento_Backend::admin", _modules),
    route("GET", "products", "Magento_Catalog::products", _products),
    route("GET", "products/:sku", "Magento_Catalog::products", _product),
    route("GET", "inventory/get-product-salable-quantity/:sku/:stock", _STOCK, _salable),
    route("GET", "inventory/is-product-salable/:sku/:stock", _STOCK, _is_salable),
    route("GET", "inventory/stock-resolver/website/:code", _STOCK, _resolve_stock),
    route("GET", "inventory/source-items", "Magento_InventoryApi::source", _source_items),
    route("POST", "aftership/webhooks", _STORE, _register, of_plugin=True),
    route("GET", "aftership/webhooks", _STORE, _registrations, of_plugin=True),
    route("GET", "aftership/webhooks/:id", _STORE, _registration, of_plugin=True),
    route("DELETE", "aftership/webhooks/:id", _STORE, _unregister, of_plugin=True),
    route(
        "GET",
        "aftership/stockStatuses/batch",
        "Magento_CatalogInventory::cataloginventory",
        _stock_batch,
        of_plugin=True,
    ),
]
