"""The columns that can be searched by, per list. A search by anything else is an internal error, as live."""

from __future__ import annotations

_MONEY = [
    "adjustment_negative",
    "adjustment_positive",
    "discount_amount",
    "discount_canceled",
    "discount_invoiced",
    "discount_refunded",
    "discount_tax_compensation_amount",
    "discount_tax_compensation_invoiced",
    "discount_tax_compensation_refunded",
    "grand_total",
    "shipping_amount",
    "shipping_canceled",
    "shipping_discount_amount",
    "shipping_incl_tax",
    "shipping_invoiced",
    "shipping_refunded",
    "shipping_tax_amount",
    "shipping_tax_refunded",
    "subtotal",
    "subtotal_canceled",
    "subtotal_incl_tax",
    "subtotal_invoiced",
    "subtotal_refunded",
    "tax_amount",
    "tax_canceled",
    "tax_invoiced",
    "tax_refunded",
    "total_canceled",
    "total_due",
    "total_invoiced",
    "total_offline_refunded",
    "total_online_refunded",
    "total_paid",
    "total_qty_ordered",
    "total_refunded",
]
_CURRENCY = [
    "base_currency_code",
    "global_currency_code",
    "order_currency_code",
    "store_currency_code",
    "base_to_global_rate",
    "base_to_order_rate",
    "store_to_base_rate",
    "store_to_order_rate",
]
_COMMON = [
    "entity_id",
    "increment_id",
    "store_id",
    "state",
    "created_at",
    "updated_at",
    "billing_address_id",
    "shipping_address_id",
]

ORDERS = (
    set(_COMMON + _CURRENCY + _MONEY)
    | {f"base_{name}" for name in _MONEY}
    | {
        "status",
        "coupon_code",
        "protect_code",
        "shipping_description",
        "is_virtual",
        "customer_id",
        "customer_email",
        "customer_firstname",
        "customer_lastname",
        "customer_middlename",
        "customer_group_id",
        "customer_is_guest",
        "customer_note",
        "customer_note_notify",
        "ext_order_id",
        "ext_customer_id",
        "quote_id",
        "store_name",
        "total_item_count",
        "weight",
        "remote_ip",
        "x_forwarded_for",
        "hold_before_state",
        "hold_before_status",
        "original_increment_id",
        "email_sent",
        "base_total_invoiced_cost",
        "can_ship_partially",
        "payment_auth_expiration",
        "relation_child_id",
        "relation_parent_id",
    }
)
MEMOS = (
    set(_COMMON + _CURRENCY)
    | {
        f"{prefix}{name}"
        for prefix in ("", "base_")
        for name in (
            [
                "adjustment",
                "adjustment_negative",
                "adjustment_positive",
                "discount_amount",
                "discount_tax_compensation_amount",
                "grand_total",
                "shipping_amount",
                "shipping_incl_tax",
                "shipping_tax_amount",
                "subtotal",
                "subtotal_incl_tax",
                "tax_amount",
            ]
        )
    }
    | {"order_id", "creditmemo_status", "customer_note", "email_sent", "invoice_id", "transaction_id"}
)
INVOICES = MEMOS | {"total_qty", "is_used_for_refund", "can_void_flag"}
SHIPMENTS = set(_COMMON) | {"order_id", "total_qty", "total_weight", "customer_id", "shipment_status", "email_sent"}
PRODUCTS = {
    "id",
    "entity_id",
    "sku",
    "name",
    "price",
    "status",
    "visibility",
    "type_id",
    "created_at",
    "updated_at",
    "weight",
    "attribute_set_id",
}
SOURCE_ITEMS = {"sku", "source_code", "quantity", "status"}
