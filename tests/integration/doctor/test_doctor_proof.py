"""The signed test delivery through a proxy that does its work, and through ones that do not."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from sqlalchemy import text

from bridge.web.connecting import CONNECTING
from bridge.web.desk import DESK
from bridge.web.doctor.connection import Doctor
from tests.integration.connect.parts import Said, ask, attention
from tests.integration.doctor.clinic import Clinic, codes, said
from tests.support.certificates import self_signed
from tests.support.stage import Stage


async def tables(ward: Clinic) -> dict[str, int]:
    async def read(conn: Any) -> dict[str, int]:
        names = ("inbox", "work", "orders", "attention", "ledger", "changelog")
        return {name: (await conn.execute(text(f"SELECT COUNT(*) FROM {name}"))).scalar_one() for name in names}

    return await ward.service.desk.db.read(read)


async def is_empty(ward: Clinic) -> bool:
    return not any((await tables(ward)).values())


async def test_it_goes_the_whole_way_and_leaves_nothing(ward: Clinic) -> None:
    for looked, path in (
        (await ward.store(), f"/hooks/magento/{ward.play.store_id}"),
        (await ward.channel(), f"/hooks/tiktok/{ward.play.tiktok_box.app.key}/order-status-change"),
    ):
        level, words = said(looked, "test_delivery")
        assert (level, ward.proxy.url + path in words) == ("ok", True)
        assert path in ward.proxy.passed
    await ward.play.until(lambda: is_empty(ward), "the tests are out of the books again")
    assert await attention(ward.play) == []
    # Nobody asked a shop about it: no memo 0, no order 0.
    assert await ward.play.magento.calls(path="creditmemo/0") == []
    assert await ward.play.magento.calls(path="orders/0") == []
    async with ward.play.session.get(f"{ward.play.url}/metrics") as answer:
        shown = await answer.text()
    assert 'bridge_deliveries_total{kind="magento",outcome="test"} 1.0' in shown
    assert 'outcome="taken_in"' not in shown


async def play_again(ward: Clinic, body: bytes, signature: str) -> Said:
    headers = {
        "X-Webhook-Topic": "creditmemos/update",
        "X-App-Key": ward.play.store_id,
        "X-Magento-Hmac-Sha256": signature,
        "Content-Type": "application/json",
    }
    path = f"/hooks/magento/{ward.play.store_id}"
    return await ask(ward.play, "POST", path, token=False, data=body, headers=headers)


async def test_a_stranger_gets_nowhere_with_it_and_a_replay_does_nothing(ward: Clinic) -> None:
    body = b'{"id":"0","bridge_test":"aaaaaaaaaaaaaaaaaaaa"}'
    refused = await play_again(ward, body, "0" * 64)
    assert (refused.status, refused.json["type"]) == (401, "/problems/bad-signature")
    assert await is_empty(ward)
    key = (await ward.stored(ward.play.store_id)).credentials["consumer_key"]
    signature = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
    for _ in range(3):
        assert (await play_again(ward, body, signature)).status == 200

    async def done() -> bool:
        return (await tables(ward))["work"] == 0

    await ward.play.until(done, "the work of a replayed test is ended")
    found = await tables(ward)
    assert (found["inbox"], found["orders"], found["attention"]) == (1, 0, 0)
    assert await ward.play.magento.calls(path="creditmemo/") == []


@pytest.mark.parametrize("name", ["X-Magento-Hmac-Sha256", "X-Webhook-Topic", "X-App-Key"])
async def test_a_header_that_the_proxy_drops_is_named(ward: Clinic, name: str) -> None:
    ward.proxy.without(name)
    level, words = said(await ward.store(), "test_delivery_altered")
    assert (level, name in words, "hand it on as it comes" in words) == ("error", True, True), words


async def test_a_proxy_that_drops_authorization_is_told(ward: Clinic) -> None:
    ward.proxy.without("Authorization")
    assert "the header Authorization did not arrive" in said(await ward.channel(), "test_delivery_altered")[1]


async def test_a_proxy_that_puts_a_login_of_its_own_there_is_told(ward: Clinic) -> None:
    ward.proxy.change = lambda headers, raw: ({**headers, "Authorization": "Basic eDp5"}, raw)
    words = said(await ward.channel(), "test_delivery_altered")[1]
    assert "body arrived whole" in words
    assert "Authorization with another value" in words


async def test_a_proxy_that_writes_the_body_anew_is_told(ward: Clinic) -> None:
    ward.proxy.change = lambda headers, raw: (headers, json.dumps(json.loads(raw)).encode())
    for looked in (await ward.store(), await ward.channel()):
        level, words = said(looked, "test_delivery_altered")
        assert (level, "the body arrived changed" in words, "bytes of" in words) == ("error", True, True), words


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            {"status": 301, "headers": {"Location": "https://bridge.example/hooks"}},
            "redirected to https://bridge.example",
        ),
        ({"status": 401, "text": "login"}, "asks for a login"),
        ({"status": 403, "text": "no"}, "User-Agent"),
        ({"status": 404, "text": "no"}, "hand /hooks/ on"),
        ({"status": 405, "text": "no"}, "let POST through"),
        ({"status": 413, "text": "no"}, "too large"),
        ({"status": 502, "text": "no"}, "does not reach the service"),
        ({"status": 418, "text": "no"}, "HTTP 418"),
        ({"status": 200, "text": "welcome"}, "answered 200 by something else"),
    ],
)
async def test_what_answers_instead_of_the_service_is_told(ward: Clinic, answer: dict[str, Any], words: str) -> None:
    ward.proxy.instead = lambda: web.Response(**answer)
    level, told = said(await ward.store(), "test_delivery_failed")
    assert (level, words in told) == ("error", True), told


async def test_a_bridge_that_does_not_know_the_connection_is_told_from_a_proxy(ward: Clinic) -> None:
    problem = json.dumps({"type": "/problems/unknown-connection"}).encode()
    ward.proxy.instead = lambda: web.Response(status=404, body=problem, content_type="application/problem+json")
    assert "does not know this connection" in said(await ward.store(), "test_delivery_failed")[1]


async def test_a_public_address_where_nobody_answers_is_told(ward: Clinic) -> None:
    app = ward.service.runner.app
    for address, words in (("http://127.0.0.1:9", "nobody answers there"), ("https://bridge.invalid", "looked up")):
        doctor = Doctor(replace(app[DESK], public_url=address), app[CONNECTING])
        joined = await doctor.look(await ward.stored(ward.play.store_id), address, "test", mend=False)
        [found] = [one for one in joined.findings if one.code.startswith("test_delivery")]
        assert (found.level, found.code, words in found.text) == ("error", "test_delivery_failed", True), found.text


async def test_a_certificate_that_nobody_vouches_for_is_told_at_both_ends(ward: Clinic, tmp_path: Path) -> None:
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", ward.proxy.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=self_signed(tmp_path)).start()
        address = f"https://localhost:{runner.addresses[0][1]}"
        served = ward.service.runner.app
        doctor = Doctor(replace(served[DESK], public_url=address), served[CONNECTING])
        await ward.patch(ward.play.store_id, url=address)
        joined = await doctor.look(await ward.stored(ward.play.store_id), address, "test", mend=False)
    finally:
        await runner.cleanup()
    told = {one.code: one for one in joined.findings if one.level == "error"}
    assert "certificate is refused" in told["test_delivery_failed"].text
    assert "Renew the store's certificate" in told["unreachable"].text
    assert ward.proxy.passed == []


async def test_without_a_public_address_nothing_is_sent(play: Stage) -> None:
    looked = await play.api("POST", f"connections/{play.store_id}/doctor")
    assert said(looked, "test_delivery_skipped")[0] == "warning"
    assert "no_public_url" in codes(looked)
