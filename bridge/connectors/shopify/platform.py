"""What Shopify is to everybody else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from bridge.connectors.shopify.credentials import VERSIONS
from bridge.connectors.shopify.documents import PINNED, WITHOUT_JOB_RESULT
from bridge.connectors.shopify.door import ORDER_TOPICS, UNINSTALLED
from bridge.ports import AddressField, Asks, CredentialField, Platform


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
    may_hold=True,
    farewells=frozenset({UNINSTALLED}),
    # Shopify gives a receiver 5 s in all, 1 of them for the connection.
    answer_within=4.0,
    asks=Asks(
        AddressField(
            "Shop address",
            "The shop's own address: Settings › Domains shows it",
            "https://my-shop.myshopify.com",
        ),
        (
            CredentialField("client_id", "Client ID", "Dev Dashboard › your app › Settings", required=True),
            CredentialField("client_secret", "Client secret", "From the same page", secret=True, required=True),
            CredentialField(
                "earlier_client_secret",
                "Earlier client secret",
                "The secret before, while one is changed for the other: Shopify goes on signing with it for a while",
                secret=True,
                rare=True,
            ),
            CredentialField(
                "access_token",
                "Access token",
                "shpat_… of a custom app made before 2026; then leave the client ID empty, and give the API secret "
                "key as its client secret",
                secret=True,
                rare=True,
                instead_of=("client_id",),
            ),
            CredentialField(
                "api_version",
                "API version",
                f"{WITHOUT_JOB_RESULT} for a shop that shall not speak {PINNED} yet",
                rare=True,
                choices=tuple((one, one) for one in VERSIONS),
            ),
            CredentialField("token_url", "Token address", "Another token address, such as the sandbox's", rare=True),
        ),
        first=(
            (
                "In Shopify's Dev Dashboard make an app for this service alone, in the organisation of the shop, and "
                "install it there."
            ),
            (
                "Its released version needs the scopes read_orders, write_orders, read_products, read_inventory, "
                "read_merchant_managed_fulfillment_orders and read_third_party_fulfillment_orders."
            ),
        ),
        again="Install the app in the shop again if it was removed; if its secret was changed, give the new one.",
    ),
)
