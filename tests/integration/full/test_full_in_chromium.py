"""One evening of a shop owner, through a real Chromium, over the whole service on MariaDB and both sandboxes."""

from __future__ import annotations

from pathlib import Path

from bridge.web.pages.cancellation_sync import PATH
from tests.integration.connect.parts import MUGS, STICKER, attention
from tests.integration.pages.browsing import PASSWORD
from tests.integration.pages.chromium import launched, needs_chromium, visiting
from tests.support.stage import stage

PACKED = "seller_reject_apply_product_has_been_packed"


@needs_chromium
async def test_a_refund_becomes_a_cancellation_and_a_request_is_rejected_by_page(
    tmp_path: Path, mariadb_url: str
) -> None:
    async with (
        stage(tmp_path, mariadb_url) as play,
        play.inside(admin_password=PASSWORD),
        launched() as chromium,
        visiting(chromium, play.url) as visitor,
    ):
        await play.connect(store_to_channel=False)
        await play.product("MUG", price="10.00")
        await play.product("STICKER", price="5.00")
        refunded, requested = await play.place(MUGS, STICKER), await play.place(MUGS)
        page = visitor.page
        await visitor.sign_in()

        await visitor.go(f"{PATH}/{play.shop_id}")
        await page.get_by_label("Cancel on TikTok Shop what was refunded in Magento").check()
        await page.get_by_label("Default cancellation reason").select_option(
            label="The item is not in stock (seller’s fault)"
        )
        await page.get_by_role("button", name="Save", exact=True).click()
        await visitor.says("off → on")

        await play.imported(refunded)
        number = (await play.store_order(refunded))["increment_id"]
        await play.magento.control("POST", "refund", {"increment_id": number, "back_to_stock": True})
        await play.settled(refunded, "both books agree: all")
        await visitor.go(f"/orders?query={refunded}")
        await page.get_by_role("link", name=refunded).click()
        rows = page.get_by_role("region", name="Table of units").locator("tbody tr")
        assert await rows.count() == 3
        for row in await rows.all_inner_texts():
            assert "cancelled" in row
            assert "refunded" in row
        story = await page.locator("ol.story").inner_text()
        assert "TikTok Shop shows the order as cancelled" in story
        assert (await play.channel_order(refunded))["order"]["status"] == "CANCELLED"
        await visitor.keep("full-order")

        await play.imported(requested)
        await play.tiktok.control("POST", f"orders/{requested}/cancel", {"role": "BUYER"})
        await play.until(lambda: attention(play, "buyer_request"), "the buyer's request is shown")
        await visitor.go("/attention")
        await page.get_by_role("link", name="Open it").first.click()
        await page.get_by_label("TikTok's reason").select_option(PACKED)
        await page.get_by_label("Comment for the buyer").fill("It is packed already")
        await page.get_by_role("button", name="Reject").click()
        await visitor.says("is rejected now")

        async def answered() -> bool:
            held = (await play.channel_order(requested))["cancellations"][-1]
            return "REJECT" in str(held["cancel_status"]) or "CANCELLATION_REQUEST_CANCEL" in str(held["cancel_status"])

        await play.until(answered, "TikTok Shop has the answer")
        await play.settled(requested, "alive on both sides")
        await visitor.go("/attention")
        await page.get_by_role("heading", name="Nothing waits for you").wait_for()
        await visitor.keep("full-nothing-waits")
