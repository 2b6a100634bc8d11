from __future__ import annotations

import asyncio
import email.utils
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from bridge.sandbox.tiktok import TikTokSandbox, signing
from tests.contract.sandbox_tiktok.tiktok_caller import Caller, Control, sign

RECORDINGS = Path(__file__).resolve().parents[2] / "recordings" / "tiktok"
SIGNING = json.loads((RECORDINGS / "signing_vectors.json").read_text(encoding="utf-8"))
WEBHOOKS = json.loads((RECORDINGS / "webhook_vectors.json").read_text(encoding="utf-8"))
SHOPS_PATH = "/authorization/202309/shops"
ORDERS = "/order/202309/orders"
SEARCH = "/order/202309/orders/search"


@pytest.mark.parametrize("vector", SIGNING, ids=lambda vector: vector["name"])
def test_the_request_vectors(vector: dict[str, object]) -> None:
    query = dict(vector["query"])  # type: ignore[call-overload]  # a vector's query is an object of strings
    body = str(vector["body"] or "").encode()
    made = signing.request_signature(str(vector["app_secret"]), str(vector["path"]), query.items(), body)
    assert made == vector["sign"]
    assert sign(str(vector["app_secret"]), str(vector["path"]), query, body) == vector["sign"]


def test_a_file_is_not_signed() -> None:
    with_file = signing.request_signature("s", "/p", [("a", "1")], b"file", multipart=True)
    assert with_file == signing.request_signature("s", "/p", [("a", "1")], b"")


@pytest.mark.parametrize("vector", WEBHOOKS, ids=lambda vector: vector["name"])
def test_the_webhook_vectors(vector: dict[str, str]) -> None:
    made = signing.webhook_signature(vector["app_key"], vector["app_secret"], vector["body"].encode())
    assert signing.same(made, vector["authorization"])
    assert not signing.same(made, vector["authorization"].upper())


async def test_the_shops_of_a_token(us: Caller) -> None:
    shops = (await us.ok("GET", SHOPS_PATH))["shops"]
    assert {shop["region"] for shop in shops} >= {"US", "GB", "DE", "MX"}
    assert {shop["id"]: shop["cipher"] for shop in shops}[shops[0]["id"]] == us.cipher


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"sign": "0" * 64}, 106001),
        ({"sign": None}, 36009004),
        ({"app_key": None}, 36009004),
        ({"app_key": "another"}, 36009004),
        ({"timestamp": None}, 36009004),
        ({"timestamp": "17000000000"}, 36009004),
        ({"timestamp": "1700000000"}, 36009004),
        ({"shop_cipher": "ROW_other"}, 106001),
    ],
)
async def test_a_spoiled_request_is_refused(us: Caller, change: dict[str, str | None], code: int) -> None:
    found = await us.call("GET", ORDERS, {"ids": "1"}, change=change)
    assert found.code == code
    assert found.data is None


async def test_the_code_of_a_wrong_signature_can_be_the_overloaded_one(us: Caller, control: Control) -> None:
    await control.settings(wrong_sign_code=36009004, errors_with_http_200=True)
    found = await us.call("GET", ORDERS, {"ids": "1"}, change={"sign": "x"})
    assert (found.status, found.code) == (200, 36009004)


async def test_the_body_is_signed_as_sent(us: Caller) -> None:
    body = b'{ "order_status" : "UNPAID" }'
    assert (await us.call("POST", SEARCH, {"page_size": "5"}, raw=body)).code == 0
    us.secret += "x"
    assert (await us.call("POST", SEARCH, {"page_size": "5"}, raw=body)).code == 106001


@pytest.mark.parametrize(("skew", "code"), [(-290, 0), (-310, 36009004), (25, 0), (40, 36009004)])
async def test_the_window_of_time(us: Caller, skew: float, code: int) -> None:
    us.skew = skew
    assert (await us.call("GET", ORDERS, {"ids": "1"})).code == code


