"""Connections added, authorized again and given new credentials in a browser without script."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.bootstrap import ENTRIES, PLATFORMS
from bridge.domain.outcomes import Reauth, Rejected, RemoteProblem, Retry
from bridge.ports import Connector, Finding, Parts
from bridge.storage import attention, loads, orders
from bridge.storage.engine import Database
from bridge.storage.users import Role
from tests.integration.pages.browsing import Browser, Page, signed_in
from tests.integration.web.fakes import FakeConnector
from tests.integration.web.house import House, opened

HOSTILE = '<script>alert("x")</script> it\'s'
SECRET = "s3cret-that-nobody-sees"
STORES = sorted(kind for kind, one in PLATFORMS.items() if one.side == "store")
GIVEN: dict[str, dict[str, str]] = {
    "shopify": {"client_id": "cid", "client_secret": SECRET},
    "amazon": {"client_id": "cid", "client_secret": SECRET, "refresh_token": "Atzr|1"},
    "woocommerce": {"consumer_key": "ck_1", "consumer_secret": f"cs_{SECRET}"},
    "magento": {
        "consumer_key": "ck-1",
        "consumer_secret": SECRET,
        "access_token": "at-1",
        "access_token_secret": "ats-1",
    },
    "tiktok": {"app_key": "app1", "app_secret": SECRET, "access_token": "t1", "refresh_token": "r1"},
}
ADDRESS = {"shopify": "my-shop", "amazon": "eu", "woocommerce": "https://8.8.4.4/shop", "magento": "https://8.8.8.8"}


class Judging(FakeConnector):
    """What a person types is judged by the real connector; only what is beyond the network is played."""

    def __init__(self, real: Connector, fake: FakeConnector) -> None:
        super().__init__(real.kind, (), fake.shops, fake.facts)
        self._real = real

    def normalise(self, url: str | None) -> str:
        return self._real.normalise(url)

    def check(self, credentials: Any) -> Any:
        return self._real.check(credentials)


class Clock:
    def now(self) -> datetime:
        return datetime.now(UTC)


@pytest.fixture
async def house(sqlite_database: Database) -> AsyncIterator[House]:
    """With every platform there is."""
    connectors: dict[str, Connector] = {}
    async with aiohttp.ClientSession() as session, opened(sqlite_database, connectors=connectors) as found:
        parts = Parts(session, Clock(), None)  # type: ignore[arg-type] # nothing is called, so nothing is paced
        fakes = {"magento": found.magento, "tiktok": found.tiktok}
        for entry in ENTRIES:
            kind = entry.platform.kind
            fake = fakes.get(kind) or FakeConnector(kind, (), facts={"mode": "full"})
            connectors[kind] = Judging(entry.assemble(parts).connector, fake)
        yield found


def played(house: House, kind: str) -> FakeConnector:
    found = house.desk.connectors[kind]
    assert isinstance(found, FakeConnector)
    return found


def fields(given: dict[str, str]) -> dict[str, str]:
    return {f"credentials/{name}": value for name, value in given.items()}


async def add(browser: Browser, kind: str, given: dict[str, str], **more: str) -> Page:
    page = await browser.get(f"/connections/new/{kind}")
    where = {"url": ADDRESS[kind]} if kind in ADDRESS else {}
    return await browser.submit(page, f"/connections/new/{kind}", None, **where, **fields(given), **more)


async def reauth(house: House, connection: str) -> None:
    async def write(conn: AsyncConnection) -> None:
        await house.connections.update(conn, connection, state="reauth", because=f"it says {HOSTILE}")

    await house.db.write(write)


@pytest.mark.parametrize("kind", PLATFORMS)
async def test_each_platform_is_connected_by_its_form_and_no_secret_comes_back(
    house: House, browser: Browser, kind: str, capfd: pytest.CaptureFixture[str]
) -> None:
    chosen = await browser.get("/connections/new")
    assert f"/connections/new/{kind}" in chosen.links
    page = await browser.get(f"/connections/new/{kind}")
    asked = {name for name, _ in page.form(f"/connections/new/{kind}").fields}
    assert {f"credentials/{one.name}" for one in PLATFORMS[kind].asks.fields} | {"name", "url"} <= asked

    # Not reached: said at the form, with what was typed but the secrets, and nothing is stored.
    played(house, kind).problem = RemoteProblem(Retry(f"nobody answers {HOSTILE}"))
    failed = await add(browser, kind, GIVEN[kind], name="Ours")
    assert failed.status == 502, failed.words
    assert f"nobody answers {HOSTILE}" in failed.words
    assert "Check the address" in failed.words
    assert HOSTILE not in failed.html
    kept = dict(failed.form(f"/connections/new/{kind}").fields)
    for one in PLATFORMS[kind].asks.fields:
        typed = GIVEN[kind].get(one.name, "")
        if typed and one.secret:
            assert kept[f"credentials/{one.name}"] == ""
            assert typed not in failed.html
        elif typed:
            assert kept[f"credentials/{one.name}"] == typed
    assert kept["name"] == "Ours"
    assert await house.rows("SELECT id FROM connections") == []

    played(house, kind).problem = RemoteProblem(Reauth("the key is wrong"))
    refused = await add(browser, kind, GIVEN[kind])
    assert refused.status == 422
    assert "the key is wrong" in refused.words
    assert "type the secrets again" in refused.words

    played(house, kind).problem = None
    played(house, kind).findings = (Finding("error", "broken", f"mend {HOSTILE}"),)
    done = await add(browser, kind, GIVEN[kind], name=f"Ours {HOSTILE}")
    assert done.status == 200, done.words
    assert re.fullmatch(r"/connections/con_\w+", done.url)
    assert f"Ours {HOSTILE} is connected, with 1 to mend" in done.words
    assert HOSTILE not in done.html
    stored = await house.store(done.url.rpartition("/")[2])
    assert {name: stored.credentials[name] for name in GIVEN[kind]} == GIVEN[kind]
    assert not {one.name for one in PLATFORMS[kind].asks.fields if one.choices} & set(stored.credentials), "as usual"
    for path in (done.url, f"{done.url}/credentials", "/connections", "/audit"):
        assert SECRET not in (await browser.get(path)).html
    out, err = capfd.readouterr()
    assert SECRET not in out + err


async def test_a_form_sent_twice_announces_one_connection_and_another_form_another(
    house: House, browser: Browser
) -> None:
    given = fields({"app_key": "app1", "app_secret": SECRET, "service_id": "7"})
    page = await browser.get("/connections/new/tiktok")
    first = await browser.submit(page, "/connections/new/tiktok", None, name="Ours", **given)
    again = await browser.submit(page, "/connections/new/tiktok", None, name="Ours", **given)
    assert (again.status, again.url) == (200, first.url), again.words
    assert "Ours is named. Now authorize it" in again.words
    [stored] = await house.rows("SELECT identity FROM connections")
    assert SECRET not in str(stored)
    told = await house.rows("SELECT id FROM audit WHERE what LIKE 'connection % announced'")
    assert len(told) == 1
    other = await browser.submit(page, "/connections/new/tiktok", None, name="Theirs", **given)
    anew = await browser.submit(
        await browser.get("/connections/new/tiktok"), "/connections/new/tiktok", None, name="Ours", **given
    )
    assert len({first.url, other.url, anew.url}) == 3, "two sellers of one app may be named alike"

    # New credentials of one that is authorized: named anew, once.
    done = await add(browser, "tiktok", GIVEN["tiktok"])
    page = await browser.get(f"{done.url}/credentials")
    before = len(await house.rows("SELECT id FROM connections"))
    sent = [await browser.submit(page, f"{done.url}/credentials", None, **given) for _ in range(2)]
    assert sent[0].url == sent[1].url != done.url
    assert len(await house.rows("SELECT id FROM connections")) == before + 1


async def test_what_is_missing_or_wrong_is_said_at_its_field(house: House, browser: Browser) -> None:
    for kind in PLATFORMS:
        await refuses_what_lacks_something(house, browser, kind)
    assert (await browser.get("/connections/new/nothing")).status == 404


async def refuses_what_lacks_something(house: House, browser: Browser, kind: str) -> None:
    platform = PLATFORMS[kind]
    given = dict(GIVEN[kind])
    left_out = next(one for one in platform.asks.fields if one.required and one.secret)
    del given[left_out.name]
    wrong = await add(browser, kind, given)
    assert wrong.status == 422
    assert f"{left_out.label} is missing" in wrong.words
    assert f'href="#credentials-{left_out.name}"' in wrong.html
    if platform.asks.address.required:
        page = await browser.get(f"/connections/new/{kind}")
        wrong = await browser.submit(
            page, f"/connections/new/{kind}", None, url="http://127.0.0.1/x?y", **fields(GIVEN[kind])
        )
        assert wrong.status == 422
        assert 'href="#url"' in wrong.html
        assert ("url", "http://127.0.0.1/x?y") in wrong.form(f"/connections/new/{kind}").fields
    assert await house.rows("SELECT id FROM connections") == []


async def test_magento_connects_itself_with_addresses_that_stay(house: House, browser: Browser) -> None:
    page = await add(browser, "magento", {}, name="Shop")
    assert page.status == 200
    for text in ("https://bridge.test/oauth/magento/callback", "https://bridge.test/oauth/magento/identity"):
        assert text in page.words
    for text in ("System › Integrations › Add New Integration", "Activate", "not connected yet", "300 seconds"):
        assert text in page.words
    path = page.url
    assert "/oauth/magento/callback" in (await browser.get(path)).words, "a later visit shows the same"
    told = (await house.ask("GET", f"/api/v1{path}")).json
    assert told["identity_url"] == "https://bridge.test/oauth/magento/identity"

    form = {"oauth_consumer_key": "ck-9", "oauth_consumer_secret": SECRET, "oauth_verifier": "v"}
    house.handshake.problem = RemoteProblem(Rejected("the verifier is used"))
    failed = {**form, "oauth_consumer_key": "ck-8", "store_base_url": ADDRESS["magento"]}
    await house.ask("POST", "/oauth/magento/callback", token=False, data=failed)
    await house.ask("GET", "/oauth/magento/identity", token=False, params={"oauth_consumer_key": "ck-8"})
    assert "The last activation failed: the verifier is used" in (await browser.get(path)).words
    house.handshake.problem = None
    good = {**form, "store_base_url": ADDRESS["magento"]}
    await house.ask("POST", "/oauth/magento/callback", token=False, data=good)
    await house.ask("GET", "/oauth/magento/identity", token=False, params={"oauth_consumer_key": "ck-9"})
    done = await browser.get(path)
    assert "It is connected. What is next" in done.words
    assert "/connections/new" in done.links, "no shop is there yet whose orders it takes"
    assert SECRET not in done.html

    # The shop comes; from both pages the way leads to where they are tied.
    channel = await add(browser, "tiktok", GIVEN["tiktok"])
    (shop,) = await house.rows("SELECT id FROM shops")
    for one in (channel, await browser.get(path)):
        assert f"/settings/cancellation-sync/{shop['id']}" in one.links
        assert "Choose the store of Test shop" in one.words


async def test_a_seller_authorizes_by_a_link_and_authorizes_again(house: House, browser: Browser) -> None:
    page = await add(browser, "tiktok", {"app_key": "app1", "app_secret": SECRET})
    assert page.status == 422
    assert 'href="#credentials-service_id"' in page.html
    page = await add(browser, "tiktok", {"app_key": "app1", "app_secret": SECRET, "service_id": "7"}, name="Ours")
    announced = page.url
    assert "Now authorize it" in page.words

    # What was typed is changed: the new one stands in its place.
    form = await browser.get(f"{announced}/credentials")
    assert dict(form.form(f"{announced}/credentials").fields)["credentials/service_id"] == "7"
    page = await browser.submit(form, f"{announced}/credentials", None, **{"credentials/service_id": "8"})
    assert page.status == 200, page.words
    assert (await browser.get(announced)).status == 404
    announced = page.url
    assert (await house.store(announced.rpartition("/")[2])).name == "Ours"

    link = ""
    for other in (True, False):
        shown = await browser.submit(page, f"{announced}/authorize", ("who", "other" if other else "me"))
        assert shown.status == 200
        (link,) = set(
            re.findall(r"https://bridge\.test(/oauth/tiktok/start\?[^\"< ]+)", shown.html.replace("&amp;", "&"))
        )
        assert ("http-equiv" in shown.html) is not other, "the browser is led on, or the link is for somebody else"
    started = await house.ask("GET", link, token=False)
    consent = urlsplit(started.headers["Location"])
    assert "service_id=8" in consent.query
    again = await browser.get(link)
    assert (again.status, "The link is used up" in again.words) == (403, True)
    state = consent.query.partition("state=")[2]
    back = await browser.get(f"/oauth/tiktok/callback?code=c1&state={state}")
    assert "Connected: Test shop" in back.words
    assert announced in back.links
    assert "It is connected. What is next" in (await browser.get(announced)).words

    await reauth(house, announced.rpartition("/")[2])
    page = await browser.get(announced)
    assert "New orders of TikTok Shop are not created in the store" in page.words
    assert f"it says {HOSTILE}" in page.words
    assert HOSTILE not in page.html
    shown = await browser.submit(page, f"{announced}/authorize", ("who", "me"))
    (link,) = re.findall(r'url=https://bridge\.test(/oauth/tiktok/start\?[^"]+)', shown.html.replace("&amp;", "&"))
    state = (await house.ask("GET", link, token=False)).headers["Location"].partition("state=")[2]
    assert "Connected: Test shop" in (await browser.get(f"/oauth/tiktok/callback?code=c2&state={state}")).words
    stored = await house.store(announced.rpartition("/")[2])
    assert (stored.state, stored.credentials["access_token"]) == ("connected", "access-c2")
    assert SECRET not in (await browser.get(announced)).html

    # New tokens join the same connection; a new secret alone takes the seller's consent once more.
    form = await browser.get(f"{announced}/credentials")
    page = await browser.submit(
        form, f"{announced}/credentials", None, **fields({"access_token": "t9", "refresh_token": "r9"})
    )
    assert (page.status, page.url) == (200, announced)
    stored = await house.store(announced.rpartition("/")[2])
    assert (stored.credentials["access_token"], stored.credentials["app_secret"]) == ("t9", SECRET)
    page = await browser.submit(form, f"{announced}/credentials", None, **{"credentials/app_secret": "another"})
    assert "Now authorize it" in page.words
    assert page.url != announced
    assert (await house.store(announced.rpartition("/")[2])).credentials["app_secret"] == SECRET


async def test_a_store_gets_new_credentials_where_only_what_changed_is_typed(house: House, browser: Browser) -> None:
    for kind in STORES:
        await gets_new_credentials(house, browser, kind)


async def gets_new_credentials(house: House, browser: Browser, kind: str) -> None:
    path = (await add(browser, kind, GIVEN[kind], name="Ours")).url
    store = path.rpartition("/")[2]
    if kind in {"shopify", "amazon"}:  # a token that was made from the others stays behind when they change

        async def write(conn: AsyncConnection) -> None:
            stored = await house.connections.get(conn, store)
            assert stored is not None
            minted = {"access_token": "minted", "access_expires_at": "2026-03-02T00:00:00+00:00"}
            await house.connections.update(conn, store, credentials={**stored.credentials, **minted})

        await house.db.write(write)
    await reauth(house, store)
    page = await browser.get(path)
    assert "Until it is authorized again" in page.words
    assert PLATFORMS[kind].asks.again in page.words
    assert f"{path}/credentials" in page.links
    form = await browser.get(f"{path}/credentials")
    assert "leave this empty to keep it" in form.words
    secret = [one.name for one in PLATFORMS[kind].asks.fields if one.required and one.secret][-1]
    new = f"cs_{SECRET}-2" if kind == "woocommerce" else f"{SECRET}-2"

    played(house, kind).problem = RemoteProblem(Reauth("the key is wrong"))
    refused = await browser.submit(form, f"{path}/credentials", None, **{f"credentials/{secret}": new})
    assert (refused.status, "the key is wrong" in refused.words) == (422, True)
    assert new not in refused.html
    kept = (await house.store(store)).credentials
    assert {name: kept[name] for name in GIVEN[kind]} == GIVEN[kind]

    played(house, kind).problem = None
    done = await browser.submit(refused, f"{path}/credentials", None, **{f"credentials/{secret}": new})
    assert (done.status, done.url) == (200, path), done.words
    stored = await house.store(store)
    assert {name: stored.credentials.get(name) for name in GIVEN[kind]} == {**GIVEN[kind], secret: new}
    assert (stored.state, stored.name) == ("connected", "Ours")
    assert "minted" not in played(house, kind).asked[-1][2].values()
    assert new not in done.html


async def test_first_steps_lead_on_and_the_list_says_what_waits(
    house: House, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in ("/", "/connections"):
        page = await browser.get(path)
        assert "Nothing is connected yet" in page.words
        assert "/connections/new/tiktok" in page.links
    shop_id, store_id = "", ""
    store_id = (await add(browser, "magento", GIVEN["magento"], name="Shop")).url.rpartition("/")[2]
    await add(browser, "tiktok", GIVEN["tiktok"])
    page = await browser.get("/connections")
    assert "Four steps to a shop in sync" in page.words
    assert "/settings/cancellation-sync" in page.links
    (shop,) = await house.rows("SELECT id, connection_id FROM shops")
    shop_id, channel_id = str(shop["id"]), str(shop["connection_id"])
    await house.ask("PUT", f"/api/v1/shops/{shop_id}", json={"store": {"connection": store_id}})

    async def write(conn: AsyncConnection) -> None:
        for number in range(3):
            record = await orders.ensure(conn, shop_id, f"57{number}")
            waits = {"waits_for": f"outage:{store_id}", "waiting_since": house.clock.now()}
            await orders.update(conn, record.id, state="waiting", because="it is down", **waits)
        await attention.raise_item(
            conn,
            kind="connection",
            fingerprint="f",
            title="t",
            because="b",
            what_to_do="w",
            facts={},
            connection_id=channel_id,
        )

    await house.db.write(write)
    page = await browser.get("/connections")
    assert "3 orders until it can be used" in page.words
    assert "1 question" in page.words
    with monkeypatch.context() as patch:
        patch.setattr(loads, "AT_MOST", 2)
        page = await browser.get("/connections")
        assert "2 or more orders until it can be used" in page.words
        assert "1 or more questions" in page.words
    await reauth(house, store_id)
    page = await browser.get(f"/connections/{store_id}")
    assert "3 wait now" in page.words
    assert "What is refunded in Shop is not cancelled where it was sold" in page.words
    done = {"store_to_channel": {"enabled": True, "default_reason": "out_of_stock"}}
    answer = await house.ask("PUT", f"/api/v1/shops/{shop_id}/cancellation-sync", json=done)
    assert answer.status == 200, answer.text
    assert "steps to a shop" not in (await browser.get("/connections")).words


async def test_doctors_word_has_the_sign_of_what_was_found(house: House, browser: Browser) -> None:
    path = (await add(browser, "woocommerce", GIVEN["woocommerce"])).url
    for level, role in (("warning", "status"), ("error", "alert")):
        played(house, "woocommerce").findings = (Finding(level, "any", "A finding."),)
        looked = await browser.submit(await browser.get(path), f"{path}/doctor")
        sign = {"warning": "!", "error": "✕"}[level]
        assert re.search(rf'role="{role}"[^>]*><p><span aria-hidden="true">{sign} </span>Doctor looked at', looked.html)


async def test_a_viewer_reads_what_is_needed_and_sees_no_form(house: House, browser: Browser) -> None:
    announced = (await add(browser, "magento", {})).url
    path = (await add(browser, "tiktok", {"app_key": "app1", "app_secret": SECRET, "service_id": "77"})).url
    viewer = await signed_in(house, "vera", Role.VIEWER)
    kinds = [f"/connections/new/{kind}" for kind in PLATFORMS]
    for one in ("/connections/new", *kinds, announced, path, f"{path}/credentials", f"{announced}/credentials"):
        page = await viewer.get(one)
        assert page.status == 200, one
        assert [form.action for form in page.forms] == ["/sign-out"], one
        assert "app1" not in page.html
    token = dict((await viewer.get(path)).forms[0].fields)["csrf"]
    for one in (kinds[0], f"{path}/credentials", f"{path}/authorize"):
        refused = await viewer.send("POST", one, data={"csrf": token, "url": "x"}, at=path)
        assert refused.status == 403, one


async def test_what_is_not_authorized_in_a_browser_says_what_else_to_do(house: House, browser: Browser) -> None:
    path = (await add(browser, "woocommerce", GIVEN["woocommerce"])).url
    token = dict((await browser.get(path)).forms[0].fields)["csrf"]
    refused = await browser.send("POST", f"{path}/authorize", data={"csrf": token}, at=path)
    assert (refused.status, "give it new credentials instead" in refused.words) == (409, True)
    # Connected by tokens, without a service id: there is no way to a consent page yet.
    path = (await add(browser, "tiktok", GIVEN["tiktok"])).url
    house.authorization.lacks = "service_id is missing: Partner Center shows it"
    led = await browser.submit(await browser.get(path), f"{path}/authorize", ("who", "me"))
    assert led.url == f"{path}/credentials"
    assert "service_id is missing: Partner Center shows it" in led.words
    # Its tokens are renewed beside us: what is stored of them is never stored again over newer ones.
    asked = len(played(house, "tiktok").asked)
    again = await browser.submit(led, f"{path}/credentials", None, **fields({"app_secret": "another"}))
    assert (again.status, 'href="#credentials-service_id"' in again.html) == (422, True)
    assert len(played(house, "tiktok").asked) == asked
