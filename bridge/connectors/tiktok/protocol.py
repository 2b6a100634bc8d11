"""One TikTok Shop request as exact bytes, and one answer as it is read. No I/O.

Signature and bytes must agree, so the URL is percent-encoded here and sent as it stands, and the body is serialized
once (Partner Center, "Sign your API request": the signature covers decoded values and the raw body).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

from bridge.connectors.tiktok.signing import sign_request

Json = dict[str, Any]

TOKEN_HEADER = "x-tts-access-token"  # noqa: S105 -- a header's name
_UNRESERVED = "-._~"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One operation. `version` is TikTok's own, kept per endpoint; versions retire with two months' notice."""

    method: str
    path: str
    """With `{version}` and path parameters."""
    version: str
    for_shop: bool = True
    """It takes `shop_cipher`; authorization endpoints answer 36009004 when they get one."""


AUTHORIZED_SHOPS = Endpoint("GET", "/authorization/{version}/shops", "202309", for_shop=False)
GET_ORDERS = Endpoint("GET", "/order/{version}/orders", "202309")
SEARCH_ORDERS = Endpoint("POST", "/order/{version}/orders/search", "202309")
SEARCH_CANCELLATIONS = Endpoint("POST", "/return_refund/{version}/cancellations/search", "202309")
SEARCH_RETURNS = Endpoint("POST", "/return_refund/{version}/returns/search", "202309")
ELIGIBILITY = Endpoint("GET", "/return_refund/{version}/orders/{order_id}/aftersale_eligibility", "202602")
OLD_ELIGIBILITY = Endpoint("GET", "/return_refund/{version}/orders/{order_id}/aftersale_eligibility", "202309")
CANCEL_ORDER = Endpoint("POST", "/return_refund/{version}/cancellations", "202309")
APPROVE = Endpoint("POST", "/return_refund/{version}/cancellations/{cancel_id}/approve", "202309")
REJECT = Endpoint("POST", "/return_refund/{version}/cancellations/{cancel_id}/reject", "202309")
REJECT_REASONS = Endpoint("GET", "/return_refund/{version}/reject_reasons", "202309")
PUT_WEBHOOK = Endpoint("PUT", "/event/{version}/webhooks", "202309")
GET_WEBHOOKS = Endpoint("GET", "/event/{version}/webhooks", "202309")
DELETE_WEBHOOK = Endpoint("DELETE", "/event/{version}/webhooks", "202309")


@dataclass(frozen=True, slots=True)
class Call:
    """One request before it is signed. `query` holds decoded values."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    @property
    def name(self) -> str:
        """For logs and texts: method and path, never a query."""
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Signed:
    """What goes over the wire: the target in its exact spelling, the headers but the token, the exact body."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


def call(
    endpoint: Endpoint,
    *,
    cipher: str = "",
    query: Mapping[str, str] | None = None,
    body: Json | None = None,
    **places: str,
) -> Call:
    """Build a call. `places` fill the path; they must be plain ids, because the path is signed as it is sent."""
    for name, value in places.items():
        if not value or quote(value, safe=_UNRESERVED) != value or value in {".", ".."}:
            raise ValueError(f"{name} {value!r} cannot stand in a path")
    pairs = list((query or {}).items())
    if endpoint.for_shop:
        if not cipher:
            raise ValueError(f"{endpoint.path} needs a shop_cipher")
        pairs.append(("shop_cipher", cipher))
    path = endpoint.path.format(version=endpoint.version, **places)
    return Call(endpoint.method, path, tuple(pairs), b"" if body is None else dump(body))


def dump(body: Json) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def sign(request: Call, app_key: str, secret: str, timestamp: int) -> Signed:
    """Sign for this second (accepted: 5 minutes back to 30 seconds ahead), so sign when sending, not before."""
    query = [*request.query, ("app_key", app_key), ("timestamp", str(timestamp))]
    query.append(("sign", sign_request(secret, request.path, query, request.body)))
    target = request.path + "?" + "&".join(f"{_quoted(key)}={_quoted(value)}" for key, value in query)
    return Signed(request.method, target, {"content-type": "application/json"}, request.body)


def _quoted(text: str) -> str:
    return quote(text, safe=_UNRESERVED)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it came. `code` is None where the body is not TikTok's envelope."""

    status: int
    code: int | None
    message: str
    request_id: str
    data: Json
    retry_after: float | None = None
    date: datetime | None = None
    """The server's clock, from the Date header."""

    @property
    def is_success(self) -> bool:
        """`code` decides: errors also come with HTTP 200 (Partner Center, "Common errors")."""
        return self.code == 0 and self.status < 400


def read_answer(status: int, headers: Mapping[str, str], raw: bytes) -> Answer:
    """Read any answer, TikTok's or a proxy's. Never raises."""
    retry_after, date = _seconds(headers.get("Retry-After")), _date(headers.get("Date"))
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict) or not _is_code(body.get("code")):
        return Answer(status, None, "", "", {}, retry_after, date)
    data = body.get("data")
    return Answer(
        status=status,
        code=int(body["code"]),
        message=str(body.get("message") or "")[:300],
        request_id=str(body.get("request_id") or "")[:80],
        data=data if isinstance(data, dict) else {},
        retry_after=retry_after,
        date=date,
    )


def _is_code(value: object) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (isinstance(value, str) and value.isascii() and value.isdigit())


def _seconds(text: str | None) -> float | None:
    """Retry-After in seconds; its date form is read as absent."""
    if text is None or not text.strip().isascii() or not text.strip().isdigit():
        return None
    return min(float(text.strip()), 3600.0)


def _date(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    return when if when.tzinfo else None
