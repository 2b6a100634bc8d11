"""Deliveries that are good: durable before they are answered, and what becomes due."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy.ext.asyncio import AsyncConnection
from structlog.testing import capture_logs

from bridge.bootstrap import PLATFORMS
from bridge.ports import FoundShop
from bridge.web.keyring import Keyring
from tests.integration.web.house import MAGENTO, SHOP, TIKTOK, House


async def test_a_memo_of_the_plugin_is_durable_and_due_before_it_is_answered(each_house: House) -> None:
    store = await each_house.connect_magento()
    answer = await each_house.magento_says(store["id"], {"id": "7"})
    assert (answer.status, answer.raw) == (200, b"")
    assert await each_house.due() == [f"hint:{store['id']}:creditmemos/update::7"]
    [row] = await each_house.arrivals()
    assert (row["topic"], row["subject"], row["generation"]) == ("creditmemos/update", "7", 1)
    assert each_house.woken == [f"hint:{store['id']}:creditmemos/update::7"]


async def test_a_message_of_a_known_shop_is_work_on_its_order(each_house: House) -> None:
    channel = await each_house.connect_tiktok()
    body = {"type": 1, "tts_notification_id": "n1", "shop_id": "7000", "data": {"order_id": "576", "order_status": "X"}}
    answer = await each_house.tiktok_says(body)
    assert (answer.status, answer.raw) == (200, b"")
    assert await each_house.due() == [f"order:{channel['shops'][0]['id']}:576"]


async def test_a_message_of_an_unknown_shop_is_a_hint_to_be_resolved_later(house: House) -> None:
    channel = await house.connect_tiktok()
    body = {"type": 1, "tts_notification_id": "n1", "shop_id": "8888", "data": {"order_id": "576"}}
    assert (await house.tiktok_says(body)).status == 200
    assert await house.due() == [f"hint:{channel['id']}:order-status-change:8888:576"]


async def test_shops_of_several_connections_share_one_app(house: House) -> None:
    first = await house.connect_tiktok()
    house.tiktok.shops = (FoundShop("7001", "Second", "GB", "c2"),)
    house.tiktok.facts = {"identity": "app1/7001"}
    second = await house.connect_tiktok(credentials={**TIKTOK, "access_token": "t2"})
    assert first["id"] != second["id"]
    for shop in ("7000", "7001"):
        body = {"type": 1, "tts_notification_id": f"n{shop}", "shop_id": shop, "data": {"order_id": "5"}}
        assert (await house.tiktok_says(body)).status == 200
    wanted = {f"order:{one['shops'][0]['id']}:5" for one in (first, second)}
    assert set(await house.due()) == wanted


async def test_an_ended_authorization_is_never_taken_for_another_sellers(house: House) -> None:
    await house.connect_tiktok()
    for shop, works in (("9999", 0), ("7000", 1)):
        body = {"type": 6, "tts_notification_id": shop, "shop_id": shop, "data": {"message": "gone"}}
        assert (await house.tiktok_says(body, event="seller-deauthorization")).status == 200
        assert len(await house.due()) == works


async def test_a_hundred_deliveries_at_once_are_each_durable(each_house: House) -> None:
    store = await each_house.connect_magento()
    answers = await asyncio.gather(*(each_house.magento_says(store["id"], {"id": str(n)}) for n in range(100)))
    assert {answer.status for answer in answers} == {200}
    assert len(await each_house.due()) == 100


async def test_a_key_changed_by_another_process_is_found_with_the_first_delivery(house: House) -> None:
    store = await house.connect_magento()
    await house.db.write(
        lambda conn: house.connections.update(conn, store["id"], credentials={**MAGENTO, "consumer_key": "ck-new"})
    )
    assert (await house.magento_says(store["id"], {"id": "7"}, key="ck-new")).status == 200


async def test_a_connection_made_by_another_process_is_found_with_the_first_delivery(house: House) -> None:
    made = await house.db.write(
        lambda conn: house.connections.upsert(
            conn,
            kind="magento",
            name="x",
            url="https://x.test",
            identity="https://x.test",
            credentials=MAGENTO,
            facts={},
            state="connected",
            because="",
        )
    )
    assert (await house.magento_says(made.id, {"id": "7"})).status == 200


async def test_deliveries_under_the_last_integrations_key_stay_good(house: House) -> None:
    store = await house.connect_magento()
    again = await house.connect_magento(credentials={**MAGENTO, "consumer_key": "ck-2"})
    assert again["id"] == store["id"]
    for key in ("ck-1", "ck-2"):
        assert (await house.magento_says(store["id"], {"id": key}, key=key)).status == 200


async def test_a_cached_key_costs_no_read(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    store = await house.connect_magento()
    await house.magento_says(store["id"], {"id": "1"})

    async def no_read(self: Keyring) -> None:
        raise AssertionError("read again")

    monkeypatch.setattr(Keyring, "refresh", no_read)
    for number in range(20):
        assert (await house.magento_says(store["id"], {"id": str(number)})).status == 200


async def test_a_mistake_while_keys_are_read_is_nobodys_wrong_signature_and_ends_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await house.connect_magento()
    plain, rounds = Keyring._changes, 0

    async def broken(self: Keyring, conn: AsyncConnection) -> Any:
        raise RuntimeError("a mistake of ours")

    async def three_rounds(_seconds: float) -> None:
        nonlocal rounds
        rounds += 1
        if rounds == 2:
            monkeypatch.setattr(Keyring, "_changes", plain)
        if rounds == 3:
            raise asyncio.CancelledError

    keyring = Keyring(house.db, house.connections, PLATFORMS)
    monkeypatch.setattr(Keyring, "_changes", broken)
    with capture_logs() as logged:
        assert (await house.magento_says("con_nobody", {"id": "1"})).status == 503
        with pytest.raises(asyncio.CancelledError):
            await keyring.run(three_rounds)
    assert [line["error"] for line in logged if line["event"] == "keys_broke"] == [
        "RuntimeError: a mistake of ours"
    ] * 3
    assert keyring.known_connection(store["id"]) is not None


async def test_metrics_count_deliveries_by_outcome(house: House) -> None:
    store = await house.connect_magento()
    await house.magento_says(store["id"], {"id": "1"})
    await house.magento_says(store["id"], {"id": "1"}, key="wrong")
    shown = (await house.ask("GET", "/metrics", token=False)).text
    assert 'bridge_deliveries_total{kind="magento",outcome="taken_in"} 1.0' in shown
    assert 'bridge_deliveries_total{kind="magento",outcome="bad_signature"} 1.0' in shown
    assert 'bridge_work{state="due"} 1.0' in shown
    assert "bridge_database_up 1.0" in shown
    labels = {
        value for family in text_string_to_metric_families(shown) for s in family.samples for value in s.labels.values()
    }
    assert not labels & {SHOP.channel_shop_id, store["id"]}, "a label for each shop would grow without end"
