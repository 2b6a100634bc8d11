"""What Amazon is to everybody else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.connectors.amazon.protocol import POLICIES, SPEEDS, VERSIONS
from bridge.connectors.amazon.reading import REFUND_WORD
from bridge.ports import AddressField, Asks, CredentialField, Platform


def keys(credentials: Mapping[str, Any]) -> tuple[str, ...]:
    """None: Amazon's notifications go to queues of Amazon's own, never to an address of ours."""
    del credentials
    return ()


PLATFORM = Platform(
    kind="amazon",
    name="Amazon",
    side="store",
    keys=keys,
    topics=frozenset(),
    one_way=True,
    refund_word=REFUND_WORD,
    asks=Asks(
        AddressField(
            "Region",
            "na (North America), eu (Europe, the Middle East, India) or fe (Japan, Australia, Singapore); eu/NAME for "
            "a second seller of one region",
            "eu",
        ),
        (
            CredentialField(
                "client_id", "LWA client identifier", "Seller Central › Develop Apps › your app › View", required=True
            ),
            CredentialField("client_secret", "LWA client secret", "From the same page", secret=True, required=True),
            CredentialField(
                "refresh_token",
                "Refresh token",
                "Authorize, beside the app; Amazon shows it once",
                secret=True,
                required=True,
            ),
            CredentialField(
                "shipping_speed",
                "Shipping speed",
                "Of new orders",
                choices=tuple((one, one) for one in SPEEDS),
            ),
            CredentialField(
                "fulfillment_policy",
                "Fulfilment policy",
                "Of new orders; what happens to what is not on stock",
                choices=tuple((one, one) for one in POLICIES),
            ),
            CredentialField(
                "marketplace_id",
                "Marketplace",
                "Amazon's id of the marketplace, where the seller has several",
                rare=True,
            ),
            CredentialField("order_comment", "Packing slip", "What the packing slip says", rare=True),
            CredentialField(
                "scan",
                "Read Amazon's list",
                "Read Amazon's list for sales that no pattern finds",
                rare=True,
                choices=(("yes", "Yes"), ("no", "No")),
            ),
            CredentialField(
                "api_version",
                "API version",
                f"{VERSIONS[1]} for the newer version; else {VERSIONS[0]}",
                rare=True,
                choices=tuple((one, one) for one in VERSIONS),
            ),
            CredentialField("token_url", "Token address", "Another token address, such as the sandbox's", rare=True),
        ),
        first=(
            "In Seller Central make a private app with the role Amazon Fulfillment and no other, and authorize it.",
            "It is one way: nothing that happens at Amazon ever cancels on TikTok Shop.",
        ),
        again="Authorize the app again in Seller Central, and give the new refresh token.",
    ),
)
