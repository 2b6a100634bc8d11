"""The story of an order that Amazon sends: made there, and cancelled there when TikTok cancels."""

from __future__ import annotations

from dataclasses import replace

from bridge.sandbox.amazon import AmazonSandbox, create_app
from tests.support import stories
from tests.support.chaos import STOCK, UNITS, House, Tally
from tests.support.stage import Shop, Stage
from tests.support.stories import Scenario

NAME = "Amazon"


async def _set_up(house: House) -> None:
    play, box = house.play, AmazonSandbox()
    box.settings.rate = 500  # the bridge takes over what it is told, so that nobody waits for a turn here
    box.stock.update(dict.fromkeys(UNITS, STOCK))
    shop = await play.open(create_app(box))
    await play.connect()
    credentials = {
        "client_id": box.tokens.client_id,
        "client_secret": box.tokens.client_secret,
        "refresh_token": box.tokens.refresh_token,
        "token_url": f"{shop.url}/auth/o2/token",
    }
    body = {"kind": "amazon", "name": NAME, "url": shop.url, "credentials": credentials}
    made = await play.api("POST", "connections", body, expect=201)
    await play.api("PUT", f"shops/{play.shop_id}", {"store": {"connection": made["id"]}})


async def counts(play: Stage, order_id: str) -> Tally:
    """Cancellations that Amazon took stand where other stores have credit memos."""
    found = await play.api("GET", "connections")
    [url] = [one["url"] for one in found["connections"] if one["name"] == NAME]
    state = await Shop(url, play.session).control("GET", "state")
    orders = [one for one in state["orders"] if one["displayed_id"] == order_id]
    channel = (await play.tiktok.control("GET", "state"))["orders"][order_id]
    assert sum(one["creates"] for one in orders) == len(orders)
    moved = (state["stock"]["MUG"] - STOCK, state["stock"]["STICKER"] - STOCK)
    return Tally(
        store_orders=len(orders),
        invoices=0,
        memos=state["effects"].get("cancel", 0) + state["effects"].get("cancel_again", 0),
        store_state=orders[0]["status"] if orders else "",
        status=channel["status"],
        seller_cancels=channel["effects"].get("seller_cancel_calls", 0),
        unit_cancels=tuple(channel["line_cancels"].values()),
        source=moved,
        salable=moved,
    )


REFUND: Scenario = replace(
    stories.REFUND,
    leaves=Tally(invoices=0, store_state="Cancelled"),
    effects=frozenset({"create", "refund"}),
    set_up=_set_up,
    counts=counts,
)
