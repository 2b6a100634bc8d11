"""Every row of docs/reference/bad-input.md: what is answered, and what becomes of the message."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from bridge.bootstrap import PLATFORMS
from bridge.storage.engine import Database
from bridge.storage.inbox_writer import InboxWriter
from tests.integration.web.house import House, opened, signed_by_magento

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "bad-input.md"
TIKTOK_BODY = {"type": 1, "tts_notification_id": "n1", "shop_id": "7000", "data": {"order_id": "576"}}


async def test_a_bad_signature_is_401_and_leaves_nothing(house: House) -> None:
    store = await house.connect_magento()
    await house.connect_tiktok()
    answers = [
        await house.magento_says(store["id"], {"id": "7"}, key="somebody else's"),
        await house.magento_says(store["id"], {"id": "7"}, X_Magento_Hmac_Sha256=""),
        await house.tiktok_says(TIKTOK_BODY, secret="wrong"),
    ]
    assert [answer.status for answer in answers] == [401, 401, 401]
    assert answers[0].json["type"] == "/problems/bad-signature"
    assert answers[0].headers["Content-Type"].startswith("application/problem+json")
    assert await house.due() == []


async def test_an_altered_body_is_401(house: House) -> None:
    store = await house.connect_magento()
    answer = await house.magento_says(
        store["id"], b'{"id": "8"}', X_Magento_Hmac_Sha256=signed_by_magento(b'{"id":"8"}', "ck-1")
    )
    assert answer.status == 401


async def test_an_unknown_connection_is_404(house: House) -> None:
    assert (await house.magento_says("con_nobody", {"id": "7"})).status == 404
    answer = await house.tiktok_says(TIKTOK_BODY, app_key="nobody")
    assert (answer.status, answer.json["type"]) == (404, "/problems/unknown-connection")


async def test_a_tiktok_connections_id_is_no_magento_address(house: House) -> None:
    channel = await house.connect_tiktok()
    assert (await house.magento_says(channel["id"], {"id": "7"})).status == 404


async def test_a_body_over_one_mebibyte_is_413(house: House) -> None:
    store = await house.connect_magento()
    fits = json.dumps({"id": "7", "x": "a" * (1024 * 1024 - 30)}).encode()
    assert len(fits) <= 1024 * 1024
    assert (await house.magento_says(store["id"], fits)).status == 200
    answer = await house.magento_says(store["id"], fits + b" " * (1024 * 1024 - len(fits) + 1))
    assert (answer.status, answer.json["type"]) == (413, "/problems/too-large")


async def test_a_body_over_one_mebibyte_without_a_length_is_413(house: House) -> None:
    store = await house.connect_magento()

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"a" * 65536

    answer = await house.ask("POST", f"/hooks/magento/{store['id']}", token=False, data=chunks())
    assert answer.status == 413


@pytest.mark.parametrize(
    "raw", [b"", b"not json", b"[1]", b'"7"', b"<html>502</html>", b"\xff\xfe", b'{"id": ""}', b"{}", b"[" * 100_000]
)
async def test_what_is_no_json_object_with_an_id_is_400(house: House, raw: bytes) -> None:
    store = await house.connect_magento()
    answer = await house.magento_says(store["id"], raw)
    assert (answer.status, answer.json["type"]) == (400, "/problems/bad-delivery")
    assert await house.due() == []


@pytest.mark.parametrize("raw", [b"", b"not json", b"[1]", b"<html>502</html>", b"\xff\xfe", b"[" * 100_000])
async def test_garbage_signed_by_tiktok_is_400(house: House, raw: bytes) -> None:
    await house.connect_tiktok()
    assert (await house.tiktok_says(raw)).status == 400
    assert await house.due() == []


async def test_garbage_without_a_signature_is_401(house: House) -> None:
    store = await house.connect_magento()
    answer = await house.ask(
        "POST",
        f"/hooks/magento/{store['id']}",
        token=False,
        data=b"<html>",
        headers={"X-Webhook-Topic": "orders/update"},
    )
    assert answer.status == 401


async def test_ids_that_no_store_has_are_400(house: House) -> None:
    store = await house.connect_magento()
    for odd in ("x" * 200, "7\u0000", "\ud800"):
        answer = await house.magento_says(store["id"], {"id": odd})
        assert answer.status == 400, odd
    assert await house.due() == []


@pytest.mark.parametrize("topic", ["products/update", "products/delete", "orders/delete", "made/up"])
async def test_another_topic_is_acknowledged_without_work(house: House, topic: str) -> None:
    store = await house.connect_magento()
    answer = await house.magento_says(store["id"], {"id": "7"}, topic=topic)
    assert (answer.status, answer.raw) == (200, b"")
    assert await house.due() == []
    assert 'outcome="no_work"' in (await house.ask("GET", "/metrics")).text


async def test_a_missing_topic_is_400(house: House) -> None:
    store = await house.connect_magento()
    assert (await house.magento_says(store["id"], {"id": "7"}, topic="")).status == 400


async def test_an_unknown_tiktok_event_is_acknowledged_and_counted(house: House) -> None:
    await house.connect_tiktok()
    for event in ("product-creation", "never-heard-of"):
        answer = await house.tiktok_says({**TIKTOK_BODY, "type": 99}, event=event)
        assert (answer.status, answer.raw) == (200, b"")
    assert await house.due() == []
    assert 'bridge_deliveries_total{kind="tiktok",outcome="no_work"} 2.0' in (await house.ask("GET", "/metrics")).text


async def test_a_repeat_is_acknowledged_and_looked_at_once_more(each_house: House) -> None:
    store = await each_house.connect_magento()
    await each_house.connect_tiktok()
    for _ in range(3):
        assert (await each_house.magento_says(store["id"], {"id": "7"})).status == 200
        assert (await each_house.tiktok_says(TIKTOK_BODY)).status == 200
    assert len(await each_house.due()) == 2
    assert {row["generation"] for row in await each_house.arrivals()} == {3}


async def test_a_delivery_replayed_under_another_topic_is_one_look_more(house: House) -> None:
    """The signature covers the body alone: nothing but a look may come of it."""
    store = await house.connect_magento()
    for topic in ("creditmemos/update", "orders/update"):
        assert (await house.magento_says(store["id"], {"id": "7"}, topic=topic)).status == 200
    prefix = f"hint:{store['id']}"
    assert await house.due() == [f"{prefix}:creditmemos/update::7", f"{prefix}:orders/update::7"]


async def test_an_unknown_memo_is_taken_in_and_resolved_later(house: House) -> None:
    store = await house.connect_magento()
    assert (await house.magento_says(store["id"], {"id": "999999999"})).status == 200
    assert await house.due() == [f"hint:{store['id']}:creditmemos/update::999999999"]


async def test_another_app_key_is_400(house: House) -> None:
    store = await house.connect_magento()
    answer = await house.magento_says(store["id"], {"id": "7"}, X_App_Key="con_other")
    assert (answer.status, answer.json["reason"]) == (400, "app_key")
    assert await house.due() == []


async def test_a_compressed_body_is_415(house: House) -> None:
    store = await house.connect_magento()
    answer = await house.magento_says(store["id"], {"id": "7"}, Content_Encoding="gzip")
    assert answer.status == 415


async def test_with_the_storage_down_it_is_503_and_never_200_or_401(sqlite_database: Database) -> None:
    async with opened(sqlite_database) as house:
        store = await house.connect_magento()
        await house.connect_tiktok()
        await sqlite_database.close()
        answers = [
            await house.magento_says(store["id"], {"id": "7"}),
            await house.tiktok_says(TIKTOK_BODY),
            await house.tiktok_says(TIKTOK_BODY, secret="maybe a new one"),
            # The keys are not read again for each wrong signature; what is known of them is still not fresh.
            await house.tiktok_says(TIKTOK_BODY, secret="maybe a new one"),
            await house.magento_says("con_unknown", {"id": "7"}),
        ]
        assert [answer.status for answer in answers] == [503] * 5
        assert all(answer.headers["Retry-After"] for answer in answers)
        ready = await house.ask("GET", "/readyz", token=False)
        assert (ready.status, ready.json["type"]) == (503, "/problems/not-ready")
        assert (await house.ask("GET", "/healthz", token=False)).status == 200
        assert "bridge_database_up 0.0" in (await house.ask("GET", "/metrics")).text
        api = await house.ask("GET", "/api/v1/shops")
        assert (api.status, api.json["type"]) == (503, "/problems/storage-unavailable")


async def test_a_storage_that_hangs_is_503_before_tiktok_gives_up(sqlite_database: Database) -> None:
    assert PLATFORMS["tiktok"].answer_within < 3
    hasty = {kind: replace(platform, answer_within=0.2) for kind, platform in PLATFORMS.items()}

    class Hangs(InboxWriter):
        async def put(self, arrival: object) -> None:
            await asyncio.Event().wait()

    async with opened(sqlite_database, inbox=Hangs(sqlite_database, lambda _: None), platforms=hasty) as house:
        await house.connect_tiktok()
        assert (await house.tiktok_says(TIKTOK_BODY)).status == 503


async def test_a_secret_that_cannot_be_opened_is_503(house: House) -> None:
    store = await house.connect_magento()
    await house.connect_tiktok()

    async def spoil(conn: object) -> None:
        await conn.execute(text("UPDATE connections SET credentials = 'spoilt', version = version + 1"))  # type: ignore[attr-defined] # a connection

    await house.db.write(spoil)
    assert house.app is not None
    from bridge.web.hooks import KEYRING

    await house.app[KEYRING].refresh()
    magento = await house.magento_says(store["id"], {"id": "7"})
    tiktok = await house.tiktok_says(TIKTOK_BODY)
    assert (magento.status, tiktok.status) == (503, 503)
    assert magento.json["type"] == "/problems/secret-unavailable"
    assert await house.due() == []


async def test_an_announced_store_without_a_key_is_503(house: House) -> None:
    made = await house.ask("POST", "/api/v1/connections", json={"kind": "magento", "url": "https://new.test"})
    assert (await house.magento_says(made.json["id"], {"id": "7"})).status == 503


@pytest.mark.parametrize("days", [-3650, 3650])
async def test_a_wrong_clock_turns_nobody_away(house: House, days: int) -> None:
    """Neither signature holds a time, and TikTok repeats for 16 hours: age says nothing."""
    store = await house.connect_magento()
    await house.connect_tiktok()
    house.clock.at += timedelta(days=days)
    assert (await house.magento_says(store["id"], {"id": "7"})).status == 200
    assert (await house.tiktok_says({**TIKTOK_BODY, "timestamp": 1})).status == 200
    assert len(await house.due()) == 2


async def test_other_methods_and_paths_are_problems(house: House) -> None:
    wrong = await house.ask("GET", "/hooks/magento/con_1", token=False)
    assert (wrong.status, wrong.headers["Allow"]) == (405, "POST")
    assert (await house.ask("POST", "/hooks/other/x", token=False)).json["type"] == "/problems/not-found"


def test_every_bad_input_of_the_page_names_its_test() -> None:
    rows = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ") and "`test_" in line]
    named = {word for line in rows for word in line.split("`") if word.startswith("test_")}
    there = {name for name in globals() if name.startswith("test_")} - {
        "test_every_bad_input_of_the_page_names_its_test",
        "test_other_methods_and_paths_are_problems",
    }
    assert named == there
