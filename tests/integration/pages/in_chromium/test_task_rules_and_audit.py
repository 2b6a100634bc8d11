"""Rules for buyers' requests are written and ordered; the audit tells of it; the overview leads to what waits."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser as Chromium
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.attention import AttentionKind
from bridge.storage import audit
from tests.integration.pages.chromium import visiting
from tests.integration.pages.seeding import order_of
from tests.integration.web.house import House

WITH_AND_WITHOUT = pytest.mark.parametrize("script", [True, False], ids=["with_script", "without_script"])


@WITH_AND_WITHOUT
async def test_a_rule_is_written_corrected_ordered_and_switched_on_and_the_audit_finds_it(
    house: House, chromium: Chromium, *, script: bool
) -> None:
    shop_id, _ = await house.tied_shop()
    await house.db.write(lambda conn: audit.write(conn, "user eve", "token a made", None, None))
    async with visiting(chromium, house.url, script=script, width=360) as visitor:
        page = visitor.page
        await visitor.enter(house)
        await visitor.go("/account")
        await page.get_by_role("navigation", name="Pages").get_by_role("link", name="Buyers' requests").click()
        await page.get_by_text("No rule yet").wait_for()
        await visitor.reach(page.get_by_role("link", name="Add a rule"))
        await page.keyboard.press("Enter")

        # Wrong first: a rejection wants a reason, and no order is both younger and older.
        await page.get_by_label("Name").fill("packed")
        await page.get_by_role("radio", name="Reject").check()
        await page.get_by_label("Placed so many hours ago, or more").fill("12")
        await visitor.reach(page.get_by_role("button", name="Save the rule"))
        await page.keyboard.press("Enter")
        mistakes = page.get_by_role("alert")
        await mistakes.get_by_text("needs one of TikTok's reason keys").wait_for()
        await visitor.has_focus(mistakes, "the mistakes have the focus")
        await visitor.fits()
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        reason = page.get_by_label("Reason of a rejection")
        await visitor.has_focus(reason, "the mistake leads to its field")
        await page.keyboard.type("seller_reject_apply_product_has_been_packed")
        assert await page.get_by_label("Name").input_value() == "packed", "what was typed stays"
        await page.keyboard.press("Enter")
        await visitor.says("Saved the rule packed")
        await visitor.says("The rules are switched off.")

        await page.get_by_role("link", name="Add a rule").click()
        await page.get_by_label("Name").fill("young")
        await page.get_by_label("Placed less than so many hours ago").fill("12")
        await page.get_by_role("button", name="Save the rule").click()
        await visitor.says("Saved the rule young")
        await visitor.reach(page.get_by_role("button", name="Move up: young"))
        await page.keyboard.press("Enter")
        await visitor.says("has its say earlier now")
        await page.get_by_label("Let the rules answer").check()
        await page.get_by_role("button", name="Save", exact=True).click()
        await visitor.says("The rules answer requests made from now on.")
        await visitor.fits()
        await visitor.keep(f"rules-{'with' if script else 'without'}-script")
        part = (await house.shop(shop_id)).settings.cancellation_sync.buyer_requests
        assert (part.enabled, [rule.name for rule in part.rules]) == (True, ["young", "packed"])

        await page.get_by_role("navigation", name="Pages").get_by_role("link", name="Audit").click()
        table = page.get_by_role("region", name="Changes")
        assert "user eve" in await table.inner_text()
        await page.get_by_label("Who").fill("user admin")
        await page.get_by_label("From day").fill("2020-01-01")
        await page.get_by_label("From day").press("Enter")
        await page.wait_for_url("**since=2020-01-01**")
        told = await table.inner_text()
        assert ("user eve" in told, "enabled: no → yes" in told) == (False, True), told
        await visitor.fits()
        await visitor.keep(f"audit-{'with' if script else 'without'}-script")
        await page.get_by_label("To day").fill("2020-01-02")
        await page.get_by_role("button", name="Show", exact=True).click()
        await page.get_by_text("Nothing of this was changed by hand.").wait_for()
        await page.get_by_role("link", name="Show everything").click()
        await table.get_by_role("link", name="Test shop").first.click()
        await page.wait_for_url(f"**{shop_id}")


@WITH_AND_WITHOUT
async def test_the_overview_says_what_waits_and_leads_there(house: House, chromium: Chromium, *, script: bool) -> None:
    shop_id, store_id = await house.tied_shop()
    await order_of(house, shop_id, store_id, AttentionKind.BUYER_REQUEST)
    failed = text("UPDATE connections SET state = 'failed', because = 'it refuses the token' WHERE id = :id")

    async def fail(conn: AsyncConnection) -> None:
        await conn.execute(failed, {"id": store_id})

    await house.db.write(fail)
    async with visiting(chromium, house.url, script=script, timezone_id="Asia/Tokyo") as visitor:
        page = visitor.page
        await visitor.sign_in()
        await page.get_by_role("link", name="bridge", exact=True).click()
        await page.get_by_role("heading", name="Overview", level=1).wait_for()
        day = page.get_by_role("region", name="24 hours")
        chart = day.get_by_role("img")
        assert "the table below has the same numbers" in str(await chart.get_attribute("aria-label"))
        shown = day.get_by_text("The same numbers as a table")
        await visitor.reach(shown)
        await page.keyboard.press("Enter")
        rows = day.get_by_role("region", name="Per hour").locator("tbody tr")
        arrived = [int(await row.locator("td").nth(1).inner_text()) for row in await rows.all()]
        assert sum(arrived) == 1
        await visitor.keep(f"overview-{'with' if script else 'without'}-script")
        await page.get_by_role("link", name="Answer them").click()
        await page.get_by_role("heading", name="Needs attention", level=1).wait_for()
        await page.go_back()
        connections = page.get_by_role("region", name="Each connection")
        assert "it refuses the token" in await connections.inner_text()
        await connections.get_by_role("link", name="Run doctor").click()
        await page.wait_for_url(f"**/connections/{store_id}")
