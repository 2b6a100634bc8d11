"""A Shopify shop through the whole service: created, cancelled and refunded on either side, exactly once."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestServer

from bridge.sandbox.shopify import ShopifySandbox, create_app
from bridge.sync import rounds
from tests.support.mariadb import free_port
from tests.support.shopify_stories import connect, open_shop
from tests.support.stage import Shop, Stage, stage

MUG = {"seller_sku": "MUG", "sale_price": "10.00", "quantity": 2}


class Shopify:
    """The play with a Shopify shop in the store's place."""

    def __init__(self, play: Stage, box: ShopifySandbox, shop: Shop) -> None:
        self.play, self.box, self.shop = play, box, shop

    async def connect(self) -> None:
        credentials = {"client_id": self.box.tokens.client_id, "client_secret": self.box.tokens.secrets[0]}
        body = {"kind": "shopify", "name": "Shop", "url": self.shop.url, "credentials": credentials}
        await self.play.connect()
        made = await self.play.api("POST", "connections", body, expect=201)
        assert made["state"] == "connected"
        assert "error" not in {one["level"] for one in made["findings"]}
        await self.play.api("PUT", f"shops/{self.play.shop_id}", {"store": {"connection": made["id"]}})

    def order(self, order_id: str) -> Any:
        [found] = [one for one in self.box.orders.values() if one.source_identifier == order_id]
        return found


@pytest.fixture
async def shopify(tmp_path: Path, sqlite_url: str) -> AsyncIterator[Shopify]:
    box = ShopifySandbox()
    box.add_variant("MUG", available=100)
    async with TestServer(create_app(box)) as server, stage(tmp_path, sqlite_url) as play, play.inside():
        made = Shopify(play, box, Shop(str(server.make_url("")).rstrip("/"), play.session))
        await made.connect()
        yield made


async def test_a_new_order_is_created_and_its_cancellation_on_tiktok_cancels_it_once(shopify: Shopify) -> None:
    play = shopify.play
    order_id = await play.place(MUG)
    await play.imported(order_id)
    before = shopify.order(order_id)
    assert [(line.sku, line.quantity) for line in before.lines] == [("MUG", 2)]
    await play.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "SYSTEM", "pending": False})
    await play.settled(order_id, "both books agree: all")
    after = shopify.order(order_id)
    assert after.cancel_reason == "OTHER"
    assert "[bridge:" in after.staff_note
    assert (shopify.box.effects["cancel"], shopify.box.effects["order"]) == (1, 1)
    assert shopify.box.real_money == 0
    assert not shopify.box.mails


async def test_a_cancel_in_shopify_cancels_on_tiktok_by_its_message(shopify: Shopify) -> None:
    play = shopify.play
    order_id = await play.place(MUG)
    await play.imported(order_id)
    await shopify.shop.control("POST", f"orders/{shopify.order(order_id).id}/cancel", {})
    await play.settled(order_id, "both books agree: all")
    assert (await play.channel_order(order_id))["order"]["status"] == "CANCELLED"
    assert shopify.box.effects["cancel"] == 1


async def test_units_whose_location_is_not_told_are_refunded_and_a_person_counts_them(shopify: Shopify) -> None:
    play = shopify.play
    order_id = await play.place(MUG)
    await play.imported(order_id)
    given_back = {"status": "CANCELLED", "request_status": "CANCELLATION_ACCEPTED"}
    await shopify.shop.control("POST", f"orders/{shopify.order(order_id).id}/fulfillment-order", given_back)
    [line, _] = (await play.channel_order(order_id))["order"]["line_items"]
    body = {"role": "SYSTEM", "pending": False, "lines": [line["id"]]}
    await play.tiktok.control("POST", f"orders/{order_id}/cancel", body)
    found = await play.settled(order_id, "1 cancelled and refunded, 1 alive")
    [told] = [
        entry for entry in found["changelog"] if entry["facts"].get("effect") == "refund" and entry["event"] == "done"
    ]
    said = "does not tell where 1 of MUG were to be sent from"
    assert "; not restocked: the store order" in told["because"]
    assert said in told["because"]
    items = (await play.api("GET", "attention"))["items"]
    assert [(one["kind"], said in one["because"]) for one in items] == [("restock_uncertain", True)]


async def test_a_partial_refund_in_shopify_is_held(
    shopify: Shopify,
) -> None:
    play = shopify.play
    order_id = await play.place(MUG)
    await play.imported(order_id)
    await shopify.shop.control("POST", f"orders/{shopify.order(order_id).id}/refund", {"lines": [{"sku": "MUG"}]})
    found = await play.settled(order_id, "1 of 2")
    assert found["state"] != "error"
    assert (await play.channel_order(order_id))["order"]["status"] != "CANCELLED"


