from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from bridge.connectors.tiktok.door import TikTokDoor, hook_key
from bridge.connectors.tiktok.events import SUBSCRIBED, TOPICS, topic_of
from bridge.connectors.tiktok.signing import sign_message
from bridge.ports import Door, Hint, HookRefused

RECORDINGS = Path(__file__).parents[2] / "recordings" / "tiktok"
MESSAGES: list[dict[str, str]] = json.loads((RECORDINGS / "webhook_vectors.json").read_text("utf-8"))
KEY = hook_key("app1", "secret1")
DOOR: Door = TikTokDoor()


def deliver(body: Any, topic: str = "cancellation-status-change") -> Hint:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Authorization": sign_message("app1", "secret1", raw)}
    return DOOR.read(topic, headers, raw, [KEY])


@pytest.mark.parametrize("vector", MESSAGES, ids=lambda v: v["name"])
def test_recorded_messages(vector: dict[str, str]) -> None:
    body = json.loads(vector["body"])
    topic = {1: "order-status-change", 11: "cancellation-status-change", 12: "return-status-change"}[body["type"]]
    hint = DOOR.read(
        topic,
        {"authorization": vector["authorization"]},
        vector["body"].encode(),
        ["other:other", hook_key(vector["app_key"], vector["app_secret"])],
    )
    assert hint.subject == body["data"]["order_id"]
    assert hint.shop == body["shop_id"]
    assert hint.topic == topic
    assert hint.dedupe == body.get("tts_notification_id", hashlib.sha256(vector["body"].encode()).hexdigest())


def test_the_note_says_what_came() -> None:
    body = {
        "type": 11,
        "tts_notification_id": "1",
        "shop_id": "2",
        "data": {
            "order_id": "3",
            "cancel_id": "4035",
            "cancel_status": "CANCELLATION_REQUEST_SUCCESS",
            "cancellations_role": "BUYER",
        },
    }
    assert deliver(body).note == "cancellation 4035 CANCELLATION_REQUEST_SUCCESS by BUYER"


def test_a_body_of_another_type_is_still_a_hint_and_says_so() -> None:
    hint = deliver({"type": 1, "data": {"order_id": "3", "order_status": "CANCEL"}})
    assert hint.subject == "3"
    assert hint.topic == "cancellation-status-change"
    assert "says type 1" in hint.note


@pytest.mark.parametrize(
    ("topic", "body"),
    [
        ("moon-phase-change", {"type": 9999, "data": {"order_id": "3"}}),
        ("", {"type": "11"}),
        ("seller-deauthorization", {"type": 6, "shop_id": "2", "data": {"message": "bye"}}),
        ("cancellation-status-change", {"type": 11, "data": {"order_id": "3'; drop"}}),
        ("cancellation-status-change", {"type": 11, "data": ["x"]}),
        ("cancellation-status-change", {}),
    ],
)
def test_what_names_no_order_of_a_known_event_is_taken_without_subject(topic: str, body: dict[str, Any]) -> None:
    assert deliver(body, topic).subject == ""


def test_package_updates_name_their_order_inside() -> None:
    body = {"type": 4, "data": {"sc_type": "SPLIT", "package_list": [{"package_id": "1", "order_id_list": ["77"]}]}}
    assert deliver(body, "package-update").subject == "77"


def test_texts_are_harmless() -> None:
    hint = deliver({"type": 6, "shop_id": "2\ud800\n", "tts_notification_id": "\x00" * 9, "data": {"message": "a\nb"}})
    for text in (hint.shop, hint.note, hint.dedupe):
        assert text.isprintable()
        text.encode()


@pytest.mark.parametrize("raw", [b"", b"[]", b"nonsense", b'"x"', b"\xff", b"[" * 100_000])
def test_signed_but_not_json(raw: bytes) -> None:
    with pytest.raises(HookRefused) as refused:
        deliver(raw)
    assert refused.value.status == 400


@pytest.mark.parametrize("given", [None, "", "Bearer x", "0" * 64])
def test_not_signed_is_401_whatever_it_says(given: str | None) -> None:
    with pytest.raises(HookRefused) as refused:
        DOOR.read("order-status-change", {} if given is None else {"Authorization": given}, b"not json", [KEY])
    assert refused.value.status == 401


@pytest.mark.parametrize("keys", [[], ["app1"], ["app1:"]])
def test_no_secret_is_our_fault(keys: list[str]) -> None:
    with pytest.raises(HookRefused) as refused:
        DOOR.read("order-status-change", {"Authorization": "0" * 64}, b"{}", keys)
    assert refused.value.status == 503


def test_every_subscribed_event_has_its_path() -> None:
    assert topic_of("CANCELLATION_STATUS_CHANGE") == "cancellation-status-change"
    assert {TOPICS[topic_of(event)] for event in SUBSCRIBED} == set(SUBSCRIBED)
