"""A message in words, and as JSON. The same message gives the same text each time. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bridge.domain.alerting import Message

OPENED, TEST = "attention.opened", "attention.test"


def subject(message: Message) -> str:
    if message.test:
        return "[bridge] Test: alerts arrive here"
    if message.count == 1:
        item = message.items[0]
        about = f": order {item['channel_order']}" if item["channel_order"] else ""
        return _line(f"[bridge] {item['title']}{about}")
    kinds = ", ".join(f"{number} {kind}" for kind, number in _largest(message.kinds)[:4])
    return _line(f"[bridge] {message.count} things wait for a person: {kinds}")


def text(message: Message, base: str) -> str:
    """`base`: where the service is reached, empty where that is not known."""
    if message.test:
        return "This is a test. Alerts of the bridge arrive here.\n"
    parts = [_item(item, base) for item in message.items]
    if message.more:
        kinds = ", ".join(f"{number} {kind}" for kind, number in _largest(message.kinds))
        parts.append(f"And {message.more} more. All together: {kinds}.")
    parts.append(
        "Each cause is told once. What waits now: bridge attention groups"
        + (f", or {base}/api/v1/attention/groups" if base else "")
    )
    return "\n\n".join(parts) + "\n"


def _item(item: Mapping[str, Any], base: str) -> str:
    lines = [_line(item["title"])]
    if item["channel_order"] or item["order"]:
        lines.append(f"  order    {item['channel_order'] or item['order']}")
    if item["shop"] and not item["order"]:
        lines.append(f"  shop     {item['shop']}")
    if item["connection"]:
        lines.append(f"  connection {item['connection']}")
    lines += [f"  kind     {item['kind']}", f"  because  {_line(item['because'])}", f"  to do    {item['what_to_do']}"]
    if item["deadline_at"]:
        until = datetime.fromisoformat(item["deadline_at"])
        lines.append(f"  until    {until:%Y-%m-%d %H:%M} UTC")
    lines.append(f"  see      {_link(item, base) or 'bridge attention --kind ' + item['kind']}")
    return "\n".join(lines)


def payload(message: Message, base: str) -> bytes:
    """The body of a webhook, as Standard Webhooks lays it out: type, timestamp, data."""
    items = [{**item, "link": _link(item, base)} for item in message.items]
    body = {
        "type": TEST if message.test else OPENED,
        "timestamp": message.at.isoformat(),
        "data": {"count": message.count, "more": message.more, "kinds": dict(message.kinds), "items": items},
    }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _link(item: Mapping[str, Any], base: str) -> str | None:
    return f"{base}/api/v1/attention/{item['id']}" if base else None


def _largest(kinds: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(kinds.items(), key=lambda pair: (-pair[1], pair[0]))


def _line(words: str) -> str:
    """On one line, whatever a remote said."""
    return "".join(character if character.isprintable() else " " for character in words)