async def test_a_fulfilled_order_is_never_forced(shopify: Shopify) -> None:
    play = shopify.play
    order_id = await play.place(MUG)
    await play.imported(order_id)
    await shopify.shop.control("POST", f"orders/{shopify.order(order_id).id}/fulfil", {})
    await play.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "SYSTEM", "pending": False})
    await play.settled(order_id, "fulfilled in Shopify")
    assert shopify.box.effects["cancel"] == 0


async def test_a_cancel_that_runs_in_the_background_is_seen_as_soon_as_shopify_tells_of_it(shopify: Shopify) -> None:
    play = shopify.play
    await shopify.shop.control("PATCH", "settings", {"cancel_seconds": None})
    order_id = await play.place(MUG)
    await play.imported(order_id)
    await play.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "SYSTEM", "pending": False})

    async def pending() -> bool:
        order = await play.order(order_id)
        return any("is working on it" in one["because"] for one in (order or {})["changelog"])

    await play.until(pending, "the cancellation's job runs")
    await shopify.shop.control("POST", "jobs/run")
    # Far sooner than the next look by itself, which is a minute away.
    order = await play.settled(order_id, "both books agree: all")
    assert shopify.box.effects["cancel"] == 1
    assert [one["event"] for one in order["changelog"]].count("claimed") == 2


async def test_an_address_that_shopify_quotes_is_kept_nowhere(
    shopify: Shopify, capsys: pytest.CaptureFixture[str]
) -> None:
    play = shopify.play
    said = "Shipping address Robin Sample, 100 SAMPLE STREET (95110 San Jose) is not valid in California"
    refused = {"data": {"orderCreate": {"order": None, "userErrors": [{"field": None, "message": said, "code": None}]}}}
    fault = {"kind": "fail", "status": 200, "content_type": "application/json", "body": json.dumps(refused)}
    await shopify.shop.fault(containing="orderCreate", times=9, **fault)
    order_id = await play.place(MUG)
    order = await play.settled(order_id, "Shopify refuses the order")
    assert "is not valid in California" in order["because"]
    assert "create_refused" in {one["kind"] for one in order["attention"]}
    tables = [await play.api("GET", "attention"), order, capsys.readouterr()]
    for word in ("Robin", "Sample", "SAMPLE STREET", "95110", "San Jose"):
        assert word.lower() not in str(tables).lower(), word
    await shopify.shop.control("DELETE", "faults")
    await play.api("POST", f"orders/{order['id']}/settle", {})
    await play.imported(order_id)


async def test_dropped_subscriptions_are_made_again_by_the_clock_and_an_uninstalled_app_is_told_of(
    tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "UPKEEP_EVERY", timedelta(seconds=0.3))
    port = free_port()
    here = {"port": port, "public_url": f"http://127.0.0.1:{port}"}
    async with stage(tmp_path, sqlite_url) as play, play.inside(**here, sweep_interval=1):
        box, shop = await open_shop(play)
        connection = await connect(play, box, shop)
        # No sweep comes to its end: what looks after the subscriptions needs none.
        await shop.fault(kind="fail", status=500, times=10_000, containing="query Newest")

        async def all_there() -> bool:
            return len(box.subscriptions) == 5

        async def state() -> str:
            return str((await play.api("GET", f"connections/{connection}"))["state"])

        async def uninstalled() -> bool:
            return await state() == "reauth"

        async def works() -> bool:
            return await state() == "connected"

        await shop.control("DELETE", "subscriptions")
        await play.until(all_there, "the subscriptions are there again")
        await shop.control("POST", "uninstall")
        await play.until(uninstalled, "the connection needs a person")
        [asked] = (await play.api("GET", "attention?kind=connection"))["items"]
        assert "Shopify" in asked["because"]
        await shop.control("POST", "install")
        await play.until(works, "the app was installed again")
        await play.until(all_there, "the subscriptions are there again")


async def test_doctor_sees_that_subscriptions_were_dropped_and_makes_them_again(shopify: Shopify) -> None:
    play = shopify.play
    await shopify.shop.control("DELETE", "subscriptions")
    found = await play.api("GET", "connections")
    rows = found["connections"] if isinstance(found, dict) else found
    one = next(row for row in rows if row["kind"] == "shopify")
    looked = await play.api("POST", f"connections/{one['id']}/doctor")
    assert "webhooks_mended" in {finding["code"] for finding in looked["findings"]}
    assert len(shopify.box.subscriptions) == 5
