from __future__ import annotations

import json
import re
import sys
from asyncio.subprocess import PIPE, create_subprocess_exec
from pathlib import Path

import pytest

from bridge.sandbox.amazon.app import CALLS
from bridge.sandbox.amazon.control import ROUTES
from bridge.sandbox.amazon.settings import Settings
from bridge.sandbox.faults import CONTROL_PREFIX, Faults
from tests.contract.sandbox_amazon.amazon_caller import (
    ABSENT,
    ADDRESS,
    NEW,
    OLD,
    Answer,
    Seller,
    faults_of,
    model,
    new_order,
    old_order,
)

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "reference" / "sandbox-amazon.md").read_text(encoding="utf-8")


async def test_tokens_are_refreshed_and_end(seller: Seller) -> None:
    status, body = await seller.refresh()
    assert (status, body["expires_in"], body["token_type"]) == (200, 3600, "bearer")
    assert body["refresh_token"] == seller.box.tokens.refresh_token
    seller.token = body["access_token"]
    assert (await seller.ask("GET", OLD)).status == 200
    await seller.control("POST", "clock", {"advance": 3601})
    ended = await seller.ask("GET", OLD)
    assert ended.problem == (403, "Unauthorized")
    assert ended.body["errors"][0]["details"] == "The access token you provided has expired."
    seller.token = (await seller.control("POST", "tokens"))["access_token"]
    assert (await seller.ask("GET", OLD)).status == 200
    await seller.control("POST", "tokens/expire")
    await seller.settings(bad_token_status=401)
    assert (await seller.ask("GET", OLD)).status == 401
    seller.token = ""
    assert (await seller.ask("GET", NEW)).status == 401


async def test_wrong_credentials_get_the_words_of_oauth(seller: Seller) -> None:
    assert (await seller.refresh(refresh_token="Atzr|other"))[1]["error"] == "invalid_grant"
    status, body = await seller.refresh(client_secret="wrong")
    assert (status, body["error"]) == (401, "invalid_client")
    assert (await seller.refresh(grant_type="password"))[1]["error"] == "unsupported_grant_type"
    assert (await seller.refresh(client_id=""))[1]["error"] == "invalid_request"
    old = seller.box.tokens.refresh_token
    await seller.control("POST", "authorization", {"renews_refresh_token": True})
    renewed = (await seller.refresh())[1]["refresh_token"]
    assert renewed != old
    assert (await seller.refresh(refresh_token=old))[1]["error"] == "invalid_grant"
    await seller.control("POST", "authorization", {"authorized": False})
    assert (await seller.refresh())[1]["error"] == "invalid_grant"
    assert (await seller.ask("GET", OLD)).problem == (403, "Unauthorized")
    await seller.control("POST", "authorization", {"authorized": True, "role_granted": False})
    denied = await seller.ask("GET", OLD)
    assert (denied.problem, denied.body["errors"][0]["details"]) == ((403, "Unauthorized"), "")
    before = seller.box.tokens.client_secret
    await seller.control("POST", "authorization", {"new_secret": True, "new_refresh_token": True})
    assert (await seller.refresh(client_secret=before))[1]["error"] == "invalid_client"


async def test_an_empty_bucket_refuses_and_fills_again(seller: Seller) -> None:
    await seller.settings(rate=0.001)
    await seller.control("DELETE", "rate")
    await seller.made()
    answers = [await seller.ask("GET", f"{OLD}/TT-1") for _ in range(31)]
    assert [one.status for one in answers] == [200] * 29 + [429] * 2
    assert answers[-1].problem == (429, "QuotaExceeded")
    assert answers[0].headers["x-amzn-RateLimit-Limit"] == "0.001"
    told = await seller.control("GET", "rate")
    assert (told["calls"], told["refused"], told["refused_by_operation"]) == (30, 2, {"getFulfillmentOrder": 2})
    assert (await seller.ask("PUT", f"{OLD}/TT-1/cancel")).status == 429
    assert (await seller.control("GET", "orders/TT-1"))["status"] == "Received"
    await seller.settings(rate=100_000.0, rate_told=False)
    full = await seller.ask("GET", f"{OLD}/TT-1")
    assert (full.status, "x-amzn-RateLimit-Limit" in full.headers) == (200, False)


async def test_buckets_by_operation_and_calls_refused_by_hand(seller: Seller) -> None:
    await seller.settings(rate=0.001, rate_scope="operation")
    await seller.control("POST", "rate", {"held": 1})
    assert [(await seller.ask("GET", path)).status for path in (OLD, OLD, NEW, NEW)] == [200, 429, 200, 429]
    await seller.settings(rate_enforced=False, throttle_next=1)
    assert [(await seller.ask("GET", OLD)).status for _ in range(2)] == [429, 200]


