"""How a seller grants the app access, and how that grant is kept alive (Partner Center, "Authorization overview").

The token endpoints take the app secret and the tokens in the URL. No URL, and no exception that carries one, leaves
this module.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from bridge.connectors.bodies import read_body
from bridge.domain.outcomes import Reauth, Rejected, RemoteProblem, Retry
from bridge.ports import Clock

AUTH_URL = "https://auth.tiktok-shops.com"
AUTHORIZE_URL = "https://services.tiktokshop.com"
AUTHORIZE_URL_US = "https://services.us.tiktokshop.com"
STATE_LIFE = timedelta(hours=1)
TIMEOUT = aiohttp.ClientTimeout(total=30, connect=10)
_TRY_AGAIN = frozenset({36009002, 36009003, 36009007})
_EARLIEST = 1_000_000_000
"""Expiries are absolute Unix times; a smaller number would be a duration."""


class TokenSource(Protocol):
    """Where a client gets its access token from. Storing, and refreshing once for all callers, is the owner's part."""

    async def access_token(self) -> str: ...

    async def refreshed(self, stale: str) -> str:
        """A token newer than `stale`. Raises `RemoteProblem` with `Reauth` when the grant is gone."""
        ...


@dataclass(frozen=True, slots=True)
class Tokens:
    """One grant: a pair of tokens. Both are replaced together at each refresh."""

    access_token: str
    refresh_token: str
    access_expires_at: datetime | None = None
    refresh_expires_at: datetime | None = None
    open_id: str = ""
    seller_name: str = ""
    region: str = ""

    def __repr__(self) -> str:
        return f"Tokens(open_id={self.open_id!r}, access_expires_at={self.access_expires_at})"


def authorize_url(service_id: str, state: str, *, us: bool = False, base_url: str | None = None) -> str:
    """Where to send a seller. US shops have a host of their own; `base_url` overrides both."""
    base = base_url or (AUTHORIZE_URL_US if us else AUTHORIZE_URL)
    return f"{base.rstrip('/')}/open/authorize?{urlencode({'service_id': service_id, 'state': state})}"


def new_state(key: bytes, payload: str, now: datetime) -> str:
    """A `state` that only we can have made: payload (a connection's id, say), time and nonce under an HMAC of `key`."""
    text = json.dumps([payload, int(now.timestamp()), secrets.token_urlsafe(12)], separators=(",", ":")).encode()
    mac = hmac.new(key, text, hashlib.sha256).digest()[:16]
    return base64.urlsafe_b64encode(mac + text).decode().rstrip("=")


def read_state(key: bytes, state: str, now: datetime) -> str:
    """The payload of a state of ours. Raises ValueError: forged, damaged or older than an hour.

    Installs that start in TikTok's app store carry no state; those have to be confirmed by a person.
    """
    try:
        raw = base64.urlsafe_b64decode(state + "=" * (-len(state) % 4))
    except ValueError:
        raise ValueError("the state is damaged; start the authorization again") from None
    mac, text = raw[:16], raw[16:]
    if not hmac.compare_digest(mac, hmac.new(key, text, hashlib.sha256).digest()[:16]):
        raise ValueError("the state is not ours; start the authorization again from the admin pages")
    payload, made_at, _nonce = json.loads(text)
    if not timedelta(0) <= now - datetime.fromtimestamp(made_at, UTC) <= STATE_LIFE:
        raise ValueError("the authorization took more than an hour; start it again")
    return str(payload)


class Authorizer:
    """Gets and renews tokens at `auth_url`."""

    def __init__(
        self, session: aiohttp.ClientSession, clock: Clock, app_key: str, app_secret: str, auth_url: str = AUTH_URL
    ) -> None:
        self._session = session
        self._clock = clock
        self._app = {"app_key": app_key, "app_secret": app_secret}
        self._auth_url = auth_url.rstrip("/")

    async def get(self, code: str) -> Tokens:
        """Exchange an authorization code: good for 30 minutes, once. Raises `RemoteProblem`."""
        return await self._ask("get", {"auth_code": code, "grant_type": "authorized_code"})

    async def refresh(self, refresh_token: str) -> Tokens:
        """A new pair; store both before use, because the old refresh token may be dead. Raises `RemoteProblem`."""
        return await self._ask("refresh", {"refresh_token": refresh_token, "grant_type": "refresh_token"})

    async def _ask(self, what: str, query: dict[str, str]) -> Tokens:
        status, raw, cut = 0, b"", ""
        url = URL(f"{self._auth_url}/api/v2/token/{what}?{urlencode(self._app | query)}", encoded=True)
        try:
            async with self._session.get(url, timeout=TIMEOUT, allow_redirects=False) as response:
                status, raw = response.status, await read_body(response)
        except (aiohttp.ClientError, TimeoutError, OSError) as problem:
            cut = type(problem).__name__
        # Raised out here, so that the exception with the URL in it hangs on none of ours.
        if cut:
            raise RemoteProblem(Retry(f"TikTok's token server could not be reached ({cut})"))
        return self._read(status, raw)

    def _read(self, status: int, raw: bytes) -> Tokens:
        try:
            body = json.loads(raw)
        except (ValueError, RecursionError):
            body = None
        if status == 429 or status >= 500 or not isinstance(body, dict) or body.get("code") in _TRY_AGAIN:
            raise RemoteProblem(Retry(f"TikTok's token server answers HTTP {status} and gives no token"))
        data = body.get("data")
        if body.get("code") != 0 or not isinstance(data, dict):
            told = (
                f"code {body.get('code')}, “{str(body.get('message') or '')[:200]}”, request {body.get('request_id')}"
            )
            raise RemoteProblem(Reauth(f"TikTok gives no token; connect the TikTok Shop again (TikTok: {told})"))
        if not data.get("access_token") or not data.get("refresh_token"):
            raise RemoteProblem(Rejected("TikTok's token server answered success without tokens", "no_tokens"))
        now = self._clock.now()
        return Tokens(
            access_token=str(data["access_token"]),
            refresh_token=str(data["refresh_token"]),
            access_expires_at=expiry(data.get("access_token_expire_in"), now),
            refresh_expires_at=expiry(data.get("refresh_token_expire_in"), now),
            open_id=str(data.get("open_id") or ""),
            seller_name=str(data.get("seller_name") or ""),
            region=str(data.get("seller_base_region") or ""),
        )


def expiry(value: Any, now: datetime) -> datetime | None:
    """`*_expire_in` is an absolute Unix time whatever its name says; a small one is read as seconds from now."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 100_000_000_000:
        return None
    return datetime.fromtimestamp(value, UTC) if value >= _EARLIEST else now + timedelta(seconds=value)
