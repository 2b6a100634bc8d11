"""Stories of one order, from its sale to its end on both sides, and what each leaves behind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Scenario:
    steps: tuple[Step, ...]
    leaves: Tally
    effects: frozenset[str]


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


async def check(house: House, scenario: Scenario, order_id: str, *, repeated: bool = False) -> None:
    """One effect each, told of once. `repeated`: the one that landed may be an attempt that was given up for lost."""
    order = await house.settled(order_id)
    assert await tally(house.play, order_id) == scenario.leaves, story(order)
    assert order["state"] == "settled"
    assert done(order) <= Counter(scenario.effects), story(order)
    assert repeated or done(order) == Counter(scenario.effects), story(order)
    assert kinds(order) == set(), story(order)
