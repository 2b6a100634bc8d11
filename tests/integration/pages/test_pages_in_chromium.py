"""The pages in a real Chromium: axe finds nothing, at two widths, light and dark, with and without script."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from playwright.async_api import Browser as Chromium
from playwright.async_api import ConsoleMessage, Page, async_playwright

from bridge.domain.attention import AttentionKind
from bridge.web.pages.cancellation_sync import PATH
from bridge.web.pages.table import ROUTES
from bridge.web.users import add_user
from tests.integration.pages.browsing import PASSWORD
from tests.integration.pages.seeding import order_of
from tests.integration.web.house import House

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
ARTEFACTS = os.environ.get("SCREENSHOTS")
"""A folder that keeps a picture of each page, for people."""
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: apt-get install chromium")
_QUIET = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_AXE = f"""async () => (await axe.run({{runOnly: {_RULES}}})).violations.map(
    (one) => `${{one.id}}: ${{one.help}}: ${{one.nodes.map((node) => node.html.slice(0, 200)).join(" | ")}}`)"""


def _note_errors(wrong: list[str], said: ConsoleMessage) -> None:
    if said.type == "error":
        wrong.append(said.text)


@pytest.fixture
async def chromium() -> AsyncIterator[Chromium]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(_QUIET))
        yield browser
        await browser.close()


async def sign_in(page: Page, house: House) -> None:
    await page.goto(house.url + "/sign-in")
    await page.get_by_label("Name").fill("admin")
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Sign out").wait_for()


async def test_axe_finds_nothing_on_any_page_at_any_width_in_light_and_dark(house: House, chromium: Chromium) -> None:
    await add_user(house.db, "admin", PASSWORD, "manager", "test")
    shop_id, store_id = await house.tied_shop()
    known = {"shop": shop_id, "connection": store_id, "user": "admin"}
    known["order"] = await order_of(house, shop_id, store_id, AttentionKind.BUYER_REQUEST)
    known["item"] = (await house.rows("SELECT id FROM attention"))[0]["id"]
    paths = [re.sub(r"{(\w+)}", lambda name: known.get(name[1], ""), one.path) for one in ROUTES if one.method == "GET"]
    wrong: list[str] = []
    for width, scheme in ((1280, "light"), (360, "dark")):
        context = await chromium.new_context(
            viewport={"width": width, "height": 900}, color_scheme="light" if scheme == "light" else "dark"
        )
        page = await context.new_page()
        page.on("console", partial(_note_errors, wrong))
        await sign_in(page, house)
        for path in paths:
            await page.goto(house.url + path)
            if ARTEFACTS:
                name = (
                    path.strip("/")
                    .replace("/", "-")
                    .replace(shop_id, "shop")
                    .replace(store_id, "store")
                    .replace(known["order"], "one")
                    .replace(known["item"], "one")
                    or "home"
                )
                await page.screenshot(path=Path(ARTEFACTS) / f"{name}-{width}-{scheme}.png", full_page=True)
            wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
            if wide > 0:
                wrong.append(f"{path} at {width}: wider than the screen by {wide}")
            # The policy lets no page run a script of ours put into it; the debugger may.
            await page.evaluate(Path(AXE_FILE_PATH).read_text(encoding="utf-8"))
            wrong += [f"{path} at {width} {scheme}: {one}" for one in await page.evaluate(_AXE)]
        await context.close()
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("script", [True, False], ids=["with_script", "without_script"])
async def test_the_direction_is_switched_on_by_keyboard_alone(
    house: House, chromium: Chromium, *, script: bool
) -> None:
    await add_user(house.db, "admin", PASSWORD, "manager", "test")
    shop_id, _ = await house.tied_shop()
    context = await chromium.new_context(java_script_enabled=script, timezone_id="America/New_York")
    page = await context.new_page()
    await sign_in(page, house)
    await page.goto(house.url + PATH)
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    assert page.url.endswith("#content"), "the first stop leads past the navigation"
    box = page.get_by_label("Cancel on TikTok Shop what was refunded in Magento")
    await box.focus()
    await page.keyboard.press("Space")
    await page.get_by_label("Default cancellation reason").focus()
    await page.keyboard.press("ArrowDown")
    await page.get_by_role("button", name="Save", exact=True).focus()
    await page.keyboard.press("Enter")
    await page.get_by_role("status").get_by_text("off → on").wait_for()
    stored = (await house.shop(shop_id)).settings.cancellation_sync.store_to_channel
    assert (stored.enabled, stored.default_reason) == (True, "out_of_stock")
    zone = "America/New_York" if script else "UTC"
    assert f"times in {zone}" in (await page.locator("footer").inner_text())
    await context.close()
