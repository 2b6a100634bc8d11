from __future__ import annotations

import json

import pytest

from bridge.connectors.woocommerce.door import TOPICS, WooCommerceDoor, make_test
from bridge.connectors.woocommerce.platform import PLATFORM, keys
from bridge.connectors.woocommerce.signing import ApiKey, authorized, is_signed, signature
from bridge.ports import TEST_TOPIC, HookRefused

SECRET = "wh_secret_0123456789"
BODY = b'{"id":727,"status":"cancelled","note":"a\\/b \\u00e9"}'
SIGNED = "UbmaSBinW2Whpjxnv2RamjoEnOXHRLtEhK748xyPFOE="
"""By `openssl dgst -sha256 -hmac wh_secret_0123456789 -binary | base64`."""
DOOR = WooCommerceDoor()


def headers(raw: bytes, topic: str = "order.updated", secret: str = SECRET) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "X-WC-Webhook-Source": "https://shop.example/",
        "X-WC-Webhook-Topic": topic,
        "X-WC-Webhook-Signature": signature(raw, secret),
        "X-WC-Webhook-Delivery-ID": "7a83",
    }


def test_the_signature_is_what_openssl_computes() -> None:
    assert signature(BODY, SECRET) == SIGNED
    assert is_signed(BODY, SIGNED, ["another", SECRET])
    assert not is_signed(BODY + b" ", SIGNED, [SECRET])
    assert not is_signed(BODY, SIGNED, [])


def test_over_http_the_call_is_signed_as_openssl_does_and_the_secret_stays_here() -> None:
    url = "http://127.0.0.1:8080/blog/wp-json/wc/v3/orders?_fields=id%2Cnumber&search=a%20b"
    signed, told = authorized(ApiKey("ck_abc", "cs_def"), url, "GET", nonce="nonce123", timestamp=lambda: 1_700_000_000)
    # Over GET&<url>&<sorted query>, keyed with `cs_def&`.
    assert "oauth_signature=r4WLr3NEUYz%2F7Wva5EliXpQo1iNKMPzE5QeYCIhRTFs%3D" in signed
    assert told == {}
    assert "cs_def" not in signed


def test_over_https_the_key_goes_into_the_header_and_never_into_the_address() -> None:
    url = "https://shop.example/wp-json/wc/v3/orders"
    signed, told = authorized(ApiKey("ck_abc", "cs_def"), url, "GET")
    assert (signed, told) == (url, {"Authorization": "Basic Y2tfYWJjOmNzX2RlZg=="})


@pytest.mark.parametrize("topic", TOPICS)
def test_a_delivery_names_its_order_and_a_repeat_is_a_look_more(topic: str) -> None:
    hint = DOOR.read("", headers(BODY, topic), BODY, [SECRET])
    assert (hint.topic, hint.subject, hint.dedupe) == (topic, "727", f"{topic}:727")
    assert topic in PLATFORM.topics


def test_two_orders_in_one_second_share_a_delivery_id_and_are_two_messages() -> None:
    other = b'{"id":728}'
    first, second = (DOOR.read("", headers(raw), raw, [SECRET]) for raw in (BODY, other))
    assert first.dedupe != second.dedupe


def test_the_ping_of_a_new_webhook_is_taken_and_leads_to_nothing() -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    hint = DOOR.read("", form, b"webhook_id=34", [])
    assert hint.subject == ""
    assert hint.topic not in PLATFORM.topics | PLATFORM.account_topics | {TEST_TOPIC}


@pytest.mark.parametrize("raw", [b"webhook_id=34&id=727", b'{"id":727}', b"webhook_id=", b""])
def test_nothing_else_comes_in_unsigned(raw: bytes) -> None:
    with pytest.raises(HookRefused) as refused:
        DOOR.read("", {}, raw, [SECRET])
    assert (refused.value.status, refused.value.reason) == (401, "no_signature")


@pytest.mark.parametrize(
    ("raw", "change", "status"),
    [
        (BODY, {"X-WC-Webhook-Signature": "AAAA"}, 401),
        (BODY, {"X-WC-Webhook-Topic": ""}, 400),
        (b"[1]", {}, 400),
        (b"not json", {}, 400),
        (b'{"id":"7 or 8"}', {}, 400),
        (b'{"id":true}', {}, 400),
        (b'{"id":0}', {}, 400),
        (b"{}", {}, 400),
    ],
)
def test_what_is_wrong_is_refused(raw: bytes, change: dict[str, str], status: int) -> None:
    with pytest.raises(HookRefused) as refused:
        DOOR.read("", headers(raw) | change, raw, [SECRET])
    assert refused.value.status == status


def test_a_topic_that_was_not_asked_for_is_no_work() -> None:
    hint = DOOR.read("", headers(BODY, "product.updated"), BODY, [SECRET])
    assert (hint.subject, hint.note) == ("", "not a topic this service asks for")


def test_doctors_own_delivery_comes_in_like_any_other() -> None:
    sent = make_test("https://bridge.example/hooks/woocommerce/c1", SECRET, "abcdef0123")
    hint = DOOR.read("", sent.headers, sent.body, [SECRET])
    assert (hint.topic, hint.subject) == (TEST_TOPIC, "abcdef0123")
    assert json.loads(sent.body)["id"] == 0


def test_the_platform_verifies_with_the_secret_that_was_made() -> None:
    assert keys({"webhook_secret": "a", "consumer_secret": "b"}) == ("a",)
    assert keys({}) == ()
