from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bridge.connectors.tiktok.connect import TikTokConnector
from bridge.connectors.tiktok.door import TikTokDoor, hook_key
from bridge.connectors.tiktok.events import SUBSCRIBED
from bridge.domain.outcomes import Reauth, RemoteProblem
from bridge.ports import Connector, Hint, HookRefused
from tests.contract.channel.channel_world import World


class Hooks:
    """A receiver as the service has one: verify, keep, answer."""

    def __init__(self, world: World) -> None:
        self.keys = [hook_key(world.app["app_key"], world.app["app_secret"])]
        self.hints: asyncio.Queue[Hint] = asyncio.Queue()
        self.base = ""

    async def handle(self, request: web.Request) -> web.Response:
        raw = await request.read()
        try:
            hint = TikTokDoor().read(request.match_info["event"], request.headers, raw, self.keys)
        except HookRefused as refused:
            return web.Response(status=refused.status)
        await self.hints.put(hint)
        return web.Response()


@pytest.fixture
async def hooks(world: World) -> AsyncIterator[Hooks]:
    receiver = Hooks(world)
    app = web.Application()
    app.router.add_post("/hooks/tiktok/{app_key}/{event}", receiver.handle)
    async with TestServer(app) as server:
        receiver.base = str(server.make_url("/"))
        yield receiver


async def test_connecting_finds_shops_and_registers(world: World, hooks: Hooks) -> None:
    credentials = await world.grant()
    connected = await world.connector.connect("c1", world.base, credentials, hooks.base)
    assert {shop.region: shop.cipher for shop in connected.shops} == {r: s.cipher for r, s in world.shops.items()}
    assert connected.credentials["access_token"] == credentials["access_token"]
    state = await world.control("GET", "/state")
    expected = {
        (shop.id, event, url)
        for shop in world.shops.values()
        for event, url in zip(SUBSCRIBED, world.connector.hook_urls(hooks.base, "c1", credentials), strict=True)
    }
    assert {(row["shop_id"], row["event_type"], row["address"]) for row in state["subscriptions"]} == expected
    assert {finding.level for finding in connected.findings} == {"ok", "warning"}
    assert [f.code for f in connected.findings if f.level == "warning"] == ["public_url"]
    assert connected.facts["identity"].startswith(world.app["app_key"] + "/")


async def test_connecting_again_mends_and_rests(world: World, hooks: Hooks) -> None:
    credentials = await world.grant()
    await world.connector.connect("c1", world.base, credentials, "https://old.example.com")
    connected = await world.connector.connect("c1", world.base, credentials, "https://new.example.com")
    assert "webhooks_moved" in {finding.code for finding in connected.findings}
    puts = len(await world.calls("/webhooks", "PUT"))
    connected = await world.connector.connect("c1", world.base, credentials, "https://new.example.com")
    assert {finding.level for finding in connected.findings} == {"ok"}
    assert connected.facts["mode"] == "full"
    assert len(await world.calls("/webhooks", "PUT")) == puts


async def test_addresses_that_tiktok_refuses_are_findings(world: World, hooks: Hooks) -> None:
    await world.control("PATCH", "/settings", webhooks_strict_addresses=True)
    connected = await world.connector.connect("c1", world.base, await world.grant(), hooks.base)
    assert connected.facts["mode"] == "sweep-only"
    missing = [finding for finding in connected.findings if finding.code == "webhook_missing"]
    assert len(missing) == len(SUBSCRIBED) * len(world.shops)


async def test_tokens_exchanged_while_connecting_are_never_lost(world: World, hooks: Hooks) -> None:
    credentials = await world.grant()
    await world.control("POST", "/tokens/expire")
    connected = await world.connector.connect("c1", world.base, credentials, hooks.base)
    assert connected.credentials["refresh_token"] != credentials["refresh_token"]
    assert connected.credentials["access_expires_at"]
    await world.control("POST", "/tokens/expire")
    outage = '{"code":36009003,"message":"Internal error"}'
    await world.control("POST", "/faults", kind="slow", path="authorization/202309/shops")
    await world.control("POST", "/faults", kind="fail", body=outage, path="authorization/202309/shops")
    later = await world.connector.connect("c1", world.base, connected.credentials, hooks.base)
    assert later.credentials["refresh_token"] != connected.credentials["refresh_token"]
    assert [finding.code for finding in later.findings] == ["not_connected"]


async def test_dead_credentials(world: World, hooks: Hooks) -> None:
    credentials = await world.grant()
    await world.control("POST", "/tokens/expire")
    await world.control("POST", "/tokens/expire-refresh")
    with pytest.raises(RemoteProblem) as problem:
        await world.connector.connect("c1", world.base, credentials, hooks.base)
    assert isinstance(problem.value.outcome, Reauth)


async def test_authorizing_a_shop(world: World) -> None:
    credentials = await world.grant()
    answer = await world.session.get(
        f"{world.base}/open/authorize",
        params={"service_id": "7480000000000000001", "state": "s"},
        allow_redirects=False,
    )
    code = answer.headers["Location"].partition("code=")[2].partition("&")[0]
    authorizer = world.connector.authorizer(credentials)
    tokens = await authorizer.get(code)
    assert tokens.access_token.startswith("ROW_")
    with pytest.raises(RemoteProblem) as problem:
        await authorizer.get(code)
    assert isinstance(problem.value.outcome, Reauth)


async def test_messages_arrive_and_are_verified(world: World, hooks: Hooks) -> None:
    await world.connector.connect("c1", world.base, await world.grant(), hooks.base)
    order_id = await world.place()
    hint = await asyncio.wait_for(hooks.hints.get(), 5)
    assert (hint.topic, hint.subject, hint.shop) == ("order-status-change", order_id, world.shops["US"].id)
    await world.control("POST", f"/orders/{order_id}/cancel", role="BUYER")
    hint = await asyncio.wait_for(hooks.hints.get(), 5)
    assert (hint.topic, hint.subject) == ("cancellation-status-change", order_id)
    assert hint.note.endswith("CANCELLATION_REQUEST_PENDING by BUYER")
    await world.control("POST", "/tokens/revoke")
    hint = await asyncio.wait_for(hooks.hints.get(), 5)
    assert (hint.topic, hint.subject) == ("seller-deauthorization", "")


async def test_private_addresses_need_the_operators_word(world: World) -> None:
    strict: Connector = TikTokConnector(world.session, world.clock)
    assert strict.normalise(None) == "https://open-api.tiktokglobalshop.com"
    with pytest.raises(ValueError, match="https"):
        strict.normalise(world.base)
    with pytest.raises(ValueError, match="https"):
        strict.check({**await world.grant(), "auth_url": world.base})
    assert world.connector.normalise(world.base + "/") == world.base
