"""An order is found by any id, read as a story, and settled; what waits for a person is answered."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import Browser as Chromium
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.attention import AttentionKind
from bridge.storage import attention, orders
from tests.integration.pages.chromium import visiting
from tests.integration.pages.seeding import order_of
from tests.integration.web.house import House

WITH_AND_WITHOUT = pytest.mark.parametrize("script", [True, False], ids=["with_script", "without_script"])


async def raised(house: House, kind: AttentionKind, order_id: str, **more: Any) -> str:
    async def write(conn: AsyncConnection) -> None:
        await attention.raise_item(
            conn,
            kind=kind.value,
            fingerprint="f",
            title=f"About {kind.value}",
            because="there is a reason",
            what_to_do="Look",
            order_id=order_id,
            **{"facts": {}, **more},
        )

    await house.db.write(write)
    return str((await house.rows(f"SELECT id FROM attention WHERE kind = '{kind.value}'"))[0]["id"])


@WITH_AND_WITHOUT
async def test_an_order_is_found_by_any_id_read_and_settled(house: House, chromium: Chromium, *, script: bool) -> None:
    shop_id, store_id = await house.tied_shop()
    order_id = await order_of(house, shop_id, store_id)

    async def more(conn: AsyncConnection) -> None:
        for number in range(3):
            other = await orders.ensure(conn, shop_id, f"99{number}")
            await orders.update(conn, other.id, state="settled")

    await house.db.write(more)
    async with visiting(chromium, house.url, script=script, width=360) as visitor:
        page = visitor.page
        await visitor.enter(house)
        await visitor.go("/orders")
        search, found = page.get_by_label("Any id or number"), page.get_by_role("region", name="Table of orders")
        assert await found.locator("tbody tr").count() == 4
        for id_ in ("576", "TT-576", "42", order_id):
            await visitor.reach(search)
            await search.fill(id_)
            await page.keyboard.press("Enter")
            await page.wait_for_url(re.compile(f"query={id_}"))
            assert await found.locator("tbody tr").count() == 1, id_
        await search.fill("12345")
        await page.get_by_label("State").select_option("held")
        await page.get_by_role("button", name="Search").click()
        await page.get_by_text("No order fits").wait_for()
        await visitor.keep("orders-none")
        await page.get_by_role("link", name="see all orders").click()
        await page.get_by_label("State").select_option("settled")
        await page.get_by_role("button", name="Search").click()
        await page.get_by_text("3 orders on this page").wait_for()
        await visitor.fits()

        await visitor.go("/orders?query=576")
        opening = found.get_by_role("link", name="576")
        await visitor.reach(opening)
        await page.keyboard.press("Enter")
        await page.get_by_role("heading", name="Order 576", level=1).wait_for()
        units = page.get_by_role("region", name="Table of units")
        assert "SKU-A" in await units.inner_text()
        story = page.locator("ol.story > li")
        assert "Entry 44." in await story.first.inner_text(), "the newest first"
        await story.first.locator("summary").click()
        assert await story.first.locator("dl").is_visible()
        await page.get_by_role("link", name="Earlier").click()
        await story.get_by_text("Entry 0.").wait_for()
        await visitor.fits()
        await page.get_by_role("link", name="The newest").click()
        await visitor.reach(page.get_by_role("button", name="Settle now"))
        await page.keyboard.press("Enter")
        await visitor.says("The order is due now")
        assert house.actions.settled == [(order_id, frozenset(), "user admin")]
        await visitor.has_focus(page.get_by_role("status"))
        await visitor.keep("order-settled")


@WITH_AND_WITHOUT
async def test_what_needs_attention_is_answered_until_nothing_waits(
    house: House, chromium: Chromium, *, script: bool
) -> None:
    shop_id, store_id = await house.tied_shop()
    order_id = await order_of(house, shop_id, store_id, AttentionKind.BUYER_REQUEST)
    lines = await raised(house, AttentionKind.PARTIAL_REFUND, order_id)
    await raised(house, AttentionKind.BEFORE_SWITCH_ON, order_id)
    name = "with" if script else "without"
    async with visiting(chromium, house.url, script=script, width=360) as visitor:
        page = visitor.page
        await visitor.enter(house)
        await visitor.go("/attention")
        await visitor.keep(f"attention-{name}-script")
        await visitor.fits()
        request = page.locator("section", has=page.locator("#group-buyer_request")).get_by_role("link", name="Open it")
        await visitor.reach(request)
        await page.keyboard.press("Enter")
        # Rejecting wants one of TikTok's reasons.
        await page.get_by_label("Comment for the buyer").fill("In the post")
        await visitor.reach(page.get_by_role("button", name="Reject"))
        await page.keyboard.press("Enter")
        mistakes = page.get_by_role("alert")
        await mistakes.get_by_text("Choose one of TikTok's reasons").wait_for()
        await visitor.has_focus(mistakes)
        assert await page.get_by_label("Comment for the buyer").input_value() == "In the post"
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        reason = page.get_by_label("TikTok's reason")
        await visitor.has_focus(reason, "the mistake leads to its field")
        await page.keyboard.press("ArrowDown")
        await visitor.reach(page.get_by_role("button", name="Reject"))
        await page.keyboard.press("Enter")
        await visitor.says("The request c1 is rejected now")
        await page.get_by_role("link", name="c2").click()
        await page.get_by_role("button", name="Approve").click()
        await visitor.says("The request c2 is approved now")
        assert [(one["cancellation"], answer.decision) for _, one, answer in house.actions.answered] == [
            ("c1", "reject"),
            ("c2", "approve"),
        ]

        await visitor.go(f"/attention/{lines}")
        cancel = page.get_by_role("button", name="Cancel these lines")
        await cancel.click()
        await mistakes.get_by_text("Confirm").wait_for()
        assert not house.actions.lines, "not without knowing what it costs"
        await page.get_by_label("Cancel just the refunded units").check()
        await cancel.click()
        await visitor.says("")
        assert house.actions.lines == [(order_id, "user admin")]
        await page.get_by_role("heading", name="Dismiss").scroll_into_view_if_needed()
        await page.get_by_label("Note").fill('asked "Jo" <about> it')
        await page.get_by_role("button", name="Dismiss").click()
        await visitor.says("Dismissed")

        group = page.locator("section", has=page.locator("#group-before_switch_on"))
        await group.locator("summary").click()
        await group.get_by_label("Act on the past").check()
        await group.get_by_role("button", name="Settle it now").click()
        await visitor.says("looked at now")
        assert house.actions.settled[-1] == ("before_switch_on", frozenset({"past"}), "user admin")
        await page.get_by_role("link", name="Dismissed").click()
        await page.get_by_text('asked "Jo" <about> it').wait_for()

        async def settled(conn: AsyncConnection) -> None:
            await conn.execute(text("UPDATE attention SET state = 'closed'"))

        await house.db.write(settled)
        await visitor.go("/attention")
        await page.get_by_role("heading", name="Nothing waits for you").wait_for()
        await visitor.keep(f"attention-nothing-{name}-script")
