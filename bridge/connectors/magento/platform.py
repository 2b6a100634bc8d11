"""What Magento is to everybody else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from bridge.connectors.magento.door import TOPICS
from bridge.connectors.magento.reading import REFUND_WORD
from bridge.ports import AddressField, Asks, ClockRule, CredentialField, Platform
from plugin_contract.deliveries import Topic


def keys(credentials: Mapping[str, Any]) -> tuple[str, ...]:
    """The consumer key signs; an earlier integration's goes on opening the door for what was queued under it."""
    found = [credentials.get("consumer_key"), *(credentials.get("_earlier_consumer_keys") or ())]
    return tuple(dict.fromkeys(str(key) for key in found if key))


def _of_integration(name: str, label: str) -> CredentialField:
    return CredentialField(name, label, "Of the integration", secret=True, required=True, granted=True)


def order_link(admin_url: str, order_id: str) -> str:
    """Within the admin, whose path is the store's secret. Magento asks who has no session to sign in; where *Add Secret
    Key to URLs* is on, it then shows its first page instead of the order.
    """
    return f"{admin_url.rstrip('/')}/sales/order/view/order_id/{quote(order_id, safe='')}"


PLATFORM = Platform(
    kind="magento",
    name="Magento",
    side="store",
    gives_back_by="refund",
    refund_word=REFUND_WORD,
    order_link=order_link,
    admin_is_told=True,
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
    asks=Asks(
        AddressField(
            "Store address",
            "The store's base address, as the store itself names it: Stores › Configuration › General › Web",
            "https://shop.example.com",
        ),
        (
            _of_integration("consumer_key", "Consumer Key"),
            _of_integration("consumer_secret", "Consumer Secret"),
            _of_integration("access_token", "Access Token"),
            _of_integration("access_token_secret", "Access Token Secret"),
            CredentialField(
                "bearer_token",
                "Bearer token",
                "The integration's token, where the store takes it",
                secret=True,
                granted=True,
                rare=True,
                instead_of=("consumer_secret", "access_token", "access_token_secret"),
            ),
        ),
        first=(
            (
                "The store needs the AfterShip TikTok Shop plugin, best version 1.0.26, Magento's cron, and its queue "
                "consumer aftership.webhook.events."
            ),
            (
                "Nothing else is needed: the store connects itself when you choose Activate in Magento's admin. "
                "The next page says how."
            ),
        ),
        activate=(
            "In Magento's admin open System › Integrations › Add New Integration, and give it a name.",
            "Paste Callback URL and Identity link URL, exactly as they stand here.",
            (
                "Under API set Resource Access to All, or to Custom with the resources that "
                "docs/how-to/connect-magento.md lists. What is missing is named once it is connected."
            ),
            (
                "Enter your password, choose Save, then Activate beside the integration, and Allow. From there Magento "
                "gives 300 seconds; it usually takes two."
            ),
        ),
        again="In Magento's admin open System › Integrations and choose Reauthorize beside the integration of this "
        "service: it connects itself again. Where it was deleted, add a new one with the two addresses. Or give the "
        "values of another integration that is active already.",
    ),
)
