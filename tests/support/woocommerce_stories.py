"""The stories of `tests.support.stories` with a WooCommerce store in the store's place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bridge.sandbox.woocommerce import WooCommerceSandbox, create_app
from tests.support import stories
from tests.support.chaos import STOCK, UNITS, House, Tally
from tests.support.stage import Shop, Stage
from tests.support.stories import AGREE, ALIVE, IMPORTED, Scenario, Step

NAME = "WooCommerce store"


async def open_store(play: Stage) -> tuple[WooCommerceSandbox, Shop]:
    """A WooCommerce store that sells what the stories are about."""
    box = WooCommerceSandbox()
    shop = await play.open(create_app(box))
    for sku in UNITS:
        await shop.control("POST", "products", {"sku": sku, "stock": STOCK})
    return box, shop


async def connect(play: Stage, box: WooCommerceSandbox, shop: Shop) -> str:
    """Tie it in Magento's place; answers its connection."""
    await play.connect()
    credentials = {"consumer_key": box.keys.key, "consumer_secret": box.keys.secret}
    body = {"kind": "woocommerce", "name": NAME, "url": shop.url, "credentials": credentials}
    made = await play.api("POST", "connections", body, expect=201)
    await play.api("PUT", f"shops/{play.shop_id}", {"store": {"connection": made["id"]}})
    return str(made["id"])


async def _set_up(house: House) -> None:
    await connect(house.play, *await open_store(house.play))


async def _shop_of(play: Stage) -> Shop:
    found = await play.api("GET", "connections")
    [url] = [one["url"] for one in found["connections"] if one["name"] == NAME]
    return Shop(url, play.session)


async def _cancelled_in_the_store(play: Stage, order_id: str) -> None:
    shop = await _shop_of(play)
    [made] = _of(await shop.control("GET", "state"), order_id)
    await shop.control("POST", f"orders/{made['id']}/status", {"status": "cancelled"})


def _of(state: dict[str, Any], order_id: str) -> list[dict[str, Any]]:
    return [one for one in state["orders"] if one["meta"].get("_bridge_tiktok_order_id") == order_id]


async def counts(play: Stage, order_id: str) -> Tally:
    state = await (await _shop_of(play)).control("GET", "state")
    found = _of(state, order_id)
    channel = (await play.tiktok.control("GET", "state"))["orders"][order_id]
    stock = {one["sku"]: one["stock"] - STOCK for one in state["products"]}
    moved = (stock["MUG"], stock["STICKER"])
    assert (state["real_money"], state["mails"]) == ("0", {})
    return Tally(
        store_orders=len(found),
        invoices=0,
        memos=sum("[bridge:" in refund["reason"] for one in found for refund in one["refunds"]),
        store_state=found[0]["status"] if found else "",
        status=channel["status"],
        seller_cancels=channel["effects"].get("seller_cancel_calls", 0),
        unit_cancels=tuple(channel["line_cancels"].values()),
        source=moved,
        salable=moved,
    )


def _in_woocommerce(story: Scenario, leaves: Tally) -> Scenario:
    return replace(story, leaves=leaves, effects=story.effects - {"invoice"}, set_up=_set_up, counts=counts)


REFUND = _in_woocommerce(stories.REFUND, Tally(invoices=0, store_state="refunded"))
PARTIAL = _in_woocommerce(
    stories.PARTIAL, replace(ALIVE, invoices=0, unit_cancels=(1, 0, 0), source=(-1, -1), salable=(-1, -1))
)
CANCEL = replace(
    _in_woocommerce(stories.CANCEL, Tally(invoices=0, memos=0, store_state="cancelled", seller_cancels=1)),
    steps=(IMPORTED, Step(_cancelled_in_the_store, AGREE)),
)
