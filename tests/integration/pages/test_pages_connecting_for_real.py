"""From a first password to a shop in sync by pages alone: the whole service, and a Magento and a TikTok of its own."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import cast

import pytest

from tests.integration.connect.parts import MUGS, ask, refund_all
from tests.integration.pages.browsing import PASSWORD, Browser, Page
from tests.integration.web.house import House
from tests.support.stage import Stage, stage


def links_to(page: Page, beginning: str) -> list[str]:
    return sorted({link for link in page.links if link.startswith(beginning)})


async def magento_activates(play: Stage, page: Page) -> None:
    """What the merchant does in Magento's admin with what our page shows."""
    texts = [html.unescape(text) for text in re.findall(r'data-copy="([^"]+)"', page.html)]
    callback = next(text for text in texts if text.endswith("/callback"))
    identity = next(text for text in texts if text.endswith("/identity"))
    body = {"name": "Bridge", "callback_url": callback, "identity_url": identity}
    number = (await play.magento.control("POST", "integrations", body))["id"]
    told = await play.magento.control("POST", "activate", {"integration": number})
    opened = await ask(play, "GET", told["identity_url"], token=False)
    assert "<h1>Connected</h1>" in opened.text


async def seller_agrees(play: Stage, shown: Page) -> Page:
    """The browser goes where our page leads, agrees on TikTok, and comes back."""
    target = html.unescape(re.findall(r'http-equiv="refresh" content="0;url=([^"]+)"', shown.html)[0])
    out = await ask(play, "GET", target, token=False)
    agreed = await ask(play, "GET", out.headers["Location"], token=False)
    back = await ask(play, "GET", agreed.headers["Location"], token=False)
    assert "<h1>Connected</h1>" in back.text, back.text
    return Page(back.status, "/oauth/tiktok/callback", back.headers, back.text)


async def test_from_the_first_password_to_a_cancelled_order_by_pages_alone(
    tmp_path: Path, sqlite_url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    async with stage(tmp_path, sqlite_url, regions=1) as play, play.inside(admin_password=PASSWORD):
        await play.tiktok.control("PATCH", "app", {"redirect_url": f"{play.url}/oauth/tiktok/callback"})
        await play.product("MUG")
        app = play.tiktok_box.app
        browser = Browser(cast("House", play))  # it has an address and a session, which is all a browser needs
        page = await browser.sign_in()
        assert "Nothing is connected yet" in page.words

        page = await browser.get("/connections/new/tiktok")
        given = {
            "url": play.tiktok.url,
            "credentials/app_key": app.key,
            "credentials/app_secret": app.secret,
            "credentials/service_id": app.service_id,
            "credentials/auth_url": play.tiktok.url,
            "credentials/authorize_url": play.tiktok.url,
        }
        page = await browser.submit(page, "/connections/new/tiktok", None, **given)
        assert page.status == 200, page.words
        channel = page.url
        back = await seller_agrees(play, await browser.submit(page, f"{channel}/authorize", ("who", "me")))
        page = await browser.get(links_to(back, "/connections/")[0])
        assert "Add the store" in page.words

        page = await browser.get("/connections/new/magento")
        wrong = await browser.submit(page, "/connections/new/magento", url="ftp://shop")
        assert wrong.status == 422
        page = await browser.submit(wrong, "/connections/new/magento", url=play.magento.url, name="Shop")
        assert "not connected yet" in page.words
        store = page.url
        await magento_activates(play, page)
        page = await browser.get(store)
        assert "It is connected. What is next" in page.words
        assert "reports version 1.0.26" in page.words

        (sync,) = links_to(page, "/settings/cancellation-sync/")
        page = await browser.get(sync)
        tied = {"store/connection": store.rpartition("/")[2], "dry_run": False}
        page = await browser.submit(page, f"{sync}/store", None, **tied)
        assert page.status == 200, page.words
        found = (await play.api("GET", "shops"))["shops"][0]
        await play.api("PUT", f"shops/{found['id']}", {"store": found["store"], "hold_minutes": 0, "dry_run": False})
        page = await browser.get(sync)
        on = {"store_to_channel/enabled": True, "store_to_channel/default_reason": reason(page)}
        page = await browser.submit(page, sync, None, **on)
        assert page.status == 200, page.words
        play.channel_shop_id = found["channel_shop_id"]
        order = await play.place(MUGS)
        await play.imported(order)
        await refund_all(play, order)
        await play.settled(order)
        assert "steps to a shop" not in (await browser.get("/connections")).words

        # The seller takes the authorization back, and gives it again by the button.
        await play.tiktok.control("POST", "tokens/revoke", {})
        await browser.submit(await browser.get(channel), f"{channel}/doctor")
        page = await browser.get(channel)
        assert "Until it is authorized again" in page.words
        await seller_agrees(play, await browser.submit(page, f"{channel}/authorize", ("who", "me")))
        page = await browser.get(channel)
        assert "Until it is authorized again" not in page.words
        for path in (channel, store, "/connections", "/audit", f"{channel}/credentials"):
            shown = (await browser.get(path)).html
            assert app.secret not in shown
    out, err = capfd.readouterr()
    assert "service.started" in out + err
    assert app.secret not in out + err


def reason(page: Page) -> str:
    """One of the reasons that the page offers."""
    offered = re.findall(r'<option value="(\w+)"', page.html.partition('name="store_to_channel/default_reason"')[2])
    return str(offered[0])
