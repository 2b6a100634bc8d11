"""Bad input through the whole stack: each has its answer, causes no effect, and loses nothing."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.integration.connect.parts import (
    MUGS,
    Ahead,
    JsonObject,
    Said,
    ask,
    attention,
    connection,
    idle,
    refund_all,
    store_cancels,
    whole,
)
from tests.support.mariadb import MariaDB
from tests.support.stage import Stage


async def deliveries(play: Stage, topic: str) -> list[JsonObject]:
    sent = (await play.magento.control("GET", "deliveries?wait=10"))["deliveries"]
    return [one for one in sent if one["topic"] == topic]


async def replay(play: Stage, delivery: JsonObject, **changes: Any) -> Said:
    """The store's own delivery once more; `changes` to topic, body, signature, address."""
    one = delivery | changes
    headers = {
        "X-Webhook-Topic": one["topic"],
        "X-App-Key": one["app_key"],
        "X-Magento-Hmac-Sha256": one["signature"],
        "Content-Type": "application/json",
    }
    return await ask(play, "POST", one["address"], token=False, data=io.BytesIO(one["body"].encode()), headers=headers)


async def settles_both_ways(play: Stage) -> None:
    """Nothing was lost: a refund cancels, a cancellation refunds, once each."""
    refunded, cancelled = await play.place(MUGS), await play.place(MUGS)
    for order_id in (refunded, cancelled):
        await play.imported(order_id)
    await refund_all(play, refunded)
    await play.tiktok.control("POST", f"orders/{cancelled}/cancel", {"role": "SYSTEM", "pending": False})
    for order_id in (refunded, cancelled):
        await play.settled(order_id, "both books agree: all")
        assert len((await play.store_order(order_id))["credit_memos"]) == 1
    assert (await store_cancels(play, refunded), await store_cancels(play, cancelled)) == (1, 0)


# --- deliveries -------------------------------------------------------------------------------------------------------


async def test_what_is_forged_or_garbled_is_refused_and_no_shop_is_asked(play: Stage) -> None:
    order_id = await play.place(MUGS)
    await play.imported(order_id)
    told = (await deliveries(play, "orders/update"))[0]
    await idle(play)
    before = (await play.magento.last_call(), await play.tiktok.last_call())
    for changes, status in (
        ({"signature": "0" * 64}, 401),
        ({"signature": ""}, 401),
        ({"body": told["body"] + " "}, 401),
        ({"body": '{"id":"2"}'}, 401),
        ({"body": "<html>"}, 401),
        ({"address": told["address"] + "x"}, 404),
        ({"app_key": "another"}, 400),
        ({"body": "x" * (1024 * 1024 + 1)}, 413),
    ):
        said = await replay(play, told, **changes)
        assert said.status == status, (changes, said.text)
        assert said.headers["Content-Type"] == "application/problem+json"
    said = await replay(play, told, topic="products/update")
    assert (said.status, said.text) == (200, "")
    key = play.tiktok_box.app.key
    for path, status in ((f"/hooks/tiktok/{key}/order-status-change", 401), ("/hooks/tiktok/other/x", 404)):
        said = await ask(play, "POST", path, token=False, data=b'{"type":1}', headers={"Authorization": "0" * 64})
        assert said.status == status
    await idle(play)
    assert (await play.magento.last_call(), await play.tiktok.last_call()) == before
    await settles_both_ways(play)


async def test_tiktok_messages_that_are_forged_or_odd_change_nothing(play: Stage) -> None:
    order_id = await play.place(MUGS)
    await play.imported(order_id)
    shop = play.channel_shop_id
    odd: list[JsonObject] = [
        {"event_type": "ORDER_STATUS_CHANGE", "data": {"order_id": order_id, "order_status": "CANCELLED"}},
        {"event_type": "CANCELLATION_STATUS_CHANGE", "data": {"order_id": order_id, "cancel_status": "MADE_UP"}},
        {"event_type": "ORDER_STATUS_CHANGE", "data": {"order_id": "999999999999999999"}},
        {"event_type": "ORDER_STATUS_CHANGE", "data": {}},
        {"event_type": "ORDER_STATUS_CHANGE", "raw": "not json"},
        {"event_type": "ORDER_STATUS_CHANGE", "data": {"order_id": order_id}, "signature": "wrong"},
        {"event_type": "ORDER_STATUS_CHANGE", "data": {"order_id": order_id}, "signature": "none"},
        {"event_type": "ORDER_STATUS_CHANGE", "data": {"order_id": order_id}, "type": 777},
    ]
    for one in odd:
        await play.tiktok.control("POST", "webhooks", {"shop_id": shop, **one})
    await play.tiktok.control("GET", "webhooks/drained?wait=10")
    await idle(play)
    order = await play.imported(order_id)
    assert order["attention"] == []
    assert (await play.store_order(order_id))["credit_memos"] == []
    assert (await play.channel_order(order_id))["order"]["status"] == "AWAITING_SHIPMENT"
    await settles_both_ways(play)


