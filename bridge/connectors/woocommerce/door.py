"""WooCommerce's deliveries as they come to us: `bridge.ports.Door`. Pure.

A delivery is nothing but a hint that an order is worth a look; the body is read for its order's id alone. Its delivery
id is a hash of the webhook and the second (WC_Webhook::get_new_delivery_id), the same for two orders that change within
one: so what it says makes it the same message, and a repeat is a look more.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from bridge.connectors.woocommerce.reading import number_of
from bridge.connectors.woocommerce.signing import is_signed, signature
from bridge.ports import TEST_TOPIC, Hint, HookRefused, TestDelivery

TOPICS: Final = ("order.created", "order.updated", "order.deleted", "order.restored")
PING: Final = "ping"
_TEST_TOPIC: Final = "order.updated"
_TEST_FIELD: Final = "bridge_test"
_MARK: Final = re.compile(r"[a-z0-9]{8,40}")
_PING_BODY: Final = re.compile(rb"webhook_id=[0-9]{1,20}")
_SECONDS: Final = 60.0
"""How long WooCommerce waits for an answer."""


class WooCommerceDoor:
    # `topic` is for platforms that have one path per event; WooCommerce names its topic in a header.
    def read(self, topic: str, headers: Mapping[str, str], raw: bytes, keys: Sequence[str]) -> Hint:
        """A verified delivery. `keys`: webhook secrets.

        The ping that a new webhook sends is a form, has no signature and must get 200: it names no order, and nothing
        follows from it.
        """
        del topic
        low = {name.lower(): value for name, value in headers.items()}
        given, named = low.get("x-wc-webhook-signature", ""), low.get("x-wc-webhook-topic", "").strip().lower()
        if not given and not named and _PING_BODY.fullmatch(raw.strip()):
            return Hint(PING, PING, "", note="a new webhook says that it is there")
        if not given:
            raise HookRefused(401, "no_signature", "X-WC-Webhook-Signature is missing")
        if not named:
            raise HookRefused(400, "bad_header", "X-WC-Webhook-Topic is missing")
        if not is_signed(raw, given, keys):
            raise HookRefused(401, "bad_signature", "no known webhook secret signed this body")
        try:
            body = json.loads(raw)
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict):
            raise HookRefused(400, "bad_body", "the body is not a JSON object")
        test = body.get(_TEST_FIELD)
        if named == _TEST_TOPIC and body.get("id") == 0 and isinstance(test, str) and _MARK.fullmatch(test):
            return Hint(f"{TEST_TOPIC}:{test}", TEST_TOPIC, test)
        if named not in TOPICS:
            return Hint(named, named, "", note="not a topic this service asks for")
        subject = _id(body)
        if not subject:
            raise HookRefused(400, "bad_body", f"a delivery of {named} without an order's id")
        return Hint(f"{named}:{subject}", named, subject)

    def is_for(self, connection_id: str, headers: Mapping[str, str]) -> bool:
        """Each connection's webhooks have a secret of their own: who signed has proven it."""
        del connection_id, headers
        return True


def _id(body: Mapping[str, Any]) -> str:
    return number_of(body.get("id"))


def make_test(url: str, secret: str, mark: str) -> TestDelivery:
    """A delivery as WooCommerce sends them, of an order that there is not.

    The blank, the escaped slash and the escaped letter are there so that whoever writes the JSON anew changes its
    length.
    """
    body = f'{{"id":0, "{_TEST_FIELD}":"{mark}","note":"a\\/b \\u00e9"}}'.encode()
    resource, _, event = _TEST_TOPIC.partition(".")
    headers = {
        "Content-Type": "application/json",
        "X-WC-Webhook-Topic": _TEST_TOPIC,
        "X-WC-Webhook-Resource": resource,
        "X-WC-Webhook-Event": event,
        "X-WC-Webhook-Signature": signature(body, secret),
        "X-WC-Webhook-Delivery-ID": f"{TEST_TOPIC}-{mark}",
    }
    return TestDelivery(url, headers, body, "X-WC-Webhook-Signature", _SECONDS)
