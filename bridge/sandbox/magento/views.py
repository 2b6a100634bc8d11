"""How orders, memos, invoices, shipments and products look in REST answers."""

from __future__ import annotations

from decimal import Decimal

from bridge.sandbox.magento.state import Document, MagentoSandbox, Order
from bridge.sandbox.magento.stock import Product
from bridge.sandbox.magento.wire import Row, amount, drop_nulls

ITEM_DEFAULTS: Row = dict.fromkeys(
    [
        "amount_refunded",
        "base_amount_refunded",
        "base_cost",
        "base_discount_amount",
        "base_discount_invoiced",
        "base_row_invoiced",
        "base_tax_amount",
        "base_tax_invoiced",
        "discount_amount",
        "discount_invoiced",
        "discount_percent",
        "free_shipping",
        "no_discount",
        "qty_backordered",
        "qty_canceled",
        "qty_invoiced",
        "qty_refunded",
        "qty_shipped",
        "row_invoiced",
        "row_weight",
        "tax_amount",
        "tax_invoiced",
        "tax_percent",
    ],
    0,
)
"""Columns that the database fills; the answer to the create does not show them yet."""


def order_item(item: Row, *, loaded: bool) -> Row:
    """`row_total` is shown after discount, unlike the column (measured: 89.99 where the database has 99.99)."""
    shown = (ITEM_DEFAULTS | item) if loaded else dict(item)
    for prefix in ("", "base_"):
        if shown.get(f"{prefix}row_total") is not None:
            shown[f"{prefix}row_total"] = amount(item, f"{prefix}row_total") - amount(item, f"{prefix}discount_amount")
    return drop_nulls(shown)


def order(found: Order, *, loaded: bool = True) -> Row:
    """`loaded=False` is the answer to the create."""
    row = found.row
    shown = drop_nulls(row)
    items = [order_item(item, loaded=loaded) for item in found.items]
    for item in items:
        parent = found.item(int(item["parent_item_id"])) if loaded and "parent_item_id" in item else None
        if parent is not None:
            item["parent_item"] = order_item(parent, loaded=True)
    shown["items"] = items
    if found.billing is not None:
        shown["billing_address"] = drop_nulls(found.billing)
    shown["payment"] = {key: found.payment[key] for key in sorted(found.payment)}
    shown["status_histories"] = [drop_nulls(line) for line in found.histories]
    attributes: Row = {}
    if found.shipping is not None:
        total = {"base_shipping_amount": row.get("base_shipping_amount"), "shipping_amount": row.get("shipping_amount")}
        if loaded:
            kinds = ("incl_tax", "invoiced", "refunded", "tax_amount", "tax_refunded")
            columns = [f"{prefix}shipping_{kind}" for prefix in ("", "base_") for kind in kinds]
            total |= {column: row.get(column) for column in columns}
        shipping: Row = {"address": drop_nulls(found.shipping)}
        if found.shipping_method is not None:
            shipping["method"] = found.shipping_method
        shipping["total"] = drop_nulls(total)
        attributes["shipping_assignments"] = [{"shipping": shipping, "items": items if loaded else None}]
    if loaded:
        attributes |= {"payment_additional_info": [], "applied_taxes": [], "item_applied_taxes": []}
    shown["extension_attributes"] = attributes
    return shown


def memo(found: Document, *, loaded: bool = True) -> Row:
    """`loaded=False` is the answer of `POST /V1/creditmemo/refund`, which echoes what was sent."""
    shown = drop_nulls(found.row)
    items = []
    for line in found.items:
        item = drop_nulls(line)
        if not loaded:
            item = {
                key: line[key] for key in sorted(line) if line[key] is not None or key in {"base_cost", "base_price"}
            }
        elif "base_price" not in item:
            # the column is not nullable: the database made a zero of it
            item["base_price"] = Decimal(0)
        items.append(item)
    shown["items"] = items
    shown["comments"] = [dict(line) for line in found.comments] if loaded else []
    return shown


def document(found: Document) -> Row:
    """An invoice or a shipment."""
    shown = drop_nulls(found.row)
    shown["items"] = [drop_nulls(line) for line in found.items]
    if found.tracks:
        shown["tracks"] = [drop_nulls(track) for track in found.tracks]
    shown["comments"] = [dict(line) for line in found.comments]
    return shown


def product(found: Product, box: MagentoSandbox) -> Row:
    return {
        "id": found.id,
        "sku": found.sku,
        "name": found.name,
        "attribute_set_id": 4,
        "price": found.price,
        "status": 1,
        "visibility": found.visibility,
        "type_id": found.type_id,
        "created_at": found.created_at,
        "updated_at": found.updated_at,
        "weight": found.weight,
        "extension_attributes": {"website_ids": [website.id for website in box.websites]},
        "product_links": [],
        "options": [],
        "media_gallery_entries": [],
        "tier_prices": [],
        "custom_attributes": [],
    }
