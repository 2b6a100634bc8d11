"""What has to be kept up so that the rest works: the store's plugin, the channel's authorization. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from bridge.domain.attention import AttentionKind, Hold
from bridge.domain.capabilities import StoreCapabilities

WARN_BEFORE = (timedelta(days=1), timedelta(days=7), timedelta(days=30))
"""An authorization that ends is told of at each of these, the nearest last."""


def plugin(able: StoreCapabilities, *, wants_memos: bool, wants_restock: bool) -> Hold | None:
    """What the store's plugin cannot do and the settings ask for; None: all of it."""
    found: dict[str, str] = {}
    if able.reported is None:
        found["missing"] = "the store reports no plugin"
    if not able.refunds_work:
        found["refunds"] = able.refunds_because
    if wants_memos and able.refunds_work and not able.creditmemo_events:
        found["memos"] = "refunds made in the store are not announced: only the sweep finds them, minutes late"
    if wants_restock and able.refunds_work and not able.restock_allowed:
        found["restock"] = f"restock is switched on and not possible: {able.restock_because}"
    if not found:
        return None
    because = f"the store reports plugin {able.reported or 'none'}: {'; '.join(found.values())}"
    return Hold(AttentionKind.PLUGIN_VERSION, because, {"reported": able.reported, "cannot": sorted(found)})


def authorization(credentials: Mapping[str, Any], now: datetime) -> Hold | None:
    """When the grant that renews the access token ends within thirty days: said at 30, 7 and 1 day, and when it has."""
    text = credentials.get("refresh_expires_at")
    if not text:
        return None
    ends = datetime.fromisoformat(str(text))
    left = ends - now
    passed = next((limit for limit in WARN_BEFORE if left <= limit), None)
    if passed is None:
        return None
    step = 0 if left <= timedelta(0) else passed.days
    when = f"{ends:%Y-%m-%d %H:%M} UTC"
    because = f"the authorization ended on {when}" if not step else f"the authorization ends on {when}"
    cause = {"ends": ends.date().isoformat(), "step": step}
    return Hold(AttentionKind.TOKEN_EXPIRES, because, {"ends_at": ends.isoformat()}, cause, deadline_at=ends)
