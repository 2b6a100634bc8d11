"""*Channel settings › Cancellation sync* of two shops, with mistakes on the way, as a merchant sets it."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser as Chromium
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.ports import FoundShop
from bridge.web.pages.cancellation_sync import PATH
from tests.integration.pages.chromium import visiting
from tests.integration.web.house import SHOP, House

WITH_AND_WITHOUT = pytest.mark.parametrize("script", [True, False], ids=["with_script", "without_script"])
DIRECTION = "Cancel on TikTok Shop what was refunded in Magento"


async def two_shops(house: House) -> tuple[str, str, str]:
    """A shop of the US and one of the UK on one store; their ids, and the store's."""
    house.tiktok.shops = (SHOP, FoundShop("8000", "London shop", "GB", "cipher2"))
    store = await house.connect_magento()
    channel = await house.connect_tiktok()
    by_name = {one["name"]: one["id"] for one in channel["shops"]}
    for shop in by_name.values():
        tied = await house.ask("PUT", f"/api/v1/shops/{shop}", json={"store": {"connection": store["id"]}})
        assert tied.status == 200, tied.text
    return by_name["Test shop"], by_name["London shop"], store["id"]


@WITH_AND_WITHOUT
async def test_two_shops_each_keep_their_own(house: House, chromium: Chromium, *, script: bool) -> None:
    first, second, _ = await two_shops(house)
    async with visiting(chromium, house.url, script=script) as visitor:
        page = visitor.page
        await visitor.enter(house)
        await visitor.go("/account")
        await page.get_by_role("navigation", name="Pages").get_by_role("link", name="Channel settings").click()
        await page.wait_for_url(f"**{PATH}/{first}")
        # The other shop, at the top right, by keyboard alone: moving in the list leads nowhere by itself.
        chosen = page.get_by_label("TikTok Shop", exact=True)
        await visitor.reach(chosen)
        where = await chosen.bounding_box()
        assert where is not None
        assert where["x"] > 640, "at the top right"
        assert where["y"] < 300, "at the top right"
        await page.keyboard.press("ArrowDown")
        await visitor.reach(page.get_by_role("button", name="Show"))
        await page.keyboard.press("Enter")
        await page.get_by_text("London shop (GB)", exact=False).first.wait_for()
        await page.wait_for_url(f"**{PATH}/{second}")

        # Wrong first: no reason for a direction that is on, and a number that is none.
        await page.get_by_label(DIRECTION).check()
        limit = page.get_by_label("Most cancellations within an hour")
        await limit.fill("20000")
        await page.locator("form[method=post]").nth(1).evaluate("one => one.noValidate = true")
        await page.get_by_role("button", name="Save", exact=True).click()
        mistakes = page.get_by_role("alert")
        await mistakes.get_by_text("Nothing was saved").wait_for()
        await visitor.has_focus(mistakes, "the mistakes have the focus")
        await visitor.keep(f"cancellation-sync-wrong-{'with' if script else 'without'}-script")
        assert await page.get_by_label(DIRECTION).is_checked(), "what was chosen stays"
        assert await limit.input_value() == "20000"
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        field = page.locator("[aria-invalid=true]:focus")
        await field.wait_for()
        named = await field.get_attribute("name")
        assert named in {"store_to_channel/default_reason", "store_to_channel/max_cancels_per_hour"}, named
        assert (await house.shop(second)).settings.cancellation_sync.store_to_channel.enabled is False

        await limit.fill("5")
        await page.get_by_label("Default cancellation reason").select_option("out_of_stock_uk")
        await page.get_by_label("Do not restock").check()
        await page.get_by_role("button", name="Save", exact=True).click()
        for told in ("off → on", "none → out_of_stock_uk", "→ 5.", "Restock: on → off."):
            await visitor.says(told)
        await visitor.keep(f"cancellation-sync-saved-{'with' if script else 'without'}-script")
        await page.reload()
        assert await page.get_by_role("status").count() == 0, "said once"
        assert await limit.input_value() == "5"

        await page.get_by_label("TikTok Shop", exact=True).select_option(first)
        await page.get_by_role("button", name="Show").click()
        await page.wait_for_url(f"**{PATH}/{first}")
        assert not await page.get_by_label(DIRECTION).is_checked(), "the other shop keeps its own"
        one, other = (await house.shop(first)).settings, (await house.shop(second)).settings
        assert one.cancellation_sync.store_to_channel.enabled is False
        assert one.cancellation_sync.channel_to_store.restock is True
        assert other.cancellation_sync.store_to_channel.default_reason == "out_of_stock_uk"
        assert other.cancellation_sync.channel_to_store.restock is False

        await page.get_by_role("navigation", name="Pages").get_by_role("link", name="Audit").click()
        table = page.get_by_role("region", name="Changes")
        assert "user admin" in await table.inner_text()
        assert "out_of_stock_uk" in await table.inner_text()


async def test_what_the_plugin_does_not_allow_is_said_with_what_to_do(house: House, chromium: Chromium) -> None:
    first, _, store_id = await two_shops(house)

    async def reported(version: str) -> None:
        async def write(conn: AsyncConnection) -> None:
            await house.connections.update(conn, store_id, facts={"plugin_version": version})

        await house.db.write(write)

    async with visiting(chromium, house.url, width=360) as visitor:
        await visitor.enter(house)
        for version, says in (("1.0.19", "may really be 1.0.20"), ("1.0.25", "breaks credit memos")):
            await reported(version)
            await visitor.go(f"{PATH}/{first}")
            allowed = await visitor.page.locator("#restock-allowed").inner_text()
            assert f"Plugin version: {version}" in allowed
            assert says in allowed, allowed
            await visitor.fits()
            await visitor.keep(f"plugin-{version}")
        await visitor.page.locator("#restock-allowed").get_by_role("link", name="Connections").click()
        await visitor.page.get_by_label("Plugin").first.wait_for()


async def test_an_amazon_store_has_no_such_section_and_says_why(house: House, chromium: Chromium) -> None:
    first, _, store_id = await two_shops(house)

    async def write(conn: AsyncConnection) -> None:
        await conn.execute(text("UPDATE connections SET kind = 'amazon' WHERE id = :id"), {"id": store_id})

    await house.db.write(write)
    async with visiting(chromium, house.url, script=False, width=360) as visitor:
        await visitor.enter(house)
        await visitor.go(f"{PATH}/{first}")
        await visitor.page.get_by_role("heading", name="Nothing to set for Amazon").wait_for()
        assert "one way only" in await visitor.page.locator("main").inner_text()
        assert await visitor.page.get_by_label("Default cancellation reason").count() == 0
        await visitor.fits()
        await visitor.keep("cancellation-sync-amazon")
