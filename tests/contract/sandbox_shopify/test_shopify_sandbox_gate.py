from __future__ import annotations

import re
from pathlib import Path

import aiohttp
import pytest

from bridge.sandbox.faults import CONTROL_PREFIX, Faults
from bridge.sandbox.shopify.control import ROUTES
from bridge.sandbox.shopify.engine import schema
from bridge.sandbox.shopify.mutations import MUTATIONS
from bridge.sandbox.shopify.queries import QUERIES
from bridge.sandbox.shopify.settings import Settings
from tests.contract.sandbox_shopify.shopify_caller import CANCEL, ORDER, Store

SHOP = "{ shop { name } }"
PAGE = (Path(__file__).resolve().parents[3] / "docs" / "reference" / "sandbox-shopify.md").read_text(encoding="utf-8")


async def test_tokens_are_granted_end_and_are_revoked(store: Store) -> None:
    tokens = store.box.tokens
    form = {"grant_type": "client_credentials", "client_id": tokens.client_id, "client_secret": tokens.secrets[0]}
    status, body = await store.token_answer(**form)
    assert (status, body["expires_in"]) == (200, 86_399)
    store.token = body["access_token"]
    assert (await store.ask(SHOP)).status == 200
    await store.control("POST", "clock", {"advance": 86_400})
    assert (await store.ask(SHOP)).status == 401
    store.token = (await store.token_answer(**form))[1]["access_token"]
    assert (await store.ask(SHOP)).status == 200
    await store.control("POST", "tokens/expire")
    assert (await store.ask(SHOP)).status == 401
    assert (await store.token_answer(**{**form, "client_secret": "wrong"}))[0] == 400
    assert (await store.token_answer(**{**form, "grant_type": "password"}))[0] == 400


async def test_legacy_tokens_last_until_they_are_revoked(store: Store) -> None:
    store.token = (await store.control("POST", "tokens"))["access_token"]
    assert store.token.startswith("shpat_")
    await store.control("POST", "clock", {"advance": 400 * 86_400})
    await store.control("POST", "tokens/expire")
    assert (await store.ask(SHOP)).status == 200
    await store.control("POST", "tokens/expire", {"legacy_too": True})
    assert (await store.ask(SHOP)).status == 401


async def test_a_rotated_secret_stays_good_until_it_is_forgotten(store: Store) -> None:
    old = store.box.tokens.secrets[0]
    new = (await store.control("POST", "secret", {}))["client_secret"]
    form = {"grant_type": "client_credentials", "client_id": store.box.tokens.client_id}
    assert [(await store.token_answer(**form, client_secret=one))[0] for one in (old, new)] == [200, 200]
    await store.control("POST", "secret", {"forget_old": True})
    assert [(await store.token_answer(**form, client_secret=one))[0] for one in (old, new)] == [400, 200]


async def test_a_scope_that_is_missing_is_named(store: Store) -> None:
    await store.control("POST", "scopes", {"scopes": ["read_orders"]})
    store.token = (await store.control("POST", "tokens"))["access_token"]
    order = await store.placed()
    assert (await store.ask(ORDER, {"id": order["gid"]})).data["order"]["id"] == order["gid"]
    refused = await store.ask(CANCEL, {"id": order["gid"], "restock": True})
    assert refused.code == "ACCESS_DENIED"
    assert "write_orders" in refused.body["errors"][0]["message"]
    assert await store.stock() == (7, 3, 10)


@pytest.mark.parametrize("status", [200, 429])
async def test_an_empty_bucket_throttles_and_fills_again(store: Store, status: int) -> None:
    await store.settings(throttled_status=status, restore_rate=0.0)
    order = await store.placed()
    await store.control("POST", "bucket", {"available": 9})
    refused = await store.ask(CANCEL, {"id": order["gid"], "restock": True})
    assert (refused.status, refused.code) == (status, "THROTTLED")
    cost = refused.body["extensions"]["cost"]
    assert cost["actualQueryCost"] is None
    assert cost["requestedQueryCost"] > cost["throttleStatus"]["currentlyAvailable"] == 9
    assert (await store.control("GET", "state"))["jobs"] == []
    await store.settings(restore_rate=100_000.0)
    answer = await store.ask(CANCEL, {"id": order["gid"], "restock": True})
    assert answer.data["orderCancel"]["orderCancelUserErrors"] == []


