"""Trouble without a death: lost, doubled and disordered messages, both sides at once, tokens and limits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.support.chaos import MUGS, STICKER, House, Tally, done, kinds, story, tally
from tests.support.stage import Stage
from tests.support.stories import AGREE


@pytest.fixture
async def play(sqlite_house: House) -> AsyncIterator[Stage]:
    """The service in this process, connected and tied."""
    async with sqlite_house.play.inside():
        await sqlite_house.set_up()
        yield sqlite_house.play


async def cancel(play: Stage, order_id: str) -> None:
    await play.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "SYSTEM", "pending": False})


async def refund(play: Stage, order_id: str) -> None:
    made = await play.store_order(order_id)
    await play.magento.control("POST", "refund", {"order": made["id"]})


async def quiet(play: Stage) -> None:
    """Every message of both shops was sent and answered."""
    assert (await play.tiktok.control("GET", "webhooks/drained"))["drained"]
    assert (await play.magento.control("GET", "deliveries?wait=10"))["drained"]


async def test_what_happened_while_nobody_listened_is_found_at_the_start(house: House) -> None:
    play = house.play
    await house.start()
    await house.set_up()
    dead, gone = await play.place(MUGS, STICKER), await play.place(MUGS)
    for order_id in (dead, gone):
        await house.settled(order_id, "alive on both sides")
    await quiet(play)
    await house.kill()
    await play.tiktok.control("PATCH", "settings", {"webhooks_drop_next": 50})
    await cancel(play, dead)
    await refund(play, gone)
    new = await play.place(STICKER)
    await play.magento.control("GET", "deliveries?wait=10")
    await house.again()
    await house.settled(new, "alive on both sides")
    await house.settled(dead)
    await house.settled(gone)
    assert (await tally(play, dead)).memos == 1
    left = await tally(play, gone)
    assert (left.memos, left.seller_cancels, left.status) == (1, 1, "CANCELLED")
    assert (left.source, left.salable) == ((-2, 0), (-2, -1))


async def test_doubled_and_disordered_messages_change_nothing(play: Stage) -> None:
    changes = {"webhooks_duplicate_next": 20, "webhooks_reorder_next": 20}
    await play.tiktok.control("PATCH", "settings", changes)
    order_id = await play.place(MUGS, STICKER)
    await cancel(play, order_id)
    await play.tiktok.control("POST", "webhooks/release", {"newest_first": True})
    order = await play.settled(order_id, "before it reached the store")
    second = await play.place(MUGS, STICKER)
    await play.tiktok.control("POST", "webhooks/release", {"newest_first": True})
    await play.imported(second)
    await cancel(play, second)
    await play.tiktok.control("POST", "webhooks/release", {"newest_first": True})
    await play.settled(second, AGREE)
    for message in (await play.tiktok.control("GET", "webhooks"))["messages"]:
        await play.tiktok.control("POST", f"webhooks/{message['id']}/resend")
    await quiet(play)
    order = await play.settled(second, AGREE)
    assert await tally(play, second) == Tally(), story(order)
    assert done(order) == {"create": 1, "invoice": 1, "refund": 1}


async def test_a_delivery_replayed_under_another_topic_causes_a_look_and_nothing_else(play: Stage) -> None:
    order_id = await play.place(MUGS, STICKER)
    await play.imported(order_id)
    await refund(play, order_id)
    await play.settled(order_id, AGREE)
    await quiet(play)
    deliveries = (await play.magento.control("GET", "deliveries"))["deliveries"]
    other = {"orders/update": "creditmemos/update", "creditmemos/update": "orders/update"}
    for sent in deliveries:
        headers = {
            "Content-Type": "application/json",
            "X-Magento-Hmac-Sha256": sent["signature"],
            "X-Webhook-Topic": other.get(sent["topic"], sent["topic"]),
            "X-App-Key": sent["app_key"],
        }
        async with play.session.post(sent["address"], data=sent["body"].encode(), headers=headers) as answer:
            assert answer.status == 200
    order = await play.settled(order_id, AGREE)
    left = await tally(play, order_id)
    assert (left.memos, left.seller_cancels, left.unit_cancels) == (1, 1, (1, 1, 1)), story(order)


@pytest.mark.parametrize("slow", [("magento", "/refund"), ("tiktok", r"/cancellations\?")], ids=["refund", "cancel"])
@pytest.mark.parametrize("first", ["memo", "cancellation"])
async def test_both_sides_at_the_same_moment(play: Stage, slow: tuple[str, str], first: str) -> None:
    """The bridge is about to act on the one while the other happens: its act is refused, or was the only one."""
    side, path = slow
    order_id = await play.place(MUGS, STICKER)
    await play.imported(order_id)
    shop = play.magento if side == "magento" else play.tiktok
    await shop.fault(kind="slow", method="POST", path=path, seconds=0.4)
    acts = [refund, cancel] if first == "memo" else [cancel, refund]
    await acts[0](play, order_id)
    theirs = (side == "magento") == (first == "cancellation")
    if theirs:  # the bridge's call is under way
        await shop.calls(method="POST", path=path, wait=10)
    await acts[1](play, order_id)
    order = await play.settled(order_id, AGREE)
    await quiet(play)
    order = await play.settled(order_id, AGREE)
    left = await tally(play, order_id)
    assert (left.memos, left.unit_cancels, left.status, left.store_state) == (1, (1, 1, 1), "CANCELLED", "closed")
    assert left.source == left.salable == (-2, -1), story(order)
    assert kinds(order) == set(), story(order)


async def test_the_merchants_click_beside_ours_blocks_the_order_until_a_person_settles_it(play: Stage) -> None:
    order_id = await play.place(MUGS, STICKER)
    await play.imported(order_id)
    made = await play.store_order(order_id)
    await play.magento.control("POST", "refund-beside", {"order": made["id"]})
    await cancel(play, order_id)
    order = await play.settled(order_id, "blocked until a person settles it")
    assert order["state"] == "held"
    assert "books_moved" in kinds(order)
    told = next(item for item in order["attention"] if item["kind"] == "books_moved")
    assert "expected 1 new credit memo, found 2" in str(told["facts"])
    calls = await play.magento.last_call()
    await play.tiktok.control(
        "POST",
        "webhooks",
        {
            "event_type": "ORDER_STATUS_CHANGE",
            "shop_id": play.channel_shop_id,
            "data": {"order_id": order_id, "order_status": "CANCEL"},
        },
    )
    await quiet(play)
    order = await play.settled(order_id, "blocked until a person settles it")
    assert await play.magento.calls(method="POST", path="/V1/", after=calls) == []
    await play.api("POST", f"orders/{order['id']}/settle", {})
    order = await play.settled(order_id, AGREE)
    assert len((await play.store_order(order_id))["credit_memos"]) == 2
    assert "books_moved" not in kinds(order)


async def reauthorize(play: Stage) -> None:
    """What connecting again does: the same connection, new tokens."""
    tokens = await play.tiktok.control("POST", "tokens", {})
    app = play.tiktok_box.app
    credentials = {"app_key": app.key, "app_secret": app.secret}
    credentials |= {name: tokens[name] for name in ("access_token", "refresh_token")}
    body = {"kind": "tiktok", "name": "TikTok", "url": play.tiktok.url, "auth_url": play.tiktok.url}
    again = await play.api("POST", "connections", {**body, "credentials": credentials})
    assert again["id"] == play.tiktok_id


async def connection(play: Stage) -> dict[str, Any]:
    return dict(await play.api("GET", f"connections/{play.tiktok_id}"))


async def test_a_revoked_token_waits_for_a_person_and_goes_on_with_new_ones(play: Stage) -> None:
    order_id = await play.place(MUGS, STICKER)
    await play.imported(order_id)
    await play.tiktok.control("POST", "tokens/revoke")
    await refund(play, order_id)

    async def asked() -> bool:
        return bool((await connection(play))["state"] == "reauth")

    await play.until(asked, "the connection asks to be authorized again")
    items = (await play.api("GET", "attention"))["items"]
    assert "connection" in {item["kind"] for item in items}
    assert (await tally(play, order_id)).seller_cancels == 0
    await reauthorize(play)
    order = await play.settled(order_id, AGREE)
    assert (await connection(play))["state"] == "connected"
    assert (await tally(play, order_id)).seller_cancels == 1, story(order)
    items = (await play.api("GET", "attention"))["items"]
    assert "connection" not in {item["kind"] for item in items}


async def test_asked_to_slow_down_nobody_calls_before_the_time(sqlite_house: House, play: Stage) -> None:
    known = await play.place(MUGS)
    await play.imported(known)
    await quiet(play)
    await sqlite_house.at_rest()
    before = await play.tiktok.last_call()
    await play.tiktok.control("PATCH", "settings", {"refuse_next": 1, "retry_after": 2})
    first = await play.place(MUGS)
    refused = (await play.tiktok.calls(path=".*", after=before, wait=10))[0]

    async def told() -> bool:
        order = await play.order(first)
        return bool(order and order["state"] == "waiting")

    await play.until(told, "the order waits")
    second = await play.place(STICKER)
    await refund(play, known)
    for order_id in (first, second):
        await play.imported(order_id)
    await play.settled(known, AGREE)
    calls = await play.tiktok.calls(path=".*", after=refused["number"])
    start = datetime.fromisoformat(refused["at"])
    assert calls
    assert min(datetime.fromisoformat(call["at"]) for call in calls) - start >= timedelta(seconds=1.9)


async def test_many_orders_at_once_with_messages_in_every_order(play: Stage) -> None:
    ids = [await play.place(MUGS, STICKER) for _ in range(6)]
    await asyncio.gather(*[play.imported(order_id) for order_id in ids])
    await asyncio.gather(*[(cancel if number % 2 else refund)(play, order_id) for number, order_id in enumerate(ids)])
    orders = await asyncio.gather(*[play.settled(order_id, AGREE) for order_id in ids])
    for number, order_id in enumerate(ids):
        left = await tally(play, order_id)
        assert (left.memos, left.seller_cancels) == (1, 1 - number % 2), story(orders[number])
        assert (left.source, left.salable) == ((-6, -3), (-6, -3))
