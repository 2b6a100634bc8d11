"""Shopify orders as its API answers with them, for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def money(amount: str, currency: str = "USD") -> dict[str, Any]:
    return {"shopMoney": {"amount": amount, "currencyCode": currency}}


def line(number: int, sku: str, quantity: int, current: int | None = None, unfulfilled: int | None = None) -> Any:
    left = quantity if current is None else current
    return {
        "id": f"gid://shopify/LineItem/{number}",
        "sku": sku,
        "quantity": quantity,
        "currentQuantity": left,
        "unfulfilledQuantity": left if unfulfilled is None else unfulfilled,
        "originalUnitPriceSet": money("10.00"),
    }


def refund(number: int, at: str, note: str = "", total: str = "10.00") -> dict[str, Any]:
    return {
        "id": f"gid://shopify/Refund/{number}",
        "createdAt": at,
        "updatedAt": at,
        "note": note,
        "totalRefundedSet": money(total),
    }


def refund_row(number: int, quantity: int, subtotal: str = "10.00") -> dict[str, Any]:
    return {
        "quantity": quantity,
        "restockType": "CANCEL",
        "lineItem": {"id": f"gid://shopify/LineItem/{number}"},
        "subtotalSet": money(subtotal),
        "totalTaxSet": money("0.00"),
    }


def order(lines: Sequence[Mapping[str, Any]] | None = None, **changes: Any) -> dict[str, Any]:
    return {
        "id": "gid://shopify/Order/5324790137142",
        "legacyResourceId": "5324790137142",
        "name": "TT-576461413038785752",
        "createdAt": "2026-11-22T01:00:00Z",
        "updatedAt": "2026-11-22T02:00:00Z",
        "currencyCode": "USD",
        "cancelledAt": None,
        "cancellation": None,
        "closed": False,
        "displayFinancialStatus": "PAID",
        "displayFulfillmentStatus": "UNFULFILLED",
        "returnStatus": "NO_RETURN",
        "sourceName": "tiktok-shop",
        "sourceIdentifier": "576461413038785752",
        "tags": [],
        "note": None,
        "customAttributes": [],
        "totalPriceSet": money("25.00"),
        "totalReceivedSet": money("25.00"),
        "totalRefundedSet": money("0.00"),
        "metafield": None,
        "lineItems": {"nodes": list(lines or [line(1, "A", 2)]), "pageInfo": {"hasNextPage": False}},
        "refunds": [],
        "transactions": [],
        "fulfillments": [],
        "fulfillmentOrders": {"nodes": [{"status": "OPEN", "requestStatus": "UNSUBMITTED"}]},
        **changes,
    }
