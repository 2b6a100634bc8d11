"""A session that ends in the middle of a form, and forms from elsewhere: nothing is lost, nothing is done unasked."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser as Chromium
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.attention import AttentionKind
from bridge.web.pages.cancellation_sync import PATH
from tests.integration.pages.browsing import PASSWORD
from tests.integration.pages.chromium import visiting
from tests.integration.pages.seeding import an_order
from tests.integration.web.house import House

WITH_AND_WITHOUT = pytest.mark.parametrize("script", [True, False], ids=["with_script", "without_script"])


async def end_all_sessions(house: House) -> None:
    async def write(conn: AsyncConnection) -> None:
        await conn.execute(text("DELETE FROM sessions"))

    await house.db.write(write)


@WITH_AND_WITHOUT
async def test_a_form_sent_after_the_session_ended_is_kept_and_sent_on_a_click(
    house: House, chromium: Chromium, *, script: bool
) -> None:
    await an_order(house, AttentionKind.BUYER_REQUEST)
    [item] = await house.rows("SELECT id, state FROM attention")
    note = 'she wrote: "leave it" <b>\nand more'
    async with visiting(chromium, house.url, script=script, width=360) as visitor:
        page = visitor.page
        await visitor.enter(house)
        await visitor.go(f"/attention/{item['id']}")
        await page.get_by_label("TikTok's reason").select_option("packed")
        await page.get_by_label("Comment for the buyer").fill(note)
        await end_all_sessions(house)
        await page.get_by_role("button", name="Reject").click()
        await page.get_by_role("status").get_by_text("What you typed is kept").wait_for()
        assert not house.actions.answered
        await visitor.keep("form-kept")
        await visitor.give("admin", "wrong at first")
        await page.get_by_role("alert").get_by_text("do not match").wait_for()
        await visitor.give("admin", PASSWORD)
        await page.get_by_role("heading", name="Send it again?").wait_for()
        shown = await page.locator("main").inner_text()
        assert "leave it" in shown
        assert "Nothing was changed yet" in shown
        await visitor.fits()
        await visitor.keep("form-sent-again")
        assert not house.actions.answered, "not before it was looked at"
        await page.get_by_role("button", name="Send it now").click()
        await visitor.says("is rejected now")
        [(_, _, answer)] = house.actions.answered
        assert (answer.reason, answer.comment) == ("packed", note)


async def test_what_was_kept_can_be_left_and_a_password_is_never_kept(house: House, chromium: Chromium) -> None:
    shop_id, _ = await house.tied_shop()
    async with visiting(chromium, house.url) as visitor:
        page = visitor.page
        await visitor.enter(house)
        await visitor.go(f"{PATH}/{shop_id}")
        await page.get_by_label("Do not restock").check()
        await end_all_sessions(house)
        await page.get_by_role("button", name="Save", exact=True).click()
        await visitor.give("admin", PASSWORD)
        await page.get_by_role("link", name="Leave it, show the page").click()
        await page.wait_for_url(f"**{PATH}/{shop_id}")
        assert await page.get_by_label("Restock", exact=True).is_checked()
        assert (await house.shop(shop_id)).settings.cancellation_sync.channel_to_store.restock is True
        await visitor.go("/users")
        await page.get_by_label("Name").fill("vera")
        await page.get_by_label("Password", exact=True).fill("a sentence nobody may see")
        await end_all_sessions(house)
        await page.get_by_role("button", name="Add user").click()
        await page.get_by_role("status").get_by_text("it was not kept").wait_for()
        assert "nobody may see" not in await page.content()
        await visitor.give("admin", PASSWORD)
        await page.get_by_role("heading", name="Users", level=1).wait_for()


async def test_a_form_from_elsewhere_is_refused_with_a_way_on_and_changes_nothing(
    house: House, chromium: Chromium
) -> None:
    shop_id, _ = await house.tied_shop()
    target = f"{PATH}/{shop_id}"
    elsewhere = house.url.replace("127.0.0.1", "localhost")
    async with visiting(chromium, house.url) as visitor:
        page = visitor.page
        await visitor.enter(house)
        # Our own form, with the token of another session.
        await visitor.go(target)
        await page.get_by_label("Do not restock").check()
        await page.evaluate("for (const one of document.querySelectorAll('[name=csrf]')) one.value = '0'.repeat(64)")
        await page.get_by_role("button", name="Save", exact=True).click()
        await page.get_by_role("heading", name="The form was not accepted").wait_for()
        await visitor.keep("forged-form")
        assert "Go back, reload the page, and send it again" in await page.locator("main").inner_text()
        # The same with the right token, from a page of another site.
        await visitor.go(target)
        csrf = await page.locator("input[name=csrf]").first.get_attribute("value")
        await page.route(
            f"{elsewhere}/trap",
            lambda route: route.fulfill(
                content_type="text/html",
                body=f'<form method="post" action="{house.url}{target}"><input name="csrf" value="{csrf}">'
                '<input name="channel_to_store/restock" value="no"><button>Win</button></form>',
            ),
        )
        await page.goto(f"{elsewhere}/trap")
        await page.get_by_role("button", name="Win").click()
        await page.wait_for_url(f"{house.url}/**")
        refused = await page.locator("main").inner_text()
        assert "Sign in" in refused or "nothing was changed" in refused
        assert "What you typed is kept" not in refused, "nobody's form waits for a sign-in"
        await visitor.go("/")
        await page.get_by_role("button", name="Sign out").wait_for()
    assert (await house.shop(shop_id)).settings.cancellation_sync.channel_to_store.restock is True
