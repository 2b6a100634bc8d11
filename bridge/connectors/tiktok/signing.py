"""TikTok Shop signatures: of the requests we send, and of the messages that come in. Pure.

Request: TikTok Shop Partner Center, "Sign your API request". The string to sign is secret + path
+ (key + decoded value of every query key in ASCII order, less `sign` and `access_token`) + raw body + secret.
The guide prints a `/` between path and parameters in one step; the signature it gives as the result is made without it.

Message: Partner Center, "TikTok Shop webhooks". `Authorization` = hex HMAC-SHA256 of app key + raw body.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

NOT_SIGNED = frozenset({"sign", "access_token"})


def sign_request(secret: str, path: str, query: Iterable[tuple[str, str]], body: bytes) -> str:
    """`sign` of a request. `query` holds decoded values; `body` the exact bytes that will be sent (empty: none)."""
    pairs = sorted((key, value) for key, value in query if key not in NOT_SIGNED)
    text = path + "".join(key + value for key, value in pairs)
    return hmac.new(
        secret.encode(), secret.encode() + text.encode() + body + secret.encode(), hashlib.sha256
    ).hexdigest()


def sign_message(app_key: str, secret: str, raw: bytes) -> str:
    """`Authorization` of a webhook delivery."""
    return hmac.new(secret.encode(), app_key.encode() + raw, hashlib.sha256).hexdigest()


def is_signed(given: str, raw: bytes, keys: Iterable[tuple[str, str]]) -> bool:
    """Whether one of the (app key, app secret) pairs signed the message. Constant time for each pair; all are tried."""
    found = False
    for app_key, secret in keys:
        expected = sign_message(app_key, secret, raw)
        found |= hmac.compare_digest(given.strip().encode("utf-8", "replace"), expected.encode())
    return found
