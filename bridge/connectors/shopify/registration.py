"""Webhook subscriptions: those we want, listed and made again where Shopify dropped them.

Shopify deletes a subscription after eight deliveries in a row that failed, and says nothing of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bridge.connectors.shopify.answers import told_errors
from bridge.connectors.shopify.client import Client, pages
from bridge.connectors.shopify.documents import WEBHOOK, WEBHOOKS
from bridge.connectors.shopify.door import hook_name
from bridge.connectors.shopify.reading import rows_in, text

TOPICS: Final = ("ORDERS_CANCELLED", "REFUNDS_CREATE", "ORDERS_CREATE", "ORDERS_UPDATED", "APP_UNINSTALLED")


@dataclass(frozen=True, slots=True)
class Registered:
    missing: tuple[str, ...]
    """Topics that are still not there, afterwards."""
    made: tuple[str, ...]
    """Topics that were missing and are there now."""
    because: str = ""


def address(public_url: str, connection_id: str) -> str:
    return f"{public_url.rstrip('/')}/hooks/shopify/{connection_id}"


async def register(client: Client, public_url: str, connection_id: str, *, mend: bool = True) -> Registered:
    """List, make what is missing (where `mend`), list again. Raises `RemoteProblem` where it cannot be listed."""
    uri = address(public_url, connection_id)
    here = {topic for topic, at in await _listed(client) if at == uri}
    told: dict[str, str] = {}
    for topic in TOPICS:
        if mend and topic not in here:
            told |= await _make(client, topic, uri, connection_id)
    after = (
        {topic for topic, at in await _listed(client) if at == uri} if told or (mend and here != set(TOPICS)) else here
    )
    missing = tuple(topic for topic in TOPICS if topic not in after)
    return Registered(
        missing=missing,
        made=tuple(topic for topic in TOPICS if topic in after - here),
        because="; ".join(f"{topic}: {told[topic]}" for topic in missing if topic in told),
    )


async def _listed(client: Client) -> list[tuple[str, str]]:
    rows = await pages(client, WEBHOOKS, {}, ("webhookSubscriptions",))
    return [(text(row.get("topic")), text(row.get("uri"))) for row in rows]


async def _make(client: Client, topic: str, uri: str, connection_id: str) -> dict[str, str]:
    """Why it could not be made; empty where it was."""
    sub: dict[str, Any] = {"uri": uri, "format": "JSON", "name": hook_name(connection_id)}
    answer = await client.write(WEBHOOK, {"topic": topic, "sub": sub}, "webhookSubscriptionCreate")
    if not isinstance(answer, Mapping):
        return {topic: str(getattr(answer, "because", ""))}
    errors = rows_in(answer.get("userErrors"), "errors")
    return {topic: told_errors(errors)} if errors else {}
