"""What Shopify is to everybody else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from bridge.connectors.shopify.door import ORDER_TOPICS, UNINSTALLED
from bridge.ports import Platform


def keys(credentials: Mapping[str, Any]) -> tuple[str, ...]:
    """The client secret signs; the one before it goes on opening the door while a rotation is under way."""
    found = (credentials.get("client_secret"), credentials.get("earlier_client_secret"))
    return tuple(dict.fromkeys(str(key) for key in found if key))


def order_link(url: str, order_id: str) -> str:
    """The shop's own address leads on to its admin."""
    return f"{url.rstrip('/')}/admin/orders/{quote(order_id, safe='')}"


PLATFORM = Platform(
    kind="shopify",
    name="Shopify",
    side="store",
    keys=keys,
    topics=ORDER_TOPICS | {UNINSTALLED},
    order_topics=ORDER_TOPICS,
    account_topics=frozenset({UNINSTALLED}),
    order_link=order_link,
    farewells=frozenset({UNINSTALLED}),
    # Shopify gives a receiver 5 s in all, 1 of them for the connection.
    answer_within=4.0,
)