async def test_bodies_that_are_none(seller: Seller) -> None:
    assert [(await seller.ask("POST", OLD, body)).status for body in ([1], "text", None)] == [400, 400, 400]
    assert (await seller.ask("GET", OLD, queryStartDate="2026-11-26T10:00:00")).status == 400
    told = await seller.control("POST", "stock", {"sku": "A", "quantity": -1}, expect=422)
    assert told[0]["loc"] == ["quantity"]


async def test_every_answer_is_as_the_official_models_have_it(seller: Seller) -> None:
    if model("2020-07-01") is None:
        pytest.skip(ABSENT)
    await seller.settings(rate_enforced=False)
    await seller.stocked(A=20, B=1)
    two = [*old_order("x")["items"], {"sellerSku": "B", "sellerFulfillmentOrderItemId": "2", "quantity": 2}]
    await seller.made("TT-1", items=two, fulfillmentPolicy="FillAllAvailable", notificationEmails=["a@example.com"])
    await seller.made("TT-1")
    await seller.ask("POST", NEW, new_order("TT-2"))
    await seller.settings(created_status=200)
    slip = {"packingSlip": {"templateName": "t", "templateAttributes": {"orderId": "57", "orderText": "Thanks"}}}
    wishes = {"services": {"packaging": slip}}
    await seller.ask("POST", NEW, new_order("TT-3", fulfillmentConfiguration=wishes))
    await seller.ask("PUT", f"{OLD}/TT-1/cancel")
    await seller.ask("PUT", f"{NEW}/TT-3/cancel")
    await seller.ask("PUT", f"{NEW}/none/cancel")
    await seller.control("POST", "orders/TT-2/ship", {"quantities": {"1": 1}})
    await seller.ask("PUT", f"{NEW}/TT-2/cancel")
    for order in ("TT-1", "TT-2", "TT-3", "none"):
        await seller.ask("GET", f"{OLD}/{order}")
        await seller.ask("GET", f"{NEW}/{order}")
    await seller.settings(page_size=1)
    await seller.ask("GET", OLD)
    await seller.ask("GET", NEW, shipments="EXCLUDE")
    await seller.ask("PUT", f"{OLD}/TT-2/status", {"fulfillmentOrderStatus": "Complete"})
    await seller.ask("PUT", f"{NEW}/TT-2/status", {"status": "COMPLETE"})
    await seller.ask("PUT", f"{NEW}/TT-2/status", {"status": "PROCESSING"})
    for quantity in (2, 50):
        await seller.ask("POST", f"{OLD}/preview", {"address": ADDRESS, "items": [{**two[0], "quantity": quantity}]})
        asked = {"destination": {"deliveryAddress": ADDRESS}, "lineItems": new_order("x", str(quantity))["lineItems"]}
        await seller.ask("POST", NEW.replace("orders", "previews"), asked)
    await seller.settings(throttle_next=2)
    await seller.ask("GET", OLD)
    await seller.ask("GET", NEW)
    seller.token = "none"
    await seller.ask("GET", OLD)
    await seller.ask("GET", NEW)
    asked_for = {(method, path) for method, path, _ in seller.seen}
    assert len(asked_for) >= len(CALLS)
    assert [text for one in seller.seen for text in faults_of(*one)] == []
    invented = Answer(200, {}, {"payload": {"fulfillmentOrders": [], "more": 1}})
    assert faults_of("get", OLD, invented) == [".payload.more is not in the model"]


async def test_the_first_line_says_all_that_connecting_needs() -> None:
    child = await create_subprocess_exec(sys.executable, "-m", "bridge.sandbox.amazon", "--port", "0", stdout=PIPE)
    assert child.stdout is not None
    try:
        ready = json.loads(await child.stdout.readline())
    finally:
        child.terminate()
        await child.wait()
    assert set(ready) == {"url", "token_url", "client_id", "client_secret", "refresh_token", "marketplace_id"}


@pytest.mark.parametrize("name", list(Settings.model_fields))
def test_every_amazon_setting_is_documented(name: str) -> None:
    assert f"`{name}`" in PAGE


def test_every_amazon_route_is_documented() -> None:
    routes = [(method, f"{CONTROL_PREFIX}/{path}") for method, path, _, _ in ROUTES]
    routes += [(route.method, route.path) for route in Faults().routes()]
    listed = set(re.findall(r"`((?:GET|POST|PATCH|DELETE) /_control/[^`]+)`", PAGE))
    assert {f"{method} {path}" for method, path in routes} == listed
    for _, method, path, _ in CALLS:
        assert f"`{method} {path}`" in PAGE
