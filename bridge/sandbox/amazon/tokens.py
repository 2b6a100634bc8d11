"""Login with Amazon: a refresh token for good, access tokens for an hour.

Source: developer-docs.amazon.com/sp-api, "Connecting to the Selling Partner API"; the errors are those of OAuth 2.0
(RFC 6749, section 5.2) with Amazon's words.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bridge.sandbox.amazon.settings import Settings


class Denied(Exception):
    """The token endpoint refuses."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(error)
        self.error = error
        self.description = description
        self.status = status


@dataclass
class Token:
    value: str
    ends_at: datetime


class Tokens:
    def __init__(self, now: Callable[[], datetime], settings: Settings) -> None:
        self._now = now
        self._settings = settings
        self.client_id = f"amzn1.application-oa2-client.{secrets.token_hex(16)}"
        self.client_secret = f"amzn1.oa2-cs.v1.{secrets.token_hex(32)}"
        self.refresh_token = f"Atzr|{secrets.token_urlsafe(48)}"
        self.authorized = True
        """False once the seller withdrew the authorization."""
        self.role_granted = True
        """False: the app lacks the role Amazon Fulfillment."""
        self.granted = 0
        self.renews_refresh_token = False
        self._live: dict[str, Token] = {}

    def grant(self, form: Mapping[str, str]) -> dict[str, Any]:
        """The answer to a refresh. Raises `Denied`."""
        missing = [name for name in ("grant_type", "client_id", "client_secret") if not form.get(name)]
        if missing:
            raise Denied("invalid_request", f"The request is missing a required parameter : {missing[0]}")
        if form["grant_type"] != "refresh_token":
            raise Denied("unsupported_grant_type", "The authorization grant type is not supported by the server")
        if not form.get("refresh_token"):
            raise Denied("invalid_request", "The request is missing a required parameter : refresh_token")
        if form["client_id"] != self.client_id or form["client_secret"] != self.client_secret:
            raise Denied("invalid_client", "Client authentication failed", 401)
        if form["refresh_token"] != self.refresh_token or not self.authorized:
            raise Denied("invalid_grant", "The request has an invalid grant parameter : refresh_token")
        if self.renews_refresh_token:
            self.refresh_token = f"Atzr|{secrets.token_urlsafe(48)}"
        token = self.give()
        return {
            "access_token": token.value,
            "refresh_token": self.refresh_token,
            "token_type": "bearer",
            "expires_in": self._settings.token_seconds,
        }

    def give(self) -> Token:
        token = Token(
            f"Atza|{secrets.token_urlsafe(48)}", self._now() + timedelta(seconds=self._settings.token_seconds)
        )
        self._live[token.value] = token
        self.granted += 1
        return token

    def problem(self, value: str | None) -> str | None:
        """Why a call with this token is refused, in Amazon's words; None when it is good."""
        if not value:
            return "Access token is missing in the request header."
        token = self._live.get(value)
        if token is None or not self.authorized:
            return "The access token you provided is revoked, malformed or invalid."
        if token.ends_at <= self._now():
            return "The access token you provided has expired."
        return None

    def end_all(self) -> int:
        """End every access token, as if its hour were over; how many."""
        ended = [one for one in self._live.values() if one.ends_at > self._now()]
        for token in ended:
            token.ends_at = self._now()
        return len(ended)
