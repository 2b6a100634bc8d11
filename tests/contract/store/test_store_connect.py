from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bridge.connectors.magento.client import Client
from bridge.connectors.magento.connect import MagentoConnector
from bridge.connectors.magento.door import MagentoDoor
from bridge.connectors.magento.handshake import MagentoHandshake
from bridge.connectors.magento.signing import Credentials
from bridge.connectors.magento.store import MagentoStore
from bridge.domain.outcomes import Reauth, RemoteProblem
from bridge.ports import Connected, Connector, Door, StoreHandshake
from bridge.sandbox.magento.integrations import SHORT_LIST
from tests.contract.store.magento_bench import SandboxBench, everything, open_sandbox

PUBLIC = "https://bridge.example.com"


async def connect(
    bench: SandboxBench,
    public_url: str = PUBLIC,
    credentials: Mapping[str, Any] | None = None,
    connection_id: str = "conn-1",
) -> Connected:
    connector: Connector = MagentoConnector(bench.session, allow_private=True)
    checked = connector.check(credentials or bench.credentials)
    return await connector.connect(connection_id, connector.normalise(bench.url + "/"), checked, public_url)


def codes(found: Connected, *levels: str) -> set[str]:
    return {one.code for one in found.findings if one.level in (levels or ("warning", "error"))}


def stored(bench: SandboxBench) -> list[tuple[str, str, str]]:
    return [(hook["topic"], hook["app_key"], hook["address"]) for hook in bench.box.webhooks]


def ours(public_url: str = PUBLIC) -> list[tuple[str, str, str]]:
    address = f"{public_url}/hooks/magento/conn-1"
    return [("creditmemos/update", "conn-1", address), ("orders/update", "conn-1", address)]


async def test_connecting_tells_what_the_store_is_and_registers(sandbox: SandboxBench) -> None:
    sandbox.box.integrations.all[1].resources = list(SHORT_LIST)
    sandbox.box.add_website("eu", "eu_de", "EUR", name="Europe")
    found = await connect(sandbox)
    assert codes(found) == set()
    assert found.credentials == sandbox.credentials
    assert found.facts["plugin_version"] == "1.0.26"
    assert found.facts["mode"] == "full"
    assert found.facts["msi"] is True
    assert found.facts["integration_id"] == "1"
    assert [view["code"] for view in found.facts["views"]] == ["default", "eu_de"]
    german = found.facts["views"][1]
    assert (german["id"], german["website"], german["currency"]) == ("2", "eu", "EUR")
    assert stored(sandbox) == ours()


async def test_connecting_again_writes_no_more_than_it_must(sandbox: SandboxBench) -> None:
    await connect(sandbox)
    before = len(sandbox.calls("POST", "aftership/webhooks"))
    again = await connect(sandbox)
    assert len(sandbox.calls("POST", "aftership/webhooks")) - before == 1
    assert not sandbox.calls("DELETE")
    assert stored(sandbox) == ours()
    assert again.facts["mode"] == "full"


async def test_a_moved_service_takes_its_old_registrations_along(sandbox: SandboxBench) -> None:
    await connect(sandbox, "https://old.example.com")
    await connect(sandbox)
    assert stored(sandbox) == ours()


async def test_what_is_lost_is_registered_again(sandbox: SandboxBench) -> None:
    await connect(sandbox)
    del sandbox.box.webhooks[0]
    await connect(sandbox)
    assert sorted(stored(sandbox)) == ours()


async def test_a_new_integration_takes_over_what_the_deleted_one_registered(sandbox: SandboxBench) -> None:
    await connect(sandbox)
    made = sandbox.box.integrations.create("Bridge again", resources=None)
    assert made.token is not None
    del sandbox.box.integrations.all[1]
    values = (made.consumer_key, made.consumer_secret, made.token.token, made.token.secret)
    new = dict(zip(("consumer_key", "consumer_secret", "access_token", "access_token_secret"), values, strict=True))
    found = await connect(sandbox, credentials=new)
    assert stored(sandbox) == ours()
    assert {hook["integration_id"] for hook in sandbox.box.webhooks} == {"2"}
    assert found.facts["mode"] == "full"


async def test_a_foreign_registration_before_ours_is_pointed_out(sandbox: SandboxBench) -> None:
    hook = {"id": "x", "topic": "creditmemos/update", "app_key": "a", "address": "https://other.example/h"}
    sandbox.box.webhooks.append(hook | {"integration_id": "77"})
    found = await connect(sandbox)
    assert "hooks_behind_another" in codes(found, "warning")
    [finding] = [one for one in found.findings if one.code == "hooks_behind_another"]
    assert "integration 77" in finding.text
    assert stored(sandbox)[1:] == ours()
    assert len(sandbox.box.webhooks) == 3


@pytest.mark.parametrize(
    ("plugin", "expected", "mode"),
    [
        (None, {"plugin_missing", "permissions_unknown", "hooks_unavailable"}, "sweep-only"),
        ("1.0.17", {"plugin", "plugin_version"}, "full"),
        ("1.0.19", {"plugin", "plugin_version"}, "full"),
        ("1.0.20", {"plugin", "plugin_version"}, "full"),
        ("1.0.25", {"plugin_refunds_fail"}, "full"),
        ("1.0.26", set(), "full"),
    ],
)
async def test_each_plugin_version_has_its_findings(plugin: str | None, expected: set[str], mode: str) -> None:
    async with open_sandbox(plugin) as bench:
        found = await connect(bench)
        assert codes(found) == expected
        assert found.facts["mode"] == mode