async def test_a_delivery_repeated_twenty_times_has_one_effect(play: Stage) -> None:
    order_id = await play.place(MUGS)
    await play.imported(order_id)
    await refund_all(play, order_id)
    told = (await deliveries(play, "creditmemos/update"))[-1]
    for _ in range(20):
        assert (await replay(play, told)).status == 200
    await play.settled(order_id, "both books agree: all")
    for _ in range(20):
        assert (await replay(play, told)).status == 200
    await idle(play)
    order = await play.settled(order_id, "both books agree: all")
    assert await store_cancels(play, order_id) == 1
    assert [claim["kind"] for claim in order["claims"]] == ["create", "invoice", "cancel"]


async def test_a_signed_orders_update_replayed_as_a_memo_causes_a_look_and_no_more(play: Stage) -> None:
    first, second = await play.place(MUGS), await play.place(MUGS)
    for order_id in (first, second):
        await play.imported(order_id)
    # The second order's memo gets the number of the first order.
    await refund_all(play, second)
    await play.settled(second, "both books agree: all")
    told = (await deliveries(play, "orders/update"))[0]
    assert told["body"] == '{"id":"1"}'
    await idle(play)
    before = await play.magento.last_call()
    assert (await replay(play, told, topic="creditmemos/update")).status == 200
    await play.magento.calls(path="V1/creditmemo/1", after=before, wait=10)
    await idle(play)
    assert [call["method"] for call in await play.magento.calls(path=".*", after=before)].count("POST") == 0
    assert (await store_cancels(play, first), await store_cancels(play, second)) == (0, 1)
    await play.imported(first)


async def test_an_unknown_memo_is_looked_for_and_given_up(tmp_path: Path, database_url: str) -> None:
    clock = Ahead()
    async with whole(tmp_path, database_url, clock) as (play, _):
        order_id = await play.place(MUGS)
        await play.imported(order_id)
        told = (await deliveries(play, "orders/update"))[0]
        before = await play.magento.last_call()
        assert (await replay(play, told, topic="creditmemos/update")).status == 200
        await play.magento.calls(path="V1/creditmemo/1", after=before, wait=10)
        clock.by = timedelta(seconds=61)
        again = await play.magento.last_call()
        await play.magento.calls(path="V1/creditmemo/1", after=again, wait=10)
        clock.by = timedelta()

        async def given_up() -> bool:
            async with play.session.get(f"{play.url}/metrics") as answer:
                counts = [line for line in (await answer.text()).splitlines() if line.startswith("bridge_work{")]
            return sum(float(line.rsplit(" ", 1)[1]) for line in counts) == 0

        await play.until(given_up, "the memo is given up")
        assert await attention(play) == []
        # A memo of that number made later is found all the same.
        await refund_all(play, order_id)
        await play.settled(order_id, "both books agree: all")


# --- remotes that answer badly ----------------------------------------------------------------------------------------


async def test_a_store_in_maintenance_is_waited_for_and_goes_on_by_itself(play: Stage) -> None:
    order_id = await play.place(MUGS)
    await play.imported(order_id)
    await play.magento.control("POST", "settings", {"maintenance": True})
    await play.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "SYSTEM", "pending": False})
    order = await play.settled(order_id, "maintenance mode")
    assert (order["state"], await attention(play)) == ("waiting", [])
    assert (await connection(play, play.store_id))["state"] == "connected"
    await play.magento.control("POST", "settings", {"maintenance": False})
    await play.settled(order_id, "both books agree: all")
    assert len((await play.store_order(order_id))["credit_memos"]) == 1


