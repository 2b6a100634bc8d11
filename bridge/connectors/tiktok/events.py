"""The messages TikTok Shop sends: their types, their paths, and what each names. Pure.

Numbers and names: Partner Center, "TikTok Shop webhooks". The list is open, and the newer overview says not to branch
on the number alone: every event has a path of its own, and what the body says is only noted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]

EVENT_TYPES: Mapping[int, str] = {
    1: "ORDER_STATUS_CHANGE",
    2: "REVERSE_STATUS_UPDATE",
    3: "RECIPIENT_ADDRESS_UPDATE",
    4: "PACKAGE_UPDATE",
    5: "PRODUCT_STATUS_CHANGE",
    6: "SELLER_DEAUTHORIZATION",
    7: "UPCOMING_AUTHORIZATION_EXPIRATION",
    11: "CANCELLATION_STATUS_CHANGE",
    12: "RETURN_STATUS_CHANGE",
    13: "NEW_CONVERSATION",
    14: "NEW_MESSAGE",
    15: "PRODUCT_INFORMATION_CHANGE",
    16: "PRODUCT_CREATION",
    18: "PRODUCT_CATEGORY_CHANGE",
    33: "NEW_MESSAGE_LISTENER",
    36: "INVOICE_STATUS_CHANGE",
    37: "PRODUCT_AUDIT_STATUS_CHANGE",
}

SUBSCRIBED = (
    "ORDER_STATUS_CHANGE",
    "CANCELLATION_STATUS_CHANGE",
    "RETURN_STATUS_CHANGE",
    "PACKAGE_UPDATE",
    "SELLER_DEAUTHORIZATION",
    "UPCOMING_AUTHORIZATION_EXPIRATION",
)
"""What the service asks to be told of."""


def topic_of(event: str) -> str:
    """An event's path: CANCELLATION_STATUS_CHANGE → cancellation-status-change."""
    return event.lower().replace("_", "-")


TOPICS: Mapping[str, str] = {topic_of(event): event for event in EVENT_TYPES.values()}

_FACTS: Mapping[str, tuple[str, ...]] = {
    "ORDER_STATUS_CHANGE": ("order_status",),
    "CANCELLATION_STATUS_CHANGE": ("cancel_id", "cancel_status"),
    "RETURN_STATUS_CHANGE": ("return_id", "return_type", "return_status"),
    "PACKAGE_UPDATE": ("sc_type",),
    "SELLER_DEAUTHORIZATION": ("message",),
    "UPCOMING_AUTHORIZATION_EXPIRATION": ("message", "expiration_time"),
}
_NOUNS: Mapping[str, str] = {
    "ORDER_STATUS_CHANGE": "order",
    "CANCELLATION_STATUS_CHANGE": "cancellation",
    "RETURN_STATUS_CHANGE": "return",
    "PACKAGE_UPDATE": "package",
    "SELLER_DEAUTHORIZATION": "authorization ended:",
    "UPCOMING_AUTHORIZATION_EXPIRATION": "authorization expires:",
}


def note_of(event: str, data: Json) -> str:
    """A few words for the changelog: `cancellation 4035… CANCELLATION_REQUEST_SUCCESS by BUYER`."""
    words = [_NOUNS.get(event, event.lower().replace("_", " ") or "unknown message")]
    words += [word(data[name]) for name in _FACTS.get(event, ()) if data.get(name)]
    role = data.get("cancellations_role") or data.get("return_role")
    if role:
        words.append(f"by {word(role)}")
    return " ".join(words)


def order_of(data: Json) -> str:
    """The order a message names; empty when it names none. Package updates name theirs inside `package_list`."""
    found = _order_id(data.get("order_id"))
    packages = data.get("package_list")
    if found or not isinstance(packages, list):
        return found
    for package in packages:
        ids = package.get("order_id_list") if isinstance(package, dict) else None
        for one in ids if isinstance(ids, list) else ():
            if _order_id(one):
                return _order_id(one)
    return ""


def _order_id(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return value if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 32 else ""


def word(value: object) -> str:
    """A value of a message as short printable text."""
    return "".join(char for char in str(value) if char.isprintable())[:80]
