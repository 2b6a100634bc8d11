"""What Magento is to everybody else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.connectors.magento.door import TOPICS
from bridge.ports import Platform
from plugin_contract.deliveries import Topic


def keys(credentials: Mapping[str, Any]) -> tuple[str, ...]:
    """The consumer key signs; an earlier integration's goes on opening the door for what was queued under it."""
    found = [credentials.get("consumer_key"), *(credentials.get("_earlier_consumer_keys") or ())]
    return tuple(dict.fromkeys(str(key) for key in found if key))


PLATFORM = Platform(
    kind="magento",
    name="Magento",
    side="store",
    keys=keys,
    topics=frozenset(TOPICS),
    order_topics=frozenset({Topic.ORDERS_UPDATE.value}),
)
