"""Signatures, checked and made here by code of the sandbox's own.

Request: Partner Center "Sign your API request". The string to sign is secret + path + every query key in ASCII
order with its decoded value (less `sign` and `access_token`) + the raw body (nothing for multipart) + secret;
HMAC-SHA256 under the secret, lowercase hex.

Webhook: Partner Center "TikTok Shop webhooks". `Authorization` is the lowercase hex HMAC-SHA256 of app key + raw
body under the secret: no prefix, no timestamp.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

UNSIGNED_KEYS = frozenset({"sign", "access_token"})


def request_signature(
    secret: str, path: str, query: Iterable[tuple[str, str]], body: bytes, *, multipart: bool = False
) -> str:
    """The signature a request to `path` must carry; `query` holds decoded pairs."""
    digest = hmac.new(secret.encode(), digestmod=hashlib.sha256)
    digest.update(f"{secret}{path}".encode())
    for key, value in sorted(pair for pair in query if pair[0] not in UNSIGNED_KEYS):
        digest.update(f"{key}{value}".encode())
    if not multipart:
        digest.update(body)
    digest.update(secret.encode())
    return digest.hexdigest()


def webhook_signature(app_key: str, secret: str, body: bytes) -> str:
    """The `Authorization` header of a webhook delivery."""
    return hmac.new(secret.encode(), app_key.encode() + body, hashlib.sha256).hexdigest()


def same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())
