"""A TikTok Shop connection's credentials: their one stored shape. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bridge.connectors.tiktok.auth import Tokens

_NEEDED = {
    "app_key": "App key: Partner Center › App & Service › your app",
    "app_secret": "App secret: Partner Center › App & Service › your app",
    "access_token": "Access token: authorize the shop, or Partner Center › test access token",
    "refresh_token": "Refresh token: it comes with the access token",
}
_OPTIONAL = ("open_id", "seller_name", "region", "auth_url", "authorize_url", "service_id", "region")
_TIMES = ("access_expires_at", "refresh_expires_at")
_ALSO_CALLED = {"access_token_expire_in": "access_expires_at", "refresh_token_expire_in": "refresh_expires_at"}


def check(given: Mapping[str, Any]) -> dict[str, str]:
    """Raises ValueError that names what is missing or unknown and where it is found, never a value."""
    named = {_ALSO_CALLED.get(name, name): value for name, value in given.items()}
    unknown = sorted(set(named) - set(_NEEDED) - set(_OPTIONAL) - set(_TIMES))
    if unknown:
        raise ValueError(f"unknown credentials: {', '.join(unknown)}; a TikTok Shop takes {', '.join(_NEEDED)}")
    kept = {name: _text(name, value) for name, value in named.items() if name not in _TIMES and value not in (None, "")}
    missing = [place for name, place in _NEEDED.items() if not kept.get(name)]
    if missing:
        raise ValueError("; ".join(missing) + (" is missing" if len(missing) == 1 else " are missing"))
    if not (kept["app_key"].isascii() and kept["app_key"].isalnum()):
        raise ValueError("app_key must be letters and digits, as Partner Center shows it")
    return kept | {name: _when(name, named[name]).isoformat() for name in _TIMES if named.get(name) not in (None, "")}


def tokens_of(credentials: Mapping[str, Any]) -> Tokens:
    """The grant inside checked credentials."""
    times = {name: _when(name, credentials[name]) if credentials.get(name) else None for name in _TIMES}
    return Tokens(
        access_token=credentials["access_token"],
        refresh_token=credentials["refresh_token"],
        access_expires_at=times["access_expires_at"],
        refresh_expires_at=times["refresh_expires_at"],
        open_id=credentials.get("open_id", ""),
        seller_name=credentials.get("seller_name", ""),
        region=credentials.get("region", ""),
    )


def with_tokens(credentials: Mapping[str, Any], tokens: Tokens) -> dict[str, str]:
    """The credentials with a new grant in them; what TikTok did not repeat is kept."""
    fresh = {
        "access_token": tokens.access_token,
        "refresh_token": tokens.refresh_token,
        "access_expires_at": tokens.access_expires_at.isoformat() if tokens.access_expires_at else "",
        "refresh_expires_at": tokens.refresh_expires_at.isoformat() if tokens.refresh_expires_at else "",
        "open_id": tokens.open_id,
        "seller_name": tokens.seller_name,
        "region": tokens.region,
    }
    return {**credentials, **{name: value for name, value in fresh.items() if value}}


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or len(value) > 2000:
        if name == "seller_name" and isinstance(value, str):
            return value[:200]
        raise ValueError(f"{name} must be text as TikTok shows it, without line breaks or special characters")
    return value.strip()


def _when(name: str, value: Any) -> datetime:
    """An ISO time with zone, or TikTok's absolute Unix seconds."""
    try:
        if isinstance(value, int) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        when = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"{name} must be Unix seconds or an ISO time") from None
    if when.tzinfo is None:
        raise ValueError(f"{name} must be a time with its zone")
    return when.astimezone(UTC)
