"""Credentials of a connection when newer ones come: what of the old ones is kept, and until when they count. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bridge.storage.connections import Connection
from bridge.web.states import public


def earlier(before: Connection, credentials: Mapping[str, Any]) -> dict[str, Any]:
    """Deliveries queued under the last integration's key are still good: its key goes on opening the door."""
    old, new = before.credentials.get("consumer_key"), credentials.get("consumer_key")
    kept = [key for key in before.credentials.get("_earlier_consumer_keys", ()) if key != new]
    if old and new and old != new:
        kept = [old, *(key for key in kept if key != old)]
    return {"_earlier_consumer_keys": kept[:2]} if kept else {}


def fresher(here: Connection, sent: Mapping[str, Any], answered: Mapping[str, Any]) -> dict[str, Any]:
    """Doctor ran beside a token refresh: what was stored meanwhile is newer than what doctor began with."""
    if dict(answered) == dict(sent):
        return public(here.credentials)
    return dict(answered)


def expiry_of(credentials: Mapping[str, Any]) -> datetime | None:
    """When the access token ends, where the credentials say."""
    text = credentials.get("access_expires_at")
    try:
        when = datetime.fromisoformat(str(text)) if text else None
    except ValueError:
        return None
    return when if when and when.tzinfo else None
