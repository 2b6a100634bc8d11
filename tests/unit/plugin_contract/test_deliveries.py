from __future__ import annotations

import json
import random
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin_contract.deliveries import (
    BadBody,
    BadHeader,
    BadSignature,
    ProductChange,
    Topic,
    UnknownTopic,
    authenticate,
    parse,
    sign,
    verify,
)

FOLDER = Path(__file__).parents[2] / "recordings" / "magento" / "deliveries"
VECTOR_KEY = "abcdefghijklmnopqrstuvwxyz012345"
HEADERS = {"X-Webhook-Topic": "creditmemos/update", "X-App-Key": "conn-1"}
KEYS = st.text(min_size=1).filter(lambda text: bool(text.strip()))


@cache
def recorded() -> list[tuple[str, dict[str, Any]]]:
    files = sorted(FOLDER.rglob("*.json"))
    return [
        (str(path.relative_to(FOLDER)), one) for path in files for one in json.loads(path.read_text())["deliveries"]
    ]


def wire(one: dict[str, Any]) -> tuple[dict[str, str], bytes, str]:
    request = one["request"]
    return request["headers"], request["raw_body"].encode(), one["consumer_key"]


def flipped(raw: bytes, position: int) -> bytes:
    return raw[:position] + bytes([raw[position] ^ 1]) + raw[position + 1 :]


def test_all_120_recorded_deliveries_verify_with_their_consumer_key() -> None:
    assert len(recorded()) == 120
    for name, one in recorded():
        headers, raw, key = wire(one)
        delivery = parse(headers, raw)
        assert verify(delivery.raw, delivery.signature, [key]) == key, name
        assert verify(raw, delivery.signature, ["another-key", key, "a-third"]) == key, name
        assert sign(raw, key) == delivery.signature, name


def test_all_120_are_refused_with_one_byte_changed() -> None:
    chance = random.Random(20)
    for name, one in recorded():
        headers, raw, key = wire(one)
        signature = headers["X-Magento-Hmac-Sha256"]
        assert verify(flipped(raw, chance.randrange(len(raw))), signature, [key]) is None, name
        assert verify(raw + b"\n", signature, [key]) is None, name
        assert verify(raw, flipped(signature.encode(), chance.randrange(64)).decode(), [key]) is None, name
        assert verify(raw, signature, [flipped(key.encode(), chance.randrange(len(key))).decode()]) is None, name
        assert verify(raw, signature, ["no-such-key", ""]) is None, name


@pytest.mark.parametrize("index", [0, 40, 80, 119])
def test_no_byte_of_body_or_signature_may_change(index: int) -> None:
    headers, raw, key = wire(recorded()[index][1])
    signature = headers["X-Magento-Hmac-Sha256"]
    for position in range(len(raw)):
        assert verify(flipped(raw, position), signature, [key]) is None
    for position in range(len(signature)):
        assert verify(raw, flipped(signature.encode(), position).decode(), [key]) is None


def test_the_recorded_topics_and_bodies_are_read() -> None:
    topics = Counter(parse(*wire(one)[:2]).known_topic() for _, one in recorded())
    assert sum(topics.values()) == 120
    assert set(topics) == {Topic.CREDITMEMOS_UPDATE, Topic.ORDERS_UPDATE, Topic.PRODUCTS_UPDATE}
    for _, one in recorded():
        headers, raw, _ = wire(one)
        delivery = parse(headers, raw)
        assert delivery.app_key == "conn-1"
        assert delivery.id == json.loads(raw)["id"]
        assert isinstance(delivery.change, ProductChange) == (delivery.topic == "products/update")
        if isinstance(delivery.change, ProductChange):
            body = json.loads(raw)
            assert delivery.change.sku == body["sku"]
            assert delivery.change.change_type == body.get("change_type")
            assert list(delivery.change.parent_ids) == body.get("parent_ids", [])


@pytest.mark.parametrize(
    ("raw", "signature"),
    [
        (b'{"id":"18"}', "658c65997aa21bea411d9592d682c23e4d516dd226c2b32e2342c6cc7e3d1c30"),
        (
            b'{"id":"7","type_id":"simple","sku":"A\\/B-\\u00e9","visibility":"4","parent_ids":["9"],"change_type":"stock"}',
            "2416550108d60ebf4e5fbb6d108b2f0115c3b68553ade0eefa86676e62f81ece",
        ),
    ],
)
def test_the_vectors_made_by_php(raw: bytes, signature: str) -> None:
    assert sign(raw, VECTOR_KEY) == signature
    assert verify(raw, signature.upper(), [VECTOR_KEY]) == VECTOR_KEY
    rewritten = json.dumps(json.loads(raw), separators=(", ", ":")).encode()
    assert (verify(rewritten, signature, [VECTOR_KEY]) is None) == (rewritten != raw)


@given(st.binary(), KEYS, KEYS)
def test_what_is_signed_verifies_with_that_key_only(raw: bytes, key: str, other: str) -> None:
    try:
        signature = sign(raw, key)
    except UnicodeEncodeError:  # a lone surrogate is no key anybody could be given
        return
    assert verify(raw, signature, [key]) == key
    assert verify(raw, signature.upper(), [key]) == key
    assert verify(raw + b"x", signature, [key]) is None
    if other.rstrip("\0") != key.rstrip("\0"):  # HMAC pads short keys with zero bytes
        try:
            assert verify(raw, signature, [other]) is None
        except UnicodeEncodeError:
            return


