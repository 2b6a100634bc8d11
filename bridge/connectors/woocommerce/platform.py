"""What WooCommerce is to everybody else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from bridge.connectors.woocommerce.door import TOPICS
from bridge.ports import AddressField, Asks, CredentialField, Platform

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
    asks=Asks(
        AddressField(
            "Store address",
            "The store's address, its folder included: https://example.com/shop",
            "https://shop.example.com",
        ),
        (
            CredentialField(
                "consumer_key", "Consumer key", "WooCommerce › Settings › Advanced › REST API", required=True
            ),
            CredentialField("consumer_secret", "Consumer secret", "Shown beside it, once", secret=True, required=True),
            CredentialField(
                "order_meta_keys",
                "Order fields",
                "Order fields in which another connector keeps TikTok's order id, parted by commas",
                rare=True,
            ),
        ),
        first=(
            (
                "In WordPress' admin open WooCommerce › Settings › Advanced › REST API, and add a key of a user who "
                "may manage WooCommerce, with the permission Read/Write."
            ),
            "Settings › Permalinks must be anything but Plain.",
        ),
        again="Add a new key under WooCommerce › Settings › Advanced › REST API, and give it here.",
    ),
)
