from __future__ import annotations

import asyncio
import hashlib
import hmac
from typing import Any

import pytest

from bridge.sandbox.tiktok import TikTokSandbox
from tests.contract.sandbox_tiktok.conftest import SHOPS, Receiver
from tests.contract.sandbox_tiktok.tiktok_caller import Caller, Control

HOOKS = "/event/202309/webhooks"
OUT = "seller_cancel_reason_out_of_stock"


@pytest.fixture
async def subscribed(us: Caller, receiver: Receiver) -> Receiver:
    for event in ("ORDER_STATUS_CHANGE", "CANCELLATION_STATUS_CHANGE", "RETURN_STATUS_CHANGE"):
        await us.ok("PUT", HOOKS, None, {"address": f"{receiver.url}/{event}", "event_type": event})
    return receiver


async def _drain(control: Control) -> dict[str, int]:
    answer = await control.send("GET", "webhooks/drained?wait=20")
    assert answer["drained"] is True, answer
    states: dict[str, int] = answer["states"]
    return states


async def test_subscriptions_are_one_address_per_event(us: Caller) -> None:
    for address in ("http://127.0.0.1:9/a", "http://127.0.0.1:9/b"):
        await us.ok("PUT", HOOKS, None, {"address": address, "event_type": "ORDER_STATUS_CHANGE"})
    data = await us.ok("GET", HOOKS)
    assert data["total_count"] == 1
    assert data["webhooks"][0]["address"] == "http://127.0.0.1:9/b"
    for _ in range(2):
        await us.ok("DELETE", HOOKS, None, {"event_type": "ORDER_STATUS_CHANGE"})
    assert (await us.ok("GET", HOOKS)) == {"webhooks": [], "total_count": 0}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"event_type": "ORDER_STATUS_CHANGE"}, "param body.address is missing"),
        ({"address": "https://shop.example/h"}, "param body.event_type is missing"),
        ({"address": "https://shop.example/h", "event_type": "NO"}, "body.event_type"),
        ({"address": "ftp://shop.example/h", "event_type": "ORDER_STATUS_CHANGE"}, "body.address"),
    ],
)
async def test_a_bad_subscription(us: Caller, body: dict[str, str], said: str) -> None:
    found = await us.call("PUT", HOOKS, body=body)
    assert found.code == 36009004
    assert said in found.message


async def test_the_real_rule_for_addresses(us: Caller, control: Control) -> None:
    await control.settings(webhooks_strict_addresses=True)
    event = {"event_type": "ORDER_STATUS_CHANGE"}
    for address in ("http://a.example/h", "https://127.0.0.1/h", "https://a.example:8443/h"):
        assert (await us.call("PUT", HOOKS, body={"address": address, **event})).code == 36009004, address
    assert (await us.call("PUT", HOOKS, body={"address": "https://a.example/h", **event})).code == 0


async def test_three_signed_messages_for_one_cancel(
    us: Caller, control: Control, subscribed: Receiver, box: TikTokSandbox
) -> None:
    placed = await control.place(announce=False)
    await us.cancel(placed["id"], OUT)
    assert await _drain(control) == {"received": 3}
    for given, body in subscribed.got:
        digest = hmac.new(box.app.secret.encode(), box.app.key.encode() + body, hashlib.sha256).hexdigest()
        assert given == digest
    bodies = subscribed.bodies()
    assert [set(body) for body in bodies] == [{"type", "tts_notification_id", "shop_id", "timestamp", "data"}] * 3
    assert len({body["tts_notification_id"] for body in bodies}) == 3
    assert [body["type"] for body in bodies] == [1, 11, 11]
    order = await us.order(placed["id"])
    assert bodies[0]["data"] == {
        "order_id": placed["id"],
        "order_status": "CANCEL",
        "is_on_hold_order": False,
        "update_time": order["update_time"],
    }
    (one,) = await us.cancellations()
    assert bodies[1]["data"] == {
        "order_id": placed["id"],
        "cancellations_role": "SELLER",
        "cancel_status": "CANCELLATION_REQUEST_SUCCESS",
        "cancel_id": one["cancel_id"],
        "create_time": one["create_time"],
    }
    assert bodies[2]["data"]["cancel_status"] == "CANCELLATION_REQUEST_COMPLETE"
    assert bodies[0]["shop_id"] == SHOPS["US"].id


async def test_a_request_and_its_end(us: Caller, control: Control, subscribed: Receiver) -> None:
    placed = await control.place()
    asked = await control.send("POST", f"orders/{placed['id']}/cancel", {})
    await control.send("POST", f"cancellations/{asked['cancellation']['cancel_id']}/withdraw")
    await control.send("POST", f"orders/{placed['id']}/returns", {"return_type": "REFUND"})
    await _drain(control)
    told = [
        (body["type"], body["data"].get("cancel_status") or body["data"].get("return_status") or "order")
        for body in subscribed.bodies()
    ]
    assert told == [
        (1, "order"),
        (11, "CANCELLATION_REQUEST_PENDING"),
        (11, "CANCELLATION_REQUEST_CANCELLED"),
        (12, "RETURN_OR_REFUND_REQUEST_PENDING"),
    ]
    assert set(subscribed.bodies()[3]["data"]) == {
        "order_id",
        "return_role",
        "return_type",
        "return_status",
        "return_id",
        "create_time",
        "update_time",
    }


