"""Magento's *Activate*, end to end: announced through the API, activated in the store, connected by the exchange."""

from __future__ import annotations

import asyncio
import contextlib
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from bridge.bootstrap import running
from tests.integration.connect.parts import MUGS, JsonObject, ask, connect_tiktok, connection, refund_all
from tests.support.stage import REASON, Stage, stage


async def announce(play: Stage) -> JsonObject:
    return dict(await play.api("POST", "connections", {"kind": "magento", "url": play.magento.url}, expect=201))


async def add_integration(play: Stage, announced: JsonObject, name: str = "Bridge") -> int:
    body = {
        "name": name,
        "callback_url": announced["callback_url"],
        "identity_url": announced["identity_url"],
    }
    return int((await play.magento.control("POST", "integrations", body))["id"])


async def activate(play: Stage, number: int, **more: Any) -> JsonObject:
    return dict(await play.magento.control("POST", "activate", {"integration": number, **more}))


async def connected(play: Stage, connection_id: str) -> JsonObject:
    async def look() -> JsonObject | None:
        found = await connection(play, connection_id)
        return found if found["state"] == "connected" else None

    found: JsonObject = await play.until(look, "the store is connected")
    return found


@pytest.fixture
async def activated(bare: Stage) -> tuple[Stage, JsonObject, int]:
    announced = await announce(bare)
    number = await add_integration(bare, announced)
    await activate(bare, number)
    await connected(bare, announced["id"])
    return bare, announced, number


async def test_activate_connects_the_announced_store_and_registers_for_its_messages(bare: Stage) -> None:
    announced = await announce(bare)
    assert announced["state"] == "announced"
    assert announced["callback_url"] == f"{bare.url}/oauth/magento/callback"
    number = await add_integration(bare, announced)
    told = await activate(bare, number)
    assert told["callback_status"] == 200
    found = await connected(bare, announced["id"])
    assert found["id"] == announced["id"]
    assert found["facts"]["mode"] == "full"
    hooks = [(hook["topic"], hook["address"]) for hook in bare.magento_box.webhooks]
    address = f"{bare.url}/hooks/magento/{announced['id']}"
    assert hooks == [("creditmemos/update", address), ("orders/update", address)]
    exchanged = await bare.magento.calls(path="oauth/token")
    assert [(call["path"], call["status"]) for call in exchanged] == [
        ("/oauth/token/request", 200),
        ("/oauth/token/access", 200),
    ]


async def test_the_identity_page_says_connected_and_leads_back_without_a_script(bare: Stage) -> None:
    announced = await announce(bare)
    told = await activate(bare, await add_integration(bare, announced))
    page = await ask(bare, "GET", told["identity_url"], token=False)
    assert page.status == 200
    assert "<h1>Connected</h1>" in page.text
    assert "<script" not in page.text
    assert "script-src" not in page.headers["Content-Security-Policy"]
    back = f"{bare.magento.url}/admin/admin/integration/loginSuccessCallback/"
    assert f'href="{back}"' in page.text
    assert re.search(rf'http-equiv="refresh" content="\d+;url={re.escape(back)}"', page.text)


async def test_the_identity_page_escapes_and_leads_to_the_announced_store_alone(bare: Stage) -> None:
    announced = await announce(bare)
    number = await add_integration(bare, announced)
    await activate(bare, number)
    await connected(bare, announced["id"])
    key = bare.magento_box.integrations.all[number].consumer_key
    for back in (
        "https://evil.example/",
        "javascript:alert(1)",
        "//evil.example/",
        f"{bare.magento.url.replace('http://', 'http://u:p@')}/",
        f"http://evil.example/?{bare.magento.url}",
        "http://127.0.0.1.evil.example/",
        "data:text/html,<script>1</script>",
    ):
        query = urlencode({"oauth_consumer_key": key, "success_call_back": back})
        page = await ask(bare, "GET", f"/oauth/magento/identity?{query}", token=False)
        assert page.status == 200, page.text
        assert "href" not in page.text, back
        assert "url=" not in page.text, back
        assert page.headers.get("Location") is None
    nasty = f'{bare.magento.url}/"><script>alert(1)</script>'
    query = urlencode({"oauth_consumer_key": key, "success_call_back": nasty})
    page = await ask(bare, "GET", f"/oauth/magento/identity?{query}", token=False)
    assert "<script" not in page.text
    query = urlencode({"oauth_consumer_key": "<script>alert(1)</script>"})
    page = await ask(bare, "GET", f"/oauth/magento/identity?{query}", token=False)
    assert (page.status, "<script" in page.text) == (404, False)


