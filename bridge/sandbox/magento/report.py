"""The books in short, for the control API."""

from __future__ import annotations

from bridge.sandbox.magento.integrations import Integration
from bridge.sandbox.magento.state import Document, MagentoSandbox, Order
from bridge.sandbox.magento.stock import Product
from bridge.sandbox.magento.wire import Row, amount


def product(found: Product) -> Row:
    return {
        "id": found.id,
        "sku": found.sku,
        "type_id": found.type_id,
        "price": found.price,
        "source": found.source,
        "reserved": found.reserved,
        "salable": found.salable,
        "in_stock": found.in_stock,
    }


def integration(found: Integration) -> Row:
    """The four values a merchant copies; the token pair is null until the handshake is done."""
    has_access = found.token is not None and found.token.kind == "access"
    return {
        "id": found.id,
        "name": found.name,
        "active": found.active,
        "consumer_key": found.consumer_key,
        "consumer_secret": found.consumer_secret,
        "access_token": found.token.token if found.token and has_access else None,
        "access_token_secret": found.token.secret if found.token and has_access else None,
    }


def memo(found: Document) -> Row:
    return {
        "id": found.id,
        "order": found.row.get("order_id"),
        "grand_total": amount(found.row, "grand_total"),
        "items": [{"order_item_id": line["order_item_id"], "qty": line["qty"]} for line in found.items],
        "comments": [line["comment"] for line in found.comments],
        "transaction_id": found.row.get("transaction_id"),
    }


def order(box: MagentoSandbox, found: Order) -> Row:
    quantities = ("qty_ordered", "qty_invoiced", "qty_shipped", "qty_refunded", "qty_canceled")
    items = [
        {"item_id": item["item_id"], "sku": item.get("sku"), "parent_item_id": item.get("parent_item_id")}
        | {name: amount(item, name) for name in quantities}
        for item in found.items
    ]
    shown = {name: found.row.get(name) for name in ("increment_id", "ext_order_id", "state", "status", "store_id")}
    totals = {name: amount(found.row, name) for name in ("grand_total", "total_paid", "total_refunded")}
    made: Row = {"id": found.id, **shown, **totals, "currency": found.row.get("order_currency_code"), "items": items}
    return made | {"credit_memos": [one.id for one in box.memos_of(found)]}


def settings(box: MagentoSandbox) -> Row:
    return {
        "plugin": box.plugin.version if box.plugin else None,
        "clock_offset": int(box.clock_offset.total_seconds()),
        "maintenance": box.maintenance,
        "bearer_allowed": box.bearer_allowed,
        "inventory": box.inventory,
    }


def state(box: MagentoSandbox) -> Row:
    shipments = [
        {"id": one.id, "order": one.row["order_id"], "items": [[i["order_item_id"], i["qty"]] for i in one.items]}
        for one in box.shipments.values()
    ]
    return {
        **settings(box),
        "now": box.stamp(),
        "stores": [{"id": one.id, "code": one.code, "currency": one.currency} for one in box.stores],
        "products": [product(one) for one in box.stock.products.values()],
        "orders": [order(box, one) for one in box.orders.values()],
        "credit_memos": [memo(one) for one in box.memos.values()],
        "shipments": shipments,
        "webhooks": box.webhooks,
        "integrations": [{"id": i.id, "name": i.name, "active": i.active} for i in box.integrations.all.values()],
        "deliveries": {"tried": len(box.deliveries.log), "waiting": box.deliveries.waiting},
        "effects": dict(box.effects),
    }
