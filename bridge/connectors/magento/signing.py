"""Who we are to Magento: OAuth 1.0a with HMAC-SHA256, or a bearer token. No I/O.

Magento 2.4.4 and newer accept HMAC-SHA256 only, sign the query but no JSON body, and use a nonce up before they look
at the signature (Magento\\Framework\\Oauth\\Oauth and \\Helper\\Signature\\Hmac256 in magento/framework), so every
attempt is signed anew. Integration tokens as bearer are off by default since 2.4.4.
"""

from __future__ import annotations

import base64
import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import SplitResult, parse_qsl, quote, urlsplit

OAUTH_FIELDS = ("consumer_key", "consumer_secret", "access_token", "access_token_secret")
_JWT_DOTS = 2
_DEFAULT_PORTS = {"http": 80, "https": 443}
Method = Literal["DELETE", "GET", "POST", "PUT"]


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an integration was given. Either the four OAuth values, or a bearer token."""

    consumer_key: str = ""
    consumer_secret: str = field(default="", repr=False)
    access_token: str = field(default="", repr=False)
    access_token_secret: str = field(default="", repr=False)
    bearer_token: str = field(default="", repr=False)

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Credentials:
        return cls(**{name: str(stored.get(name) or "") for name in (*OAUTH_FIELDS, "bearer_token")})

    @property
    def is_bearer(self) -> bool:
        return bool(self.bearer_token) and not self.access_token


def check_credentials(given: Mapping[str, Any]) -> dict[str, str]:
    """The credentials in their stored shape. Raises ValueError with what is wrong, where, and what to do."""
    fields = {name: str(given.get(name) or "").strip() for name in (*OAUTH_FIELDS, "bearer_token")}
    for name, value in fields.items():
        if value and not (value.isascii() and value.isprintable() and " " not in value):
            raise ValueError(f"{name} contains characters that no Magento token has. Copy it again.")
    bearer = fields["bearer_token"]
    if bearer.lower().startswith("bearer"):
        raise ValueError("Give bearer_token without the word Bearer")
    if bearer.count(".") == _JWT_DOTS:
        raise ValueError(
            "bearer_token is the token of an admin user, which ends after hours and makes the plugin sign with a wrong "
            "key. In the Magento admin open System › Integrations, add an integration and give its four values instead."
        )
    missing = [name for name in OAUTH_FIELDS if not fields[name]]
    if not missing:
        return {name: fields[name] for name in OAUTH_FIELDS}
    if bearer:
        kept = {"bearer_token": bearer}
        if fields["consumer_key"]:
            kept["consumer_key"] = fields["consumer_key"]
        return kept
    raise ValueError(
        f"{', '.join(missing)} missing. In the Magento admin open System › Integrations, open or add the integration, "
        "activate it and copy all four values."
    )


def authorization(
    credentials: Credentials,
    url: str,
    method: Method,
    *,
    verifier: str | None = None,
    timestamp: Callable[[], int] | None = None,
    nonce: str | None = None,
) -> str:
    """The Authorization header for exactly this percent-encoded url. Sign again for every attempt.

    The body is not signed: Magento does not know `oauth_body_hash`.
    """
    if credentials.is_bearer:
        return f"Bearer {credentials.bearer_token}"
    said = {
        "oauth_consumer_key": credentials.consumer_key,
        "oauth_nonce": nonce or secrets.token_hex(16),
        "oauth_signature_method": "HMAC-SHA256",
        "oauth_timestamp": str(timestamp() if timestamp else int(time.time())),
        "oauth_version": "1.0",
    }
    if credentials.access_token:
        said["oauth_token"] = credentials.access_token
    if verifier:
        said["oauth_verifier"] = verifier
    key = f"{_quoted(credentials.consumer_secret)}&{_quoted(credentials.access_token_secret)}"
    digest = hmac.digest(key.encode(), signature_base(method, url, said).encode(), "sha256")
    said["oauth_signature"] = base64.b64encode(digest).decode("ascii")
    return "OAuth " + ", ".join(f'{name}="{_quoted(value)}"' for name, value in said.items())


def signature_base(method: str, url: str, said: Mapping[str, str]) -> str:
    """What is signed (RFC 5849, 3.4.1): method, address without query or default port, and all parameters in order.

    Written here and not left to oauthlib, which took 0.4 to 0.6 ms of processor time to sign a call, longer than to
    send it. A test holds one against the other.
    """
    parts = urlsplit(url)
    port = "" if parts.port in {None, _DEFAULT_PORTS.get(parts.scheme)} else f":{parts.port}"
    address = f"{parts.scheme}://{_host(parts)}{port}{parts.path or '/'}"
    pairs = [*parse_qsl(parts.query, keep_blank_values=True), *said.items()]
    ordered = sorted((_quoted(name), _quoted(value)) for name, value in pairs)
    parameters = "&".join(f"{name}={value}" for name, value in ordered)
    # Quoted once more; what is quoted has no other characters that need it.
    again = parameters.replace("%", "%25").replace("=", "%3D").replace("&", "%26")
    return f"{method}&{_quoted(address)}&{again}"


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    return f"[{host}]" if ":" in host else host


def _quoted(text: str) -> str:
    return quote(text, safe="~")