@pytest.mark.parametrize(
    ("lacking", "code", "level"),
    [
        ("Magento_Sales::creditmemo", "permission_missing", "error"),
        ("Magento_Sales::invoice", "permission_missing", "error"),
        ("Magento_Sales::api_actions", "permission_half", "warning"),
        ("Magento_InventorySalesApi::stock", "permission_missing", "warning"),
    ],
)
async def test_a_missing_permission_is_named(sandbox: SandboxBench, lacking: str, code: str, level: str) -> None:
    sandbox.box.integrations.all[1].resources = [name for name in SHORT_LIST if name != lacking]
    found = await connect(sandbox)
    [finding] = [one for one in found.findings if one.code == code]
    assert finding.level == level
    assert lacking in finding.text


async def test_without_the_permission_to_look_connecting_is_refused(sandbox: SandboxBench) -> None:
    sandbox.box.integrations.all[1].resources = ["Magento_Sales::actions_view"]
    with pytest.raises(RemoteProblem, match="Magento_Backend::store") as problem:
        await connect(sandbox)
    assert isinstance(problem.value.outcome, Reauth)


async def test_a_bearer_token_without_a_consumer_key_only_sweeps(sandbox: SandboxBench) -> None:
    sandbox.box.bearer_allowed = True
    bearer = {"bearer_token": sandbox.credentials["access_token"]}
    found = await connect(sandbox, credentials=bearer)
    assert found.facts["mode"] == "sweep-only"
    assert {"sweep_only", "permissions_all"} <= codes(found, "warning")
    assert stored(sandbox) == []
    with_key = await connect(sandbox, credentials=bearer | {"consumer_key": sandbox.credentials["consumer_key"]})
    assert with_key.facts["mode"] == "full"
    assert stored(sandbox) == ours()


@pytest.mark.parametrize(
    ("public_url", "code", "mode"),
    [("", "public_url_missing", "sweep-only"), ("http://bridge.example.com", "public_url_not_https", "full")],
)
async def test_where_the_store_cannot_reach_us_safely_it_is_said(
    sandbox: SandboxBench, public_url: str, code: str, mode: str
) -> None:
    found = await connect(sandbox, public_url)
    assert code in codes(found, "warning")
    assert found.facts["mode"] == mode


async def test_what_is_registered_is_delivered_and_let_in(sandbox: SandboxBench) -> None:
    arrived: list[tuple[dict[str, str], bytes]] = []

    async def receive(request: web.Request) -> web.Response:
        assert request.path == "/hooks/magento/conn-1"
        arrived.append((dict(request.headers), await request.read()))
        return web.Response()

    app = web.Application()
    app.router.add_post("/{tail:.*}", receive)
    async with TestServer(app) as receiver:
        await connect(sandbox, str(receiver.make_url("/")))
        order = await sandbox.create()
        await sandbox.store.refund_order(order, everything(order, restock=True))
        assert (await sandbox.control("GET", "deliveries?wait=10"))["drained"]
    door: Door = MagentoDoor()
    hints = [door.read("", head, raw, [sandbox.credentials["consumer_key"]]) for head, raw in arrived]
    assert {hint.topic for hint in hints} == {"orders/update", "creditmemos/update"}
    assert {await sandbox.store.resolve(hint.topic, hint.subject) for hint in hints} == {order.id}


async def test_activate_hands_over_a_connection_that_works(sandbox: SandboxBench) -> None:
    forms: list[dict[str, str]] = []

    async def callback(request: web.Request) -> web.Response:
        forms.append({name: str(value) for name, value in (await request.post()).items()})
        return web.Response()

    app = web.Application()
    app.router.add_post("/oauth/magento/callback", callback)
    async with TestServer(app) as receiver:
        address = str(receiver.make_url("/oauth/magento/callback"))
        await sandbox.control("POST", "activate", {"callback_url": address, "identity_url": f"{address}/identity"})
    handshake: StoreHandshake = MagentoHandshake(sandbox.session, allow_private=True)
    announced = handshake.read_callback(forms[0])
    assert announced.store_base_url == sandbox.url
    credentials = await handshake.exchange(announced)
    store = MagentoStore(Client(sandbox.session, sandbox.url, Credentials.of(credentials), allow_private=True))
    assert (await store.capabilities()).reported == "1.0.26"
    with pytest.raises(RemoteProblem, match="Reauthorize") as problem:
        await handshake.exchange(announced)
    assert isinstance(problem.value.outcome, Reauth)
    assert announced.consumer_secret not in str(problem.value)


async def test_an_invented_callback_ends_at_the_store(sandbox: SandboxBench) -> None:
    handshake = MagentoHandshake(sandbox.session, allow_private=True)
    form = {"oauth_consumer_key": "k" * 32, "oauth_consumer_secret": "s" * 32, "oauth_verifier": "v" * 32}
    announced = handshake.read_callback(form | {"store_base_url": sandbox.url})
    with pytest.raises(RemoteProblem, match="does not know this integration"):
        await handshake.exchange(announced)
