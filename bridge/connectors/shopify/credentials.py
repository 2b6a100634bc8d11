"""A Shopify connection's credentials: their one stored shape. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bridge.connectors.shopify.documents import PINNED, WITHOUT_JOB_RESULT

NAMES: Final = {
    "client_id": "Client ID: Dev Dashboard › your app › Settings",
    "client_secret": "Client secret: Dev Dashboard › your app › Settings",
    "access_token": "Admin API access token (shpat_…) of a custom app made before 2026",
}
VERSIONS: Final = (PINNED, WITHOUT_JOB_RESULT)
_OPTIONAL: Final = ("earlier_client_secret", "api_version", "token_url", "access_expires_at")


def check(given: Mapping[str, Any]) -> dict[str, str]:
    """Raises ValueError that names what is missing or unknown and where it is found, never a value."""
    unknown = sorted(set(given) - set(NAMES) - set(_OPTIONAL))
    if unknown:
        raise ValueError(f"unknown credentials: {', '.join(unknown)}; a Shopify shop takes {', '.join(NAMES)}")
    kept = {name: _text(name, value) for name, value in given.items() if value not in (None, "")}
    if kept.get("client_id") and not kept.get("client_secret"):
        raise ValueError(f"{NAMES['client_secret']} is missing")
    if not kept.get("client_id") and not kept.get("access_token"):
        raise ValueError(
            f"{NAMES['client_id']} and {NAMES['client_secret']} are missing (or {NAMES['access_token']}, with the "
            "client secret too, so that its messages can be verified)"
        )
    version = kept.get("api_version", PINNED)
    if version not in VERSIONS:
        raise ValueError(f"api_version must be one of {', '.join(VERSIONS)}")
    return kept


def renews(credentials: Mapping[str, Any]) -> bool:
    """Whether its tokens come from the client-credentials grant, and so end and are asked for anew."""
    return bool(credentials.get("client_id") and credentials.get("client_secret"))


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or len(value) > 2000:
        raise ValueError(f"{name} must be text as Shopify shows it, without line breaks or special characters")
    return value.strip()