async def test_a_moved_clock_shows_in_the_date_header(us: Caller, control: Control) -> None:
    await control.send("POST", "clock", {"advance": 3600})
    found = await us.call("GET", ORDERS, {"ids": "1"})
    assert found.code == 36009004
    theirs = email.utils.parsedate_to_datetime(found.headers["Date"]).timestamp()
    us.skew = theirs - time.time()
    assert us.skew > 3500
    assert (await us.call("GET", ORDERS, {"ids": "1"})).code == 0
    await control.send("POST", "clock", {"set": 1700000000, "frozen": True})
    assert (await control.send("POST", "clock", {}))["now"] == 1700000000
    await control.send("POST", "clock", {"reset": True})
    us.skew = 0
    assert (await us.call("GET", ORDERS, {"ids": "1"})).code == 0


async def test_shop_cipher_is_asked_for_and_forbidden(us: Caller) -> None:
    cipher, us.cipher = us.cipher, None
    assert (await us.call("GET", ORDERS, {"ids": "1"})).code == 106013
    assert cipher is not None
    found = await us.call("GET", SHOPS_PATH, {"shop_cipher": cipher})
    assert found.code == 36009004
    assert "Unexpected identifier" in found.message


async def test_paths_versions_methods_and_types(us: Caller) -> None:
    for path in ("/order/202309/orders/123", "/nothing/202309/here", "/", "/return_refund/202309/cancellations/4"):
        found = await us.call("GET", path)
        assert (found.status, found.code) == (404, 36009009), path
    assert (await us.call("GET", "/order/202212/orders", {"ids": "1"})).message == "Invalid API version"
    assert (await us.call("PUT", ORDERS, body={})).code == 36009010
    found = await us.call("POST", SEARCH, {"page_size": "1"}, {}, headers={"content-type": "text/plain"})
    assert found.code == 36009022


async def test_only_listed_parameters(us: Caller) -> None:
    assert (await us.call("GET", ORDERS, {"ids": "1", "extra": "1"})).code == 36009004
    found = await us.call("POST", SEARCH, {}, {"page_size": 10})
    assert found.code == 36009004
    assert "body.page_size" in found.message
    cancel = "/return_refund/202309/cancellations"
    body = {"order_id": "1", "cancel_reason": "x"}
    assert (await us.call("POST", cancel, {"idempotency_key": "k"}, body)).code == 36009004
    assert "body.cancel_reason is missing" in (await us.call("POST", cancel, body={"order_id": "1"})).message
    assert (await us.call("POST", cancel, body={"order_id": 1, "cancel_reason": "x"})).code == 36009004
    assert (await us.call("POST", cancel, raw=b"[]")).code == 36009004
    assert (await us.call("POST", cancel, raw=b"{")).code == 36009004


async def test_tokens_of_every_bad_kind(us: Caller, control: Control, box: TikTokSandbox) -> None:
    assert (await us.call("GET", SHOPS_PATH, headers={"x-tts-access-token": None})).code == 36009004
    assert (await us.call("GET", SHOPS_PATH, headers={"x-tts-access-token": "ROW_no"})).code == 101000
    narrow = await control.send("POST", "tokens", {"shop_ids": [list(box.shops)[1]]})
    us_token, us.token = us.token, narrow["access_token"]
    assert (await us.call("GET", ORDERS, {"ids": "1"})).code == 101000
    assert [shop["region"] for shop in (await us.ok("GET", SHOPS_PATH))["shops"]] == ["GB"]
    us.token = us_token
    await control.send("POST", "tokens/scopes", {"scopes": ["seller.order.info"]})
    assert (await us.call("GET", SHOPS_PATH)).code == 105005
    assert (await us.call("GET", ORDERS, {"ids": "1"})).code == 0
    await control.send("POST", "tokens/expire")
    assert (await us.call("GET", ORDERS, {"ids": "1"})).code == 105002
    await control.send("POST", "tokens/revoke")
    assert (await us.call("GET", ORDERS, {"ids": "1"})).code == 101000


async def test_a_token_lives_its_time(us: Caller, control: Control) -> None:
    await control.settings(access_token_ttl=60)
    us.token = (await control.send("POST", "tokens", {}))["access_token"]
    await us.ok("GET", SHOPS_PATH)
    await control.send("POST", "clock", {"advance": 61})
    us.skew = 61
    assert (await us.call("GET", SHOPS_PATH)).code == 105002


async def _token(session: aiohttp.ClientSession, base: str, which: str, **query: str) -> dict[str, object]:
    async with session.get(f"{base}/api/v2/token/{which}", params=query) as response:
        answer: dict[str, object] = await response.json()
        return answer


