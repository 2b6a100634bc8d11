"""The plugin's deliveries as they come to us: `bridge.ports.Door`. Pure.

A delivery is `{"id": "7"}` and a topic in a header; the signature covers the body alone, so a delivery can be played
again and under another topic. It is therefore nothing but a hint that something is worth a look.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from typing import Final

from bridge.ports import Hint, HookRefused
from plugin_contract import deliveries
from plugin_contract.deliveries import APP_KEY_HEADER, BadBody, BadHeader, BadSignature, Topic
from plugin_contract.fields import header

TOPICS: Final = (Topic.CREDITMEMOS_UPDATE.value, Topic.ORDERS_UPDATE.value)
"""What we register for. `orders/update` also tells of cancels, shipments and comments."""


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