@pytest.mark.parametrize(
    ("shop", "fault"),
    [
        ("magento", {"path": "V1/orders/", "status": 500, "body": "An error has happened during application run."}),
        ("magento", {"path": "V1/orders/", "status": 503, "body": "<html>", "content_type": "text/html"}),
        ("magento", {"path": "V1/orders/", "status": 200, "body": "<html>login</html>", "content_type": "text/html"}),
        ("magento", {"path": "V1/orders/", "status": 404, "body": "<html>nginx</html>", "content_type": "text/html"}),
        ("magento", {"path": "V1/orders/", "status": 200, "body": '{"items":', "content_type": "application/json"}),
        ("tiktok", {"path": "order/", "status": 503, "body": "<html>", "content_type": "text/html"}),
        ("tiktok", {"path": "order/", "status": 200, "body": "<html>", "content_type": "text/html"}),
        ("tiktok", {"path": "order/", "status": 500, "body": ""}),
        ("tiktok", {"path": "cancellations", "status": 502, "body": "bad gateway"}),
    ],
)
async def test_answers_that_are_none_are_waited_out(play: Stage, shop: str, fault: JsonObject) -> None:
    order_id = await play.place(MUGS)
    order = await play.imported(order_id)
    await idle(play)
    side = play.magento if shop == "magento" else play.tiktok
    await side.fault(kind="fail", times=10_000, **fault)
    await play.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "SYSTEM", "pending": False})
    shown = await play.settled(order_id, "waiting: ")
    assert shown["state"] == "waiting"
    await side.control("DELETE", "faults")
    await play.api("POST", f"orders/{order['id']}/settle", {})
    await play.settled(order_id, "both books agree: all")
    assert len((await play.store_order(order_id))["credit_memos"]) == 1


@pytest.mark.parametrize("kind", ["fail", "cut", "late"])
async def test_a_refund_with_a_500_or_without_an_answer_is_booked_once(play: Stage, kind: str) -> None:
    order_id = await play.place(MUGS)
    await play.imported(order_id)
    path = "V1/order/.*/refund"
    if kind == "fail":
        text_ = "An error has happened during application run. See exception log for details."
        await play.magento.fault(kind="fail", method="POST", path=path, status=500, body=text_)
    else:
        await play.magento.fault(kind=kind, method="POST", path=path, seconds=0.2)
    await play.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "SYSTEM", "pending": False})
    await play.settled(order_id, "both books agree: all")
    assert len((await play.store_order(order_id))["credit_memos"]) == 1
    assert (await play.stock("MUG"))["salable"] == 100


# --- clocks -----------------------------------------------------------------------------------------------------------


async def test_tiktoks_clock_five_minutes_away_is_shown_to_a_person_and_loses_nothing(play: Stage) -> None:
    order_id = await play.place(MUGS)
    order = await play.imported(order_id)
    await idle(play)
    await play.tiktok.control("POST", "clock", {"advance": 400})
    await play.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "SYSTEM", "pending": False})
    shown = await play.settled(order_id, "waiting: ")
    assert "clock" in shown["because"]
    assert "NTP" in shown["because"]
    items = await attention(play, "connection")
    assert [item["connection"] for item in items] == [play.tiktok_id]
    assert "clock" in items[0]["because"]
    looked = await play.api("POST", f"connections/{play.tiktok_id}/doctor")
    assert {found["code"] for found in looked["findings"] if found["level"] == "error"} == {"clock", "clock_refused"}
    await play.tiktok.control("POST", "clock", {"reset": True})
    await play.api("POST", f"connections/{play.tiktok_id}/doctor")
    await play.settled(order_id, "both books agree: all")
    assert (await connection(play, play.tiktok_id))["state"] == "connected"
    assert await attention(play) == []
    assert order["id"] == ((await play.order(order_id)) or {})["id"]


async def test_the_stores_clock_behind_ours_is_shown_to_a_person_and_loses_nothing(play: Stage) -> None:
    order_id = await play.place(MUGS)
    await play.imported(order_id)
    await idle(play)
    await play.magento.control("POST", "settings", {"clock_offset": -700})
    await play.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "SYSTEM", "pending": False})
    shown = await play.settled(order_id, "waiting: ")
    assert "clock" in shown["because"]
    assert "clock" in (await attention(play, "connection"))[0]["because"]
    await play.magento.control("POST", "settings", {"clock_offset": 0})
    await play.api("POST", f"connections/{play.store_id}/doctor")
    await play.settled(order_id, "both books agree: all")
    assert await attention(play) == []


