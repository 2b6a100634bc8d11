"""A WooCommerce store through the whole service: created, cancelled and refunded on either side, exactly once."""

from __future__ import annotations

import base64
import hmac
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bridge.sandbox.woocommerce import WooCommerceSandbox
from tests.support.stage import Shop, Stage, stage
from tests.support.woocommerce_stories import connect, open_store

MUGS = {"seller_sku": "MUG", "sale_price": "10.00", "quantity": 2}
STICKER = {"seller_sku": "STICKER", "sale_price": "5.00", "quantity": 1}


class Woo:
    """The play with a WooCommerce store in the store's place."""

    def __init__(self, play: Stage, box: WooCommerceSandbox, shop: Shop, connection: str) -> None:
        self.play, self.box, self.shop, self.connection = play, box, shop, connection

    async def sold(self, *lines: Any) -> str:
        """A sale, made in the store."""
        order_id = await self.play.place(*(lines or (MUGS,)))
        await self.play.imported(order_id)
        return order_id

    def order(self, order_id: str) -> Any:
        [found] = [one for one in self.box.orders.values() if one.transaction_id == order_id]
        return found

    async def cancelled_on_tiktok(self, order_id: str, *, units: int = 0) -> None:
        lines = (await self.play.channel_order(order_id))["order"]["line_items"][:units]
        body: dict[str, Any] = {"role": "SYSTEM", "pending": False}
        body |= {"lines": [line["id"] for line in lines]} if lines else {}
        await self.play.tiktok.control("POST", f"orders/{order_id}/cancel", body)

    async def status_on_tiktok(self, order_id: str) -> str:
        return str((await self.play.channel_order(order_id))["order"]["status"])

    @property
    def stock(self) -> tuple[int, int]:
        mugs, stickers = self.box.by_sku("MUG"), self.box.by_sku("STICKER")
        return (mugs.stock if mugs else 0, stickers.stock if stickers else 0)


@pytest.fixture
async def woo(tmp_path: Path, sqlite_url: str) -> AsyncIterator[Woo]:
    async with stage(tmp_path, sqlite_url) as play, play.inside():
        box, shop = await open_store(play)
        yield Woo(play, box, shop, await connect(play, box, shop))


async def test_what_tiktok_cancels_is_refunded_once_and_comes_back_to_stock(woo: Woo) -> None:
    play, box = woo.play, woo.box

    # Whole: every row and the shipping, restocked, no payment service asked, nobody mailed; and no echo.
    first = await woo.sold()
    assert woo.stock == (98, 100)
    await woo.cancelled_on_tiktok(first)
    await play.settled(first, "both books agree: all")
    there = woo.order(first)
    [refund] = there.refunds
    assert (there.status, refund.amount, there.remaining) == ("refunded", there.total, 0)
    assert "[bridge:" in refund.reason
    assert woo.stock == (100, 100)
    assert box.real_money == 0
    assert not box.mails
    await play.at_rest()
    told = [one.topic for one in box.deliveries.messages if one.topic == "order.updated"]
    assert told
    assert (box.effects["refund"], box.effects["cancel"]) == (1, 0)

    # A part: just these units, without shipping; then the rest.
    some = await woo.sold(MUGS, STICKER)
    await woo.cancelled_on_tiktok(some, units=1)
    await play.settled(some, "1 cancelled and refunded, 2 alive")
    assert (woo.order(some).status, woo.stock) == ("processing", (99, 99))
    await woo.cancelled_on_tiktok(some)
    await play.settled(some, "both books agree: all")
    assert (woo.order(some).status, woo.order(some).remaining, woo.stock) == ("refunded", 0, (100, 100))
    assert box.effects["refund"] == 3

    # The answer of a refund is lost on the way: looked for, and not made twice.
    lost = await woo.sold()
    await woo.shop.fault(kind="cut", method="POST", path="/refunds")
    await woo.cancelled_on_tiktok(lost)
    await play.settled(lost, "both books agree: all")
    assert len(woo.order(lost).refunds) == 1
    assert (box.effects["refund"], woo.stock) == (4, (100, 100))

    # Dry run says what would be done.
    dry = await woo.sold()
    await play.api("PUT", f"shops/{play.shop_id}", {"dry_run": True})
    await woo.cancelled_on_tiktok(dry)
    await play.settled(dry, "dry run: would refund")
    assert woo.order(dry).refunds == []


async def test_a_goodwill_over_all_the_money_asks_a_person_and_cancels_nothing(woo: Woo) -> None:
    play = woo.play
    order_id = await woo.sold()
    made = woo.order(order_id)
    await woo.shop.control("POST", f"orders/{made.id}/refund", {"amount": str(made.total), "reason": "sorry"})
    await play.settled(order_id, "money alone cancels nothing by itself")
    assert made.status == "refunded"
    assert await woo.status_on_tiktok(order_id) != "CANCELLED"
    assert [one["kind"] for one in (await play.api("GET", "attention"))["items"]] == ["emptied_without_units"]