async def test_authorization_messages_go_to_the_apps_own_address(
    control: Control, us: Caller, receiver: Receiver
) -> None:
    await control.send("PATCH", "app", {"webhook_url": f"{receiver.url}/app"})
    await control.send("POST", "tokens/warn")
    await control.send("POST", "tokens/revoke")
    await _drain(control)
    bodies = receiver.bodies()
    assert [body["type"] for body in bodies] == [7] * len(SHOPS) + [6] * len(SHOPS)
    assert set(bodies[0]["data"]) == {"message", "expiration_time"}
    assert bodies[0]["data"]["expiration_time"].isdecimal()
    assert set(bodies[-1]["data"]) == {"message"}


async def test_200_and_401_count_as_received(us: Caller, control: Control, subscribed: Receiver) -> None:
    subscribed.answers = [200, 401]
    await control.place()
    await control.place()
    assert await _drain(control) == {"received": 2}


async def test_retries_end_after_four(us: Caller, control: Control, subscribed: Receiver) -> None:
    subscribed.answers = [500, 204, 503, 302, 500, 500]
    await control.place()
    for expected in (1, 2, 3, 4):
        assert await _drain(control) == {"waiting": 1}
        assert len(subscribed.got) == expected
        await control.send("POST", "webhooks/retry")
    assert await _drain(control) == {"dropped": 1}
    assert len(subscribed.got) == 5
    assert len(set(subscribed.got)) == 1
    (message,) = (await control.send("GET", "webhooks"))["messages"]
    assert message["attempts"] == [500, 204, 503, 302, 500]


async def test_retries_come_by_themselves_on_a_scaled_schedule(
    us: Caller, control: Control, subscribed: Receiver
) -> None:
    await control.settings(webhooks_retry_scale=0.0001)
    subscribed.answers = [500, 500]
    await control.place()
    async with asyncio.timeout(20):
        while await _drain(control) != {"received": 1}:
            await asyncio.sleep(0.01)
    assert len(subscribed.got) == 3


async def test_a_slow_receiver_is_not_waited_for(us: Caller, control: Control, subscribed: Receiver) -> None:
    assert (await control.send("GET", "settings"))["webhooks_timeout"] == 3.0
    await control.settings(webhooks_timeout=0.05)
    subscribed.stall = asyncio.Event()
    await control.place()
    assert await _drain(control) == {"waiting": 1}
    subscribed.stall.set()
    subscribed.stall = None
    await control.send("POST", "webhooks/retry")
    assert await _drain(control) == {"received": 1}


async def test_lost_doubled_turned_around_and_paused(us: Caller, control: Control, subscribed: Receiver) -> None:
    def order_ids() -> list[Any]:
        ids = [body["data"]["order_id"] for body in subscribed.bodies()]
        subscribed.got.clear()
        return ids

    await control.settings(webhooks_drop_next=1)
    await control.place(id="1")
    await control.settings(webhooks_duplicate_next=1)
    await control.place(id="2")
    await _drain(control)
    assert order_ids() == ["2", "2"]
    await control.settings(webhooks_reorder_next=3)
    for order_id in ("3", "4", "5", "6"):
        await control.place(id=order_id)
    await _drain(control)
    assert order_ids() == ["5", "4", "3", "6"]
    await control.settings(webhooks_paused=True)
    await control.place(id="7")
    await control.place(id="8")
    assert (await control.send("GET", "webhooks/drained?wait=0.05"))["drained"] is False
    assert order_ids() == []
    await control.send("POST", "webhooks/release", {"newest_first": True})
    await _drain(control)
    assert order_ids() == ["8", "7"]
    messages = (await control.send("GET", "webhooks"))["messages"]
    await control.send("POST", f"webhooks/{messages[0]['id']}/resend")
    await _drain(control)
    assert order_ids() == ["1"]


async def test_messages_made_by_hand(us: Caller, control: Control, subscribed: Receiver, box: TikTokSandbox) -> None:
    await control.send("POST", "webhooks", {"data": {"order_id": "9"}, "type": 999})
    await control.send("POST", "webhooks", {"raw": "not json", "signature": "wrong"})
    await control.send("POST", "webhooks", {"signature": "none"})
    await control.send("POST", "webhooks", {"event_type": "PACKAGE_UPDATE"}, expect=409)
    await _drain(control)
    (right, first), (wrong, second), (none, _) = subscribed.got
    assert b'"type":999' in first
    assert right == hmac.new(box.app.secret.encode(), box.app.key.encode() + first, hashlib.sha256).hexdigest()
    assert (second, wrong, none) == (b"not json", "0" * 64, "")
