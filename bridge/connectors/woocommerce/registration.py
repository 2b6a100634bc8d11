"""Webhooks: those we want, listed, made, and woken again.

WooCommerce disables a webhook after more than five deliveries in a row that failed, and says nothing of it
(WC_Webhook::failed_delivery). A secret cannot be read back, so one of ours is written wherever a webhook is touched.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bridge.connectors.woocommerce.answers import Answer
from bridge.connectors.woocommerce.client import Client, Query
from bridge.connectors.woocommerce.door import TOPICS
from bridge.connectors.woocommerce.reading import number_of, text
from bridge.connectors.woocommerce.signing import Method
from bridge.domain.outcomes import Reauth, RemoteProblem, Retry

NAME: Final = "TikTok Shop bridge"
ACTIVE: Final = "active"
PAUSED: Final = "paused"


@dataclass(frozen=True, slots=True)
class Registered:
    missing: tuple[str, ...]
    """Topics that do not arrive, afterwards."""
    mended: tuple[str, ...]
    """Topics that were missing or disabled and arrive now."""
    because: str = ""


def address(public_url: str, connection_id: str) -> str:
    return f"{public_url.rstrip('/')}/hooks/woocommerce/{connection_id}"


async def register(
    client: Client, public_url: str, connection_id: str, secret: str, *, mend: bool = True, anew: bool = False
) -> Registered:
    """List, make or wake what does not arrive (where `mend`), list again. Raises `RemoteProblem` where it cannot list.

    `anew`: write the secret into all of them, because it is a new one. One that a person paused stays paused else.
    """
    url = address(public_url, connection_id)
    before = await _listed(client, url)
    told: dict[str, str] = {}
    touched = False
    for topic in TOPICS:
        hook = before.get(topic)
        if not mend or (hook is not None and not anew and text(hook.get("status")) in {ACTIVE, PAUSED}):
            continue
        touched = True
        told |= await _write(client, topic, url, secret, hook)
    after = await _listed(client, url) if touched else before
    arrive = {topic for topic, hook in after.items() if hook.get("status") == ACTIVE}
    missing = tuple(topic for topic in TOPICS if topic not in arrive)
    paused = [topic for topic in missing if topic in after and after[topic].get("status") == PAUSED]
    if paused:
        told |= dict.fromkeys(paused, "a person paused it under Settings › Advanced › Webhooks")
    was = {topic for topic, hook in before.items() if hook.get("status") == ACTIVE}
    return Registered(
        missing=missing,
        mended=tuple(topic for topic in TOPICS if topic in arrive - was),
        because="; ".join(f"{topic}: {told[topic]}" for topic in missing if topic in told),
    )


async def _listed(client: Client, url: str) -> dict[str, Mapping[str, Any]]:
    """Our webhooks by topic; of several of one topic the one that works."""
    found: dict[str, Mapping[str, Any]] = {}
    for row in await client.rows("/webhooks", {"status": "all"}):
        topic = text(row.get("topic"))
        if row.get("delivery_url") == url and (topic not in found or row.get("status") == ACTIVE):
            found[topic] = row
    return found


async def _write(client: Client, topic: str, url: str, secret: str, hook: Mapping[str, Any] | None) -> dict[str, str]:
    """Why it could not be made or woken; empty where it was. Raises `RemoteProblem` where the key may not write.

    A disabled one is made anew, and the old one deleted: woken, it would keep its count of failures, and one more would
    disable it again.
    """
    sent = json.dumps({"name": NAME, "topic": topic, "delivery_url": url, "secret": secret, "status": ACTIVE})
    if hook is not None and text(hook.get("status")) in {ACTIVE, PAUSED}:
        return (
            {topic: told}
            if (told := await _told(client, "PUT", f"/webhooks/{number_of(hook.get('id'))}", sent))
            else {}
        )
    because = await _told(client, "POST", "/webhooks", sent)
    if not because and hook is not None:
        await _told(client, "DELETE", f"/webhooks/{number_of(hook.get('id'))}", "", {"force": "true"})
    return {topic: because} if because else {}


async def _told(client: Client, method: Method, path: str, body: str, query: Query | None = None) -> str:
    """Why it was not done; empty where it was."""
    answer = await client.write(method, path, body, query)
    if isinstance(answer, (Reauth, Retry)):
        raise RemoteProblem(answer)
    if isinstance(answer, Answer):
        return "" if answer.is_ok else answer.said
    return str(getattr(answer, "because", ""))