async def test_goods_that_a_plugin_calls_shipped_are_refunded_and_not_put_back(woo: Woo) -> None:
    play = woo.play
    order_id = await woo.sold()
    woo.order(order_id).status = "shipped"
    await woo.cancelled_on_tiktok(order_id)
    found = await play.settled(order_id, "both books agree: all")
    assert (woo.order(order_id).remaining, woo.stock) == (0, (98, 100))
    [told] = [one for one in found["changelog"] if one["facts"].get("effect") == "refund" and one["event"] == "done"]
    assert "not restocked: its status in WooCommerce is “shipped”" in told["because"]
    assert [one["kind"] for one in (await play.api("GET", "attention"))["items"]] == ["goods_under_way"]


async def test_what_the_merchant_cancels_is_cancelled_on_tiktok(woo: Woo) -> None:
    play, box = woo.play, woo.box

    # By status, told by its message.
    first = await woo.sold()
    await woo.shop.control("POST", f"orders/{woo.order(first).id}/status", {"status": "cancelled"})
    await play.settled(first, "both books agree: all")
    assert await woo.status_on_tiktok(first) == "CANCELLED"

    # By rows with all quantities.
    second = await woo.sold()
    lines = [{"sku": "MUG", "quantity": 2}]
    await woo.shop.control("POST", f"orders/{woo.order(second).id}/refund", {"lines": lines})
    await play.settled(second, "both books agree: all")
    assert await woo.status_on_tiktok(second) == "CANCELLED"

    # Some rows: held. An amount alone: nothing. Failed: nothing.
    part, money, failed = [await woo.sold() for _ in range(3)]
    await woo.shop.control("POST", f"orders/{woo.order(part).id}/refund", {"lines": [{"sku": "MUG"}]})
    await play.settled(part, "1 of 2")
    await woo.shop.control("POST", f"orders/{woo.order(money).id}/refund", {"amount": "3.00"})
    await woo.shop.control("POST", f"orders/{woo.order(failed).id}/status", {"status": "failed"})

    # What nobody told is found by the sweep; a shop that lost its webhooks has them again.
    unannounced = await woo.sold()
    box.settings.webhooks_drop_next = 99
    await woo.shop.control("POST", f"orders/{woo.order(unannounced).id}/status", {"status": "cancelled"})
    await play.api("POST", "sweeps", {})
    await play.settled(unannounced, "both books agree: all")
    assert await woo.status_on_tiktok(unannounced) == "CANCELLED"
    await play.at_rest()
    assert [await woo.status_on_tiktok(one) for one in (part, money, failed)] == ["AWAITING_SHIPMENT"] * 3
    assert box.effects["refund"] == 3  # the merchant's own: nothing comes back

    await _bad_input(woo, woo.order(failed).id)

    for hook in box.webhooks.values():
        hook.status = "disabled"
    looked = await play.api("POST", f"connections/{woo.connection}/doctor")
    codes = {one["code"]: one["level"] for one in looked["findings"]}
    assert codes["webhooks_mended"] == "ok"
    assert "error" not in codes.values()
    assert {one.status for one in box.webhooks.values()} == {"active"}


async def _bad_input(woo: Woo, order: int) -> None:
    """What arrives and is not WooCommerce's, or names nothing: answered, and nothing is looked at for it."""
    [hook] = [one for one in woo.box.webhooks.values() if one.topic == "order.updated"]
    told = {"X-WC-Webhook-Topic": "order.updated"}
    raw = f'{{"id": {order}, "note": "a\\/b"}}'.encode()
    signed = base64.b64encode(hmac.new(hook.secret.encode(), raw, "sha256").digest()).decode()
    looks = len(await woo.shop.calls(path=f"/orders/{order}\\?"))
    for headers, body, status in (
        ({}, b"webhook_id=7", 200),
        ({}, raw, 401),
        ({**told, "X-WC-Webhook-Signature": signed}, raw + b" ", 401),
        ({**told, "X-WC-Webhook-Signature": "d3Jvbmc="}, raw, 401),
        ({"X-WC-Webhook-Signature": signed}, raw, 400),
        ({"X-WC-Webhook-Topic": "product.updated", "X-WC-Webhook-Signature": signed}, raw, 200),
    ):
        async with woo.play.session.post(hook.url, data=body, headers=headers) as answer:
            text = await answer.text()
        assert answer.status == status, text
        assert hook.secret not in text
    await woo.play.at_rest()
    assert len(await woo.shop.calls(path=f"/orders/{order}\\?")) == looks
    last = await woo.shop.last_call()
    async with woo.play.session.post(hook.url, data=raw, headers={**told, "X-WC-Webhook-Signature": signed}) as answer:
        assert answer.status == 200
    assert await woo.shop.calls(path=f"/orders/{order}\\?", after=last, wait=10)
