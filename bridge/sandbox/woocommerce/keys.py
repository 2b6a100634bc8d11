"""Who may call: one API key, by Basic over https, or by OAuth 1.0a with the query signed over plain http.

Source: WooCommerce's class-wc-rest-authentication.php. Written for the sandbox alone, so that a mistake in a client
cannot be answered by the same mistake here. Its traits are kept: Basic counts over https only; an unknown key in Basic
is no error but nobody; parameters are sorted by their decoded names; the address that is signed is the site's own.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote_plus

from bridge.sandbox.woocommerce.model import WpError

WINDOW = 15 * 60
"""Seconds by which a timestamp may differ, and for which a nonce is remembered."""
_REQUIRED = ("oauth_consumer_key", "oauth_timestamp", "oauth_nonce", "oauth_signature", "oauth_signature_method")
_HASHES = {"HMAC-SHA1": hashlib.sha1, "HMAC-SHA256": hashlib.sha256}
_CODE = "woocommerce_rest_authentication_error"


@dataclass
class Keys:
    key: str
    secret: str
    permissions: str = "read_write"
    """`read`, `write` or `read_write`."""
    nonces: dict[str, float] = field(default_factory=dict)

    def knows(self, method: str, url: str, query: str, header: str, *, https: bool) -> bool:
        """Whether this call is by the key's owner. Raises `WpError` where it claims to be and is not.

        `url`: scheme, host and path, as the site itself calls them.
        """
        given = read_query(query)
        is_owner = https and self._basic(given, header)
        if not is_owner:
            is_owner = self._oauth(method, url, given)
        if is_owner:
            self._check_permission(method)
        return is_owner

    def _basic(self, given: Mapping[str, str], header: str) -> bool:
        key, secret = given.get("consumer_key", ""), given.get("consumer_secret", "")
        if not (key and secret):
            key, secret = _basic_header(header)
        if not key or not secret or key != self.key:
            return False
        if not hmac.compare_digest(secret.encode(), self.secret.encode()):
            raise _wrong("Consumer secret is invalid.")
        return True

    def _oauth(self, method: str, url: str, given: Mapping[str, str]) -> bool:
        missing = [name for name in _REQUIRED if not given.get(name)]
        if len(missing) == len(_REQUIRED):
            return False
        if missing:
            plural = "s" if len(missing) > 1 else ""
            told = f"Missing OAuth parameter{plural} {', '.join(missing)}"
            raise WpError("woocommerce_rest_authentication_missing_parameter", told, 401)
        if given["oauth_consumer_key"] != self.key:
            raise _wrong("Consumer key is invalid.")
        if given["oauth_signature_method"] not in _HASHES:
            raise _wrong("Invalid signature - signature method is invalid.")
        said = given["oauth_signature"].replace(" ", "+")
        if not hmac.compare_digest(said.encode(), signature(method, url, given, self.secret).encode()):
            raise _wrong("Invalid signature - provided signature does not match.")
        self._check_nonce(given["oauth_timestamp"], given["oauth_nonce"])
        return True

    def _check_nonce(self, stamp: str, nonce: str) -> None:
        # The real clock: control routes move the books' time, not the caller's.
        now = time.time()
        if not stamp.isdigit() or abs(int(stamp) - now) > WINDOW:
            raise _wrong("Invalid timestamp.")
        self.nonces = {one: at for one, at in self.nonces.items() if at >= now - WINDOW}
        if nonce in self.nonces:
            raise _wrong("Invalid nonce - nonce has already been used.")
        self.nonces[nonce] = int(stamp)

    def _check_permission(self, method: str) -> None:
        wanted = "read" if method in {"GET", "HEAD"} else "write"
        if self.permissions not in {wanted, "read_write"}:
            raise _wrong(f"The API key provided does not have {wanted} permissions.")


def signature(method: str, url: str, parameters: Mapping[str, str], secret: str) -> str:
    pairs = sorted((name, value) for name, value in parameters.items() if name != "oauth_signature")
    normal = "&".join(f"{_encode(name)}={_encode(value)}" for name, value in pairs)
    base = "&".join([method.upper(), _encode(url), _encode(normal)])
    chosen = _HASHES[parameters["oauth_signature_method"]]
    return base64.b64encode(hmac.new(f"{secret}&".encode(), base.encode(), chosen).digest()).decode()


def read_query(query: str) -> dict[str, str]:
    """As PHP reads it: the last of several values of one name counts."""
    pairs = (part.partition("=") for part in query.split("&") if part)
    return {unquote_plus(name): unquote_plus(value) for name, _, value in pairs}


def _encode(text: str) -> str:
    return quote(text, safe="-._~")


def _basic_header(header: str) -> tuple[str, str]:
    scheme, _, told = header.partition(" ")
    if scheme.casefold() != "basic":
        return "", ""
    try:
        key, _, secret = base64.b64decode(told, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return key, secret


def _wrong(message: str) -> WpError:
    return WpError(_CODE, message, 401)
