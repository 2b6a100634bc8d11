"""Killed at every named point between two steps, and started again: one effect each, and the stock exact."""

from __future__ import annotations

import pytest

from bridge.killpoints import KillPoint
from tests.support import amazon_stories as amazon
from tests.support import shopify_stories as shopify
from tests.support import woocommerce_stories as woocommerce
from tests.support.chaos import KILLED, MUGS, STICKER, House
from tests.support.stories import APPROVE, CANCEL, LINES, PARTIAL, REFUND, REJECT, RULED, Scenario, check


def scenario_of(point: KillPoint) -> Scenario:
    """The story that comes by this point."""
    by_word = {"hint": CANCEL, "cancel": CANCEL, "cancel_lines": LINES, "approve": APPROVE, "reject": REJECT}
    return by_word.get(point.partition(".")[0], REFUND)


async def live_through(house: House, scenario: Scenario, armed: str) -> str:
    """Play the story with a service that kills itself once on the way; answers TikTok's order id."""
    play = house.play
    await house.start(BRIDGE_KILL_POINT=armed)
    await scenario.set_up(house)
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


NOT_IN_MAGENTO = ("alert.", "hold.", "release.")


@pytest.mark.parametrize("point", [point for point in KillPoint if not point.startswith(NOT_IN_MAGENTO)])
async def test_killed_there_and_started_again_there_is_one_effect_and_the_stock_is_exact(
    house: House, point: KillPoint
) -> None:
    scenario = scenario_of(point)
    order_id = await live_through(house, scenario, point.value)
    await check(house, scenario, order_id)


@pytest.mark.parametrize("point", [point for point in KillPoint if point.startswith("refund.")])
async def test_killed_at_a_partial_refund_there_is_one_and_the_stock_is_exact(house: House, point: KillPoint) -> None:
    house.waits_for_parts(1.5)
    order_id = await live_through(house, PARTIAL, point.value)
    await check(house, PARTIAL, order_id)


LATER = [
    (KillPoint.HOOK_COMMITTED, 3, CANCEL),
    (KillPoint.WORK_CLAIMED, 3, CANCEL),
    (KillPoint.READ_DONE, 2, REFUND),
    (KillPoint.READ_DONE, 3, CANCEL),
    (KillPoint.READ_DONE, 4, APPROVE),
    (KillPoint.READ_DONE, 5, REFUND),
    (KillPoint.APPROVE_CLAIMED, 1, RULED),
    (KillPoint.APPROVE_ANSWERED, 1, RULED),
    (KillPoint.WORK_RELEASING, 2, CANCEL),
    (KillPoint.WORK_RELEASED, 3, REFUND),
]


@pytest.mark.parametrize(("point", "time", "scenario"), LATER)
async def test_killed_there_when_it_comes_by_again(
    sqlite_house: House, point: KillPoint, time: int, scenario: Scenario
) -> None:
    order_id = await live_through(sqlite_house, scenario, f"{point.value}:{time}")
    await check(sqlite_house, scenario, order_id)


ELSEWHERE = [
    (KillPoint.CREATE_CLAIMED, shopify.REFUND),
    (KillPoint.CREATE_ANSWERED, shopify.REFUND),
    (KillPoint.REFUND_CLAIMED, shopify.REFUND),
    (KillPoint.REFUND_ANSWERED, shopify.REFUND),
    (KillPoint.REFUND_CLAIMED, shopify.PARTIAL),
    (KillPoint.REFUND_ANSWERED, shopify.PARTIAL),
    (KillPoint.CANCEL_ANSWERED, shopify.CANCEL),
    (KillPoint.HOLD_CLAIMED, shopify.HELD),
    (KillPoint.HOLD_ANSWERED, shopify.HELD),
    (KillPoint.RELEASE_CLAIMED, shopify.HELD),
    (KillPoint.RELEASE_ANSWERED, shopify.HELD),
    (KillPoint.CREATE_ANSWERED, amazon.REFUND),
    (KillPoint.REFUND_CLAIMED, amazon.REFUND),
    (KillPoint.REFUND_ANSWERED, amazon.REFUND),
    (KillPoint.CREATE_ANSWERED, woocommerce.REFUND),
    (KillPoint.REFUND_ANSWERED, woocommerce.REFUND),
    (KillPoint.REFUND_ANSWERED, woocommerce.PARTIAL),
    (KillPoint.CANCEL_ANSWERED, woocommerce.CANCEL),
]
"""Another platform's own ways to create, refund and tell: where the process dies is the same."""


@pytest.mark.parametrize(("point", "scenario"), ELSEWHERE)
async def test_killed_there_with_another_platform_in_the_stores_place(
    sqlite_house: House, point: KillPoint, scenario: Scenario
) -> None:
    sqlite_house.waits_for_parts(1.5)
    order_id = await live_through(sqlite_house, scenario, point.value)
    await check(sqlite_house, scenario, order_id)


async def test_a_cancellation_that_runs_on_in_the_background_longer_than_anybody_waits_is_made_once(
    mariadb_house: House,
) -> None:
    """It was sent, the service died, and nothing shows yet when it is sent again: the first one came through."""
    order_id = await live_through(mariadb_house, shopify.SLOW, KillPoint.REFUND_ANSWERED.value)
    await check(mariadb_house, shopify.SLOW, order_id, repeated=True)
