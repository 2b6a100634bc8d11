"""What the REST API shows: orders, refunds, products, webhooks, the system status.

Source: WooCommerce's REST controllers of wc/v3. Amounts are texts with the store's decimals; times come twice, in the
site's time and in UTC, and neither says which it is.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from bridge.sandbox.woocommerce.model import RATE_ID, Json, Metas, Order, Product, Refund, Row, Webhook
from bridge.sandbox.woocommerce.state import WooCommerceSandbox
from bridge.sandbox.woocommerce.wire import gmt, local, shown

_ADDRESS = ("first_name", "last_name", "company", "address_1", "address_2", "city", "state", "postcode", "country")


def order(box: WooCommerceSandbox, one: Order) -> Json:
    def sums(kind: str | None, name: str) -> str:
        rows = one.rows if kind is None else one.rows_of(kind)
        return _money(box, sum((getattr(row, name) for row in rows), Decimal(0)))

    lines = one.rows_of("line_item")
    discount = sum((row.subtotal - row.total for row in lines), Decimal(0))
    discount_tax = sum((row.subtotal_tax - row.tax for row in lines), Decimal(0))
    times: Json = {}
    for name, at in (
        ("created", one.created_at),
        ("modified", one.modified_at),
        ("completed", one.completed_at),
        ("paid", one.paid_at),
    ):
        times |= {f"date_{name}": local(at, box.zone), f"date_{name}_gmt": gmt(at)}
    return {
        "id": one.id,
        "parent_id": 0,
        "number": one.number,
        "order_key": f"wc_order_{one.id:x}",
        "created_via": one.created_via,
        "version": box.settings.version,
        "status": one.status,
        "currency": one.currency,
        **times,
        "discount_total": _money(box, discount),
        "discount_tax": _money(box, discount_tax),
        "shipping_total": sums("shipping", "total"),
        "shipping_tax": sums("shipping", "tax"),
        "cart_tax": sums("line_item", "tax"),
        "total": _money(box, one.total),
        "total_tax": sums(None, "tax"),
        "prices_include_tax": one.prices_include_tax,
        "customer_id": 0,
        "customer_note": one.customer_note,
        "billing": _address(one.billing, "email", "phone"),
        "shipping": _address(one.shipping, "phone"),
        "payment_method": one.payment_method,
        "payment_method_title": one.payment_title,
        "transaction_id": one.transaction_id,
        "meta_data": _metas(one.metas, display=False),
        "line_items": [_line(box, row) for row in lines],
        "tax_lines": _tax_lines(box, one.rows),
        "shipping_lines": [_other(box, row) for row in one.rows_of("shipping")],
        "fee_lines": [_other(box, row) for row in one.rows_of("fee")],
        "coupon_lines": [],
        "refunds": [
            {"id": made.id, "reason": made.reason, "total": f"-{_money(box, made.amount)}"}
            for made in reversed(one.refunds)
        ],
        "is_editable": one.status in {"pending", "on-hold"},
        "needs_payment": one.status in {"pending", "failed"} and one.total > 0,
        "needs_processing": True,
        "currency_symbol": {"USD": "$", "EUR": "€", "GBP": "£"}.get(one.currency, one.currency),
    }


def refund(box: WooCommerceSandbox, one: Refund) -> Json:
    return {
        "id": one.id,
        "parent_id": 0,
        "date_created": local(one.created_at, box.zone),
        "date_created_gmt": gmt(one.created_at),
        "amount": _money(box, one.amount),
        "reason": one.reason,
        "refunded_by": 1,
        "refunded_payment": one.refunded_payment,
        "meta_data": _metas(one.metas, display=False),
        "line_items": [_line(box, row) for row in one.rows if row.kind == "line_item"],
        "shipping_lines": [_other(box, row) for row in one.rows if row.kind == "shipping"],
        "tax_lines": _tax_lines(box, one.rows),
        "fee_lines": [_other(box, row) for row in one.rows if row.kind == "fee"],
    }


def product(box: WooCommerceSandbox, one: Product) -> Json:
    keeper = one.keeper
    stock = keeper.stock if keeper else None
    return {
        "id": one.id,
        "name": one.name,
        "type": one.kind,
        "status": "publish",
        "sku": one.sku,
        "price": str(one.price),
        "regular_price": str(one.price),
        "purchasable": True,
        "manage_stock": "parent" if keeper is not None and keeper is not one else one.manages_stock,
        "stock_quantity": stock,
        "stock_status": "instock" if stock is None or stock > 0 else "outofstock",
        "backorders": "no",
        "parent_id": one.parent.id if one.parent else 0,
        "variations": [other.id for other in box.products.values() if other.parent is one],
        "date_modified": local(one.modified_at, box.zone),
        "date_modified_gmt": gmt(one.modified_at),
    }


def webhook(box: WooCommerceSandbox, one: Webhook) -> Json:
    """Without its secret, which cannot be read back."""
    resource, _, event = one.topic.partition(".")
    return {
        "id": one.id,
        "name": one.name,
        "status": one.status,
        "topic": one.topic,
        "resource": resource,
        "event": event,
        "hooks": [],
        "delivery_url": one.url,
        "date_created": local(one.created_at, box.zone),
        "date_created_gmt": gmt(one.created_at),
        "date_modified": local(one.created_at, box.zone),
        "date_modified_gmt": gmt(one.created_at),
    }


def system_status(box: WooCommerceSandbox, home: str) -> Json:
    settings = box.settings
    return {
        "environment": {
            "home_url": home,
            "site_url": home,
            "version": settings.version,
            "wp_version": settings.wp_version,
            "wp_multisite": False,
            "server_info": "nginx",
            "php_version": "8.3.12",
        },
        "database": {"wc_database_version": settings.version},
        "active_plugins": [],
        "theme": {"name": "Storefront"},
        "settings": {
            "api_enabled": True,
            "force_ssl": False,
            "currency": box.currency,
            "currency_position": "left",
            "thousand_separator": ",",
            "decimal_separator": ".",
            "number_of_decimals": settings.number_of_decimals,
            "HPOS_enabled": True,
        },
    }


def setting_groups(box: WooCommerceSandbox) -> dict[str, dict[str, str]]:
    def yes(value: object) -> str:
        return "yes" if value else "no"

    settings = box.settings
    return {
        "general": {
            "woocommerce_currency": box.currency,
            "woocommerce_price_num_decimals": str(settings.number_of_decimals),
            "woocommerce_calc_taxes": yes(settings.tax_rate),
        },
        "tax": {"woocommerce_prices_include_tax": yes(settings.prices_include_tax)},
        "products": {"woocommerce_manage_stock": yes(settings.manage_stock)},
    }


def delivery_body(box: WooCommerceSandbox, topic: str, subject: int) -> Json:
    """What a webhook says of its subject now; of what is gone, its id alone."""
    resource, _, event = topic.partition(".")
    if event == "deleted":
        return {"id": subject}
    if resource == "order" and subject in box.orders:
        return order(box, box.orders[subject])
    if resource == "product" and subject in box.products:
        return product(box, box.products[subject])
    gone = f"woocommerce_rest_{'shop_order' if resource == 'order' else 'product'}_invalid_id"
    return {"code": gone, "message": "Invalid ID.", "data": {"status": 404}}


def _money(box: WooCommerceSandbox, amount: Decimal) -> str:
    return shown(amount, box.settings.number_of_decimals)


def _address(given: Json, *more: str) -> Json:
    return {name: str(given.get(name) or "") for name in (*_ADDRESS, *more)}


def _metas(metas: Metas, *, display: bool) -> list[Json]:
    found: list[Json] = []
    for one in metas.rows:
        shown_too: dict[str, Any] = {"display_key": one.key, "display_value": one.value} if display else {}
        found.append({"id": one.id, "key": one.key, "value": one.value, **shown_too})
    return found


def _taxes(row: Row) -> list[Json]:
    # Not rounded as the totals are: as they were reckoned, without needless zeros.
    told = {"id": RATE_ID, "total": f"{row.tax.normalize():f}", "subtotal": f"{row.subtotal_tax.normalize():f}"}
    return [told] if row.is_taxed else []


def _line(box: WooCommerceSandbox, row: Row) -> Json:
    product_of = row.product if row.product is not None and row.product.id in box.products else None
    parent = product_of.parent if product_of else None
    return {
        "id": row.id,
        "name": row.name,
        "product_id": parent.id if parent else product_of.id if product_of else 0,
        "variation_id": product_of.id if product_of and parent else 0,
        "quantity": row.quantity,
        "tax_class": "",
        "subtotal": _money(box, row.subtotal),
        "subtotal_tax": _money(box, row.subtotal_tax),
        "total": _money(box, row.total),
        "total_tax": _money(box, row.tax),
        "taxes": _taxes(row),
        "meta_data": _metas(row.metas, display=True),
        "sku": product_of.sku if product_of else None,
        "price": float(row.total / row.quantity) if row.quantity else 0,
        "image": {"id": 0, "src": ""},
        "parent_name": parent.name if parent else None,
    }


def _other(box: WooCommerceSandbox, row: Row) -> Json:
    named: Json = {"name": row.name}
    if row.kind == "shipping":
        named = {"method_title": row.name, "method_id": row.method_id, "instance_id": ""}
    return {
        "id": row.id,
        **named,
        "total": _money(box, row.total),
        "total_tax": _money(box, row.tax),
        "taxes": _taxes(row),
        "meta_data": _metas(row.metas, display=True),
    }


def _tax_lines(box: WooCommerceSandbox, rows: list[Row]) -> list[Json]:
    taxed = [row for row in rows if row.is_taxed]
    if not taxed:
        return []
    items = sum((row.tax for row in taxed if row.kind != "shipping"), Decimal(0))
    shipping = sum((row.tax for row in taxed if row.kind == "shipping"), Decimal(0))
    return [
        {
            "id": RATE_ID,
            "rate_code": "TAX-1",
            "rate_id": RATE_ID,
            "label": "Tax",
            "compound": False,
            "tax_total": _money(box, items),
            "shipping_tax_total": _money(box, shipping),
            "rate_percent": float(box.settings.tax_rate * 100),
            "meta_data": [],
        }
    ]
