"""*Channel settings › Cancellation sync*: the merchant's own page, from the first look to a saved change."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage import brake
from bridge.storage.users import Role
from bridge.web.api.shops import reasons_for
from bridge.web.pages.cancellation_sync import PATH
from tests.integration.pages.browsing import Browser, Page, signed_in
from tests.integration.web.house import House


async def opened_page(browser: Browser) -> tuple[str, Page]:
    shop_id, _ = await browser.house.tied_shop()
    page = await browser.get(PATH)
    assert (page.status, page.url) == (200, f"{PATH}/{shop_id}")
    return shop_id, page


async def test_a_merchant_switches_the_direction_to_tiktok_on(browser: Browser) -> None:
    shop_id, page = await opened_page(browser)
    assert "Magento refund → TikTok Shop cancellation" in page.words
    assert "TikTok Shop cancellation → Magento refund" in page.words
    assert "seller’s fault" in page.words, "what each reason costs"
    assert "written off the physical stock" in page.words, "what not restocking does"
    wrong = await browser.submit(page, f"{PATH}/{shop_id}", None, **{"store_to_channel/enabled": True})
    assert wrong.status == 422
    assert "choose the reason" in wrong.words
    assert ("store_to_channel/enabled", "yes") in wrong.form(f"{PATH}/{shop_id}").fields, "what was ticked stays"
    assert 'href="#store_to_channel-default_reason"' in wrong.html
    assert (await browser.house.shop(shop_id)).settings.cancellation_sync.store_to_channel.enabled is False
    saved = await browser.submit(
        wrong, f"{PATH}/{shop_id}", None, **{"store_to_channel/default_reason": "out_of_stock"}
    )
    assert saved.status == 200
    assert "The direction to TikTok Shop: off → on." in saved.words
    assert "Default reason: none → out_of_stock." in saved.words
    stored = (await browser.house.shop(shop_id)).settings.cancellation_sync.store_to_channel
    assert (stored.enabled, stored.default_reason) == (True, "out_of_stock")
    again = await browser.submit(saved, f"{PATH}/{shop_id}")
    assert "nothing changed" in again.words
    audit = (await browser.house.ask("GET", "/api/v1/audit")).json["changes"]
    assert audit[0]["who"] == "user admin"


async def test_restock_dry_run_and_the_brake_are_set_and_wrong_numbers_are_shown_again(browser: Browser) -> None:
    shop_id, page = await opened_page(browser)
    form = f"{PATH}/{shop_id}"
    wrong = await browser.submit(page, form, None, **{"store_to_channel/max_cancels_per_hour": "many"})
    assert wrong.status == 422
    assert 'value="many"' in wrong.html
    assert 'id="store_to_channel-max_cancels_per_hour-wrong"' in wrong.html
    saved = await browser.submit(
        wrong, form, None, **{"store_to_channel/max_cancels_per_hour": "7", "channel_to_store/restock": "no"}
    )
    assert "Restock: on → off." in saved.words
    dry = await browser.submit(saved, f"{form}/store", dry_run=True)
    assert "nothing is done" in dry.words
    settings = (await browser.house.shop(shop_id)).settings
    assert settings.dry_run is True
    assert settings.create_orders is True, "untouched boxes stay as they were"
    assert settings.cancellation_sync.store_to_channel.max_cancels_per_hour == 7
    sharp = await browser.submit(dry, f"{form}/store", dry_run=False)
    assert "left alone" in sharp.words


async def test_a_pulled_brake_is_shown_with_what_to_do(browser: Browser) -> None:
    shop_id, _ = await browser.house.tied_shop()
    await browser.house.db.write(lambda conn: brake.pull(conn, shop_id, {"at": "2026-01-01T00:00:00+00:00"}))
    page = await browser.get(f"{PATH}/{shop_id}")
    assert "The direction to TikTok Shop is paused." in page.words
    assert "/attention" in page.links


async def test_several_shops_have_a_selector_and_a_viewer_no_form(house: House) -> None:
    viewer = await signed_in(house, "vera", Role.VIEWER)
    shop_id, page = await opened_page(viewer)
    assert [one.action for one in page.forms if one.method == "post"] == ["/sign-out", f"{PATH}/{shop_id}"]
    assert "Save</button>" not in page.html
    assert "<fieldset disabled>" in page.html
    assert (await viewer.get(f"{PATH}/shp_none")).status == 404


async def test_before_anything_is_connected_the_page_says_what_to_do(browser: Browser) -> None:
    page = await browser.get(PATH)
    assert "No TikTok Shop is connected yet" in page.words


async def test_a_shop_tied_to_a_one_way_store_shows_no_such_section_and_says_why(browser: Browser) -> None:
    shop_id, store_id = await browser.house.tied_shop()

    async def write(conn: object) -> None:

        await conn.execute(text("UPDATE connections SET kind = 'amazon' WHERE id = :id"), {"id": store_id})  # type: ignore[attr-defined]

    await browser.house.db.write(write)
    page = await browser.get(f"{PATH}/{shop_id}")
    assert "Nothing to set for Amazon" in page.words
    assert "one way only" in page.words
    assert "Default cancellation reason" not in page.words


async def test_a_store_without_a_plugin_says_itself_what_it_can(browser: Browser) -> None:
    house = browser.house
    shop_id, store_id = await house.tied_shop()
    can = {
        "reported": "2026-10",
        "restock_allowed": True,
        "restock_because": "the store takes it",
        "holds_fulfilment": True,
    }

    async def write(conn: AsyncConnection) -> None:
        await conn.execute(text("UPDATE connections SET kind = 'shopify' WHERE id = :id"), {"id": store_id})
        await house.connections.update(conn, store_id, facts={"capabilities": can})

    await house.db.write(write)
    page = await browser.get(f"{PATH}/{shop_id}")
    assert "Shopify cancellation → TikTok Shop cancellation" in page.words
    assert "the store takes it" in page.words
    assert "plugin" not in page.words.lower()
    saved = await browser.submit(page, f"{PATH}/{shop_id}", None, **{"buyer_requests/hold_fulfilment": True})
    assert "Holding what is not sent: off → on." in saved.words
    assert (await house.shop(shop_id)).settings.cancellation_sync.buyer_requests.hold_fulfilment is True
    assert (await house.ask("GET", f"/api/v1/shops/{shop_id}")).json["restock"] == {
        "allowed": True,
        "because": "the store takes it",
    }


async def test_who_saves_an_old_page_undoes_nothing_unseen(browser: Browser) -> None:
    """Two people had the page open; the second one is told, keeps what was chosen, and decides."""
    shop_id, old = await opened_page(browser)
    here, restock, limit = f"{PATH}/{shop_id}", "channel_to_store/restock", "store_to_channel/max_cancels_per_hour"
    await browser.submit(old, here, None, **{restock: "no"})
    late = await browser.submit(old, here, None, **{limit: "7"})
    assert (late.status, "Somebody saved other settings here" in late.words) == (409, True)
    fields = late.form(here).fields
    assert {(limit, "7"), (restock, "yes")} <= set(fields), "what was chosen stays"
    sync = (await browser.house.shop(shop_id)).settings.cancellation_sync
    assert (sync.channel_to_store.restock, sync.store_to_channel.max_cancels_per_hour) == (False, 30)
    saved = await browser.submit(late, here, None, **{restock: "no"})
    assert "Cancellations per hour: 30 → 7." in saved.words
    # The form about the store is another one.
    tied = await browser.submit(old, f"{here}/store", dry_run=True)
    assert "Dry run is on" in tied.words
    again = await browser.submit(old, f"{here}/store", dry_run=False)
    assert again.status == 409
    assert (await browser.house.shop(shop_id)).settings.dry_run is True


async def test_further_reasons_keep_their_order(browser: Browser) -> None:
    shop_id, _ = await opened_page(browser)
    here, house = f"{PATH}/{shop_id}", browser.house
    keys = [one.key for one in reasons_for(house.desk, await house.shop(shop_id))]
    order = [keys[1], keys[0]]
    change = {"store_to_channel": {"fallback_reasons": order}}
    put = await house.ask("PUT", f"/api/v1/shops/{shop_id}/cancellation-sync", json=change)
    assert put.status == 200, put.text
    saved = await browser.submit(await browser.get(here), here, None, **{"channel_to_store/restock": "no"})
    assert ("Restock: on → off." in saved.words, "urther reasons:" in saved.words) == (True, False)
    stored = (await house.shop(shop_id)).settings.cancellation_sync.store_to_channel
    assert list(stored.fallback_reasons) == order
