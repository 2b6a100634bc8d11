"""What WooCommerce is to everybody else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from bridge.connectors.woocommerce.door import TOPICS
from bridge.ports import Platform

_TOPICS: Final = frozenset(TOPICS)


def keys(credentials: Mapping[str, Any]) -> tuple[str, ...]:
    """Deliveries are signed with a secret that we made."""
    found = credentials.get("webhook_secret")
    return (str(found),) if found else ()


def order_link(url: str, order_id: str) -> str:
    """The address of orders kept as posts; WooCommerce leads on from it where they have tables of their own."""
    return f"{url.rstrip('/')}/wp-admin/post.php?post={quote(order_id, safe='')}&action=edit"


PLATFORM = Platform(
    kind="woocommerce",
    name="WooCommerce",
    side="store",
    keys=keys,
    topics=_TOPICS,
    order_topics=_TOPICS,
    order_link=order_link,
    # WooCommerce waits 60 s, in a background job that holds up the others behind it.
    answer_within=10.0,
    late_because="WordPress sends in the background, when somebody visits the shop or its cron runs",
    late_advice="let the server run wp-cron every minute",
)
