"""Signing in and out, the own password, and who else may: done from start to finish in a real Chromium."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser as Chromium

from bridge.storage.users import Role
from bridge.web.pages.cancellation_sync import PATH
from bridge.web.users import add_user
from tests.integration.pages.browsing import PASSWORD
from tests.integration.pages.chromium import visiting
from tests.integration.web.house import House

NEW = "quite another sentence"
WITH_AND_WITHOUT = pytest.mark.parametrize("script", [True, False], ids=["with_script", "without_script"])


@WITH_AND_WITHOUT
async def test_somebody_signs_in_changes_the_password_and_signs_out(
    house: House, chromium: Chromium, *, script: bool
) -> None:
    async with visiting(chromium, house.url, script=script, width=360) as visitor:
        page = visitor.page
        await visitor.go("/orders?query=576")
        await visitor.give("admin", "not this one")
        mistakes = page.get_by_role("alert")
        await mistakes.get_by_text("do not match").wait_for()
        await visitor.has_focus(mistakes, "the mistake has the focus")
        await visitor.fits()
        await visitor.keep("sign-in-wrong")
        assert await page.get_by_label("Name").input_value() == "admin", "what was typed stays"
        await mistakes.get_by_role("link").click()
        await visitor.has_focus(page.get_by_label("Password", exact=True))
        await visitor.give("admin", PASSWORD)
        await page.get_by_role("heading", name="Orders", level=1).wait_for()
        assert page.url.endswith("/orders?query=576"), "led to what was asked for"

        await page.get_by_role("link", name="admin").click()
        for again in ("something else", NEW):
            await page.get_by_label("Present password").fill(PASSWORD)
            await page.get_by_label("New password", exact=True).fill(NEW)
            await page.get_by_label("New password, once more").fill(again)
            await page.get_by_role("button", name="Change password").click()
            if again != NEW:
                await page.get_by_role("alert").get_by_text("differ").wait_for()
        await visitor.says("was changed")
        await visitor.has_focus(page.get_by_role("status"), "said to everybody")
        await page.get_by_role("button", name="Sign out").click()
        await page.get_by_role("heading", name="Sign in", level=1).wait_for()
        await page.go_back()
        await page.reload()
        await page.get_by_role("heading", name="Sign in", level=1).wait_for()
        await visitor.sign_in(password=NEW)


async def test_a_viewer_is_added_sees_no_forms_and_a_forged_one_is_refused(house: House, chromium: Chromium) -> None:
    shop_id, _ = await house.tied_shop()
    async with (
        visiting(chromium, house.url, script=False) as manager,
        visiting(chromium, house.url) as viewer,
    ):
        await manager.enter(house)
        page = manager.page
        await manager.go("/users")
        for password in ("short", "a long enough sentence"):
            await page.get_by_label("Name").fill("vera")
            await page.get_by_label("Password", exact=True).fill(password)
            await page.get_by_label("Look").check()
            await page.get_by_role("button", name="Add user").click()
            if password == "short":
                await page.get_by_role("alert").get_by_text("at least 10").wait_for()
        await manager.says("vera may sign in now")

        await viewer.sign_in("vera", "a long enough sentence")
        for path in ("/users", "/tokens", "/attention", f"{PATH}/{shop_id}"):
            await viewer.go(path)
            forms = await viewer.page.locator("form[method=post] button:visible").all_inner_texts()
            assert forms == ["Sign out"], f"{path} shows a viewer {forms}"
        assert await viewer.page.get_by_label("Default cancellation reason").is_disabled()
        # The form made by hand, with the viewer's own valid token.
        answer = await viewer.page.evaluate(
            """async (path) => {
                const csrf = document.querySelector("input[name=csrf]").value;
                const body = new URLSearchParams({csrf, "channel_to_store/restock": "no"});
                const answer = await fetch(path, {method: "POST", body});
                return [answer.status, await answer.text()];
            }""",
            f"{PATH}/{shop_id}",
        )
        assert answer[0] == 403
        assert "You may look, not change things" in answer[1]
        assert (await house.shop(shop_id)).settings.cancellation_sync.channel_to_store.restock is True


@WITH_AND_WITHOUT
async def test_a_token_is_made_shown_once_and_ended(house: House, chromium: Chromium, *, script: bool) -> None:
    permissions = ["clipboard-read", "clipboard-write"]
    async with visiting(chromium, house.url, script=script, width=360, permissions=permissions) as visitor:
        page = visitor.page
        await visitor.enter(house)
        await visitor.go("/tokens")
        await page.get_by_label("Name").fill("stock report")
        await page.get_by_label("Read", exact=True).uncheck()
        await page.get_by_role("button", name="Make token").click()
        await page.get_by_role("alert").get_by_role("link", name="Choose one or more").click()
        await page.wait_for_url("**#scopes")
        assert await page.get_by_label("Name").input_value() == "stock report"
        await page.get_by_label("Read", exact=True).check()
        await page.get_by_role("button", name="Make token").click()
        shown = await page.locator("main .copy code").inner_text()
        sent = {"Authorization": f"Bearer {shown}"}
        assert (await house.ask("GET", "/api/v1/shops", token=False, headers=sent)).status == 200
        await visitor.fits()
        copy = page.get_by_role("button", name="Copy")
        assert await copy.is_visible() is script, "a button that does nothing is not shown"
        if script:
            await copy.click()
            await page.get_by_text("Copied", exact=True).wait_for()
            assert await page.evaluate("navigator.clipboard.readText()") == shown
        await page.get_by_role("link", name="I have copied it").click()
        assert shown not in await page.content(), "shown once"
        await page.get_by_role("button", name="End the token stock report").click()
        await visitor.says("stock report is refused from now on")
        assert (await house.ask("GET", "/api/v1/shops", token=False, headers=sent)).status == 401


async def test_a_user_who_is_removed_is_out_in_the_middle_of_looking(house: House, chromium: Chromium) -> None:
    await add_user(house.db, "ben", PASSWORD, Role.MANAGER.value, "test")
    async with visiting(chromium, house.url) as visitor, visiting(chromium, house.url) as other:
        await other.enter(house, "ben")
        await other.go("/orders")
        await visitor.enter(house)
        page = visitor.page
        await visitor.go("/users")
        await page.get_by_role("link", name="ben", exact=True).click()
        await page.get_by_role("button", name="Remove ben").click()
        await visitor.says("The user was removed")
        await other.go("/orders")
        await other.page.get_by_role("status").get_by_text("Your session had ended").wait_for()