async def test_a_strangers_callback_is_refused_and_nothing_is_stored_or_called(bare: Stage) -> None:
    announced = await announce(bare)
    before = await bare.api("GET", "connections")
    form = {
        "oauth_consumer_key": "k" * 32,
        "oauth_consumer_secret": "s" * 32,
        "store_base_url": "http://stranger.example/",
        "oauth_verifier": "v" * 32,
    }
    said = await ask(bare, "POST", announced["callback_url"], token=False, data=form)
    assert (said.status, said.json["type"]) == (403, "/problems/not-announced")
    query = urlencode({"oauth_consumer_key": "k" * 32})
    assert (await ask(bare, "GET", f"/oauth/magento/identity?{query}", token=False)).status == 404
    assert await bare.api("GET", "connections") == before
    assert await bare.magento.calls(path="oauth/token") == []


async def test_made_up_values_for_an_announced_store_prove_nothing(activated: tuple[Stage, JsonObject, int]) -> None:
    play, announced, _ = activated
    form = {
        "oauth_consumer_key": "k" * 32,
        "oauth_consumer_secret": "s" * 32,
        "store_base_url": f"{play.magento.url}/",
        "oauth_verifier": "v" * 32,
    }
    assert (await ask(play, "POST", announced["callback_url"], token=False, data=form)).status == 200
    query = urlencode({"oauth_consumer_key": "k" * 32})
    page = await ask(play, "GET", f"/oauth/magento/identity?{query}", token=False)
    assert "does not know this integration" in page.text
    found = await connection(play, announced["id"])
    assert (found["state"], found["because"]) == ("connected", "")
    await play.api("POST", f"connections/{announced['id']}/doctor")


async def test_a_callback_that_is_no_form_of_magento_is_refused(bare: Stage) -> None:
    announced = await announce(bare)
    base = {"store_base_url": bare.magento.url}
    for data, status in (
        (base, 400),
        ({**base, "oauth_consumer_key": "k"}, 400),
        (b"\xff\xfe", 400),
        (b"", 403),
        (b"a" * 20_000, 413),
    ):
        said = await ask(bare, "POST", announced["callback_url"], token=False, data=data)
        assert said.status == status, said.text
        assert said.json["type"].startswith("/problems/")


async def test_later_than_300_seconds_is_said_plainly_and_reauthorize_heals_it(bare: Stage) -> None:
    announced = await announce(bare)
    number = await add_integration(bare, announced)
    before = await bare.magento.last_call()
    await bare.magento.fault(kind="slow", path="oauth/token/request", seconds=0.4)
    told = await activate(bare, number)
    await bare.magento.calls(path="oauth/token/request", after=before, wait=10)
    await bare.magento.control("POST", "settings", {"clock_offset": 301})
    page = await ask(bare, "GET", told["identity_url"], token=False)
    assert "Not connected" in page.text
    assert "300 seconds" in page.text
    assert "Reauthorize" in page.text
    found = await connection(bare, announced["id"])
    assert found["state"] == "announced"
    assert "300 seconds" in found["because"]
    assert bare.magento_box.webhooks == []
    told = await activate(bare, number)
    page = await ask(bare, "GET", told["identity_url"], token=False)
    assert "<h1>Connected</h1>" in page.text
    assert (await connected(bare, announced["id"]))["because"] == ""


async def test_reauthorize_continues_the_connection_and_its_messages(
    activated: tuple[Stage, JsonObject, int],
) -> None:
    play, announced, number = activated
    play.store_id = announced["id"]
    made = await connect_tiktok(play)
    play.shop_id = next(shop["id"] for shop in made["shops"] if shop["region"] == "US")
    play.channel_shop_id = next(shop["channel_shop_id"] for shop in made["shops"] if shop["region"] == "US")
    await play.product("MUG")
    await play.api("PUT", f"shops/{play.shop_id}", {"store": {"connection": play.store_id}, "hold_minutes": 0})
    sync = {"store_to_channel": {"enabled": True, "default_reason": REASON}}
    await play.api("PUT", f"shops/{play.shop_id}/cancellation-sync", sync)
    order_id = await play.place(MUGS)
    await play.imported(order_id)
    told = await activate(play, number)
    page = await ask(play, "GET", told["identity_url"], token=False)
    assert "<h1>Connected</h1>" in page.text
    assert [one["id"] for one in (await play.api("GET", "connections"))["connections"] if one["kind"] == "magento"] == [
        announced["id"]
    ]
    hooks = [hook["topic"] for hook in play.magento_box.webhooks]
    assert sorted(hooks) == ["creditmemos/update", "orders/update"]
    await refund_all(play, order_id)
    await play.settled(order_id, "both books agree: all")
    sent = (await play.magento.control("GET", "deliveries?wait=10"))["deliveries"]
    assert {one["status"] for one in sent} == {200}
    assert (await play.channel_order(order_id))["order"]["status"] == "CANCELLED"


