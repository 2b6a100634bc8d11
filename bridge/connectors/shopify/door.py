"""Shopify's deliveries as they come to us: `bridge.ports.Door`. Pure.

A delivery is nothing but a hint that an order is worth a look; the body is read for its order's id alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from bridge.connectors.shopify.signing import is_signed, signature
from bridge.ports import TEST_TOPIC, Hint, HookRefused, TestDelivery

ORDER_TOPICS: Final = frozenset({"orders/cancelled", "orders/create", "orders/updated", "refunds/create"})
UNINSTALLED: Final = "app/uninstalled"
NAME_PREFIX: Final = "bridge-"
_TEST_TOPIC: Final = "orders/updated"
_TEST_FIELD: Final = "bridge_test"
_MARK: Final = re.compile(r"[a-z0-9]{8,40}")
_SECONDS: Final = 5.0
"""How long Shopify waits for an answer."""


def hook_name(connection_id: str) -> str:
    """The name our subscriptions carry; Shopify sends it back in a header."""
    return f"{NAME_PREFIX}{connection_id}"[:50]


class ShopifyDoor:
    # `topic` is for platforms that have one path per event; Shopify names its topic in a header.
    def read(self, topic: str, headers: Mapping[str, str], raw: bytes, keys: Sequence[str]) -> Hint:
        """A verified delivery. `keys`: client secrets, the present and the one before.

        `refunds/create` carries a refund: the order is its `order_id`. All others carry the order itself.
        """
        del topic
        low = {name.lower(): value for name, value in headers.items()}
        given, named = low.get("x-shopify-hmac-sha256", ""), low.get("x-shopify-topic", "").strip().lower()
        if not given:
            raise HookRefused(401, "no_signature", "X-Shopify-Hmac-Sha256 is missing")
        if not named:
            raise HookRefused(400, "bad_header", "X-Shopify-Topic is missing")
        if not is_signed(raw, given, keys):
            raise HookRefused(401, "bad_signature", "no known client secret signed this body")
        try:
            body = json.loads(raw)
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict):
            raise HookRefused(400, "bad_body", "the body is not a JSON object")
        test = body.get(_TEST_FIELD)
        if named == _TEST_TOPIC and body.get("id") == 0 and isinstance(test, str) and _MARK.fullmatch(test):
            return Hint(f"{TEST_TOPIC}:{test}", TEST_TOPIC, test)
        event = low.get("x-shopify-webhook-id", "").strip()
        if named == UNINSTALLED:
            return Hint(event or f"{named}:{low.get('x-shopify-triggered-at', '')}", named, "", note="uninstalled")
        if named not in ORDER_TOPICS:
            return Hint(event or named, named, "", note="not a topic this service asks for")
        subject = _id(body.get("order_id" if named == "refunds/create" else "id"))
        if not subject:
            raise HookRefused(400, "bad_body", f"a delivery of {named} without an order's id")
        # The delivery's id is Shopify's own key for repeats; without it, what it says is.
        business = f"{named}:{_id(body.get('id'))}:{body.get('updated_at') or body.get('created_at') or ''}"
        return Hint(event or business, named, subject)

    def is_for(self, connection_id: str, headers: Mapping[str, str]) -> bool:
        """One app's secret signs for all its shops; our subscriptions carry the connection in their name."""
        named = next((value for name, value in headers.items() if name.lower() == "x-shopify-name"), "").strip()
        return not named.startswith(NAME_PREFIX) or named == hook_name(connection_id)


def _id(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return ""
    text = str(value)
    return text if text.isascii() and text.isdigit() and len(text) <= 32 else ""


def make_test(url: str, connection_id: str, client_secret: str, mark: str) -> TestDelivery:
    """A delivery as Shopify sends them, of an order that there is not.

    The blank, the escaped slash and the escaped letter are there so that whoever writes the JSON anew changes its
    length.
    """
    body = f'{{"id":0, "{_TEST_FIELD}":"{mark}","note":"a\\/b \\u00e9"}}'.encode()
    headers = {
        "Accept": "*/*",
        "Content-Type": "application/json",
        "X-Shopify-Topic": _TEST_TOPIC,
        "X-Shopify-Hmac-Sha256": signature(body, client_secret),
        "X-Shopify-Name": hook_name(connection_id),
        "X-Shopify-Webhook-Id": f"{TEST_TOPIC}-{mark}",
    }
    return TestDelivery(url, headers, body, "X-Shopify-Hmac-Sha256", _SECONDS)
