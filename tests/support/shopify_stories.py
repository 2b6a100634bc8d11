"""The stories of `tests.support.stories` with a Shopify shop in the store's place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bridge.sandbox.shopify import ShopifySandbox, create_app
from tests.support import stories
from tests.support.chaos import STOCK, UNITS, House, Tally
from tests.support.stage import Shop, Stage
from tests.support.stories import AGREE, ALIVE, IMPORTED, SOME, Scenario, Step

NAME = "Shopify shop"


async def open_shop(play: Stage) -> tuple[ShopifySandbox, Shop]:
    """A Shopify shop that sells what the stories are about."""
    box = ShopifySandbox()
    for sku in UNITS:
        box.add_variant(sku, available=STOCK)
    return box, await play.open(create_app(box))


async def connect(play: Stage, box: ShopifySandbox, shop: Shop) -> str:
    """Tie it in Magento's place; answers its connection."""
    await play.connect()
    credentials = {"client_id": box.tokens.client_id, "client_secret": box.tokens.secrets[0]}
    body = {"kind": "shopify", "name": NAME, "url": shop.url, "credentials": credentials}
    made = await play.api("POST", "connections", body, expect=201)
    await play.api("PUT", f"shops/{play.shop_id}", {"store": {"connection": made["id"]}})
    return str(made["id"])


async def _set_up(house: House) -> None:
    box, shop = await open_shop(house.play)
    await connect(house.play, box, shop)


async def _set_up_slow(house: House) -> None:
    """Cancels run in the background for longer than the service takes to die and to start again."""
    box, shop = await open_shop(house.play)
    box.settings.cancel_seconds = 2.5
    await connect(house.play, box, shop)


async def shop_of(play: Stage) -> Shop:
    found = await play.api("GET", "connections")
    [url] = [one["url"] for one in found["connections"] if one["name"] == NAME]
    return Shop(url, play.session)


async def order_of(play: Stage, order_id: str) -> dict[str, Any]:
    """The Shopify order of a TikTok order, from the sandbox's own state."""
    state = await (await shop_of(play)).control("GET", "state")
    [found] = [one for one in state["orders"] if one["source_identifier"] == order_id]
    return dict(found)


async def _cancelled_in_the_store(play: Stage, order_id: str) -> None:
    made = await order_of(play, order_id)
    await (await shop_of(play)).control("POST", f"orders/{made['id']}/cancel", {})


async def counts(play: Stage, order_id: str) -> Tally:
    state = await (await shop_of(play)).control("GET", "state")
    found = [one for one in state["orders"] if one["source_identifier"] == order_id]
    channel = (await play.tiktok.control("GET", "state"))["orders"][order_id]
    by_sku = {one["sku"]: one for one in state["variants"]}
    marked = [
        text for one in found for text in (one["staff_note"], *(refund["note"] for refund in one["refunds"])) if text
    ]
    assert (state["real_money"], state["mails"]) == ("0.00", {})
    return Tally(
        store_orders=len(found),
        invoices=0,
        memos=sum("[bridge:" in text for text in marked),
        store_state="cancelled" if found and found[0]["cancelled_at"] else "open",
        status=channel["status"],
        seller_cancels=channel["effects"].get("seller_cancel_calls", 0),
        unit_cancels=tuple(channel["line_cancels"].values()),
        source=(by_sku["MUG"]["on_hand"] - STOCK, by_sku["STICKER"]["on_hand"] - STOCK),
        salable=(by_sku["MUG"]["available"] - STOCK, by_sku["STICKER"]["available"] - STOCK),
    )


def _in_shopify(story: Scenario, leaves: Tally) -> Scenario:
    return replace(story, leaves=leaves, effects=story.effects - {"invoice"}, set_up=_set_up, counts=counts)


REFUND = _in_shopify(stories.REFUND, Tally(invoices=0, store_state="cancelled"))
SLOW = replace(REFUND, set_up=_set_up_slow)
PARTIAL = _in_shopify(
    stories.PARTIAL, replace(ALIVE, invoices=0, store_state="open", unit_cancels=(1, 0, 0), salable=(-1, -1))
)
CANCEL = replace(
    _in_shopify(stories.CANCEL, Tally(invoices=0, memos=0, store_state="cancelled", seller_cancels=1)),
    steps=(IMPORTED, Step(_cancelled_in_the_store, AGREE)),
)


async def _asked_for_by_the_buyer(play: Stage, order_id: str) -> None:
    chosen = {"buyer_requests": {"hold_fulfilment": True}}
    await play.api("PUT", f"shops/{play.shop_id}/cancellation-sync", chosen)
    await play.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "BUYER"})


async def _agreed_to_in_seller_center(play: Stage, order_id: str) -> None:
    """Not by us. What held the parcel is ours, and there."""
    [work] = (await order_of(play, order_id))["fulfillment_orders"]
    [handle] = work["holds"]
    assert handle.startswith("bridge-")
    [asked] = (await play.channel_order(order_id))["cancellations"]
    await play.tiktok.control("POST", f"cancellations/{asked['cancel_id']}/accept")


HELD = replace(
    REFUND,
    steps=(
        IMPORTED,
        Step(_asked_for_by_the_buyer, "is held until it is decided"),
        Step(_agreed_to_in_seller_center, AGREE),
    ),
    effects=REFUND.effects | {"hold", "release"},
)
"""The buyer asks and the parcel is held; the seller agrees, the hold is let go, and everything is cancelled."""
assert stories.PARTIAL.steps[-1].says == SOME
