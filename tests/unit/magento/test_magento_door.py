from __future__ import annotations

import json
from typing import Any

import pytest

from bridge.connectors.magento.door import MagentoDoor
from bridge.ports import HookRefused
from plugin_contract.deliveries import sign
from tests.unit.magento.recorded import FOLDER

KEY = "abcdefghijklmnopqrstuvwxyz012345"
OLD = "z" * 32


def recorded() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for path in sorted((FOLDER / "deliveries").rglob("*.json")):
        found += json.loads(path.read_text())["deliveries"]
    return found


def headers(raw: bytes, topic: str = "creditmemos/update", key: str = KEY) -> dict[str, str]:
    return {"x-webhook-topic": topic, "x-magento-hmac-sha256": sign(raw, key), "x-app-key": "conn-1"}


def test_every_recorded_delivery_is_let_in_and_only_what_we_asked_for_makes_work() -> None:
    door = MagentoDoor()
    assert len(recorded()) > 100
    for one in recorded():
        request = one["request"]
        raw = request["raw_body"].encode()
        hint = door.read("", request["headers"], raw, [OLD, one["consumer_key"]])
        wanted = hint.topic in {"creditmemos/update", "orders/update"}
        assert hint.subject == (str(json.loads(raw)["id"]) if wanted else "")
        assert hint.dedupe == f"{hint.topic}:{json.loads(raw)['id']}"
        with pytest.raises(HookRefused) as refused:
            door.read("", request["headers"], raw + b" ", [OLD, one["consumer_key"]])
        assert refused.value.status == 401


@pytest.mark.parametrize("topic", ["products/update", "orders/delete", "nonsense/topic"])
def test_a_topic_that_we_do_not_use_is_acknowledged_without_work(topic: str) -> None:
    raw = b'{"id":"7"}'
    hint = MagentoDoor().read("", headers(raw, topic), raw, [KEY])
    assert (hint.topic, hint.subject) == (topic, "")


@pytest.mark.parametrize("keys", [[], [OLD], [""]])
def test_a_delivery_signed_with_no_known_key_is_refused(keys: list[str]) -> None:
    raw = b'{"id":"7"}'
    with pytest.raises(HookRefused) as refused:
        MagentoDoor().read("", headers(raw), raw, keys)
    assert (refused.value.status, refused.value.reason) == (401, "bad_signature")
    assert KEY not in refused.value.detail


@pytest.mark.parametrize("raw", [b"", b"not json", b"[]", b"{}", b'{"id":null}', b'{"id":true}', b"\xff", b"[" * 90000])
def test_a_signed_body_without_an_id_is_refused(raw: bytes) -> None:
    with pytest.raises(HookRefused) as refused:
        MagentoDoor().read("", headers(raw), raw, [KEY])
    assert (refused.value.status, refused.value.reason) == (400, "bad_body")


def test_an_unsigned_strange_body_learns_nothing_but_that_it_is_unsigned() -> None:
    with pytest.raises(HookRefused) as refused:
        MagentoDoor().read("", headers(b"not json", key=OLD), b"not json", [KEY])
    assert refused.value.status == 401


@pytest.mark.parametrize(
    ("missing", "status"), [("x-webhook-topic", 400), ("x-magento-hmac-sha256", 401), ("x-app-key", 200)]
)
def test_missing_headers(missing: str, status: int) -> None:
    raw = b'{"id":"7"}'
    given = {name: value for name, value in headers(raw).items() if name != missing}
    if status == 200:
        assert MagentoDoor().read("", given, raw, [KEY]).subject == "7"
        return
    with pytest.raises(HookRefused) as refused:
        MagentoDoor().read("", given, raw, [KEY])
    assert refused.value.status == status


def test_ids_may_be_numbers_as_before_plugin_1_0_15() -> None:
    raw = b'{"id":7}'
    assert MagentoDoor().read("", headers(raw), raw, [KEY]).subject == "7"


def test_a_delivery_names_the_connection_it_is_for() -> None:
    assert MagentoDoor().is_for("conn-1", {"X-App-Key": "conn-1"})
    assert not MagentoDoor().is_for("conn-2", {"X-App-Key": "conn-1"})
    assert not MagentoDoor().is_for("conn-1", {})
