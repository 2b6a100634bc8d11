"""The web side with the real connectors, against the sandboxes over HTTP: connect, activate, and be told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp.test_utils import TestServer

from bridge.connectors.magento.connect import MagentoConnector
from bridge.connectors.magento.handshake import MagentoHandshake
from bridge.connectors.tiktok.connect import TikTokConnector
from bridge.sandbox.magento import MagentoSandbox
from bridge.sandbox.magento import create_app as magento_app
from bridge.sandbox.tiktok import TikTokSandbox
from bridge.sandbox.tiktok import create_app as tiktok_app
from bridge.storage.engine import Database
from tests.integration.web.fakes import FakeClock
from tests.integration.web.house import House, opened


class RealClock(FakeClock):
    """Signatures and activations have an age."""

    def __init__(self) -> None:
        super().__init__()
        self.at = self.now()

    def now(self) -> Any:
        from datetime import UTC, datetime

        return datetime.now(UTC)


@asynccontextmanager
async def with_magento(db: Database, **options: Any) -> AsyncIterator[tuple[House, MagentoSandbox, str]]:
    box = MagentoSandbox("1.0.26")
    async with TestServer(magento_app(box)) as server, aiohttp.ClientSession() as session:
        connector = MagentoConnector(session, allow_private=True)
        handshake = MagentoHandshake(session, allow_private=True)
        parts = {
            "connectors": {"magento": connector},
            "handshakes": {"magento": handshake},
            "clock": RealClock(),
            "public_url": None,
        }
        async with opened(db, **parts, **options) as house:
            yield house, box, str(server.make_url("/")).rstrip("/")


async def test_a_store_is_connected_and_its_delivery_comes_in(sqlite_database: Database) -> None:
    async with with_magento(sqlite_database) as (house, box, url):
        made = box.integrations.create("Bridge", resources=None)
        assert made.token is not None
        credentials = {
            "consumer_key": made.consumer_key,
            "consumer_secret": made.consumer_secret,
            "access_token": made.token.token,
            "access_token_secret": made.token.secret,
        }
        store = await house.connect_magento(url=url, credentials=credentials)
        assert (store["facts"]["mode"], store["facts"]["plugin_version"]) == ("full", "1.0.26")
        topics = await registered(url, credentials, house)
        assert topics == {"creditmemos/update", "orders/update"}
        answer = await house.magento_says(store["id"], {"id": "1"}, key=made.consumer_key)
        assert answer.status == 200
        assert await house.due() == [f"hint:{store['id']}:creditmemos/update::1"]


async def registered(url: str, credentials: dict[str, str], house: House) -> set[str]:
    from bridge.connectors.magento import hooks
    from bridge.connectors.magento.client import Client
    from bridge.connectors.magento.signing import Credentials

    assert house.session is not None
    stored = await hooks.read_hooks(Client(house.session, url, Credentials.of(credentials), allow_private=True))
    assert stored is not None
    assert {one.address.startswith(house.url) for one in stored} == {True}
    return {one.topic for one in stored}


async def test_activate_in_magento_connects_an_announced_store(sqlite_database: Database) -> None:
    async with with_magento(sqlite_database) as (house, _, url):
        announced = (await house.ask("POST", "/api/v1/connections", json={"kind": "magento", "url": url})).json
        body = {"name": "Bridge", "callback_url": announced["callback_url"], "identity_url": announced["identity_url"]}
        activated = (await house.ask("POST", f"{url}/_control/activate", token=False, json=body)).json
        assert activated["callback_status"] == 200
        parts = urlsplit(activated["identity_url"])
        text = ""
        for _ in range(20):
            text = (await house.ask("GET", f"{parts.path}?{parts.query}", token=False)).text
            if "Connecting" not in text:
                break
            await asyncio.sleep(0.2)
        assert "<h1>Connected</h1>" in text
        assert f'href="{url}/admin' in text
        shown = (await house.ask("GET", f"/api/v1/connections/{announced['id']}")).json
        assert (shown["state"], shown["facts"]["mode"]) == ("connected", "full")


async def test_a_tiktok_shop_is_connected_and_its_message_comes_in(sqlite_database: Database) -> None:
    box = TikTokSandbox()
    async with TestServer(tiktok_app(box)) as server, aiohttp.ClientSession() as session:
        url = str(server.make_url("/")).rstrip("/")
        connector = TikTokConnector(session, RealClock(), allow_private_urls=True)
        async with opened(
            sqlite_database, connectors={"tiktok": connector}, clock=RealClock(), public_url=None
        ) as house:
            granted = (await house.ask("POST", f"{url}/_control/tokens", token=False, json={})).json
            credentials = {
                "app_key": box.app.key,
                "app_secret": box.app.secret,
                "access_token": granted["access_token"],
                "refresh_token": granted["refresh_token"],
            }
            made = await house.connect_tiktok(url=url, auth_url=url, credentials=credentials)
            assert made["state"] == "connected"
            shop = made["shops"][0]
            message = {
                "type": 1,
                "tts_notification_id": "9",
                "shop_id": shop["channel_shop_id"],
                "timestamp": 1,
                "data": {"order_id": "576", "order_status": "AWAITING_SHIPMENT"},
            }
            answer = await house.tiktok_says(message, app_key=box.app.key, secret=box.app.secret)
            assert answer.status == 200
            assert await house.due() == [f"order:{shop['id']}:576"]
            doctored = await house.ask("POST", f"/api/v1/connections/{made['id']}/doctor")
            assert (doctored.status, doctored.json["state"]) == (200, "connected")
