from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from bridge.domain.outcomes import Reauth, RemoteProblem, Retry
from bridge.web import handshake as handshake_module
from bridge.web.handshake import same_store
from tests.integration.web.house import MAGENTO, House, opened

FORM = {
    "oauth_consumer_key": "ck-activated",
    "oauth_consumer_secret": "cs-activated-secret",
    "store_base_url": "http://shop.test/",
    "oauth_verifier": "v" * 32,
}
BACK = "https://shop.test/admin/integration/loginSuccessCallback"


async def announce(house: House, **more: Any) -> dict[str, Any]:
    answer = await house.ask(
        "POST", "/api/v1/connections", json={"kind": "magento", "url": "https://shop.test", **more}
    )
    assert answer.status == 201, answer.text
    found: dict[str, Any] = answer.json
    return found


async def activate(house: House, **more: str) -> int:
    answer = await house.ask("POST", "/oauth/magento/callback", token=False, data=FORM | more)
    return answer.status


async def identity(house: House, key: str = "ck-activated", back: str = BACK) -> tuple[int, str]:
    query = urlencode({"oauth_consumer_key": key, "success_call_back": back})
    answer = await house.ask("GET", f"/oauth/magento/identity?{query}", token=False)
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    return answer.status, answer.text


async def test_announce_activate_and_the_store_is_connected(each_house: House) -> None:
    house = each_house
    made = await announce(house)
    assert made["state"] == "announced"
    assert made["callback_url"] == "https://bridge.test/oauth/magento/callback"
    assert made["identity_url"] == "https://bridge.test/oauth/magento/identity"
    assert await activate(house) == 200
    status, text = await identity(house)
    assert (status, "Connected" in text, BACK in text) == (200, True, True)
    stored = await house.store(made["id"])
    assert stored.state == "connected"
    assert stored.credentials["access_token"] == "at-from-exchange"
    # The exchange went to the address the operator announced, whatever the form said.
    assert house.handshake.asked[0].store_base_url == "https://shop.test"
    assert house.magento.asked[0][3] == "https://bridge.test"
    assert (await house.magento_says(made["id"], {"id": "7"}, key="ck-activated")).status == 200
    assert house.actions.mended == [made["id"]]


async def test_the_callback_is_answered_before_the_exchange_ends(house: House) -> None:
    await announce(house)
    house.handshake.gate = asyncio.Event()
    assert await activate(house) == 200
    house.handshake.gate.set()
    assert "Connected" in (await identity(house))[1]


@pytest.mark.parametrize("address", ["https://other.test/", "https://shop.test:8443/", "https://shop.test/b/", "", "x"])
async def test_a_store_nobody_announced_is_403(house: House, address: str) -> None:
    await announce(house)
    answer = await house.ask("POST", "/oauth/magento/callback", token=False, data=FORM | {"store_base_url": address})
    assert (answer.status, answer.json["type"]) == (403, "/problems/not-announced")
    assert house.handshake.asked == []


async def test_a_callback_with_something_missing_is_400(house: House) -> None:
    await announce(house)
    assert await activate(house, oauth_verifier="") == 400
    assert (await house.ask("POST", "/oauth/magento/callback", token=False, data=b"\xff")).status == 400


async def test_a_refused_exchange_leaves_a_working_connection_as_it_is(house: House) -> None:
    """Anybody can post a callback."""
    store = await house.connect_magento()
    house.handshake.problem = RemoteProblem(Reauth("Magento does not know the consumer <b>x</b>"))
    assert await activate(house, oauth_consumer_key="stranger") == 200
    status, text = await identity(house, "stranger")
    assert (status, "&lt;b&gt;x" in text, "<b>x" in text) == (200, True, False)
    stored = await house.store(store["id"])
    assert (stored.state, stored.credentials["access_token"]) == ("connected", MAGENTO["access_token"])


async def test_reauthorize_gives_an_existing_connection_new_tokens(house: House) -> None:
    store = await house.connect_magento()
    assert await activate(house, oauth_consumer_key="ck-1") == 200
    assert "Connected" in (await identity(house, "ck-1"))[1]
    stored = await house.store(store["id"])
    assert (stored.id, stored.credentials["access_token"]) == (store["id"], "at-from-exchange")


