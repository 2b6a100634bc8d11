"""Who may call: tokens of the client-credentials grant, tokens made in the admin area, and the app's secret.

Source: shopify.dev, "Client credentials grant" (24 hours, no refresh token) and "Generate access tokens for custom apps
in the Shopify admin" (`shpat_`, without an end). While a secret is being rotated the token endpoint takes the old one
and the new one; deliveries keep to the old one for a while.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bridge.sandbox.shopify.settings import Settings

SCOPES = (
    "read_all_orders",
    "read_orders",
    "write_orders",
    "read_products",
    "read_inventory",
    "read_locations",
    "read_merchant_managed_fulfillment_orders",
    "write_merchant_managed_fulfillment_orders",
    "read_third_party_fulfillment_orders",
    "write_third_party_fulfillment_orders",
    "read_assigned_fulfillment_orders",
    "write_assigned_fulfillment_orders",
)


@dataclass
class Token:
    value: str
    scopes: tuple[str, ...]
    ends_at: datetime | None


class Tokens:
    def __init__(self, now: Callable[[], datetime], settings: Settings) -> None:
        self._now = now
        self._settings = settings
        self.client_id = secrets.token_hex(16)
        self.secrets = [f"shpss_{secrets.token_hex(16)}"]
        """The app's client secrets, newest first."""
        self.signs_with_newest = True
        self.scopes: tuple[str, ...] = SCOPES
        self.installed = True
        self._tokens: dict[str, Token] = {}

    @property
    def signing_secret(self) -> str:
        return self.secrets[0 if self.signs_with_newest else -1]

    def sign(self, body: bytes) -> str:
        """`X-Shopify-Hmac-Sha256` of a delivery."""
        return signature(self.signing_secret, body)

    def knows(self, client_id: str, secret: str) -> bool:
        return client_id == self.client_id and secret in self.secrets

    def grant(self) -> Token:
        """A token of the client-credentials grant."""
        return self._keep(
            f"shpca_{secrets.token_hex(16)}", self._now() + timedelta(seconds=self._settings.token_seconds)
        )

    def legacy(self) -> Token:
        """A token as the admin area gave it until the end of 2025."""
        return self._keep(f"shpat_{secrets.token_hex(16)}", None)

    def _keep(self, value: str, ends_at: datetime | None) -> Token:
        token = Token(value, self.scopes, ends_at)
        self._tokens[value] = token
        return token

    def find(self, value: str) -> Token | None:
        token = self._tokens.get(value)
        if token is None or not self.installed or (token.ends_at is not None and token.ends_at <= self._now()):
            return None
        return token

    def revoke(self, *, legacy_too: bool) -> int:
        gone = [one for one in self._tokens.values() if legacy_too or one.ends_at is not None]
        for token in gone:
            del self._tokens[token.value]
        return len(gone)

    def rotate(self, secret: str | None, *, sign_with_newest: bool) -> str:
        """A further secret; the one before stays good until `forget_old`."""
        self.secrets = [secret or f"shpss_{secrets.token_hex(16)}", self.secrets[0]]
        self.signs_with_newest = sign_with_newest
        return self.secrets[0]

    def forget_old(self) -> None:
        self.secrets = self.secrets[:1]
        self.signs_with_newest = True


def signature(secret: str, body: bytes) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
