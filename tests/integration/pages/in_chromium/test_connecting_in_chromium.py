"""A store that connects itself and a seller who authorizes, in a real Chromium, with and without script."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser as Chromium
from playwright.async_api import Route

from bridge.domain.outcomes import Reauth, Rejected, RemoteProblem
from tests.integration.pages.chromium import Visitor, visiting
from tests.integration.web.house import House

STORE = "https://shop.test"


async def activated(house: House, key: str) -> None:
    """What the store does when its admin chooses Activate."""
    form = {
        "store_base_url": STORE,
        "oauth_consumer_key": key,
        "oauth_consumer_secret": "cs",
        "oauth_verifier": "v",
    }
    said = await house.ask("POST", "/oauth/magento/callback", token=False, data=form)
    assert said.status == 200
    await house.ask("GET", "/oauth/magento/identity", token=False, params={"oauth_consumer_key": key})


async def agrees(route: Route) -> None:
    """The platform's consent page, and the browser that comes back from it by itself."""
    state = re.findall(r"state=([^&]+)", route.request.url)[0]
    body = f'<!doctype html><title>Consent</title><a href="http://house.test/?code=c1&state={state}">Agree</a>'
    await route.fulfill(body=body, content_type="text/html")


async def whole(visitor: Visitor, name: str) -> None:
    await visitor.keep(name)
    await visitor.fits()
    if visitor.script:
        assert await visitor.axe() == []


@pytest.mark.parametrize("script", [True, False], ids=["with_script", "without_script"])
async def test_a_merchant_adds_a_store_and_a_shop_and_authorizes_again(
    house: House, chromium: Chromium, *, script: bool
) -> None:
    suffix = "with-script" if script else "without-script"
    async with visiting(chromium, house.url, script=script, width=360 if script else 1280) as visitor:
        page = visitor.page
        await visitor.sign_in()
        await page.get_by_role("link", name="Add TikTok Shop").wait_for()
        await whole(visitor, f"connecting-first-steps-{suffix}")
        await visitor.go("/connections/new")
        await page.get_by_role("link", name="Magento").click()
        await page.get_by_label("Store address").fill("ftp://shop")
        await page.get_by_role("button", name="Connect", exact=True).click()
        await page.get_by_role("alert").get_by_role("link").click()
        await visitor.has_focus(page.get_by_label("Store address"))
        await whole(visitor, f"connecting-wrong-{suffix}")
        await page.get_by_label("Store address").fill(STORE)
        await page.keyboard.press("Enter")
        await page.get_by_role("heading", name="Activate it in the store").wait_for()
        await page.get_by_text("https://bridge.test/oauth/magento/callback", exact=True).wait_for()
        await whole(visitor, f"connecting-activate-{suffix}")
        # An activation that fails is told, and what somebody just types is not lost by it.
        house.handshake.problem = RemoteProblem(Rejected("the verifier is used"))
        await page.get_by_role("textbox", name="Name").fill("Half a na")
        await activated(house, "ck-8")
        if script:
            await page.get_by_role("status").get_by_role("link", name="Load the page again").wait_for()
            assert await page.get_by_role("textbox", name="Name").input_value() == "Half a na"
            await page.get_by_role("link", name="Load the page again").click()
        else:
            await page.get_by_role("link", name="Check again").click()
        await page.get_by_text("The last activation failed: the verifier is used").wait_for()
        house.handshake.problem = None
        await activated(house, "ck-9")
        if not script:
            await page.get_by_role("link", name="Check again").click()
        # With script the page looks by itself.
        await page.get_by_role("heading", name="It is connected. What is next").wait_for()
        await whole(visitor, f"connecting-connected-{suffix}")

        await page.get_by_role("link", name="Add the shop whose orders it takes").click()
        await page.get_by_role("link", name="TikTok Shop").click()
        await page.get_by_label("App key").fill("app1")
        await page.get_by_label("App secret").fill("secret1")
        await page.get_by_label("Service ID").fill("77")
        await page.get_by_role("button", name="Connect", exact=True).click()
        await page.get_by_role("heading", name="Authorize it").wait_for()
        await whole(visitor, f"connecting-authorize-{suffix}")
        shop = page.url
        await page.get_by_role("button", name="Make a link for somebody else").click()
        await page.get_by_text(re.compile("^https://bridge.test/oauth/tiktok/start")).wait_for()
        await whole(visitor, f"connecting-link-{suffix}")
        await page.get_by_role("link", name="Back to TikTok Shop").click()
        await authorize(visitor, house)
        await page.get_by_role("link", name="Back to Test shop").click()
        await page.get_by_role("link", name="Choose the store of Test shop").wait_for()

        # The seller takes the authorization back: the page says what does not happen, and authorizes again.
        house.tiktok.problem = RemoteProblem(Reauth("the seller took the authorization back"))
        await page.get_by_role("button", name="Run doctor").click()
        await page.get_by_role("alert").get_by_text("Doctor looked at").wait_for()
        await page.get_by_role("heading", name="Until it is authorized again").wait_for()
        await whole(visitor, f"connecting-again-{suffix}")
        house.tiktok.problem = None
        await authorize(visitor, house)
        await page.get_by_role("link", name=re.compile("^Back to ")).click()
        await page.get_by_text("Connected", exact=False).first.wait_for()
        assert page.url == shop
        assert await page.get_by_role("heading", name="Until it is authorized again").count() == 0


async def authorize(visitor: Visitor, house: House) -> None:
    """By the button, to the platform's own page, and back: no policy of ours stands in the way."""
    page = visitor.page
    page_of_ours = "**/oauth/tiktok/start?**"
    await page.route("https://services.tiktok.test/**", agrees)

    async def at_our_address(route: Route) -> None:
        """bridge.test is this house; nothing on the loopback has that name."""
        local = route.request.url.replace("https://bridge.test", house.url)
        said = await house.ask("GET", local, token=False)
        body = f'<meta http-equiv="refresh" content="0;url={said.headers["Location"]}">'
        await route.fulfill(body=body, content_type="text/html")

    await page.route(page_of_ours, at_our_address)
    await page.get_by_role("button", name="Authorize on TikTok Shop").click()
    link = page.get_by_role("link", name="Agree")
    await link.wait_for()
    target = (await link.get_attribute("href") or "").replace("http://house.test/", "/oauth/tiktok/callback")
    await visitor.go(target)
    await page.get_by_role("heading", name="Connected").wait_for()
