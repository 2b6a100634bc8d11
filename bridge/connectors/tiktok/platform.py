"""What TikTok Shop is to everybody else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from bridge.connectors.tiktok.door import hook_key
from bridge.ports import AddressField, Asks, ClockRule, CredentialField, Platform


def keys(credentials: Mapping[str, Any]) -> tuple[str, ...]:
    app_key, secret = str(credentials.get("app_key") or ""), str(credentials.get("app_secret") or "")
    return (hook_key(app_key, secret),) if app_key and secret else ()


def order_link(region: str, order_id: str) -> str:
    """Seller Center has a host for each market; Britain's is `uk`. Not tried against a live account."""
    market = {"GB": "uk"}.get(region.upper(), region.lower())
    return f"https://seller-{quote(market, safe='')}.tiktok.com/order/detail?order_no={quote(order_id, safe='')}"


FAREWELL = "seller-deauthorization"
ACCOUNT = frozenset({FAREWELL, "upcoming-authorization-expiration"})

PLATFORM = Platform(
    kind="tiktok",
    name="TikTok Shop",
    side="channel",
    keys=keys,
    topics=ACCOUNT
    | {
        "order-status-change",
        "cancellation-status-change",
        "return-status-change",
        "reverse-status-update",
        "package-update",
    },
    account_topics=ACCOUNT,
    order_link=order_link,
    farewells=frozenset({FAREWELL}),
    # It gives a receiver 3 s (Partner Center, "Configuration guide").
    answer_within=2.5,
    # Partner Center, "Sign your API request": accepted from 5 minutes back to 30 seconds ahead.
    clock=ClockRule((-60, 5), (-300, 30), "TikTok takes our calls from 5 minutes behind to 30 seconds ahead"),
    late_advice="Partner Center › your app › Webhooks has a log of what was sent and what we were seen to answer",
    asks=Asks(
        AddressField("API address", "Another one than TikTok Shop's, such as the sandbox's", required=False),
        (
            CredentialField("app_key", "App key", "Partner Center › App & Service › your app", required=True),
            CredentialField("app_secret", "App secret", "From the same page", secret=True, required=True),
            CredentialField(
                "service_id", "Service ID", "From the same page; the seller then authorizes in a browser", required=True
            ),
            CredentialField(
                "region",
                "Seller's market",
                "US for sellers in the US, who authorize at an address of theirs",
                choices=(("", "Any other market"), ("US", "United States")),
            ),
            CredentialField(
                "access_token",
                "Access token",
                "Of an authorization that is there",
                secret=True,
                required=True,
                granted=True,
                instead_of=("service_id",),
            ),
            CredentialField(
                "refresh_token",
                "Refresh token",
                "It comes with the access token; give it to one program only",
                secret=True,
                required=True,
                granted=True,
                instead_of=("service_id",),
            ),
            CredentialField("auth_url", "Token address", "Another token address, such as the sandbox's", rare=True),
            CredentialField(
                "authorize_url", "Consent address", "Where sellers agree, such as the sandbox's", rare=True
            ),
        ),
        first=(
            (
                "In TikTok Shop Partner Center make an app for this service alone, with the permissions Shop "
                "Authorized Information, Order Information and Return & Refund Basic."
            ),
            ("Its redirect URL is {public_url}/oauth/tiktok/callback. Its webhook URL may stay empty."),
        ),
        again="The seller agrees once more on TikTok Shop, in a browser, as the shop's main account.",
    ),
)