async def test_a_new_integration_for_the_same_store_continues_the_connection(
    activated: tuple[Stage, JsonObject, int],
) -> None:
    play, announced, number = activated
    again = await announce(play)
    assert again["id"] == announced["id"]
    assert again["state"] == "connected"
    await play.magento.control("PATCH", "integrations", {"integration": number, "delete": True})
    told = await activate(play, await add_integration(play, again, "Second"))
    page = await ask(play, "GET", told["identity_url"], token=False)
    assert "<h1>Connected</h1>" in page.text
    found = await connection(play, announced["id"])
    assert found["state"] == "connected"
    assert {hook["integration_id"] for hook in play.magento_box.webhooks} == {found["facts"]["integration_id"]}


async def test_an_exchange_that_the_store_cannot_answer_is_shown_and_goes_on_by_the_identity_page(
    bare: Stage,
) -> None:
    announced = await announce(bare)
    number = await add_integration(bare, announced)
    await bare.magento.fault(
        kind="fail", path="oauth/token/request", status=503, body="<html>", content_type="text/html"
    )
    told = await activate(bare, number)
    pages = await asyncio.gather(*(ask(bare, "GET", told["identity_url"], token=False) for _ in range(3)))
    assert all("<h1>Connected</h1>" in page.text for page in pages)
    requests = await bare.magento.calls(path="oauth/token/request")
    assert [call["status"] for call in requests] == [503, 200]


@pytest.mark.both_databases
async def test_a_process_that_dies_in_the_exchange_leaves_it_to_the_next(dark: Stage) -> None:
    async with dark.inside():
        announced = await announce(dark)
        number = await add_integration(dark, announced)
        await dark.magento.fault(kind="fail", path="oauth/token/request", status=503, times=50)
        before = await dark.magento.last_call()
        told = await activate(dark, number)
        await dark.magento.calls(path="oauth/token/request", after=before, wait=10)
    await dark.magento.control("DELETE", "faults")
    async with dark.inside():
        address = dark.url + told["identity_url"].partition("/oauth/")[1] + told["identity_url"].partition("/oauth/")[2]
        page = await ask(dark, "GET", address, token=False)
        assert "<h1>Connected</h1>" in page.text
        assert (await connected(dark, announced["id"]))["id"] == announced["id"]


async def test_permissions_that_are_missing_are_named_and_the_connection_stands(bare: Stage) -> None:
    announced = await announce(bare)
    body = {
        "name": "Narrow",
        "resources": ["Magento_Backend::store", "Magento_Sales::actions_view"],
        "callback_url": announced["callback_url"],
        "identity_url": announced["identity_url"],
    }
    made = await bare.magento.control("POST", "integrations", body)
    told = await activate(bare, made["id"])
    await ask(bare, "GET", told["identity_url"], token=False)
    found = await connection(bare, announced["id"])
    wanted = " ".join(one["text"] for one in found["findings"] if one["level"] == "error")
    assert "Magento_Sales::creditmemo" in wanted + found["because"]


async def test_two_processes_share_one_activation(tmp_path: Path, mariadb_url: str) -> None:
    """The callback reaches one process, the identity page and the deliveries the other."""
    async with stage(tmp_path, mariadb_url) as play, contextlib.AsyncExitStack() as stack:
        services = [
            await stack.enter_async_context(running(play.config(port=0, data_dir=tmp_path / name)))
            for name in ("one", "two")
        ]
        first, second = (f"http://127.0.0.1:{service.port}" for service in services)
        play.url = first
        announced = await announce(play)
        number = await add_integration(play, announced)
        await play.magento.fault(kind="slow", path="oauth/token/access", seconds=0.5)
        told = await activate(play, number)
        page_at = told["identity_url"].replace(first, second)

        async def shown() -> bool:
            page = await ask(play, "GET", page_at, token=False)
            assert "Connecting" in page.text or "<h1>Connected</h1>" in page.text, page.text
            return "<h1>Connected</h1>" in page.text

        await play.until(shown, "the other process shows it connected")
        for step in ("request", "access"):
            assert len(await play.magento.calls(path=f"oauth/token/{step}")) == 1
        await play.product("MUG")
        await play.magento.control("POST", "storefront-order", {"items": [{"sku": "MUG", "qty": 1}]})
        sent = (await play.magento.control("GET", "deliveries?wait=10"))["deliveries"]
        delivery = next(one for one in sent if one["topic"] == "orders/update")
        headers = {
            "X-Webhook-Topic": delivery["topic"],
            "X-App-Key": delivery["app_key"],
            "X-Magento-Hmac-Sha256": delivery["signature"],
        }
        address = delivery["address"].replace(first, second)
        said = await ask(play, "POST", address, token=False, data=delivery["body"], headers=headers)
        assert (delivery["status"], said.status) == (200, 200)
