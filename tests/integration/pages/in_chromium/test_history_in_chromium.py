"""The past in a real Chromium: begun, read, chosen from, confirmed and applied, with and without script."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser as Chromium
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage import jobs, orders
from tests.integration.pages.chromium import visiting
from tests.integration.pages.past import CANCEL, ON, REFUND, ran
from tests.integration.web.house import House


@pytest.mark.parametrize("script", [True, False], ids=["with_script", "without_script"])
async def test_the_past_is_looked_at_chosen_from_and_applied(house: House, chromium: Chromium, *, script: bool) -> None:
    shop_id, _ = await house.tied_shop()
    await house.ask("PUT", f"/api/v1/shops/{shop_id}/cancellation-sync", json=ON)
    width, scheme = (1280, "light") if script else (360, "dark")
    async with visiting(chromium, house.url, script=script, width=width, color_scheme=scheme) as visitor:
        page = visitor.page
        await visitor.sign_in()
        await page.get_by_role("navigation", name="Pages").get_by_role("link", name="History").click()
        await page.get_by_label("Days back").fill("14")
        await page.get_by_role("button", name="Begin the run").click()
        await visitor.says("The run has begun")
        assert house.actions.looked_back == [
            (shop_id, 14, ("store_to_channel", "channel_to_store"), "user admin"),
        ]
        job = await ran(
            house,
            shop_id,
            ("577900000000000001", "refund", "act", REFUND),
            ("577900000000000002", "cancel", "act", CANCEL),
            ("577900000000000003", None, "held", {"total": "5.00 USD"}),
            state="running",
        )

        async def write(conn: AsyncConnection) -> None:
            record = await orders.ensure(conn, shop_id, "577900000000000009")
            await orders.update(conn, record.id, state="waiting", because="dry run: would refund. All 2 units")

        await house.db.write(write)
        await visitor.go(f"/history/{shop_id}")
        await page.get_by_role("heading", name="A run is under way").wait_for()
        await visitor.keep(f"history-running-{width}")
        await visitor.fits()
        wrong: list[str] = []
        await house.db.write(lambda conn: jobs.update(conn, job, state="done"))
        if not script:
            await page.get_by_role("link", name="Look again").click()
        # With script, the page has looked again by itself.
        first = page.get_by_label("Choose order 577900000000000001")
        await first.wait_for()
        await visitor.keep(f"history-{width}")
        await visitor.fits()
        wrong += await visitor.axe() if script else []
        if script:
            await page.get_by_label("Tick all on this page").check()
            assert await first.is_checked()
        else:
            await visitor.reach(first)
            await page.keyboard.press("Space")
            await page.get_by_label("Choose order 577900000000000002").check()
        await page.get_by_role("button", name="Go on with the ticked orders").click()
        await page.get_by_role("heading", name="What will happen").wait_for()
        assert house.actions.applied == []
        await visitor.keep(f"history-confirm-{width}")
        await visitor.fits()
        wrong += await visitor.axe() if script else []
        await page.get_by_role("button", name="Apply 2 orders now").click()
        await page.get_by_text("2 orders were accepted").wait_for()
        chosen = ("577900000000000001", "577900000000000002")
        assert house.actions.applied == [(shop_id, job, chosen, "user admin")]
        await visitor.keep(f"history-applied-{width}")
        await visitor.fits()
        wrong += await visitor.axe() if script else []
        assert not wrong, "\n".join(wrong)
