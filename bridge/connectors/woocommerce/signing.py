"""Who we are to WooCommerce, and who signs its deliveries. No I/O.

Over https: Basic, key and secret. Over http WooCommerce takes OAuth 1.0a alone, without a token and with its fields in
the query (WC_REST_Authentication), so that the secret never travels in the clear.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from oauthlib.oauth1 import SIGNATURE_HMAC_SHA256, SIGNATURE_TYPE_QUERY
from oauthlib.oauth1 import Client as OAuth1

Method = Literal["DELETE", "GET", "POST", "PUT"]


@dataclass(frozen=True, slots=True)
class ApiKey:
    key: str = field(repr=False)
    secret: str = field(repr=False)


def authorized(
    api_key: ApiKey, url: str, method: Method, *, nonce: str | None = None, timestamp: Callable[[], int] | None = None
) -> tuple[str, dict[str, str]]:
    """The address and the headers to call it with. `url` is percent-encoded. Sign again for every attempt."""
    if url.startswith("https:"):
        told = base64.b64encode(f"{api_key.key}:{api_key.secret}".encode()).decode()
        return url, {"Authorization": f"Basic {told}"}
    signer = OAuth1(
        api_key.key,
        client_secret=api_key.secret,
        signature_method=SIGNATURE_HMAC_SHA256,
        signature_type=SIGNATURE_TYPE_QUERY,
        nonce=nonce,
        timestamp=str(timestamp()) if timestamp else None,
    )
    signed, _, _ = signer.sign(url, http_method=method)
    return str(signed), {}


def signature(raw: bytes, secret: str) -> str:
    """base64 of HMAC-SHA256 over the raw bytes (WC_Webhook::generate_signature)."""
    return base64.b64encode(hmac.new(secret.encode(), raw, hashlib.sha256).digest()).decode()


def is_signed(raw: bytes, given: str, secrets: Sequence[str]) -> bool:
    said = given.strip().encode(errors="replace")
    return any(hmac.compare_digest(signature(raw, secret).encode(), said) for secret in secrets)
