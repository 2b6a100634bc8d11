"""Who we are to Magento: OAuth 1.0a with HMAC-SHA256, or a bearer token. No I/O.

Magento 2.4.4 and newer accept HMAC-SHA256 only, sign the query but no JSON body, and use a nonce up before they look
at the signature (Magento\\Framework\\Oauth\\Oauth and \\Helper\\Signature\\Hmac256 in magento/framework), so every
attempt is signed anew. Integration tokens as bearer are off by default since 2.4.4.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from oauthlib.oauth1 import SIGNATURE_HMAC_SHA256
from oauthlib.oauth1 import Client as OAuth1

OAUTH_FIELDS = ("consumer_key", "consumer_secret", "access_token", "access_token_secret")
_JWT_DOTS = 2
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

    The body is not given: oauthlib would add `oauth_body_hash`, which Magento does not know.
    """
    if credentials.is_bearer:
        return f"Bearer {credentials.bearer_token}"
    signer = OAuth1(
        credentials.consumer_key,
        client_secret=credentials.consumer_secret,
        resource_owner_key=credentials.access_token or None,
        resource_owner_secret=credentials.access_token_secret or None,
        signature_method=SIGNATURE_HMAC_SHA256,
        verifier=verifier,
        timestamp=str(timestamp()) if timestamp else None,
        nonce=nonce,
    )
    _, headers, _ = signer.sign(url, http_method=method)
    return str(headers["Authorization"])
