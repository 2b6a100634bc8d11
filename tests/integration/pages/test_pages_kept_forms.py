"""A form that comes too late: kept where it is ours and holds no secret, and never more than that."""

from __future__ import annotations

import json
import re

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.web.pages.forms import Form
from bridge.web.pages.kept_forms import keep, kept
from tests.integration.pages.browsing import PASSWORD, Browser

LOOK = "/orders/ord_x/settle"


async def ended(browser: Browser) -> None:
    async def write(conn: AsyncConnection) -> None:
        await conn.execute(text("DELETE FROM sessions"))

    await browser.house.db.write(write)


async def csrf_of(browser: Browser) -> str:
    found = re.search(r'name="csrf" value="(\w+)"', (await browser.get("/account")).html)
    assert found
    return found[1]


async def test_only_our_own_form_waits_for_the_sign_in(browser: Browser) -> None:
    token = await csrf_of(browser)
    await ended(browser)
    forged = await browser.send("POST", LOOK, data={"csrf": "0" * 64, "allow_past": "yes"}, at="/orders/ord_x")
    assert forged.url.startswith("/sign-in"), "led on as if it were nothing"
    assert 'name="kept"' not in forged.html
    ours = await browser.send("POST", LOOK, data={"csrf": token, "allow_past": "yes"}, at="/orders/ord_x")
    assert (ours.status, ours.url) == (403, LOOK)
    assert token not in ours.html, "the token of the old session goes"
    asked = await browser.submit(ours, "/sign-in", name="admin", password=PASSWORD)
    assert "Send it again?" in asked.words
    assert ("allow_past", "yes") in asked.form(LOOK).fields
    assert "/orders/ord_x" in asked.links
    assert not browser.house.actions.settled


async def test_a_kept_form_that_was_tampered_with_leads_nowhere_else(browser: Browser) -> None:
    await ended(browser)
    page = await browser.get("/sign-in")
    away = json.dumps(["https://evil.test/x", "//evil.test", [["a", '"><script>alert(1)</script>']]])
    shown = await browser.submit(page, "/sign-in", name="admin", password=PASSWORD, kept=away)
    assert "evil" not in shown.html
    assert "<script>alert" not in shown.html


@pytest.mark.parametrize("sent", ["", "nonsense", "[]", "[1, 2, 3]", '["/a", "/b", [["x"]]]', '["/a", "/b", {"x": 1}]'])
def test_what_is_no_kept_form_is_none(sent: str) -> None:
    assert kept(sent) is None


@pytest.mark.parametrize("name", ["password", "credentials/app_secret", "access_token", "current", "again", "api_key"])
def test_secrets_are_never_kept(name: str) -> None:
    assert keep("/a", "/b", Form((("name", "x"), (name, "y")))) == ""


def test_what_was_typed_comes_back_as_it_was() -> None:
    typed = (("note", 'she said "no"\n<b>'), ("reason", ""), ("note", "ü"))
    found = kept(keep("/a?x=1", "/b", Form((*typed, ("csrf", "t")))))
    assert found is not None
    assert (found.action, found.back, found.fields) == ("/a?x=1", "/b", typed)
