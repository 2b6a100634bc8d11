"""Alerts in a real Chromium: somebody is told from now on, tried out, told of less, and told no more."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser as Chromium

from bridge.domain.outcomes import Retry
from tests.integration.pages.chromium import visiting
from tests.integration.pages.test_pages_alerts import raise_items, sender
from tests.integration.web.house import House


@pytest.mark.parametrize("script", [True, False], ids=["with_script", "without_script"])
async def test_a_target_is_added_tried_out_narrowed_and_removed(
    house: House, chromium: Chromium, *, script: bool
) -> None:
    width, scheme = (1280, "light") if script else (360, "dark")
    async with visiting(chromium, house.url, script=script, width=width, color_scheme=scheme) as visitor:
        page = visitor.page

        async def looks_right(name: str) -> list[str]:
            await visitor.keep(f"{name}-{width}")
            await visitor.fits()
            return await visitor.axe() if script else []

        await visitor.sign_in()
        await page.get_by_role("navigation", name="Pages").get_by_role("link", name="Alerts").click()
        await page.get_by_label("Webhook", exact=True).check()
        await page.get_by_label("Address").fill("nowhere")
        await page.get_by_role("button", name="Add", exact=True).click()
        await page.get_by_role("alert").get_by_role("link", name="must look like").click()
        await page.wait_for_url("**#address")
        wrong = await looks_right("alerts-wrong")
        await visitor.reach(page.get_by_label("Address"))
        await page.get_by_label("Address").fill("https://hooks.example")
        await page.keyboard.press("Enter")
        await page.get_by_text("whsec_made").wait_for()
        wrong += await looks_right("alerts-secret")
        await page.get_by_role("link", name="I have copied it").click()
        await page.get_by_role("button", name="Send a test now").click()
        await visitor.says("The test arrived")
        sender(house).outcome = Retry("the other side answered 503")
        await page.get_by_role("button", name="Send a test now").click()
        await visitor.says("the other side answered 503")
        await page.get_by_label("Only these").check()
        await page.get_by_text("Kinds", exact=True).click()
        await page.get_by_label("A buyer asks to cancel", exact=True).check()
        wrong += await looks_right("alerts-target")
        await page.get_by_role("button", name="Save", exact=True).click()
        await visitor.says("told of only 1 kind")
        await page.get_by_label("Only these").wait_for()
        await house.db.write(lambda conn: raise_items(conn, "buyer_request", 3))
        await visitor.go("/alerts")
        wrong += await looks_right("alerts")
        await page.get_by_role("link", name="What was told").click()
        await page.get_by_label("State").select_option("waiting")
        await page.get_by_role("button", name="Show").click()
        await page.get_by_text("Question 2").wait_for()
        wrong += await looks_right("alerts-outbox")
        await page.get_by_role("link", name="https://hooks.example").first.click()
        await page.get_by_role("button", name="Remove https://hooks.example").click()
        await visitor.says("is told nothing more")
        await page.get_by_text("Nobody is told yet").wait_for()
        assert not wrong, "\n".join(wrong)
