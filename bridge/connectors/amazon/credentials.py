"""An Amazon connection's credentials: their one stored shape. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bridge.connectors.amazon.protocol import POLICIES, SPEEDS, VERSIONS

NEEDED: Final = {
    "client_id": "LWA client identifier: Seller Central › Apps and Services › Develop Apps › your app › View",
    "client_secret": "LWA client secret: from the same page",
    "refresh_token": "Refresh token (Atzr|…): the same list › Authorize › your app",
}
SPEED, POLICY, VERSION = SPEEDS[0], POLICIES[0], VERSIONS[0]
CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "api_version": VERSIONS,
    "shipping_speed": SPEEDS,
    "fulfillment_policy": POLICIES,
    "scan": ("yes", "no"),
}
"""Settings of a connection, the first of each being what holds where it is not set."""
_FREE: Final = {"marketplace_id": 32, "order_comment": 750}
_OURS: Final = ("token_url", "access_token", "access_expires_at")


def check(given: Mapping[str, Any]) -> dict[str, str]:
    """Raises ValueError that names what is missing or unknown and where it is found, never a value."""
    unknown = sorted(set(given) - set(NEEDED) - set(CHOICES) - set(_FREE) - set(_OURS))
    if unknown:
        takes = ", ".join((*NEEDED, *CHOICES, *_FREE))
        raise ValueError(f"unknown credentials: {', '.join(unknown)}; an Amazon connection takes {takes}")
    kept = {name: _text(name, value) for name, value in given.items() if value not in (None, "")}
    missing = [f"{name} ({where})" for name, where in NEEDED.items() if not kept.get(name)]
    if missing:
        raise ValueError(f"missing: {'; '.join(missing)}")
    for name, choices in CHOICES.items():
        if name in kept:
            chosen = next((one for one in choices if one.casefold() == kept[name].casefold()), None)
            if chosen is None:
                raise ValueError(f"{name} must be one of {', '.join(choices)}")
            kept[name] = chosen
    for name, most in _FREE.items():
        if len(kept.get(name, "")) > most:
            raise ValueError(f"{name} must have at most {most} characters")
    return kept


def chosen(credentials: Mapping[str, Any], name: str) -> str:
    """A setting of the connection, or what holds where it is not set."""
    return str(credentials.get(name) or CHOICES[name][0])


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value.isprintable() or len(value) > 4000:
        raise ValueError(f"{name} must be text without line breaks")
    if name != "order_comment" and not value.isascii():
        raise ValueError(f"{name} must be text as Amazon shows it, without special characters")
    return value.strip()
