from __future__ import annotations

import json
from typing import Any

import pytest

from bridge.connectors.shopify.door import ShopifyDoor, hook_name, make_test
from bridge.connectors.shopify.platform import keys
from bridge.connectors.shopify.signing import is_signed, signature
from bridge.ports import TEST_TOPIC, HookRefused
from tests.unit.shopify.official import sample

SECRET = "hush-test-secret"
BODY = b'{"id":5324790137142,"cancel_reason":"customer"}'
SIGNED = "4sGbbFaTNM8hdWAAvie666qGdFfRQgBfLZot8cRJQmI="


def headers(raw: bytes, topic: str = "orders/cancelled", **more: str) -> dict[str, str]:
    return {"X-Shopify-Topic": topic, "X-Shopify-Hmac-Sha256": signature(raw, SECRET), **more}


def test_the_published_vector_is_reproduced() -> None:
    assert signature(BODY, SECRET) == SIGNED
    assert is_signed(BODY, SIGNED, ["another", SECRET])
    assert not is_signed(BODY + b" ", SIGNED, [SECRET])
    assert not is_signed(BODY, SIGNED, [])


def test_every_vector_of_the_folder_is_reproduced() -> None:
    for vector in json.loads(sample("webhook_hmac_vectors.json")):
        raw = vector["body"].encode() if "body" in vector else sample(vector["file"])
        assert signature(raw, vector["secret"]) == vector["x_shopify_hmac_sha256"]


def test_a_cancelled_order_names_itself_and_a_refund_its_order() -> None:
    door = ShopifyDoor()
    event = {"X-Shopify-Webhook-Id": "b54557e4"}
    hint = door.read("", headers(BODY, **event), BODY, [SECRET])
    assert (hint.dedupe, hint.topic, hint.subject) == ("b54557e4", "orders/cancelled", "5324790137142")
    raw = b'{"id":929361464,"order_id":450789469,"created_at":"2026-11-22T01:00:00Z"}'
    hint = door.read("", headers(raw, "refunds/create"), raw, [SECRET])
    assert (hint.subject, hint.dedupe) == ("450789469", "refunds/create:929361464:2026-11-22T01:00:00Z")


def test_header_names_know_no_case_and_an_uninstalled_app_names_no_order() -> None:
    raw = b'{"id":1,"domain":"x.myshopify.com"}'
    low = {name.lower(): value for name, value in headers(raw, "app/uninstalled").items()}
    hint = ShopifyDoor().read("", low, raw, [SECRET])
    assert (hint.topic, hint.subject) == ("app/uninstalled", "")


def test_a_topic_that_was_not_asked_for_is_no_work() -> None:
    hint = ShopifyDoor().read("", headers(BODY, "products/update"), BODY, [SECRET])
    assert (hint.subject, hint.note) == ("", "not a topic this service asks for")


@pytest.mark.parametrize(
    ("raw", "change", "status"),
    [
        (BODY, {"X-Shopify-Hmac-Sha256": "AAAA"}, 401),
        (BODY, {"X-Shopify-Hmac-Sha256": "é"}, 401),
        (BODY, {"X-Shopify-Hmac-Sha256": ""}, 401),
        (BODY, {"X-Shopify-Topic": ""}, 400),
        (b"not json", {}, 400),
        (b"[1]", {}, 400),
        (b'{"id":true}', {}, 400),
        (b'{"id":"1/../2"}', {}, 400),
        (b"[" * 100_000, {}, 400),
    ],
)
def test_what_is_not_a_delivery_is_refused(raw: bytes, change: dict[str, str], status: int) -> None:
    with pytest.raises(HookRefused) as refused:
        ShopifyDoor().read("", headers(raw) | change, raw, [SECRET])
    assert refused.value.status == status


def test_both_secrets_open_the_door_while_one_is_changed_for_the_other() -> None:
    credentials: dict[str, Any] = {"client_secret": "new", "earlier_client_secret": SECRET}
    assert keys(credentials) == ("new", SECRET)
    assert ShopifyDoor().read("", headers(BODY), BODY, keys(credentials)).subject
    assert keys({"access_token": "shpat_1"}) == ()


def test_a_delivery_for_another_connection_of_the_same_app_is_not_ours() -> None:
    door = ShopifyDoor()
    assert door.is_for("c1", {"x-shopify-name": hook_name("c1")})
    assert not door.is_for("c1", {"X-Shopify-Name": hook_name("c2")})
    assert door.is_for("c1", {})
    assert door.is_for("c1", {"X-Shopify-Name": "made by hand"})


def test_a_test_delivery_comes_through_like_any_other() -> None:
    made = make_test("https://bridge.example/hooks/shopify/c1", "c1", SECRET, "0123456789abcdef")
    hint = ShopifyDoor().read("", made.headers, made.body, [SECRET])
    assert (hint.topic, hint.subject) == (TEST_TOPIC, "0123456789abcdef")
    assert ShopifyDoor().is_for("c1", made.headers)
    with pytest.raises(HookRefused):
        ShopifyDoor().read("", made.headers, made.body.replace(b"0123", b"3210"), [SECRET])
