"""TikTok's tokens: they expire, are renewed by one process at a time, rotate, and die."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bridge.bootstrap import Service, running
from tests.integration.connect.parts import MUGS, Ahead, ask, attention, connect_tiktok, connection, grant, idle
from tests.support.stage import Stage, stage


async def refreshes(play: Stage) -> int:
    return len(await play.tiktok.calls(path="token/refresh"))


async def test_an_expired_token_is_renewed_once_and_the_order_goes_on(play: Stage) -> None:
    order_id = await play.place(MUGS)
    await play.imported(order_id)
    await play.tiktok.control("POST", "tokens/expire")
    await play.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "SYSTEM", "pending": False})
    await play.settled(order_id, "both books agree: all")
    assert await refreshes(play) == 1
    assert (await connection(play, play.tiktok_id))["state"] == "connected"


async def test_the_rotated_refresh_token_dies_and_the_new_one_is_kept(play: Stage) -> None:
    before = {one.refresh_token for one in play.tiktok_box.tokens.grants()}
    await play.tiktok.control("POST", "tokens/expire")
    await play.api("POST", f"connections/{play.tiktok_id}/doctor")
    assert await refreshes(play) == 1
    app = play.tiktok_box.app
    for token in before:
        query = f"app_key={app.key}&app_secret={app.secret}&refresh_token={token}&grant_type=refresh_token"
        said = await ask(play, "GET", f"{play.tiktok.url}/api/v2/token/refresh?{query}", token=False)
        assert said.json["code"] == 36004005
    await play.tiktok.control("POST", "tokens/expire")
    await play.imported(await play.place(MUGS))
    assert (await connection(play, play.tiktok_id))["state"] == "connected"


@pytest.mark.both_databases
async def test_many_orders_at_once_share_one_renewal(play: Stage) -> None:
    placed = [await play.place(MUGS) for _ in range(5)]
    for order_id in placed:
        await play.imported(order_id)
    await play.tiktok.control("POST", "tokens/expire")
    await play.tiktok.fault(kind="slow", path="token/refresh", seconds=0.3)
    for order_id in placed:
        await play.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "SYSTEM", "pending": False})
    for order_id in placed:
        await play.settled(order_id, "both books agree: all")
    assert await refreshes(play) == 1


async def test_two_processes_renew_an_expired_token_once(tmp_path: Path, mariadb_url: str) -> None:
    async with stage(tmp_path, mariadb_url) as play, contextlib.AsyncExitStack() as stack:
        services: list[Service] = [
            await stack.enter_async_context(running(play.config(port=0, data_dir=tmp_path / name)))
            for name in ("one", "two")
        ]
        urls = [f"http://127.0.0.1:{service.port}" for service in services]
        play.url = urls[0]
        await play.connect()
        await play.product("MUG")
        placed = [await play.place(MUGS) for _ in range(6)]
        orders = [await play.imported(order_id) for order_id in placed]
        await play.tiktok.control("PATCH", "settings", {"webhooks_drop_next": 1000})
        await play.tiktok.control("POST", "tokens/expire")
        await play.tiktok.fault(kind="slow", path="token/refresh", seconds=0.4)
        for order_id in placed:
            await play.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "SYSTEM", "pending": False})

        async def settle(url: str, order: str) -> None:
            said = await ask(play, "POST", f"{url}/api/v1/orders/{order}/settle", json={})
            assert said.status == 202, said.text

        await asyncio.gather(*(settle(urls[at % 2], order["id"]) for at, order in enumerate(orders)))
        for order_id in placed:
            await play.settled(order_id, "both books agree: all")
        assert await refreshes(play) == 1
        # What one renewed the other uses: each looks once more by itself.
        for url in urls:
            await asyncio.gather(*(settle(url, order["id"]) for order in orders))
        await idle(play)
        said = [await ask(play, "POST", f"{url}/api/v1/connections/{play.tiktok_id}/doctor") for url in urls]
        assert [one.status for one in said] == [200, 200]
        assert await refreshes(play) == 1
        for order_id in placed:
            assert len((await play.store_order(order_id))["credit_memos"]) == 1


async def test_a_token_that_ends_soon_is_renewed_before(tmp_path: Path, database_url: str) -> None:
    clock = Ahead()
    async with stage(tmp_path, database_url) as play:
        async with running(play.config(port=0), clock) as service:
            play.url = f"http://127.0.0.1:{service.port}"
            await play.connect()
            before = (await connection(play, play.tiktok_id))["token_expires_at"]
            assert before is None or await refreshes(play) == 0
            await play.tiktok.control("POST", "tokens/expire")
            await play.api("POST", f"connections/{play.tiktok_id}/doctor")
            ends = datetime.fromisoformat((await connection(play, play.tiktok_id))["token_expires_at"])
        assert await refreshes(play) == 1
        clock.by = ends - datetime.now(UTC) - timedelta(hours=12)
        await play.tiktok.control("POST", "clock", {"advance": clock.by.total_seconds()})
        async with running(play.config(port=0), clock) as service:
            play.url = f"http://127.0.0.1:{service.port}"

            async def renewed() -> bool:
                return await refreshes(play) == 2

            await play.until(renewed, "the token is renewed before it ends")

            async def later() -> bool:
                shown = (await connection(play, play.tiktok_id))["token_expires_at"]
                return datetime.fromisoformat(shown) > ends

            await play.until(later, "the new end is shown")


async def test_a_dead_refresh_token_waits_for_a_person_and_goes_on_after_authorizing(play: Stage) -> None:
    order_id = await play.place(MUGS)
    await play.imported(order_id)
    await play.tiktok.control("POST", "tokens/expire-refresh")
    await play.tiktok.control("POST", "tokens/expire")
    await play.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "SYSTEM", "pending": False})
    order = await play.settled(order_id, "waiting: ")
    assert (order["state"], "36004001" in order["because"]) == ("waiting", True)
    found = await connection(play, play.tiktok_id)
    assert found["state"] == "reauth"
    assert "again" in found["because"]
    items = await attention(play, "connection")
    assert [item["connection"] for item in items] == [play.tiktok_id]
    looked = await play.api("POST", f"connections/{play.tiktok_id}/doctor")
    assert (looked["state"], looked["findings"][0]["code"]) == ("reauth", "not_authorized")
    assert (await play.store_order(order_id))["credit_memos"] == []
    again = await connect_tiktok(play, await grant(play))
    assert again["id"] == play.tiktok_id
    await play.settled(order_id, "both books agree: all")
    assert len((await play.store_order(order_id))["credit_memos"]) == 1
    assert await attention(play, "connection") == []


async def test_a_renewal_whose_answer_is_lost_is_an_outage_not_the_end(play: Stage) -> None:
    order_id = await play.place(MUGS)
    await play.imported(order_id)
    await play.tiktok.control("POST", "tokens/expire")
    await play.tiktok.fault(kind="fail", path="token/refresh", status=502, body="<html>", content_type="text/html")
    await play.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "SYSTEM", "pending": False})
    order = await play.settled(order_id, "waiting: ")
    assert (await connection(play, play.tiktok_id))["state"] == "connected"
    await play.api("POST", f"orders/{order['id']}/settle", {})
    await play.settled(order_id, "both books agree: all")
