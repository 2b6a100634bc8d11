"""What TikTok Shop is to everybody else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.connectors.tiktok.door import hook_key
from bridge.ports import Platform


def keys(credentials: Mapping[str, Any]) -> tuple[str, ...]:
    app_key, secret = str(credentials.get("app_key") or ""), str(credentials.get("app_secret") or "")
    return (hook_key(app_key, secret),) if app_key and secret else ()


FAREWELL = "seller-deauthorization"
ACCOUNT = frozenset({FAREWELL, "upcoming-authorization-expiration"})

PLATFORM = Platform(
    kind="tiktok",
    name="TikTok Shop",
    side="channel",
    keys=keys,
    topics=ACCOUNT
    | {
        "order-status-change",
        "cancellation-status-change",
        "return-status-change",
        "reverse-status-update",
        "package-update",
    },
    account_topics=ACCOUNT,
    farewells=frozenset({FAREWELL}),
    # It gives a receiver 3 s (Partner Center, "Configuration guide").
    answer_within=2.5,
)
