"""Amazon sends the parcels, through the whole service: TikTok cancels there, and nothing there cancels on TikTok."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestServer

from bridge.sandbox.amazon import AmazonSandbox, create_app, life
from bridge.sandbox.amazon.model import Order, Status
from tests.support.stage import Shop, Stage, StageError, stage

MUGS = {"seller_sku": "MUG", "sale_price": "10.00", "quantity": 2}


class Amazon:
    """The play with Amazon in the store's place."""

    def __init__(self, play: Stage, box: AmazonSandbox, shop: Shop) -> None:
        self.play, self.box, self.shop = play, box, shop
        self.connection = ""

    async def connect(self, **more: Any) -> None:
        tokens = self.box.tokens
        credentials = {
            "client_id": tokens.client_id,
            "client_secret": tokens.client_secret,
            "refresh_token": tokens.refresh_token,
            "token_url": f"{self.shop.url}/auth/o2/token",
            **more,
        }
        await self.play.connect()
        body = {"kind": "amazon", "name": "Amazon", "url": self.shop.url, "credentials": credentials}
        made = await self.play.api("POST", "connections", body, expect=201)
        assert made["state"] == "connected"
        assert "error" not in {one["level"] for one in made["findings"]}, made["findings"]
        self.connection = made["id"]
        await self.play.api("PUT", f"shops/{self.play.shop_id}", {"store": {"connection": made["id"]}})

    def order(self, order_id: str) -> Order:
        """The fulfilment order of a TikTok order."""
        return self.box.orders[f"TT-{order_id}"]

    def move(self, order_id: str, status: Status) -> None:
        life.move(self.box, self.order(order_id), status)

    @property
    def cancels(self) -> int:
        """Calls that asked for a cancellation."""
        return len(self.box.faults.calls(0, "PUT", "cancel"))

    async def sold(self) -> str:
        """A sale of two mugs, made at Amazon."""
        order_id = await self.play.place(MUGS)
        await self.play.imported(order_id)
        return order_id

    async def cancelled_on_tiktok(self, order_id: str, *, units: int = 0, told: bool = True) -> None:
        """By the buyer and at once; all units, or the first few. Not `told`: no message comes."""
        if not told:
            await self.play.tiktok.control("PATCH", "settings", {"webhooks_drop_next": 99})
        lines = (await self.play.channel_order(order_id))["order"]["line_items"][:units]
        body: dict[str, Any] = {"role": "SYSTEM", "pending": False}
        body |= {"lines": [line["id"] for line in lines]} if lines else {}
        await self.play.tiktok.control("POST", f"orders/{order_id}/cancel", body)
        if not told:
            await self.play.tiktok.control("PATCH", "settings", {"webhooks_drop_next": 0})

    async def asked(self, order_id: str, kind: str) -> dict[str, Any]:
        """What a person is asked about the order."""
        record = await self.play.order(order_id)
        assert record is not None

        async def look() -> Any:
            found = await self.play.api("GET", f"attention?state=open&kind={kind}")
            return [one for one in found["items"] if one["order"] == record["id"]]

        [item] = await self.play.until(look, f"{kind} is asked about {order_id}")
        return dict(item)

    async def lives_on_tiktok(self, order_id: str) -> bool:
        return bool((await self.play.channel_order(order_id))["order"]["status"] != "CANCELLED")


@asynccontextmanager
async def opened(folder: Path, url: str) -> AsyncIterator[Amazon]:
    box = AmazonSandbox()
    box.settings.rate = 500  # the bridge takes over what it is told, so that nobody waits for a turn here
    box.stock["MUG"] = 100
    async with TestServer(create_app(box)) as server, stage(folder, url) as play:
        yield Amazon(play, box, Shop(str(server.make_url("")).rstrip("/"), play.session))


@pytest.fixture
async def amazon(tmp_path: Path, sqlite_url: str) -> AsyncIterator[Amazon]:
    async with opened(tmp_path, sqlite_url) as made, made.play.inside():
        await made.connect()
        yield made


