"""The pages in a real Chromium: axe finds nothing, at two widths, light and dark, with and without script."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser as Chromium

from bridge.domain.attention import AttentionKind
from bridge.web.pages.cancellation_sync import PATH
from bridge.web.pages.table import ROUTES
from tests.integration.pages.chromium import visiting
from tests.integration.pages.past import REFUND, ran
from tests.integration.pages.seeding import order_of
from tests.integration.web.house import House


async def test_axe_finds_nothing_on_any_page_at_any_width_in_light_and_dark(house: House, chromium: Chromium) -> None:
    shop_id, store_id = await house.tied_shop()
    known = {"shop": shop_id, "connection": store_id, "user": "admin", "kind": "tiktok"}
    known["order"] = await order_of(house, shop_id, store_id, AttentionKind.BUYER_REQUEST)
    known["item"] = (await house.rows("SELECT id FROM attention"))[0]["id"]
    target = {"kind": "webhook", "address": "https://hooks.example"}
    known["target"] = (await house.ask("POST", "/api/v1/alert-targets", json=target)).json["id"]
    await ran(house, shop_id, ("577", "refund", "act", REFUND), ("578", None, "held", {}))
    paths = [re.sub(r"{(\w+)}", lambda name: known.get(name[1], ""), one.path) for one in ROUTES if one.method == "GET"]
    wrong: list[str] = []
    for width, scheme in ((1280, "light"), (360, "dark")):
        async with visiting(chromium, house.url, width=width, color_scheme=scheme) as visitor:
            await visitor.enter(house)
            for path in paths:
                await visitor.go(path)
                await visitor.keep(f"{_named(path, known)}-{width}-{scheme}")
                await visitor.fits()
                wrong += [f"{path} at {width} {scheme}: {one}" for one in await visitor.axe()]
    assert not wrong, "\n".join(wrong)


def _named(path: str, known: dict[str, str]) -> str:
    """For a picture: the same from run to run."""
    for name, value in known.items():
        path = path.replace(value, name)
    return path.strip("/").replace("/", "-") or "home"


@pytest.mark.parametrize("script", [True, False], ids=["with_script", "without_script"])
async def test_the_direction_is_switched_on_by_keyboard_alone(
    house: House, chromium: Chromium, *, script: bool
) -> None:
    shop_id, _ = await house.tied_shop()
    async with visiting(chromium, house.url, script=script, timezone_id="America/New_York") as visitor:
        page = visitor.page
        await visitor.enter(house)
        await visitor.go(PATH)
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**#content")
        await visitor.reach(page.get_by_label("Cancel on TikTok Shop what was refunded in Magento"))
        await page.keyboard.press("Space")
        await visitor.reach(page.get_by_label("Default cancellation reason"))
        await page.keyboard.press("ArrowDown")
        await visitor.reach(page.get_by_role("button", name="Save", exact=True).first)
        await page.keyboard.press("Enter")
        await visitor.says("off → on")
        stored = (await house.shop(shop_id)).settings.cancellation_sync.store_to_channel
        assert (stored.enabled, stored.default_reason) == (True, "out_of_stock")
        zone = "America/New_York" if script else "UTC"
        assert f"times in {zone}" in (await page.locator("footer").inner_text())
