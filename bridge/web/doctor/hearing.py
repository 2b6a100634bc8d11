"""Whether a remote's messages come: what changed there held against what arrived here. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from bridge.ports import Finding, Platform
from bridge.storage.heard import Heard

PATIENCE: Final = timedelta(minutes=10)
"""Magento's cron starts the consumer once a minute; a busy queue takes longer."""
BROKEN: Final = timedelta(hours=1)
"""After this it is not slow, it is not running."""
SLACK: Final = timedelta(seconds=90)
"""Times of two clocks, one of them told in whole seconds, and the message a little after the change."""


def judge(
    platform: Platform, heard: Heard, changed_at: datetime | None, since: datetime, *, silenced_by: str = ""
) -> Finding:
    """`changed_at`: the newest change there, by our clock. `since`: from when on we are told. `silenced_by`: who may
    stand before us with the plugin.
    """
    if changed_at is None or changed_at <= since + SLACK:
        text = "Nothing has changed there since we are told of changes, so whether messages come is not seen yet."
        return Finding("ok", "deliveries_quiet", text)
    if heard.last_at is not None and heard.last_at >= changed_at - SLACK:
        return _lost(platform, heard) or Finding("ok", "deliveries", f"Messages come; the last one {_ago(heard)}.")
    waits = heard.now - changed_at
    if waits < PATIENCE:
        text = f"Something changed there {_span(waits)} ago; its message has not come yet, which is not long."
        return Finding("ok", "deliveries", text)
    came = "no message ever came" if heard.last_at is None else f"the last message came {_ago(heard)}"
    level = "error" if waits >= BROKEN else "warning"
    text = f"Something changed there {_span(waits)} ago, and {came}: {_because(platform, silenced_by)}."
    until_then = "Until then the sweep finds changes, some minutes later."
    return Finding(level, "deliveries_late", f"{text} {_advice(platform)}{until_then}")


def _because(platform: Platform, silenced_by: str) -> str:
    if silenced_by:
        return f"{platform.late_because}; or the registration of {silenced_by} before ours silences us"
    return platform.late_because


def _lost(platform: Platform, heard: Heard) -> Finding | None:
    if not heard.untold:
        return None
    text = (
        f"Messages come, the last one {_ago(heard)}; but {heard.untold} changes of the last day were found by the "
        "sweep and never told. They were lost on the way or came to nobody while we were down. "
    )
    return Finding("warning", "deliveries_lost", (text + _advice(platform)).rstrip())


def _advice(platform: Platform) -> str:
    """What to do, with a blank after it; empty where the platform has none to give."""
    return f"{platform.late_advice}. " if platform.late_advice else ""


def _ago(heard: Heard) -> str:
    return f"{_span(heard.now - heard.last_at)} ago" if heard.last_at else "never"


def _span(span: timedelta) -> str:
    seconds = max(0.0, span.total_seconds())
    if seconds < 120:
        return f"{seconds:.0f} seconds"
    if seconds < 7200:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.0f} hours" if seconds < 172_800 else f"{seconds / 86_400:.0f} days"
