"""The plugin's deliveries as they come to us: `bridge.ports.Door`. Pure.

A delivery is `{"id": "7"}` and a topic in a header; the signature covers the body alone, so a delivery can be played
again and under another topic. It is therefore nothing but a hint that something is worth a look.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Mapping, Sequence
from typing import Final

from bridge.ports import TEST_TOPIC, Hint, HookRefused, TestDelivery
from plugin_contract import deliveries
from plugin_contract.deliveries import APP_KEY_HEADER, BadBody, BadHeader, BadSignature, Topic
from plugin_contract.fields import header

TOPICS: Final = (Topic.CREDITMEMOS_UPDATE.value, Topic.ORDERS_UPDATE.value)
"""What we register for. `orders/update` also tells of cancels, shipments and comments."""
TEST_ID: Final = "0"
"""No credit memo has it: Magento numbers from 1."""
_TEST_FIELD: Final = "bridge_test"
_MARK: Final = re.compile(r"[a-z0-9]{8,40}")
_SECONDS: Final = 10.0
"""The plugin waits for ever; longer than this holds up all its other messages (one consumer, one after another)."""


class MagentoDoor:
    # `topic` is for platforms that have one path per event; the plugin names its topic in a header.
    def read(self, topic: str, headers: Mapping[str, str], raw: bytes, keys: Sequence[str]) -> Hint:
        """A verified delivery. `keys`: consumer keys of the connection, the present and earlier ones.

        Topics we did not register for, known or not, become a hint without a subject: acknowledged, no work. The plugin
        takes every answer as received, so the status only serves the store's own log and people who look at it.
        """
        del topic
        try:
            found = deliveries.parse(headers, raw)
            if found.signature is None:
                raise HookRefused(401, "no_signature", f"{deliveries.SIGNATURE_HEADER} is missing")
            deliveries.authenticate(raw, found.signature, keys)
        except BadHeader as problem:
            raise HookRefused(400, "bad_header", str(problem)) from None
        except BadSignature as problem:
            raise HookRefused(401, "bad_signature", str(problem)) from None
        except BadBody as problem:
            # Judged before the signature could be: told apart only for who holds a key.
            signed = deliveries.verify(raw, header(headers, deliveries.SIGNATURE_HEADER), keys)
            if signed is None:
                raise HookRefused(401, "bad_signature", "no known consumer key signed this body") from None
            raise HookRefused(400, "bad_body", str(problem)) from None
        if found.topic == Topic.CREDITMEMOS_UPDATE and found.id == TEST_ID and (mark := _mark(raw)):
            return Hint(f"{TEST_TOPIC}:{mark}", TEST_TOPIC, mark)
        used = found.topic in TOPICS
        return Hint(
            dedupe=f"{found.topic}:{found.id}",
            topic=found.topic,
            subject=found.id if used else "",
            note="" if used else "not a topic this service asks for",
        )

    def is_for(self, connection_id: str, headers: Mapping[str, str]) -> bool:
        """We register with the connection's id as `app_key`; the same consumer key may sign for two registrations."""
        given = header(headers, APP_KEY_HEADER) or ""
        return hmac.compare_digest(given.encode(errors="replace"), connection_id.encode())


def _mark(raw: bytes) -> str:
    """Doctor's mark in a body that was verified; empty where it has none."""
    found = json.loads(raw).get(_TEST_FIELD)
    return found if isinstance(found, str) and _MARK.fullmatch(found) else ""


def make_test(url: str, connection_id: str, consumer_key: str, mark: str) -> TestDelivery:
    """A delivery as the plugin sends them: its headers, PHP's way to write JSON, no user agent.

    The blank, the escaped slash and the escaped letter are there so that whoever writes the JSON anew changes its
    length.
    """
    body = f'{{"id":"{TEST_ID}", "{_TEST_FIELD}":"{mark}","note":"a\\/b \\u00e9"}}'.encode()
    headers = {
        "Accept": "*/*",
        "Content-Type": "application/json",
        deliveries.SIGNATURE_HEADER: deliveries.sign(body, consumer_key),
        deliveries.TOPIC_HEADER: Topic.CREDITMEMOS_UPDATE.value,
        APP_KEY_HEADER: connection_id,
    }
    return TestDelivery(url, headers, body, deliveries.SIGNATURE_HEADER, _SECONDS)