async def test_what_was_not_needed_is_given_back(store: Store) -> None:
    await store.settings(restore_rate=0.0)
    cost = (await store.ask("{ orders(first: 100) { nodes { id } } }")).body["extensions"]["cost"]
    assert cost["requestedQueryCost"] == 102
    assert cost["throttleStatus"]["currentlyAvailable"] == 2000 - cost["actualQueryCost"]
    await store.settings(query_maximum=50)
    assert (await store.ask("{ orders(first: 100) { nodes { id } } }")).code == "MAX_COST_EXCEEDED"
    await store.settings(throttle_next=1)
    assert [(await store.ask(SHOP)).body.get("data") is None for _ in range(2)] == [True, False]


async def test_a_dead_version_falls_forward(store: Store) -> None:
    await store.settings(api_versions=["2026-04", "2026-07"])
    answers = [await store.ask(SHOP, version=version) for version in ("2025-01", "2026-04", "2026-07")]
    assert [one.headers["X-Shopify-API-Version"] for one in answers] == ["2026-04", "2026-04", "2026-07"]
    listed = (await store.ask("{ publicApiVersions { handle supported } }")).data["publicApiVersions"]
    assert [one["handle"] for one in listed if one["supported"]] == ["2026-04", "2026-07"]


async def test_bad_calls_are_refused(store: Store) -> None:
    assert (await store.ask("{ nothing }")).body["errors"][0]["message"]
    assert (await store.ask("{ order(id: 5) { id } }")).code == "INVALID_VARIABLE"
    assert (await store.ask("{ orders { nodes { id } } }")).body["errors"]
    url = f"{store.base}/admin/api/2026-10/graphql.json"
    async with store.session.post(url, data=b"{", headers={"X-Shopify-Access-Token": store.token}) as answer:
        assert answer.status == 400


async def test_a_cut_cancel_is_done_all_the_same(store: Store) -> None:
    order = await store.placed()
    await store.control("POST", "faults", {"kind": "cut", "containing": "orderCancel"}, expect=201)
    assert (await store.ask(SHOP)).status == 200
    with pytest.raises(aiohttp.ClientError):
        await store.cancel(order)
    await store.control("POST", "jobs/run")
    assert (await store.ask(ORDER, {"id": order["gid"]})).data["order"]["cancelledAt"]
    assert await store.stock() == (10, 0, 10)


async def test_a_late_refund_lands_when_it_is_let(store: Store) -> None:
    order = await store.placed()
    late = {"kind": "late", "containing": "refundCreate", "seconds": None}
    await store.control("POST", "faults", late, expect=201)
    with pytest.raises(aiohttp.ClientError):
        await store.refund(order, 1, "CANCEL", "19.99")
    assert await store.stock() == (7, 3, 10)
    await store.control("POST", "release")
    assert await store.stock() == (8, 2, 10)
    assert (await store.refund(order, 1, "CANCEL", "19.99"))["refund"]["totalRefundedSet"]["shopMoney"] == {
        "amount": "19.99"
    }
    assert await store.stock() == (8, 2, 10)


def test_every_root_field_has_a_resolver() -> None:
    for root, table in ((schema().query_type, QUERIES), (schema().mutation_type, MUTATIONS)):
        assert root is not None
        assert set(root.fields) == set(table)


def test_the_page_lists_every_root_field() -> None:
    for name in [*QUERIES, *MUTATIONS]:
        assert f"`{name}`" in PAGE


@pytest.mark.parametrize("name", list(Settings.model_fields))
def test_every_setting_is_documented(name: str) -> None:
    assert f"`{name}`" in PAGE


def test_every_control_route_is_documented() -> None:
    routes = [(method, f"{CONTROL_PREFIX}/{path}") for method, path, _, _ in ROUTES]
    routes += [(route.method, route.path) for route in Faults().routes()]
    listed = set(re.findall(r"`((?:GET|POST|PATCH|DELETE) /_control/[^`]+)`", PAGE))
    assert {f"{method} {path}" for method, path in routes} | {"POST /_control/variants"} == listed
