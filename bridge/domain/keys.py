"""Names of work: an order to be settled, or a hint whose order is not known yet."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OrderKey:
    shop_id: str
    channel_order_id: str

    def __str__(self) -> str:
        return f"order:{self.shop_id}:{self.channel_order_id}"


@dataclass(frozen=True, slots=True)
class HintKey:
    connection_id: str
    topic: str
    subject: str
    shop: str = ""
    """The channel's own shop id, where the message named one that is not known yet."""

    def __str__(self) -> str:
        return f"hint:{self.connection_id}:{self.topic}:{self.shop}:{self.subject}"


def trace_of(key: str) -> str:
    """The one id of an order in log lines, or of a message until its order is known: the same everywhere, for ever.

    Nothing has to be stored or handed on for it: whoever knows the key can make it.
    """
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def parse_key(text: str) -> OrderKey | HintKey:
    """The key behind a work row. Raises ValueError for a text that is no key."""
    kind, _, rest = text.partition(":")
    if kind == "order":
        shop_id, colon, order_id = rest.partition(":")
        if shop_id and colon and order_id:
            return OrderKey(shop_id, order_id)
    elif kind == "hint":
        parts = rest.split(":", 3)
        if len(parts) == 4:
            return HintKey(parts[0], parts[1], parts[3], parts[2])
    raise ValueError(f"{text!r} names no work")