async def test_consent_code_and_rotation(
    session: aiohttp.ClientSession, base: str, us: Caller, control: Control, box: TikTokSandbox
) -> None:
    page = {"service_id": box.app.service_id, "state": "s t+1"}

    async def consent() -> dict[str, list[str]]:
        async with session.get(f"{base}/open/authorize", params=page, allow_redirects=False) as response:
            assert response.status == 302
            target = urlsplit(response.headers["Location"])
            assert target.path == "/oauth/tiktok/callback"
            return parse_qs(target.query)

    app = {"app_key": box.app.key, "app_secret": box.app.secret}
    given = await consent()
    assert given["state"] == ["s t+1"]
    redeem = {**app, "auth_code": given["code"][0], "grant_type": "authorized_code"}
    got = await _token(session, base, "get", **redeem)
    assert got["code"] == 0
    data = got["data"]
    assert isinstance(data, dict)
    assert abs(data["access_token_expire_in"] - (time.time() + 7 * 86400)) < 60
    assert (await _token(session, base, "get", **redeem))["code"] == 36004004
    us.token = data["access_token"]
    await us.ok("GET", SHOPS_PATH)

    again = {**app, "grant_type": "refresh_token"}
    fresh = await _token(session, base, "refresh", **again, refresh_token=data["refresh_token"])
    assert fresh["code"] == 0
    assert (await _token(session, base, "refresh", **again, refresh_token=data["refresh_token"]))["code"] == 36004005
    fresh_data = fresh["data"]
    assert isinstance(fresh_data, dict)
    us.token = fresh_data["access_token"]
    await us.ok("GET", SHOPS_PATH)
    await control.send("POST", "tokens/expire-refresh")
    dead = await _token(session, base, "refresh", **again, refresh_token=fresh_data["refresh_token"])
    assert dead["code"] == 36004001

    late = (await consent())["code"][0]
    await control.send("POST", "clock", {"advance": 1801})
    assert (await _token(session, base, "get", **{**redeem, "auth_code": late}))["code"] == 36004004
    await control.settings(consent="deny")
    assert await consent() == {"code": ["null"], "error": ["auth_denied"], "state": ["s t+1"]}
    wrong = {**redeem, "app_secret": "no"}
    assert (await _token(session, base, "get", **wrong))["code"] == 36009004


async def test_too_many_calls(us: Caller, control: Control, caller: Callable[[str], Caller]) -> None:
    await control.settings(refuse_next=1, retry_after=7)
    found = await us.call("GET", ORDERS, {"ids": "1"})
    assert (found.status, found.code, found.headers["Retry-After"]) == (429, 36009002, "7")
    await control.settings(calls_per_second=2, retry_after=None)
    codes = [(await us.call("GET", ORDERS, {"ids": "1"})).code for _ in range(5)]
    assert codes[:2] == [0, 0]
    assert 36009002 in codes[2:]
    assert (await caller("GB").call("GET", ORDERS, {"ids": "1"})).code == 0


async def test_faults_and_the_journal(us: Caller, control: Control, box: TikTokSandbox) -> None:
    overload = json.dumps({"code": 36009002, "message": "overload", "request_id": "r", "data": None})
    fault = {"kind": "fail", "path": "/order/", "status": 503, "body": overload, "content_type": "application/json"}
    await control.send("POST", "faults", fault)
    assert (await us.call("GET", ORDERS, {"ids": "1"})).status == 503
    assert (await us.call("GET", ORDERS, {"ids": "1"})).status == 200
    assert [call["status"] for call in (await control.send("GET", "calls?path=/order/"))["calls"]] == [503, 200]


async def test_as_a_process(session: aiohttp.ClientSession) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bridge.sandbox.tiktok", "--port", "0", stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        ready = json.loads(await asyncio.wait_for(process.stdout.readline(), 30))
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", ready["url"])
        us = Caller(
            session, ready["url"], ready["app_key"], ready["app_secret"], ready["access_token"], cipher=None, spec=None
        )
        assert (await us.ok("GET", SHOPS_PATH))["shops"] == ready["shops"]
    finally:
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 30) == 0
