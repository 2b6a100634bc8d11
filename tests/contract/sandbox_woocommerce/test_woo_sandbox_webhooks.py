from __future__ import annotations

import base64
import hashlib
import hmac
import json

from tests.contract.sandbox_woocommerce.woo_caller import Receiver, Shop


async def test_a_new_webhook_pings_and_is_active_whatever_it_hears(shop: Shop, receiver: Receiver) -> None:
    made = await shop.subscribe("order.updated", receiver.url)
    assert (made["status"], made["resource"], "secret" in made) == ("active", "order", False)
    headers, raw = receiver.got[0]
    assert (raw, headers["Content-Type"]) == (
        f"webhook_id={made['id']}".encode(),
        "application/x-www-form-urlencoded",
    )
    assert "X-WC-Webhook-Signature" not in headers
    receiver.answers = [403]
    other = await shop.subscribe("order.deleted", receiver.url)
    assert other["status"] == "active"
    hooks = {one["id"]: one["pending_delivery"] for one in (await shop.control("GET", "state"))["webhooks"]}
    assert hooks == {made["id"]: False, other["id"]: True}


async def test_deliveries_are_signed_and_say_what_the_order_is_when_they_leave(shop: Shop, receiver: Receiver) -> None:
    for topic in ("order.created", "order.updated", "order.deleted", "product.updated"):
        await shop.subscribe(topic, receiver.url)
    receiver.got.clear()
    await shop.settings(webhooks_paused=True)
    order = await shop.made()
    await shop.ask("PUT", f"/orders/{order['id']}", {"status": "cancelled"})
    await shop.control("POST", f"orders/{order['id']}/trash")
    await shop.control("POST", "webhooks/release")
    await shop.drained()
    topics = receiver.topics()
    assert sorted(topics) == sorted(
        [*["product.updated"] * 3, "order.created", *["order.updated"] * 2, "order.deleted"]
    )
    by_topic = dict(zip(topics, receiver.bodies(), strict=True))
    assert by_topic["order.created"]["status"] == "trash"
    assert by_topic["order.deleted"] == {"id": order["id"]}
    for headers, raw in receiver.got:
        right = base64.b64encode(hmac.new(b"hush", raw, hashlib.sha256).digest()).decode()
        assert headers["X-WC-Webhook-Signature"] == right
        assert headers["X-WC-Webhook-Event"] == headers["X-WC-Webhook-Topic"].partition(".")[2]
    assert receiver.got[0][0]["User-Agent"].startswith("WooCommerce/")


async def test_one_second_has_one_delivery_id_for_a_webhook(shop: Shop, receiver: Receiver) -> None:
    hook = await shop.subscribe("order.updated", receiver.url)
    orders = [await shop.made(1) for _ in range(2)]
    await shop.drained()
    body = {"webhook": hook["id"], "body": json.dumps({"id": orders[0]["id"]}), "signature": "wrong"}
    await shop.control("POST", "webhooks", body)
    await shop.control("POST", "webhooks", {**body, "signature": "none"})
    await shop.drained()
    delivered = (await shop.control("GET", "webhooks"))["deliveries"]
    assert len({one["headers"]["X-WC-Webhook-Delivery-ID"] for one in delivered}) <= 2
    assert [one["headers"].get("X-WC-Webhook-Signature") for one in delivered[-2:]] == ["d3Jvbmc=", None]


async def test_deliveries_are_lost_doubled_and_turned_round(shop: Shop, receiver: Receiver) -> None:
    await shop.subscribe("order.updated", receiver.url)
    receiver.got.clear()
    await shop.settings(webhooks_drop_next=1)
    lost = await shop.made(1)
    await shop.settings(webhooks_duplicate_next=1)
    twice = await shop.made(1)
    await shop.settings(webhooks_reorder_next=2)
    late, early = await shop.made(1), await shop.made(1)
    await shop.drained()
    assert [one["id"] for one in receiver.bodies()] == [twice["id"], twice["id"], early["id"], late["id"]]
    number = (await shop.control("GET", "webhooks"))["deliveries"][0]["number"]
    await shop.control("POST", f"webhooks/{number}/resend")
    await shop.drained()
    assert receiver.bodies()[-1]["id"] == lost["id"]


async def test_seven_failures_in_a_row_disable_a_webhook_and_nothing_is_sent_again(
    shop: Shop, receiver: Receiver
) -> None:
    hook = await shop.subscribe("order.updated", receiver.url)
    receiver.got.clear()
    order = await shop.made(1)
    await shop.drained()
    receiver.answers = [302, 500, 500, 500, 500, 500, 404]
    for _ in range(7):
        await shop.control("POST", f"orders/{order['id']}/edit", {"customer_note": "again"})
        await shop.drained()
    state = (await shop.control("GET", "state"))["webhooks"][0]
    assert (state["status"], state["failures"], len(receiver.got)) == ("active", 6, 8)
    receiver.answers = [500]
    await shop.control("POST", f"orders/{order['id']}/edit", {})
    await shop.drained()
    listed = (await shop.ask("GET", "/webhooks", status="disabled")).body
    assert [one["id"] for one in listed] == [hook["id"]]
    await shop.control("POST", f"orders/{order['id']}/edit", {})
    await shop.drained()
    assert len(receiver.got) == 9
    woken = await shop.ask("PUT", f"/webhooks/{hook['id']}", {"status": "active", "secret": "new"})
    assert woken.body["status"] == "active"
    await shop.control("POST", f"orders/{order['id']}/edit", {})
    await shop.drained()
    headers, raw = receiver.got[-1]
    assert (
        headers["X-WC-Webhook-Signature"] == base64.b64encode(hmac.new(b"new", raw, hashlib.sha256).digest()).decode()
    )


async def test_bad_webhooks_are_refused(shop: Shop, receiver: Receiver) -> None:
    url = {"delivery_url": receiver.url}
    assert (await shop.ask("POST", "/webhooks", {**url, "topic": "order.paid"})).status == 400
    assert (await shop.ask("POST", "/webhooks", {"topic": "order.updated", "delivery_url": "ftp://x"})).status == 400
    hook = await shop.subscribe("order.restored", receiver.url)
    assert (await shop.ask("DELETE", f"/webhooks/{hook['id']}")).status == 501
    assert (await shop.ask("DELETE", f"/webhooks/{hook['id']}", force="true")).status == 200
    assert (await shop.ask("GET", f"/webhooks/{hook['id']}")).code == "woocommerce_rest_shop_webhook_invalid_id"
