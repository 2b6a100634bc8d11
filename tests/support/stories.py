"""Stories of one order, from its sale to its end on both sides, and what each leaves behind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from tests.support.chaos import House, Tally, done, kinds, story, tally
from tests.support.stage import Stage


@dataclass(frozen=True)
class Step:
    """Something happens at a shop, and what the order says when the service is through with it."""

    happens: Callable[[Stage, str], Awaitable[None]]
    says: str


async def _nothing(_play: Stage, _order_id: str) -> None:
    """The order was just placed."""


async def _cancelled_on_tiktok(play: Stage, order_id: str) -> None:
    await play.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "SYSTEM", "pending": False})


async def _refunded_in_the_store(play: Stage, order_id: str) -> None:
    made = await play.store_order(order_id)
    await play.magento.control("POST", "refund", {"order": made["id"]})


async def _asked_for_by_the_buyer_and_refunded(play: Stage, order_id: str) -> None:
    await play.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "BUYER"})
    await _refunded_in_the_store(play, order_id)


async def _one_cancelled_on_tiktok(play: Stage, order_id: str) -> None:
    lines = (await play.channel_order(order_id))["order"]["line_items"]
    body = {"role": "SYSTEM", "pending": False, "lines": [lines[0]["id"]]}
    await play.tiktok.control("POST", f"orders/{order_id}/cancel", body)


async def _one_refunded_in_the_store(play: Stage, order_id: str) -> None:
    """Of a shop whose merchant chose that just these lines are cancelled."""
    chosen = {"store_to_channel": {"partial": "cancel_lines"}}
    await play.api("PUT", f"shops/{play.shop_id}/cancellation-sync", chosen)
    made = await play.store_order(order_id)
    items = [{"order_item_id": row["item_id"], "qty": 1} for row in made["items"] if row["sku"] == "STICKER"]
    await play.magento.control("POST", "refund", {"order": made["id"], "items": items, "shipping_amount": 0})


async def _asked_for_by_the_buyer(play: Stage, order_id: str) -> None:
    await play.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "BUYER"})


async def _mugs_asked_for_and_the_sticker_cancelled(play: Stage, order_id: str) -> None:
    lines = (await play.channel_order(order_id))["order"]["line_items"]
    mugs = [line["id"] for line in lines if line["seller_sku"] == "MUG"]
    sticker = [line["id"] for line in lines if line["seller_sku"] == "STICKER"]
    await play.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "BUYER", "lines": mugs})
    await play.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "SYSTEM", "lines": sticker})


def _rule(decision: str, **more: object) -> Callable[[Stage, str], Awaitable[None]]:
    """The merchant sets a rule for every request that comes from then on."""

    async def set_it(play: Stage, _order_id: str) -> None:
        rule = {"name": "every request", "decision": decision, **more}
        body = {"buyer_requests": {"enabled": True, "rules": [rule]}}
        await play.api("PUT", f"shops/{play.shop_id}/cancellation-sync", body)

    return set_it


@dataclass(frozen=True)
class Scenario:
    steps: tuple[Step, ...]
    leaves: Tally
    effects: frozenset[str]
    set_up: Callable[[House], Awaitable[None]] = House.set_up
    """Connects the shops that it plays in."""
    counts: Callable[[Stage, str], Awaitable[Tally]] = tally
    """Reads what the other sides have to show."""


IMPORTED = Step(_nothing, "alive on both sides")
AGREE = "both books agree: all"
REFUND = Scenario(
    (IMPORTED, Step(_cancelled_on_tiktok, AGREE)),
    Tally(),
    frozenset({"create", "invoice", "refund"}),
)
"""Imported, cancelled on TikTok, refunded and back in stock: what the create took is known, whatever was lost."""
CANCEL = Scenario(
    (IMPORTED, Step(_refunded_in_the_store, AGREE)),
    Tally(seller_cancels=1, source=(-2, -1), salable=(-2, -1)),
    frozenset({"create", "invoice", "cancel"}),
)
"""The merchant's own credit memo wrote the units off, so they stay away."""
APPROVE = Scenario(
    (IMPORTED, Step(_asked_for_by_the_buyer_and_refunded, AGREE)),
    Tally(approvals=1, source=(-2, -1), salable=(-2, -1)),
    frozenset({"create", "invoice", "approve"}),
)
ALIVE = Tally(store_state="processing", status="AWAITING_SHIPMENT")
SOME = "1 cancelled and refunded, 2 alive"
PARTIAL = Scenario(
    (IMPORTED, Step(_one_cancelled_on_tiktok, SOME)),
    replace(ALIVE, unit_cancels=(1, 0, 0), salable=(-1, -1)),
    frozenset({"create", "invoice", "refund"}),
)
"""One of two mugs is cancelled on TikTok, refunded by quantity and back in stock; the rest lives."""
LINES = Scenario(
    (IMPORTED, Step(_one_refunded_in_the_store, SOME)),
    replace(ALIVE, seller_cancels=1, unit_cancels=(0, 0, 1), source=(0, -1), salable=(-2, -1)),
    frozenset({"create", "invoice", "cancel_lines"}),
)
"""The merchant refunded the sticker, and just its line is cancelled on TikTok; the mugs live."""


RULED = Scenario(
    (Step(_rule("approve", store_shipped=False), "alive on both sides"), Step(_asked_for_by_the_buyer, AGREE)),
    Tally(approvals=1),
    frozenset({"create", "invoice", "approve", "refund"}),
)
"""A rule approves what the buyer asks for; the units are refunded and back in stock."""
REJECT = Scenario(
    (
        Step(_rule("reject", reject_reason="seller_reject_apply_product_has_been_packed"), "alive on both sides"),
        Step(_mugs_asked_for_and_the_sticker_cancelled, "1 cancelled and refunded, 2 alive on both sides"),
    ),
    Tally(store_state="processing", status="AWAITING_SHIPMENT", rejections=1, unit_cancels=(0, 0, 1), salable=(-2, 0)),
    frozenset({"create", "invoice", "reject", "refund"}),
)
"""A rule rejects what the buyer asks for: these units live on. The other one is cancelled, so that the end is told."""


async def check(house: House, scenario: Scenario, order_id: str, *, repeated: bool = False) -> None:
    """One effect each, told of once. `repeated`: the one that landed may be an attempt that was given up for lost."""
    order = await house.settled(order_id, scenario.steps[-1].says)
    assert await scenario.counts(house.play, order_id) == scenario.leaves, story(order)
    assert order["state"] == "settled"
    assert done(order) <= Counter(scenario.effects), story(order)
    assert repeated or done(order) == Counter(scenario.effects), story(order)
    assert kinds(order) == set(), story(order)
