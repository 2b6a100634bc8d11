from __future__ import annotations

import json
import re
import sys
import time
from asyncio.subprocess import PIPE, create_subprocess_exec
from pathlib import Path

import pytest
from yarl import URL

from bridge.sandbox.faults import CONTROL_PREFIX, Faults
from bridge.sandbox.woocommerce.app import API as SERVED
from bridge.sandbox.woocommerce.app import CALLS
from bridge.sandbox.woocommerce.control import ROUTES
from bridge.sandbox.woocommerce.settings import Settings
from tests.contract.sandbox_woocommerce.woo_caller import API, Shop

DOCS = Path(__file__).resolve().parents[3] / "docs" / "reference"
PAGE = (DOCS / "sandbox-woocommerce.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("method", ["HMAC-SHA256", "HMAC-SHA1"])
async def test_plain_http_is_signed(shop: Shop, method: str) -> None:
    listed = await shop.signed("GET", "/orders?search=a%20b%2Bc%26d&status=any&_=1", signature_method=method)
    assert (listed.status, listed.body) == (200, [])
    assert (await shop.signed("POST", "/orders", {"line_items": []}, signature_method=method)).status == 201


async def test_what_is_wrong_with_a_signature_is_said(shop: Shop) -> None:
    async def said(**changes: str) -> str:
        answer = await shop.signed("GET", "/orders", **changes)
        assert (answer.status, answer.code) == (401, "woocommerce_rest_authentication_error")
        message: str = answer.body["message"]
        return message

    assert "signature does not match" in await said(client_secret="cs_wrong")
    assert await said(client_key="ck_other") == "Consumer key is invalid."
    assert await said(timestamp=str(int(time.time()) - 1000)) == "Invalid timestamp."
    assert (await shop.signed("GET", "/orders", nonce="one")).status == 200
    assert "already been used" in await said(nonce="one")
    part = await shop.raw("GET", URL(f"{shop.base}{API}/orders?oauth_nonce=1"), None, {})
    assert part.code == "woocommerce_rest_authentication_missing_parameter"
    await shop.settings(https=True)
    assert "signature does not match" in await said()


async def test_basic_counts_over_https_only(shop: Shop) -> None:
    assert (await shop.ask("GET", "/orders")).status == 200
    await shop.settings(drops_authorization=True)
    assert (await shop.ask("GET", "/orders")).code == "woocommerce_rest_cannot_view"
    given = {"consumer_key": shop.box.keys.key, "consumer_secret": shop.box.keys.secret}
    assert (await shop.ask("GET", "/orders", **given)).status == 200
    plain = await shop.raw("GET", URL(f"{shop.base}{API}/orders").with_query(given), None, {})
    assert (plain.status, plain.code) == (401, "woocommerce_rest_cannot_view")
    wrong = await shop.ask("GET", "/orders", **{**given, "consumer_secret": "cs_wrong"})
    assert wrong.body["message"] == "Consumer secret is invalid."
    unknown = await shop.ask("GET", "/orders", **{**given, "consumer_key": "ck_unknown"})
    assert unknown.code == "woocommerce_rest_cannot_view"


async def test_a_key_that_may_only_read(shop: Shop) -> None:
    assert (await shop.ask("POST", "/orders/batch", {})).body == []
    await shop.control("POST", "key", {"permissions": "read"})
    assert (await shop.ask("GET", "/orders")).status == 200
    refused = await shop.ask("POST", "/orders/batch", {})
    assert (refused.status, refused.body["message"]) == (401, "The API key provided does not have write permissions.")
    old = shop.box.keys.key
    assert (await shop.control("POST", "key", {"new": True, "permissions": "read_write"}))["consumer_key"] != old
    assert (await shop.signed("GET", "/orders", client_key=old)).status == 401


async def test_pages_that_are_not_the_rest_servers(shop: Shop) -> None:
    unknown = await shop.ask("GET", "/nothing")
    assert (unknown.status, unknown.code, unknown.body["data"]) == (404, "rest_no_route", {"status": 404})
    await shop.settings(maintenance=True)
    page = await shop.ask("GET", "/orders")
    assert (page.status, page.headers["Content-Type"], page.headers["Retry-After"]) == (
        503,
        "text/html; charset=utf-8",
        "600",
    )
    await shop.settings(maintenance=False, login_page=True)
    page = await shop.ask("GET", "/orders")
    assert (page.status, page.body[:9]) == (200, "<!DOCTYPE")


async def test_the_store_tells_how_it_is_set_up(shop: Shop) -> None:
    await shop.settings(number_of_decimals=0, prices_include_tax=True)
    status = (await shop.ask("GET", "/system_status", _fields="environment.version,settings")).body
    assert (set(status), set(status["environment"])) == ({"environment", "settings"}, {"version"})
    assert (status["settings"]["currency"], status["settings"]["number_of_decimals"]) == ("USD", 0)
    tax = (await shop.ask("GET", "/settings/tax/woocommerce_prices_include_tax")).body
    assert tax == {"id": "woocommerce_prices_include_tax", "value": "yes"}
    assert {one["id"] for one in (await shop.ask("GET", "/settings/products")).body} == {"woocommerce_manage_stock"}
    assert (await shop.ask("GET", "/settings/none")).status == 404
    await shop.settings(manage_stock=False)
    await shop.made()
    assert await shop.stock() == 10


async def test_bodies_that_are_none(shop: Shop) -> None:
    assert (await shop.ask("POST", "/orders", [])).code == "rest_invalid_json"
    assert (await shop.ask("POST", "/orders", {"status": "paid"})).code == "rest_invalid_param"
    assert (await shop.ask("POST", "/orders", {"line_items": 5})).code == "rest_invalid_param"
    assert (await shop.ask("POST", "/orders", {"currency": "dollars"})).code == "rest_invalid_param"
    assert (await shop.control("GET", "state"))["orders"] == []
    told = await shop.control("POST", "orders", {"lines": [{"sku": "NONE"}]}, expect=409)
    assert "NONE" in told["error"]


async def test_its_first_line_says_all_that_connecting_needs() -> None:
    child = await create_subprocess_exec(sys.executable, "-m", "bridge.sandbox.woocommerce", "--port", "0", stdout=PIPE)
    assert child.stdout is not None
    try:
        ready = json.loads(await child.stdout.readline())
    finally:
        child.terminate()
        await child.wait()
    assert set(ready) == {"url", "consumer_key", "consumer_secret"}


def test_the_page_names_every_setting_and_route() -> None:
    assert [name for name in Settings.model_fields if f"`{name}`" not in PAGE] == []
    routes = [(method, f"{CONTROL_PREFIX}/{path}") for method, path, _, _ in ROUTES]
    routes += [(route.method, route.path) for route in Faults().routes()]
    listed = set(re.findall(r"`((?:GET|POST|PATCH|DELETE) /_control/[^`]+)`", PAGE))
    assert {f"{method} {path}".replace(r":\d+", "") for method, path in routes} == listed
    assert API == SERVED
    assert [path for _, path, _ in CALLS if f"`{path}`".replace(r":\d+", "") not in PAGE] == []