async def test_what_tiktok_cancels_is_cancelled_at_amazon_while_that_is_possible(amazon: Amazon) -> None:
    play, box = amazon.play, amazon.box

    # A sale is made there, and cancelled once. What the buyer's cancellation changed there comes back as no wish.
    first = await amazon.sold()
    there = amazon.order(first)
    assert [(item.sku, item.quantity) for item in there.items] == [("MUG", 2)]
    assert there.displayed_id == first
    await amazon.cancelled_on_tiktok(first)
    found = await play.settled(first, "both books agree: all")
    assert there.status is Status.CANCELLED
    assert (box.effects["cancel"], amazon.cancels, box.stock["MUG"]) == (1, 1, 100)
    assert "XXX" not in str(found)  # no amounts are shown where there are none
    story = " ".join(entry["because"] for entry in found["changelog"])
    assert "refund" not in story
    assert "plugin" not in story
    await play.api("POST", "sweeps", {})
    await play.at_rest()
    effects = (await play.tiktok.control("GET", "state"))["orders"][first]["effects"]
    assert (amazon.cancels, effects.get("seller_cancel_calls", 0)) == (1, 0)

    # Too late, with what to do; and nothing was tried.
    late = await amazon.sold()
    amazon.move(late, Status.PROCESSING)
    await amazon.cancelled_on_tiktok(late)
    await play.settled(late, "picking its units")
    assert "return or refuse" in (await amazon.asked(late, "cannot_refund"))["because"]
    assert amazon.cancels == 1

    # New: waited for, then cancelled.
    box.settings.first_status = Status.NEW
    new = await amazon.sold()
    await amazon.cancelled_on_tiktok(new)
    await play.settled(new, "still checking the order (New)")
    amazon.move(new, Status.RECEIVED)
    record = await play.order(new)
    assert record is not None
    await play.api("POST", f"orders/{record['id']}/settle", {})
    await play.settled(new, "both books agree: all")
    assert amazon.order(new).status is Status.CANCELLED
    box.settings.first_status = Status.RECEIVED

    # Some units: held. When the rest dies as well, the whole order goes.
    some = await amazon.sold()
    await amazon.cancelled_on_tiktok(some, units=1)
    await play.settled(some, "whole orders only")
    assert "make a new one" in (await amazon.asked(some, "cannot_refund"))["because"]
    assert amazon.order(some).status is Status.RECEIVED
    await amazon.cancelled_on_tiktok(some)
    await play.settled(some, "both books agree: all")
    assert amazon.order(some).status is Status.CANCELLED
    assert (box.effects["cancel"], amazon.cancels) == (3, 3)

    # A cancellation that was taken and lost the race: a person is told.
    box.settings.cancel_lost_next = 1
    lost = await amazon.sold()
    await amazon.cancelled_on_tiktok(lost)
    await play.settled(lost, "picking its units")
    told = await play.order(lost)
    assert "came too late" in str(told["changelog"] if told else "")
    await amazon.asked(lost, "cannot_refund")
    assert amazon.order(lost).status is Status.PROCESSING

    # Dry run says what would be done.
    dry = await amazon.sold()
    await play.api("PUT", f"shops/{play.shop_id}", {"dry_run": True})
    await amazon.cancelled_on_tiktok(dry)
    await play.settled(dry, "dry run: would")
    assert amazon.order(dry).status is Status.RECEIVED


async def test_nothing_at_amazon_cancels_on_tiktok_and_there_is_nothing_to_set(amazon: Amazon) -> None:
    play = amazon.play
    for path in ("cancellation-sync", "cancel-reasons"):
        with pytest.raises(StageError, match=r"404.*one way only: there is nothing to set"):
            await play.api("GET", f"shops/{play.shop_id}/{path}")
    body = {"store_to_channel": {"enabled": True}}
    with pytest.raises(StageError, match="404"):
        await play.api("PUT", f"shops/{play.shop_id}/cancellation-sync", body)
    assert (await play.api("GET", f"shops/{play.shop_id}"))["cancellation_sync"] is None

    stopped, lost, kept = await amazon.sold(), await amazon.sold(), await amazon.sold()
    life.stop(amazon.box, amazon.order(stopped), Status.CANCELLED)
    life.lose(amazon.box, amazon.order(lost), {"1": 1})
    await play.api("POST", "sweeps", {})
    await play.settled(stopped, "2 units alive on TikTok Shop will not be sent by the store (Cancelled)")
    await play.settled(lost, "1 unit alive on TikTok Shop will not be sent")
    for order_id in (stopped, lost):
        await amazon.asked(order_id, "store_order_cancelled")
    for order_id in (stopped, lost, kept):
        assert await amazon.lives_on_tiktok(order_id)
    # The sale ends by itself, and both sides agree.
    await amazon.cancelled_on_tiktok(stopped)
    await play.settled(stopped, "both books agree: all")
    assert amazon.cancels == 0

    looked = await play.api("POST", f"connections/{amazon.connection}/doctor")
    assert {one["code"]: one["level"] for one in looked["findings"]}["test_delivery_skipped"] == "ok"
    # The way to us is not looked at here, as nothing comes by it.
    assert [one["code"] for one in looked["findings"] if one["level"] != "ok"] == ["no_public_url"]


async def test_orders_of_another_program_are_found_and_what_nobody_told_is_swept(amazon: Amazon) -> None:
    play, box = amazon.play, amazon.box
    settings = {"create_orders": False, "link_patterns": ["AS-{id}"]}
    await play.api("PUT", f"shops/{play.shop_id}", settings)
    by_pattern, by_papers = await play.place(MUGS), await play.place(MUGS)
    for order_id, named in ((by_pattern, f"AS-{by_pattern}"), (by_papers, "PARCEL-1")):
        spec = {"id": named, "displayed_id": order_id, "items": [{"sku": "MUG", "quantity": 2}]}
        await amazon.shop.control("POST", "orders", spec)
    await play.api("POST", "sweeps", {})
    for order_id in (by_pattern, by_papers):
        await play.imported(order_id)
    assert len(box.orders) == 2

    await amazon.cancelled_on_tiktok(by_papers, told=False)
    # The answer of the cancel is lost on the way.
    await amazon.shop.fault(kind="cut", method="PUT", path="cancel")
    await play.api("POST", "sweeps", {})
    await play.settled(by_papers, "both books agree: all")
    assert box.orders["PARCEL-1"].status is Status.CANCELLED
    assert (box.effects["cancel"], box.effects["cancel_again"], amazon.cancels) == (1, 0, 1)
    assert box.orders[f"AS-{by_pattern}"].status is Status.RECEIVED