async def test_messages_with_any_time_are_taken_in(play: Stage) -> None:
    """TikTok repeats for 16 hours, and no signature holds a time."""
    order_id = await play.place(MUGS)
    await play.imported(order_id)
    for moment in (0, 1, 4102444800):
        body = (
            f'{{"type":1,"tts_notification_id":"n{moment}","shop_id":"{play.channel_shop_id}",'
            f'"timestamp":{moment},"data":{{"order_id":"{order_id}"}}}}'
        )
        await play.tiktok.control(
            "POST", "webhooks", {"event_type": "ORDER_STATUS_CHANGE", "shop_id": play.channel_shop_id, "raw": body}
        )
    await play.tiktok.control("GET", "webhooks/drained?wait=10")
    found = (await play.tiktok.control("GET", "webhooks"))["messages"][-3:]
    assert [one["state"] for one in found] == ["received"] * 3
    await idle(play)
    await play.imported(order_id)


# --- our own storage --------------------------------------------------------------------------------------------------


async def test_with_the_database_down_everything_says_so_and_goes_on_afterwards(
    tmp_path: Path, mariadb: MariaDB, mariadb_url: str
) -> None:
    async with whole(tmp_path, mariadb_url) as (play, _):
        first, second = await play.place(MUGS), await play.place(MUGS)
        for order_id in (first, second):
            await play.imported(order_id)
        await idle(play)
        mariadb.stop()
        try:
            await play.tiktok.control("POST", f"orders/{first}/cancel", {"role": "SYSTEM", "pending": False})
            await refund_all(play, second)
            told = (await deliveries(play, "creditmemos/update"))[-1]
            assert told["status"] == 503
            await play.tiktok.control("GET", "webhooks/drained?wait=10")
            states = {
                status
                for one in (await play.tiktok.control("GET", "webhooks"))["messages"][-2:]
                for status in one["attempts"]
            }
            assert states == {503}
            for path in ("connections", "orders", "attention", f"shops/{play.shop_id}"):
                said = await ask(play, "GET", f"/api/v1/{path}")
                assert (said.status, said.json["type"]) == (503, "/problems/storage-unavailable"), said.text
                assert "loopback-only" not in said.text
                assert str(mariadb.port) not in said.text
            assert (await ask(play, "GET", "/healthz", token=False)).status == 200
            assert (await ask(play, "GET", "/readyz", token=False)).status == 503
        finally:
            mariadb.start()

        async def ready() -> bool:
            return (await ask(play, "GET", "/readyz", token=False)).status == 200

        await play.until(ready, "the service is ready again", 30)
        await play.tiktok.control("POST", "webhooks/retry")
        await play.settled(first, "both books agree: all")
        await play.api("POST", "sweeps", {})
        await play.settled(second, "both books agree: all")
        assert await store_cancels(play, second) == 1
        assert await attention(play) == []
        await settles_both_ways(play)


async def test_with_a_full_disk_nothing_is_taken_in_and_nothing_is_lost(tmp_path: Path, sqlite_url: str) -> None:
    async with whole(tmp_path, sqlite_url) as (play, service):
        first, second = await play.place(MUGS), await play.place(MUGS)
        for order_id in (first, second):
            await play.imported(order_id)
        await idle(play)

        async def pages(conn: AsyncConnection, most: int | None) -> None:
            used = await conn.scalar(text("PRAGMA page_count"))
            await conn.execute(text(f"PRAGMA max_page_count = {most or used}"))

        await service.db.write(lambda conn: pages(conn, None))
        refused = 0
        for _ in range(200):
            await play.tiktok.control(
                "POST",
                "webhooks",
                {"event_type": "ORDER_STATUS_CHANGE", "shop_id": play.channel_shop_id, "data": {"order_id": first}},
            )
        await play.tiktok.control("GET", "webhooks/drained?wait=20")
        for one in (await play.tiktok.control("GET", "webhooks"))["messages"]:
            assert set(one["attempts"]) <= {200, 503}
            refused += 503 in one["attempts"]
        assert refused
        await play.tiktok.control("POST", f"orders/{first}/cancel", {"role": "SYSTEM", "pending": False})
        await refund_all(play, second)
        said = await ask(play, "POST", "/api/v1/sweeps", json={})
        assert said.status in {202, 503}
        await service.db.write(lambda conn: pages(conn, 1_000_000))
        await play.tiktok.control("POST", "webhooks/retry")
        await play.settled(first, "both books agree: all", 30)
        await play.api("POST", "sweeps", {})
        await play.settled(second, "both books agree: all", 30)
        assert len((await play.store_order(first))["credit_memos"]) == 1
        assert await store_cancels(play, second) == 1
        await settles_both_ways(play)
