"""Killed at every named point between two steps, and started again: one effect each, and the stock exact."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from bridge.killpoints import KillPoint
from tests.support.chaos import KILLED, MUGS, STICKER, House, Tally, done, kinds, story, tally
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


def scenario_of(point: KillPoint) -> Scenario:
    """The story that comes by this point."""
    by_word = {"hint": CANCEL, "cancel": CANCEL, "approve": APPROVE}
    return by_word.get(point.partition(".")[0], REFUND)


async def live_through(house: House, scenario: Scenario, armed: str) -> str:
    """Play the story with a service that kills itself once on the way; answers TikTok's order id."""
    play = house.play
    await house.start(BRIDGE_KILL_POINT=armed)
    await house.set_up()
    order_id = await play.place(MUGS, STICKER)
    deaths = 0
    for step in scenario.steps:
        await step.happens(play, order_id)
        while await house.says(order_id, step.says) is None:
            deaths += 1
            assert await house.ended() == KILLED
            await house.again()
    if not deaths:  # the last point comes after the last word
        assert await house.ended() == KILLED
        deaths += 1
        await house.again()
    assert deaths == 1
    await house.at_rest()
    return order_id


async def check(house: House, scenario: Scenario, order_id: str) -> None:
    order = await house.settled(order_id)
    assert await tally(house.play, order_id) == scenario.leaves, story(order)
    assert order["state"] == "settled"
    assert set(done(order)) <= scenario.effects, story(order)
    assert max(done(order).values()) == 1, story(order)
    assert kinds(order) <= {"no_effect_found"}, story(order)


@pytest.mark.parametrize("point", list(KillPoint))
async def test_killed_there_and_started_again_there_is_one_effect_and_the_stock_is_exact(
    house: House, point: KillPoint
) -> None:
    scenario = scenario_of(point)
    order_id = await live_through(house, scenario, point.value)
    await check(house, scenario, order_id)


LATER = [
    (KillPoint.HOOK_COMMITTED, 3, CANCEL),
    (KillPoint.WORK_CLAIMED, 3, CANCEL),
    (KillPoint.READ_DONE, 2, REFUND),
    (KillPoint.READ_DONE, 3, CANCEL),
    (KillPoint.READ_DONE, 4, APPROVE),
    (KillPoint.READ_DONE, 5, REFUND),
    (KillPoint.WORK_RELEASING, 2, CANCEL),
    (KillPoint.WORK_RELEASED, 3, REFUND),
]


@pytest.mark.parametrize(("point", "time", "scenario"), LATER)
async def test_killed_there_when_it_comes_by_again(
    sqlite_house: House, point: KillPoint, time: int, scenario: Scenario
) -> None:
    order_id = await live_through(sqlite_house, scenario, f"{point.value}:{time}")
    await check(sqlite_house, scenario, order_id)