async def test_what_a_crash_cut_off_is_gone_on_with_by_the_page(house: House) -> None:
    made = await announce(house)
    house.handshake.gate = asyncio.Event()
    assert await activate(house) == 200
    assert house.app is not None
    from bridge.web.background import BACKGROUND

    while not house.handshake.asked:
        await asyncio.sleep(0)
    await house.app[BACKGROUND].close()
    house.handshake.gate = None
    async with opened(house.db, connections=house.connections) as restarted:
        status, text = await identity(restarted)
        assert (status, "Connected" in text) == (200, True)
        assert (await restarted.store(made["id"])).state == "connected"


async def test_after_300_seconds_the_page_says_what_to_do(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handshake_module, "_PAUSE", 0.01)
    await announce(house)
    house.handshake.problem = RemoteProblem(Retry("the store does not answer"))
    assert await activate(house) == 200
    house.clock.at += timedelta(seconds=301)
    status, text = await identity(house)
    assert (status, "Reauthorize" in text) == (200, True)


async def test_a_store_that_is_down_for_a_moment_is_asked_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handshake_module, "_PAUSE", 0.01)
    await announce(house)
    house.handshake.problem = RemoteProblem(Retry("the store does not answer"))
    assert await activate(house) == 200
    while len(house.handshake.asked) < 3:
        await asyncio.sleep(0.01)
    house.handshake.problem = None
    assert "Connected" in (await identity(house))[1]


async def test_authorized_but_not_connected_keeps_the_credentials(house: House) -> None:
    made = await announce(house)
    house.magento.problem = RemoteProblem(Reauth("the integration lacks Magento_Sales::create"))
    assert await activate(house) == 200
    assert "lacks Magento_Sales::create" in (await identity(house))[1]
    stored = await house.store(made["id"])
    assert (stored.state, stored.credentials["access_token"]) == ("reauth", "at-from-exchange")


@pytest.mark.parametrize(
    "back",
    [
        "https://evil.test/admin",
        "javascript:alert(1)",
        "https://shop.test@evil.test/",
        "https://evil.test/https://shop.test/",
        "//evil.test/",
        "data:text/html,x",
        '"><script>alert(1)</script>',
    ],
)
async def test_the_page_leads_nowhere_but_to_the_announced_host(house: House, back: str) -> None:
    await announce(house)
    await activate(house)
    status, text = await identity(house, back=back)
    assert status == 200
    assert "href" not in text
    assert "evil" not in text
    assert "<script" not in text


async def test_an_unknown_consumer_key_is_404_and_no_parameters_400(house: House) -> None:
    assert (await identity(house, "<script>"))[0] == 404
    answer = await house.ask("GET", "/oauth/magento/identity", token=False)
    assert answer.status == 400


async def test_strangers_cannot_pile_up_exchanges(house: House) -> None:
    await announce(house)
    house.handshake.gate = asyncio.Event()
    statuses = [await activate(house, oauth_consumer_key=f"k{number}") for number in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    house.handshake.gate.set()


async def test_no_secret_shows_anywhere(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    made = await announce(house)
    await activate(house)
    shown = [(await identity(house))[1], (await house.ask("GET", "/api/v1/connections")).text]
    shown.append((await house.ask("GET", f"/api/v1/connections/{made['id']}")).text)
    shown.append((await house.ask("GET", "/api/v1/audit")).text)
    shown.append(capsys.readouterr().out)
    for secret in ("cs-activated-secret", "at-from-exchange", "v" * 32, quote("ck-activated")):
        assert not [text for text in shown if secret in text]


@pytest.mark.parametrize(
    ("given", "announced", "is_same"),
    [
        ("http://shop.test/", "https://shop.test", True),
        ("https://SHOP.test/index.php/", "https://shop.test", True),
        ("https://shop.test:443/", "https://shop.test", True),
        ("https://shop.test/de/", "https://shop.test/de", True),
        ("https://shop.test/de/", "https://shop.test", False),
        ("https://shop.test:8443/", "https://shop.test", False),
        ("https://shop.test.evil.test/", "https://shop.test", False),
        ("ftp://shop.test/", "https://shop.test", False),
        ("https://[::1", "https://shop.test", False),
    ],
)
def test_which_addresses_are_one_store(given: str, announced: str, is_same: bool) -> None:
    assert same_store(given, announced) is is_same
