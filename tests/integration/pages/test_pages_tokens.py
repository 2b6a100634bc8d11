"""API tokens in the browser: made, shown once, used, ended; viewers see them and no form."""

from __future__ import annotations

import re

from bridge.storage.users import Role
from tests.integration.pages.browsing import signed_in
from tests.integration.web.house import House

HOSTILE = """<script>alert("x")</script>'"""


async def test_a_token_is_made_shown_once_used_and_ended(house: House) -> None:
    browser = await signed_in(house)
    page = await browser.get("/tokens")
    assert "No token was made yet" in page.words
    nothing = await browser.submit(page, "/tokens", name=HOSTILE, scopes=[])
    assert nothing.status == 422
    assert "Choose one or more of: read, act, configure." in nothing.words
    assert ("name", HOSTILE) in nothing.form("/tokens").fields, "what was typed stays"
    assert 'href="#scopes"' in nothing.html
    shown = await browser.submit(nothing, "/tokens", name=HOSTILE, scopes=["act"])
    found = re.search(r"bridge_[\w-]{40,}", shown.words)
    assert found, shown.words
    assert "<script>alert" not in shown.html
    sent = {"Authorization": f"Bearer {found[0]}"}
    assert (await house.ask("GET", "/api/v1/shops", token=False, headers=sent)).status == 200
    listed = await browser.get("/tokens")
    assert found[0] not in listed.html
    assert "<script>alert" not in listed.html
    assert "act, read" in listed.words
    assert "by user admin" in listed.words
    taken = await browser.submit(nothing, "/tokens", name=HOSTILE.upper(), scopes=["read"])
    assert taken.status == 409
    assert "There is a token" in taken.words

    viewer = await signed_in(house, "anna", Role.VIEWER)
    seen = await viewer.get("/tokens")
    assert "accepted" in seen.words
    assert [form.action for form in seen.forms] == ["/sign-out"]

    [end] = [form.action for form in listed.forms if form.action.endswith("/end")]
    ended = await browser.submit(listed, end)
    assert (ended.status, ended.url) == (200, "/tokens")
    assert "is refused from now on" in ended.words
    assert (await house.ask("GET", "/api/v1/shops", token=False, headers=sent)).status == 401
