"""Connections in the browser: how each is, doctor on a button, a new name, and forgetting one."""

from __future__ import annotations

from bridge.ports import Finding
from bridge.storage.users import Role
from tests.integration.pages.browsing import Browser, signed_in
from tests.integration.web.house import House

HOSTILE = '<script>alert("x")</script>'


async def test_a_shop_owner_sees_how_each_is_has_doctor_look_and_renames_one(house: House, browser: Browser) -> None:
    empty = await browser.get("/connections")
    assert "Nothing is connected yet" in empty.words
    _, store = await house.tied_shop()
    listed = await browser.get("/connections")
    assert "2 connections" in listed.words
    assert "Connected" in listed.words
    assert f"/connections/{store}" in listed.links
    page = await browser.get(f"/connections/{store}")
    assert "1.0.26" in page.words

    house.magento.findings = (Finding("error", "broken", f"The store said {HOSTILE}"),)
    looked = await browser.submit(page, f"/connections/{store}/doctor")
    assert looked.status == 200
    assert "Doctor looked at Store" in looked.words
    assert f"The store said {HOSTILE}" in looked.words
    assert HOSTILE not in looked.html, "what a remote says is text"
    assert "to mend" in (await browser.get("/connections")).words

    action = f"/connections/{store}/change"
    wrong = await browser.submit(looked, action, name="", plugin_version_override="newest")
    assert wrong.status == 422
    assert ("plugin_version_override", "newest") in wrong.form(action).fields, "what was typed stays"
    assert 'href="#name"' in wrong.html
    wrong = await browser.submit(wrong, action, name="Our store")
    assert wrong.status == 422
    assert "it looks like 1.0.20" in wrong.words
    assert 'href="#plugin_version_override"' in wrong.html
    saved = await browser.submit(wrong, action, plugin_version_override="1.0.20")
    assert (saved.status, saved.url) == (200, f"/connections/{store}")
    kept = await house.store(store)
    assert (kept.name, kept.plugin_override) == ("Our store", "1.0.20")

    refused = await browser.submit(saved, f"/connections/{store}/forget")
    assert refused.status == 409
    assert "untie it first" in refused.words
    assert (await house.store(store)).name == "Our store"

    # By hand, by whom, and from what to what.
    told = await browser.get("/audit")
    assert "user admin" in told.words
    assert "name: Store → Our store" in told.words
    assert "plugin override: none → 1.0.20" in told.words


async def test_one_that_nothing_uses_is_forgotten_and_one_only_announced_has_no_doctor(
    house: House, browser: Browser
) -> None:
    store = (await house.connect_magento(name=HOSTILE))["id"]
    page = await browser.get(f"/connections/{store}")
    assert HOSTILE not in page.html
    gone = await browser.submit(page, f"/connections/{store}/forget")
    assert (gone.status, gone.url) == (200, "/connections")
    assert "was forgotten" in gone.words
    assert (await browser.get(f"/connections/{store}")).status == 404
    told = await house.ask(
        "POST", "/api/v1/connections", json={"kind": "magento", "name": "Later", "url": "https://later.test"}
    )
    later = await browser.get(f"/connections/{told.json['id']}")
    assert "Waits to be authorized" in later.words
    assert not any(one.action.endswith("/doctor") for one in later.forms)
    token = dict(later.forms[0].fields)["csrf"]
    asked = await browser.send("POST", f"/connections/{told.json['id']}/doctor", data={"csrf": token}, at=later.url)
    assert asked.status == 409
    assert "nothing to look at" in asked.words


async def test_a_viewer_sees_connections_and_no_form_of_them(house: House) -> None:
    store = (await house.connect_magento())["id"]
    viewer = await signed_in(house, "vera", Role.VIEWER)
    for path in ("/connections", f"/connections/{store}", "/audit"):
        page = await viewer.get(path)
        assert page.status == 200, path
        assert [one.action for one in page.forms if one.method == "post"] == ["/sign-out"]
