"""Verifies and reads TikTok Shop's messages. Pure. What they say is noted and never acted on."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Mapping, Sequence

from bridge.connectors.tiktok.events import EVENT_TYPES, TOPICS, note_of, order_of, topic_of, word
from bridge.connectors.tiktok.signing import is_signed, sign_message
from bridge.ports import TEST_TOPIC, Hint, HookRefused, TestDelivery

_TEST = re.compile(r"bridge-test-([a-z0-9]{8,40})")
_SECONDS = 3.0
"""TikTok waits no longer for an answer (Partner Center, "Configuration guide")."""


def hook_key(app_key: str, app_secret: str) -> str:
    """One key for `TikTokDoor.read`: the signature covers the app key, so a key is the pair. App keys have no colon."""
    return f"{app_key}:{app_secret}"


class TikTokDoor:
    """Implements `bridge.ports.Door`; `keys` are made by `hook_key`, several while a secret is being changed."""

    def read(self, topic: str, headers: Mapping[str, str], raw: bytes, keys: Sequence[str]) -> Hint:
        """401 for a wrong signature, 400 for a body that is no JSON object.

        503 when there is no key to check with: TikTok counts a 401 as received and would not send it again
        (Partner Center, "Configuration guide", acceptable HTTP responses).
        """
        pairs = [(app_key, secret) for app_key, _, secret in (key.partition(":") for key in keys) if secret]
        if not pairs:
            raise HookRefused(503, "no_secret", "no app secret is known for this address yet")
        given = next((value for name, value in headers.items() if name.lower() == "authorization"), "")
        if not is_signed(given, raw, pairs):
            if not given:
                raise HookRefused(401, "no_signature", "the message carries no signature")
            raise HookRefused(401, "bad_signature", "the message is signed with another app secret, or was altered")
        try:
            body = json.loads(raw)
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict):
            raise HookRefused(400, "not_json", "the message is not a JSON object")
        if (mark := _TEST.fullmatch(str(body.get("tts_notification_id") or ""))) is not None:
            return Hint(f"{TEST_TOPIC}:{mark[1]}", TEST_TOPIC, mark[1])
        number = body.get("type")
        told = EVENT_TYPES.get(number, "") if isinstance(number, int) and not isinstance(number, bool) else ""
        expected = TOPICS.get(topic, "")
        event = expected or told
        data = body.get("data")
        data = data if isinstance(data, dict) else {}
        note = note_of(event, data) if event else f"message of unknown type {word(number)}"
        if expected and number is not None and told != expected:
            note += f" (the body says type {word(number)})"
        dedupe = body.get("tts_notification_id")
        return Hint(
            dedupe=word(dedupe) if dedupe else hashlib.sha256(raw).hexdigest(),
            topic=topic or (topic_of(event) if event else ""),
            subject=order_of(data) if event else "",
            shop=word(body.get("shop_id") or ""),
            note=note,
        )

    def is_for(self, connection_id: str, headers: Mapping[str, str]) -> bool:
        """The address names the app, and the signature covers its key."""
        del connection_id, headers
        return True


def make_test(url: str, app_key: str, app_secret: str, mark: str) -> TestDelivery:
    """A message as TikTok sends them. The blank and the escapes change its length if it is written anew on the way."""
    head = f'"type":0, "tts_notification_id":"bridge-test-{mark}","shop_id":"","timestamp":{int(time.time())}'
    body = f'{{{head},"data":{{"note":"a\\/b \\u00e9"}}}}'.encode()
    headers = {"Content-Type": "application/json", "Authorization": sign_message(app_key, app_secret, body)}
    return TestDelivery(url, headers, body, "Authorization", _SECONDS)
