"""What is told of an attention item, and of which kinds. Pure.

Told are the order's number, the kind, the reason and what to do; never the facts, and nothing of the buyer.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bridge.domain.attention import AttentionKind

NOT_BY_ITSELF = frozenset(
    {
        AttentionKind.NO_EFFECT_FOUND,
        AttentionKind.RESTOCK_UNCERTAIN,
        AttentionKind.TOO_LATE,
        AttentionKind.BEFORE_SWITCH_ON,
    }
)
"""Nothing is blocked by these and nothing runs out: they are told only to targets that name them."""
LISTED = 20
"""So many items a message tells in full; the rest is counted."""
_EMAIL = re.compile(r"[^\s@<>\"'(),;:]+@[^\s@<>\"'(),;:]+\.[^\s@<>\"'(),;:]+")
_WORDS = 600


def told_kinds(chosen: Collection[str] | None) -> frozenset[str]:
    """The kinds a target is told of: those it names, else all that block something or run out."""
    if chosen is not None:
        return frozenset(chosen)
    return frozenset(kind.value for kind in AttentionKind if kind not in NOT_BY_ITSELF)


def without_buyer(text: str) -> str:
    """A remote's words may quote what the buyer entered: no e-mail address leaves, and no endless text."""
    clean = _EMAIL.sub("…", " ".join(text.split()))
    return clean if len(clean) <= _WORDS else clean[:_WORDS] + "…"


def told(
    *,
    item_id: str,
    kind: str,
    title: str,
    because: str,
    what_to_do: str,
    order_id: str | None,
    channel_order_id: str | None,
    shop_id: str | None,
    connection_id: str | None,
    deadline_at: datetime | None,
) -> dict[str, Any]:
    """What an alert says of one item, as JSON; kept from when it was raised, so that a repeat says the same."""
    return {
        "id": item_id,
        "kind": kind,
        "title": without_buyer(title),
        "because": without_buyer(because),
        "what_to_do": what_to_do,
        "order": order_id,
        "channel_order": channel_order_id,
        "shop": shop_id,
        "connection": connection_id,
        "deadline_at": deadline_at.isoformat() if deadline_at else None,
    }


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one target: the same id and content however often it is sent."""

    id: str
    at: datetime
    """When the newest of what it tells came up."""
    items: tuple[Mapping[str, Any], ...]
    """The first of them in full, what runs out first at the front."""
    count: int
    kinds: Mapping[str, int]
    """How many of each kind, all counted."""
    test: bool = False

    @property
    def more(self) -> int:
        return self.count - len(self.items)


def message_of(message_id: str, at: datetime, bodies: Sequence[Mapping[str, Any]]) -> Message:
    """One message of everything that came up together. `bodies` in the order they came up."""
    kinds: dict[str, int] = {}
    for body in bodies:
        kinds[body["kind"]] = kinds.get(body["kind"], 0) + 1
    first = sorted(bodies, key=lambda body: (body["deadline_at"] is None, body["deadline_at"] or ""))
    return Message(message_id, at, tuple(first[:LISTED]), len(bodies), dict(sorted(kinds.items())))
