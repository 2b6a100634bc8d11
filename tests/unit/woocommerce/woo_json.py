"""WooCommerce orders and refunds as its REST API answers with them, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

SALE = "576461413038785752"


def line(number: int, sku: str, quantity: int, total: str, *, subtotal: str = "", taxes: Any = (), **more: Any) -> Any:
    tax = sum(float(amount) for _, amount in taxes)
    return {
        "id": number,
        "name": f"Product {sku}",
        "product_id": 100 + number,
        "variation_id": 0,
        "quantity": quantity,
        "sku": sku,
        "subtotal": subtotal or total,
        "subtotal_tax": f"{tax:.2f}",
        "total": total,
        "total_tax": f"{tax:.2f}",
        "taxes": [{"id": rate, "total": amount, "subtotal": amount} for rate, amount in taxes],
        "meta_data": [],
        **more,
    }


def shipping(number: int, total: str, taxes: Any = ()) -> Any:
    tax = sum(float(amount) for _, amount in taxes)
    told = [{"id": rate, "total": amount} for rate, amount in taxes]
    return {"id": number, "method_id": "x", "total": total, "total_tax": f"{tax:.2f}", "taxes": told, "meta_data": []}


def refunded(number: int, row: int, quantity: int, total: str, taxes: Any = ()) -> Any:
    """A row of a refund: all its numbers are negative."""
    tax = sum(float(amount) for _, amount in taxes)
    return {
        "id": number,
        "product_id": 100 + row,
        "variation_id": 0,
        "quantity": -quantity,
        "total": f"-{total}",
        "total_tax": f"-{tax:.2f}",
        "taxes": [{"id": rate, "total": f"-{amount}"} for rate, amount in taxes],
        "meta_data": [{"id": 1, "key": "_refunded_item_id", "value": str(row)}],
    }


def refund(number: int, amount: str, rows: Sequence[Any] = (), reason: str = "", **more: Any) -> Any:
    return {
        "id": number,
        "date_created_gmt": f"2026-11-22T01:{number % 60:02d}:00",
        "amount": amount,
        "reason": reason,
        "refunded_payment": False,
        "line_items": list(rows),
        **more,
    }


def order(lines: Sequence[Any] | None = None, refunds: Sequence[Any] = (), **changes: Any) -> Any:
    return {
        "id": 727,
        "number": "727",
        "status": "processing",
        "currency": "USD",
        "prices_include_tax": False,
        "date_created_gmt": "2026-11-22T01:00:00",
        "date_modified_gmt": "2026-11-22T02:00:00",
        "date_paid_gmt": "2026-11-22T01:00:01",
        "date_completed_gmt": None,
        "total": "25.00",
        "customer_note": f"TikTok Shop order {SALE}",
        "transaction_id": SALE,
        "billing": {"first_name": "Robin", "email": "robin@example.com"},
        "meta_data": [{"id": 3, "key": "_bridge_tiktok_order_id", "value": SALE}],
        "line_items": list([line(11, "A", 2, "20.00")] if lines is None else lines),
        "shipping_lines": [shipping(12, "5.00")],
        "fee_lines": [],
        "refunds": [{"id": one["id"], "reason": one["reason"], "total": f"-{one['amount']}"} for one in refunds],
        **changes,
    }
