"""What Magento is to everybody else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.connectors.magento.door import TOPICS
from bridge.ports import ClockRule, Platform
from plugin_contract.deliveries import Topic


def keys(credentials: Mapping[str, Any]) -> tuple[str, ...]:
    """The consumer key signs; an earlier integration's goes on opening the door for what was queued under it."""
    found = [credentials.get("consumer_key"), *(credentials.get("_earlier_consumer_keys") or ())]
    return tuple(dict.fromkeys(str(key) for key in found if key))


PLATFORM = Platform(
    kind="magento",
    name="Magento",
    side="store",
    gives_back_by="refund",
    keys=keys,
    topics=frozenset(TOPICS),
    order_topics=frozenset({Topic.ORDERS_UPDATE.value}),
    # Magento\Framework\Oauth: at most 600 s in the future; old timestamps are taken (measured).
    clock=ClockRule(works=(float("-inf"), 600), says="Magento takes our calls until we are 10 minutes ahead"),
    late_because="the store's cron or its consumer aftership.webhook.events is not running, or what it sends is lost",
    late_advice=(
        "On the store's server: `bin/magento queue:consumers:list` must name aftership.webhook.events; "
        "`bin/magento cron:run --group consumers` sends what waits; `crontab -l` must run Magento's cron each minute; "
        "and where app/etc/env.php has cron_consumers_runner, cron_run must be true and its consumers list empty or "
        "hold aftership.webhook.events"
    ),
)