@given(st.text())
def test_no_text_is_taken_for_a_signature(signature: str) -> None:
    assert verify(b'{"id":"18"}', signature, [VECTOR_KEY]) is None


@pytest.mark.parametrize("signature", [None, "", "   ", "\udcff", "é" * 64, "0" * 64, "658c"])
def test_a_blank_or_odd_signature_never_matches(signature: str | None) -> None:
    assert verify(b'{"id":"18"}', signature, [VECTOR_KEY, ""]) is None
    with pytest.raises(BadSignature, match="consumer keys"):
        authenticate(b'{"id":"18"}', signature, [VECTOR_KEY])


def test_a_blank_key_neither_signs_nor_matches() -> None:
    import hashlib
    import hmac

    with pytest.raises(ValueError, match="blank"):
        sign(b"x", " ")
    for key in ("", " "):
        forged = hmac.new(key.encode(), b"x", hashlib.sha256).hexdigest()
        assert verify(b"x", forged, [key]) is None
    assert verify(b"x", sign(b"x", VECTOR_KEY), []) is None


def test_every_key_is_tried_after_a_match(monkeypatch: pytest.MonkeyPatch) -> None:
    import hmac

    compared: list[bool] = []
    real = hmac.compare_digest

    def watched(one: bytes, two: bytes) -> bool:
        compared.append(real(one, two))
        return compared[-1]

    monkeypatch.setattr("plugin_contract.deliveries.hmac.compare_digest", watched)
    assert verify(b"x", sign(b"x", VECTOR_KEY), [VECTOR_KEY, "b", "c"]) == VECTOR_KEY
    assert compared == [True, False, False]


def test_one_signature_fits_every_topic_of_the_same_body() -> None:
    memo, order = (
        parse(HEADERS | {"X-Webhook-Topic": topic}, b'{"id":"1"}') for topic in ("creditmemos/update", "orders/update")
    )
    assert sign(memo.raw, VECTOR_KEY) == sign(order.raw, VECTOR_KEY)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b'{"id":"7"}', "7"),
        (b'{"id":7}', "7"),
        (b'{"id":7.0}', "7"),
        (b'{"id":" 7 "}', "7"),
        (b'{"id":12345678901234567890}', "12345678901234567890"),
        (b'{"id":"7","more":{"a":[1]}}', "7"),
    ],
)
def test_an_id_is_text_or_a_number(raw: bytes, expected: str) -> None:
    assert parse(HEADERS, raw).id == expected


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b'"7"',
        b"7",
        b"{",
        b"id=7",
        b"{}",
        b'{"id":null}',
        b'{"id":""}',
        b'{"id":"  "}',
        b'{"id":true}',
        b'{"id":false}',
        b'{"id":7.5}',
        b'{"id":NaN}',
        b'{"id":1e999}',
        b'{"id":[7]}',
        b'{"id":{"id":7}}',
        b'{"ID":7}',
        b'{"id":"\\u0000"}',
        b'{"id":"\\ud800"}',
        b'{"id":"\xff"}',
        b'{"id":"' + b"7" * 256 + b'"}',
        b'{"id":' + b"7" * 5000 + b"}",
        b'{"id":' + b"[" * 100_000,
    ],
    ids=lambda raw: repr(raw[:24]),
)
@pytest.mark.parametrize("topic", ["creditmemos/update", "products/update"])
def test_any_other_body_is_named_bad(raw: bytes, topic: str) -> None:
    with pytest.raises(BadBody):
        parse(HEADERS | {"X-Webhook-Topic": topic}, raw)


@given(st.binary())
def test_no_bytes_break_the_reading(raw: bytes) -> None:
    try:
        assert parse(HEADERS, raw).id
    except BadBody:
        return


def test_a_product_hint_survives_odd_side_fields() -> None:
    raw = b'{"id":6,"type_id":["x"],"sku":17,"visibility":4,"parent_ids":[7,null,"8",true],"change_type":{"a":1}}'
    change = parse(HEADERS | {"X-Webhook-Topic": "products/update"}, raw).change
    assert change == ProductChange(
        id="6", type_id=None, sku="17", visibility="4", parent_ids=("7", "8"), change_type=None
    )
    assert parse(
        HEADERS | {"X-Webhook-Topic": "products/update"}, b'{"id":6,"parent_ids":"7"}'
    ).change == ProductChange(id="6")


def test_header_names_have_no_case() -> None:
    delivery = parse({"x-webhook-TOPIC": "orders/delete", "x-magento-hmac-sha256": "AB", "x-app-key": "c"}, b'{"id":1}')
    assert (delivery.known, delivery.signature, delivery.app_key) == (Topic.ORDERS_DELETE, "AB", "c")


def test_an_unknown_topic_is_read_and_says_so_when_asked() -> None:
    delivery = parse({"X-Webhook-Topic": "variants/delete"}, b'{"id":1}')
    assert delivery.topic == "variants/delete"
    assert delivery.known is None
    assert delivery.app_key is None
    assert delivery.signature is None
    with pytest.raises(UnknownTopic, match="variants/delete"):
        delivery.known_topic()


@pytest.mark.parametrize(
    "headers", [{}, {"X-Webhook-Topic": " "}, {"X-Webhook-Topic": "a\x00"}, {"X-Webhook-Topic": "t" * 256}]
)
def test_a_delivery_without_a_usable_topic_is_named_bad(headers: dict[str, str]) -> None:
    with pytest.raises(BadHeader):
        parse(headers, b'{"id":1}')
