from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

from bridge.sandbox.shopify.tokens import signature
from tests.contract.sandbox_shopify.shopify_caller import ABSENT, SCHEMAS, SUBSCRIPTIONS, Receiver, Store


def signed(secret: str, body: bytes) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def test_signatures_are_those_of_the_vectors() -> None:
    path = SCHEMAS / "webhook_hmac_vectors.json"
    if not path.exists():
        pytest.skip(ABSENT)
    vectors = json.loads(path.read_text(encoding="utf-8"))
    assert len(vectors) == 3
    for vector in vectors:
        body = vector["body"].encode() if "body" in vector else (SCHEMAS / vector["file"]).read_bytes()
        assert signature(vector["secret"], body) == vector["x_shopify_hmac_sha256"]


def shape(value: Any) -> Any:
    """Keys and JSON types, the first element standing for a list."""
    if isinstance(value, dict):
        return {key: shape(one) for key, one in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__


def lacking(wanted: Any, got: Any, where: str = "") -> list[str]:
    """What of `wanted` is not in `got`, or is of another type; null fits everything."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        return [
            problem
            for key in wanted
            for problem in (lacking(wanted[key], got[key], f"{where}.{key}") if key in got else [f"{where}.{key}"])
        ]
    if isinstance(wanted, list) and isinstance(got, list):
        return lacking(wanted[0], got[0], f"{where}[]") if wanted and got else []
    return [] if wanted == got or "NoneType" in {str(wanted), str(got)} else [f"{where}: {wanted} {got}"]


@pytest.mark.parametrize("topic", ["orders_cancelled", "refunds_create"])
async def test_bodies_have_the_shape_of_the_examples(store: Store, receiver: Receiver, topic: str) -> None:
    path = SCHEMAS / f"webhook_{topic}.synthetic.json"
    if not path.exists():
        pytest.skip(ABSENT)
    await store.subscribe(topic.upper(), receiver.url)
    order = await store.placed()
    await store.control("POST", f"orders/{order['id']}/cancel", {})
    await store.drained()
    body = json.loads(receiver.got[0][1])
    absent = lacking(shape(json.loads(path.read_text(encoding="utf-8"))), shape(body))
    # A checkout's own token: our orders come from no checkout.
    assert [one for one in absent if one != ".token"] == []
    assert isinstance(body["id"], int)
    assert len(str(body["id"])) == 13


async def test_a_cancellation_tells_three_topics_of_one_event(store: Store, receiver: Receiver) -> None:
    for topic in ("ORDERS_CREATE", "ORDERS_CANCELLED", "REFUNDS_CREATE", "ORDERS_UPDATED"):
        made = await store.subscribe(topic, receiver.url, name="bridge")
        assert made["userErrors"] == []
    order = await store.placed()
    await store.control("POST", f"orders/{order['id']}/cancel", {"reason": "INVENTORY"})
    await store.drained()
    assert receiver.topics() == [
        "orders/create",
        "orders/updated",
        "orders/cancelled",
        "refunds/create",
        "orders/updated",
    ]
    headers = [one for one, _ in receiver.got]
    assert len({one["X-Shopify-Webhook-Id"] for one in headers}) == 5
    assert [len({one["X-Shopify-Event-Id"] for one in headers[start:end]}) for start, end in ((0, 2), (2, 5))] == [1, 1]
    for one, body in receiver.got:
        assert one["X-Shopify-Hmac-Sha256"] == signed(store.box.tokens.secrets[0], body)
        assert (one["X-Shopify-Shop-Domain"], one["X-Shopify-Name"]) == (store.box.domain, "bridge")
        assert one["X-Shopify-API-Version"] == "2026-10"
    cancelled = json.loads(receiver.got[2][1])
    assert (str(cancelled["id"]), cancelled["cancel_reason"]) == (order["id"], "inventory")
    refund = json.loads(receiver.got[3][1])
    assert (str(refund["order_id"]), refund["refund_line_items"][0]["restock_type"]) == (order["id"], "cancel")


async def test_the_old_secret_signs_for_a_while(store: Store, receiver: Receiver) -> None:
    old = store.box.tokens.secrets[0]
    await store.subscribe("ORDERS_CREATE", receiver.url)
    new = (await store.control("POST", "secret", {"sign_with": "old"}))["client_secret"]
    await store.placed()
    await store.drained()
    await store.control("POST", "secret", {"forget_old": True})
    await store.placed()
    await store.drained()
    assert [one["X-Shopify-Hmac-Sha256"] for one, _ in receiver.got] == [
        signed(secret, body) for secret, (_, body) in zip((old, new), receiver.got, strict=True)
    ]


async def test_a_failed_delivery_comes_again_with_the_same_body_and_id(store: Store, receiver: Receiver) -> None:
    await store.subscribe("ORDERS_CREATE", receiver.url)
    receiver.answers = [500, 302]
    await store.placed()
    for _ in range(3):
        await store.drained()
        await store.control("POST", "webhooks/retry")
    await store.drained()
    assert len(receiver.got) == 3
    assert len({body for _, body in receiver.got}) == 1
    assert len({one["X-Shopify-Webhook-Id"] for one, _ in receiver.got}) == 1


async def test_eight_failures_in_a_row_end_a_subscription(store: Store, receiver: Receiver) -> None:
    await store.subscribe("ORDERS_CREATE", receiver.url)
    await store.subscribe("ORDERS_CANCELLED", receiver.url)
    receiver.answers = [500] * 7 + [200] + [500] * 8
    await store.settings(webhooks_retry_scale=0.0)
    await store.placed()
    async with asyncio.timeout(20):
        while len(receiver.got) < 8:
            await store.drained()
    assert len((await store.ask(SUBSCRIPTIONS)).data["webhookSubscriptions"]["nodes"]) == 2
    await store.placed()
    async with asyncio.timeout(20):
        while receiver.answers:
            await store.drained()
    await store.drained()
    left = (await store.ask(SUBSCRIPTIONS)).data["webhookSubscriptions"]["nodes"]
    assert [one["topic"] for one in left] == ["ORDERS_CANCELLED"]
    assert len(receiver.got) == 16


async def test_deliveries_are_lost_doubled_and_turned_round(store: Store, receiver: Receiver) -> None:
    await store.subscribe("ORDERS_CREATE", receiver.url)
    await store.settings(webhooks_drop_next=1)
    await store.placed()
    await store.settings(webhooks_duplicate_next=1)
    await store.placed()
    await store.settings(webhooks_reorder_next=2)
    await store.placed()
    await store.placed()
    await store.drained()
    names = [json.loads(body)["name"] for _, body in receiver.got]
    assert names == ["#1002", "#1002", "#1004", "#1003"]
    ids = [one["X-Shopify-Webhook-Id"] for one, _ in receiver.got]
    assert ids[0] == ids[1]


async def test_an_uninstalled_app_is_told_and_let_in_no_more(store: Store, receiver: Receiver) -> None:
    await store.subscribe("APP_UNINSTALLED", receiver.url)
    await store.control("POST", "uninstall")
    await store.drained()
    assert receiver.topics() == ["app/uninstalled"]
    assert (await store.ask("{ shop { name } }")).status == 401


async def test_subscriptions_are_made_once_and_deleted(store: Store, receiver: Receiver) -> None:
    made = await store.subscribe("ORDERS_CREATE", receiver.url)
    assert (await store.subscribe("ORDERS_CREATE", receiver.url))["userErrors"]
    assert (await store.subscribe("ORDERS_CREATE", "ftp://x"))["userErrors"]
    assert (await store.subscribe("ORDERS_UPDATED", receiver.url, name="no spaces"))["userErrors"]
    delete = """mutation D($id: ID!) { webhookSubscriptionDelete(id: $id) {
        deletedWebhookSubscriptionId userErrors { message } } }"""
    gone = {"id": made["webhookSubscription"]["id"]}
    assert (await store.ask(delete, gone)).data["webhookSubscriptionDelete"]["userErrors"] == []
    assert (await store.ask(delete, gone)).data["webhookSubscriptionDelete"]["userErrors"]
    assert (await store.ask(SUBSCRIPTIONS)).data["webhookSubscriptions"]["nodes"] == []


async def test_a_delivery_made_by_hand_can_be_badly_signed(store: Store, receiver: Receiver) -> None:
    for kind in ("right", "wrong", "none"):
        spec = {"topic": "ORDERS_CANCELLED", "address": receiver.url, "body": "{}", "signature": kind}
        await store.control("POST", "webhooks", spec)
    await store.drained()
    good = signed(store.box.tokens.secrets[0], b"{}")
    assert [one["X-Shopify-Hmac-Sha256"] == good for one, _ in receiver.got] == [True, False, False]
