"""The operations this shop answers, with the parameters their pages list."""

from __future__ import annotations

from bridge.sandbox.tiktok import cancellations, decisions, eligibility, orders, returns, subscriptions
from bridge.sandbox.tiktok.calls import Endpoint
from bridge.sandbox.tiktok.model import SCOPES

_SHOP, _ORDER, _RETURN, _ = SCOPES
_PAGING = frozenset({"page_size", "page_token", "sort_field", "sort_order"})
_KEY = frozenset({"idempotency_key"})
_SUBJECT = frozenset({"return_or_cancel_id", "locale"})
_V = ("202309",)

ENDPOINTS = (
    Endpoint("GET", "authorization", _V, "shops", _SHOP, orders.authorized_shops, shop_level=False),
    # The published page of Get Order Detail is 202507, of the same shape.
    Endpoint("GET", "order", ("202309", "202507"), "orders", _ORDER, orders.detail, frozenset({"ids"})),
    Endpoint("POST", "order", _V, "orders/search", _ORDER, orders.search, _PAGING, orders.SEARCH_BODY),
    Endpoint(
        "POST", "return_refund", _V, "cancellations", _RETURN, cancellations.cancel, body=cancellations.CANCEL_BODY
    ),
    Endpoint(
        "POST",
        "return_refund",
        _V,
        "cancellations/search",
        _RETURN,
        cancellations.search,
        _PAGING,
        cancellations.SEARCH_BODY,
    ),
    Endpoint("POST", "return_refund", _V, "cancellations/{cancel_id}/approve", _RETURN, decisions.approve, _KEY),
    Endpoint(
        "POST",
        "return_refund",
        _V,
        "cancellations/{cancel_id}/reject",
        _RETURN,
        decisions.reject,
        _KEY,
        decisions.REJECT_BODY,
    ),
    Endpoint("GET", "return_refund", _V, "reject_reasons", _RETURN, decisions.reasons, _SUBJECT),
    Endpoint(
        "GET",
        "return_refund",
        ("202601",),
        "decision_eligibility",
        _RETURN,
        decisions.eligibility,
        _SUBJECT | {"check_decisions"},
    ),
    Endpoint(
        "GET",
        "return_refund",
        ("202309", "202602"),
        "orders/{order_id}/aftersale_eligibility",
        _RETURN,
        eligibility.aftersale,
        frozenset({"initiate_aftersale_user", "request_types"}),
    ),
    Endpoint(
        "POST",
        "return_refund",
        _V,
        "refunds/calculate",
        _RETURN,
        eligibility.calculate,
        body=eligibility.CALCULATE_BODY,
    ),
    Endpoint("POST", "return_refund", _V, "returns/search", _RETURN, returns.search, _PAGING, returns.SEARCH_BODY),
    Endpoint(
        "GET", "return_refund", _V, "returns/{return_id}/records", _RETURN, returns.records, frozenset({"locale"})
    ),
    Endpoint("PUT", "event", _V, "webhooks", _SHOP, subscriptions.put, body=subscriptions.PUT_BODY),
    Endpoint("GET", "event", _V, "webhooks", _SHOP, subscriptions.get),
    Endpoint("DELETE", "event", _V, "webhooks", _SHOP, subscriptions.delete, body=subscriptions.DELETE_BODY),
)
