"""Every call that goes out, counted and logged: method, path, status, time, the other side's request id.

Never a query (signatures and search terms stand there), a header or a body.
"""

from __future__ import annotations

import re
import time
from types import SimpleNamespace
from typing import Final, Protocol

import aiohttp
import structlog
from multidict import CIMultiDictProxy
from yarl import URL

log: structlog.stdlib.BoundLogger = structlog.get_logger("bridge.remote")
_REQUEST_IDS: Final = ("X-Tt-Logid", "X-Request-Id", "X-Amzn-Requestid")
_MOST: Final = 200

# The first pattern that fits names the endpoint; an unknown path is `other`, so that no id becomes a label.
_ENDPOINTS: Final = tuple(
    (kind, re.compile(pattern), endpoint)
    for kind, pattern, endpoint in (
        ("shopify", r"POST .*/admin/api/[^/]+/graphql\.json$", "graphql"),
        ("shopify", r"POST .*/admin/oauth/access_token$", "token"),
        ("amazon", r"PUT .*/outbound/[^/]+/(fulfillmentOrders|orders)/[^/]+/cancel$", "cancel"),
        ("amazon", r"POST .*/outbound/[^/]+/(fulfillmentOrders|orders)$", "create_order"),
        ("amazon", r"GET .*/outbound/[^/]+/(fulfillmentOrders|orders)/[^/]+$", "read_order"),
        ("amazon", r"GET .*/outbound/[^/]+/(fulfillmentOrders|orders)$", "list_orders"),
        ("amazon", r"POST .*/auth/o2/token$", "token"),
        ("woocommerce", r"POST .*/wp-json/wc/v3/orders$", "create_order"),
        ("woocommerce", r"POST .*/wp-json/wc/v3/orders/[^/]+/refunds$", "refund"),
        ("woocommerce", r"GET .*/wp-json/wc/v3/orders/[^/]+/refunds$", "list_refunds"),
        ("woocommerce", r"GET .*/wp-json/wc/v3/orders/[^/]+$", "read_order"),
        ("woocommerce", r"GET .*/wp-json/wc/v3/orders$", "list_orders"),
        ("woocommerce", r".*/wp-json/wc/v3/products$", "products"),
        ("woocommerce", r".*/wp-json/wc/v3/webhooks(/|$)", "webhooks"),
        ("woocommerce", r".*/wp-json/", "other"),
        ("magento", r"POST .*/V1/orders$", "create_order"),
        ("magento", r"POST .*/V1/order/[^/]+/invoice$", "invoice"),
        ("magento", r"POST .*/V1/order/[^/]+/refund$", "refund"),
        ("magento", r"GET .*/V1/orders/[^/]+$", "read_order"),
        ("magento", r"GET .*/V1/orders$", "list_orders"),
        ("magento", r"GET .*/V1/creditmemo/[^/]+$", "read_credit_memo"),
        ("magento", r"GET .*/V1/creditmemos$", "list_credit_memos"),
        ("magento", r".*/V1/products$", "products"),
        ("magento", r".*/V1/inventory/", "stock"),
        ("magento", r".*/V1/store/", "store"),
        ("magento", r".*/V1/aftership/", "plugin"),
        ("magento", r".*/oauth/", "oauth"),
        ("magento", r".*/rest/", "other"),
        ("tiktok", r"POST /order/\d+/orders/search$", "search_orders"),
        ("tiktok", r"GET /order/\d+/orders$", "read_order"),
        ("tiktok", r"POST /return_refund/\d+/cancellations/search$", "search_cancellations"),
        ("tiktok", r"POST /return_refund/\d+/returns/search$", "search_returns"),
        ("tiktok", r"GET .*/aftersale_eligibility$", "eligibility"),
        ("tiktok", r"POST /return_refund/\d+/cancellations$", "cancel"),
        ("tiktok", r"POST .*/approve$", "approve"),
        ("tiktok", r"POST .*/reject$", "reject"),
        ("tiktok", r"GET .*/reject_reasons$", "reject_reasons"),
        ("tiktok", r".* ?/event/\d+/webhooks$", "webhooks"),
        ("tiktok", r".* ?/authorization/\d+/shops$", "shops"),
        ("tiktok", r".* ?/api/v2/token/", "token"),
        ("tiktok", r".* ?/(order|return_refund|event|authorization)/", "other"),
    )
)
_WRITES: Final = frozenset({"create_order", "invoice", "refund", "cancel", "approve", "reject", "token", "webhooks"})


class CountsCalls(Protocol):
    def call(self, kind: str, endpoint: str, outcome: str, seconds: float) -> None: ...


def endpoint_of(method: str, path: str) -> tuple[str, str]:
    """Kind and endpoint of a call; `other` for both where nothing of ours is known by this path."""
    text = f"{method} {path}"
    for kind, pattern, endpoint in _ENDPOINTS:
        if pattern.match(text):
            return kind, endpoint
    return "other", "other"


def outcome_of(status: int) -> str:
    """`ok`, `throttled`, `refused` (4xx) or `failed` (5xx and anything unexpected)."""
    if status < 300:
        return "ok"
    if status == 429:
        return "throttled"
    return "refused" if 400 <= status < 500 else "failed"


def tracing(meter: CountsCalls) -> aiohttp.TraceConfig:
    """For the one session that all calls share."""
    config = aiohttp.TraceConfig()

    async def start(_session: object, context: SimpleNamespace, _params: object) -> None:
        context.began = time.monotonic()

    async def end(_session: object, context: SimpleNamespace, params: aiohttp.TraceRequestEndParams) -> None:
        response = params.response
        outcome = outcome_of(response.status)
        _tell(meter, context, params.method, params.url, outcome, response.status, _request_id(response.headers))

    async def broke(_session: object, context: SimpleNamespace, params: aiohttp.TraceRequestExceptionParams) -> None:
        _tell(meter, context, params.method, params.url, "silent", None, type(params.exception).__name__)

    config.on_request_start.append(start)
    config.on_request_end.append(end)
    config.on_request_exception.append(broke)
    return config


def _tell(
    meter: CountsCalls, context: SimpleNamespace, method: str, url: URL, outcome: str, status: int | None, note: str
) -> None:
    seconds = time.monotonic() - context.began
    kind, endpoint = endpoint_of(method, url.path)
    meter.call(kind, endpoint, outcome, seconds)
    level = "info" if outcome != "ok" or endpoint in _WRITES else "debug"
    getattr(log, level)(
        "remote.call",
        kind=kind,
        endpoint=endpoint,
        method=method,
        # The path of an alert's webhook is the secret that lets one post there.
        path=url.path[:_MOST] if kind != "other" else "",
        status=status,
        outcome=outcome,
        ms=round(seconds * 1000, 1),
        **({"error": note} if status is None else {"request_id": note}),
    )


def _request_id(headers: CIMultiDictProxy[str]) -> str:
    return next((headers[name][:_MOST] for name in _REQUEST_IDS if name in headers), "")
