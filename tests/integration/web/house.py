"""The web side in full: a real server on loopback over a real database, with fakes behind every port."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp
from aiohttp import web
from prometheus_client import CollectorRegistry
from sqlalchemy import text

from bridge.bootstrap import PLATFORMS
from bridge.connectors.magento.door import MagentoDoor
from bridge.connectors.tiktok.door import TikTokDoor
from bridge.ports import Finding, FoundShop
from bridge.proxies import networks
from bridge.storage import shops
from bridge.storage.alert_targets import AlertTargets
from bridge.storage.connections import Connection, Connections
from bridge.storage.engine import Database
from bridge.storage.inbox_writer import InboxWriter
from bridge.storage.secrets import Vault, generate_key
from bridge.sync.alerts import Alerts
from bridge.web.app import create_app
from bridge.web.desk import WebDesk
from bridge.web.server import make_runner
from tests.integration.web.fakes import (
    FakeActions,
    FakeAuthorization,
    FakeClock,
    FakeConnector,
    FakeGateways,
    FakeHandshake,
    FakeRestoreChecks,
    FakeSender,
    reasons,
)

TOKEN = "token-of-the-test"
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}
SHOP = FoundShop("7000", "Test shop", "US", "cipher")
MAGENTO = {
    "consumer_key": "ck-1",
    "consumer_secret": "cs-1",
    "access_token": "at-1",
    "access_token_secret": "ats-1",
}
TIKTOK = {"app_key": "app1", "app_secret": "secret1", "access_token": "t1", "refresh_token": "r1"}


def signed_by_magento(raw: bytes, key: str) -> str:
    return hmac.new(key.encode(), raw, hashlib.sha256).hexdigest()


def signed_by_tiktok(raw: bytes, app_key: str, secret: str) -> str:
    return hmac.new(secret.encode(), app_key.encode() + raw, hashlib.sha256).hexdigest()


@dataclass
class Answered:
    status: int
    headers: Any
    raw: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.raw)

    @property
    def text(self) -> str:
        return self.raw.decode()


@dataclass
class House:
    db: Database
    connections: Connections
    vault_key: str
    magento: FakeConnector
    tiktok: FakeConnector
    handshake: FakeHandshake
    authorization: FakeAuthorization
    gateways: FakeGateways
    actions: FakeActions
    clock: FakeClock
    desk: WebDesk
    woken: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    url: str = ""
    session: aiohttp.ClientSession | None = None
    app: web.Application | None = None

    async def ask(self, method: str, path: str, *, token: bool = True, **more: Any) -> Answered:
        headers = {**(AUTHORIZED if token else {}), **more.pop("headers", {})}
        target = path if path.startswith("http") else self.url + path
        assert self.session is not None
        async with self.session.request(method, target, headers=headers, allow_redirects=False, **more) as answer:
            return Answered(answer.status, answer.headers, await answer.read())

    async def magento_says(
        self, connection: str, body: object, *, topic: str = "creditmemos/update", key: str = "ck-1", **headers: str
    ) -> Answered:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {
            "X-Webhook-Topic": topic,
            "X-Magento-Hmac-Sha256": signed_by_magento(raw, key),
            "X-App-Key": connection,
            "Content-Type": "application/json",
        } | {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.ask("POST", f"/hooks/magento/{connection}", token=False, data=io.BytesIO(raw), headers=sent)

    async def tiktok_says(
        self,
        body: object,
        *,
        event: str = "order-status-change",
        app_key: str = "app1",
        secret: str = "secret1",
    ) -> Answered:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Authorization": signed_by_tiktok(raw, app_key, secret), "Content-Type": "application/json"}
        return await self.ask("POST", f"/hooks/tiktok/{app_key}/{event}", token=False, data=raw, headers=sent)

    async def rows(self, sql: str) -> list[dict[str, Any]]:
        async def read(conn: Any) -> list[dict[str, Any]]:
            return [dict(row._mapping) for row in await conn.execute(text(sql))]

        return await self.db.read(read)

    async def due(self) -> list[str]:
        return [row["work_key"] for row in await self.rows("SELECT work_key FROM work ORDER BY work_key")]

    async def arrivals(self) -> list[dict[str, Any]]:
        return await self.rows("SELECT topic, subject, note, generation, work_key FROM inbox ORDER BY topic, subject")

    async def store(self, connection_id: str) -> Connection:
        found = await self.db.read(lambda conn: self.connections.get(conn, connection_id))
        assert found is not None
        return found

    async def connect_magento(self, **more: Any) -> dict[str, Any]:
        body = {"kind": "magento", "name": "Store", "url": "https://shop.test", "credentials": MAGENTO} | more
        answer = await self.ask("POST", "/api/v1/connections", json=body)
        assert answer.status == 201, answer.text
        found: dict[str, Any] = answer.json
        return found

    async def connect_tiktok(self, **more: Any) -> dict[str, Any]:
        body = {"kind": "tiktok", "credentials": TIKTOK} | more
        answer = await self.ask("POST", "/api/v1/connections", json=body)
        assert answer.status == 201, answer.text
        found: dict[str, Any] = answer.json
        return found

    async def tied_shop(self) -> tuple[str, str]:
        """A shop tied to a store; their ids."""
        store = await self.connect_magento()
        channel = await self.connect_tiktok()
        shop_id: str = channel["shops"][0]["id"]
        tied = await self.ask("PUT", f"/api/v1/shops/{shop_id}", json={"store": {"connection": store["id"]}})
        assert tied.status == 200, tied.text
        return shop_id, store["id"]

    async def shop(self, shop_id: str) -> shops.Shop:
        found = await self.db.read(lambda conn: shops.get(conn, shop_id))
        assert found is not None
        return found


@asynccontextmanager
async def opened(db: Database, **changes: Any) -> AsyncIterator[House]:
    """`changes` go into the desk."""
    key = generate_key()
    connections = Connections(Vault([key]))
    woken: list[str] = []
    problems: list[str] = []
    inbox = InboxWriter(db, woken.extend)
    inbox.start()
    views = [
        {"code": code, "id": str(place), "website": "base", "currency": "USD"}
        for place, code in enumerate(("en", "de"))
    ]
    magento = FakeConnector(
        "magento", tuple(MAGENTO), facts={"plugin_version": "1.0.26", "views": views, "mode": "full"}
    )
    tiktok = FakeConnector("tiktok", tuple(TIKTOK), shops=(SHOP,), facts={"identity": "app1/7000", "mode": "full"})

    async def ready() -> list[str]:
        return problems

    async def checkup() -> list[Finding]:
        return [Finding("ok", "workers", "They work.")]

    courier = aiohttp.ClientSession()
    handshake, authorization, gateways = FakeHandshake(), FakeAuthorization(), FakeGateways()
    actions, clock = FakeActions(), FakeClock()
    targets, sender = AlertTargets(Vault([key])), FakeSender()
    desk = WebDesk(
        db=db,
        connections=connections,
        inbox=inbox,
        connectors={"magento": magento, "tiktok": tiktok},
        doors={"magento": MagentoDoor(), "tiktok": TikTokDoor()},
        platforms=PLATFORMS,
        handshakes={"magento": handshake},
        authorizations={"tiktok": authorization},
        gateways=gateways,
        actions=actions,
        restore_checks=FakeRestoreChecks(),
        reasons=reasons,
        alert_targets=targets,
        alert_senders={"email": sender, "webhook": sender},
        test_alert=Alerts(db, targets, {"email": sender, "webhook": sender}, "house", clock).test,
        clock=clock,
        metrics=CollectorRegistry(),
        ready=ready,
        checkup=checkup,
        courier=courier,
        version="0.0.1",
        public_url="https://bridge.test",
        trusted_proxies=networks("127.0.0.1"),
        api_tokens=frozenset({hashlib.sha256(TOKEN.encode()).hexdigest()}),
    )
    desk = replace(desk, **changes)
    house = House(
        db,
        desk.connections,
        key,
        magento,
        tiktok,
        handshake,
        authorization,
        gateways,
        actions,
        clock,
        desk,
        woken,
        problems,
    )
    try:
        async with _served(house):
            yield house
    finally:
        await courier.close()
        await inbox.close()


@asynccontextmanager
async def _served(house: House) -> AsyncIterator[None]:
    house.app = create_app(house.desk)
    runner = make_runner(house.app)
    try:
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        house.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with aiohttp.ClientSession() as session:
            house.session = session
            yield
    finally:
        await runner.cleanup()
