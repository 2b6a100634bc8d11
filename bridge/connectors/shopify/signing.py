"""Shopify's webhook signature: base64 of HMAC-SHA256 over the raw bytes, keyed with the app's client secret."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence


def signature(raw: bytes, secret: str) -> str:
    return base64.b64encode(hmac.new(secret.encode(), raw, hashlib.sha256).digest()).decode()


def is_signed(raw: bytes, given: str, secrets: Sequence[str]) -> bool:
    """Whether one of the secrets made the signature; after a rotation Shopify uses the old one for up to an hour."""
    said = given.strip().encode(errors="replace")
    return any(hmac.compare_digest(signature(raw, secret).encode(), said) for secret in secrets)
