"""A call whose answer nobody hears: its effect lands before, at or after the death of the service, or never."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.support.chaos import KILLED, MUGS, STICKER, House, done, kinds, story, tally
from tests.support.stage import Shop
from tests.support.stories import APPROVE, CANCEL, LINES, PARTIAL, REFUND, Scenario, check

QUIET, LONG_QUIET = 0.6, 2.5
"""Seconds: as everywhere; and with room for a restart, and for the effect to land, within the quiet period."""
HTML = "<html><body>Service Unavailable</body></html>"


@dataclass(frozen=True)
class Effect:
    side: str
    path: str
    scenario: Scenario
    step: int
    """Which step of the story makes this call."""


EFFECTS = {
    "create": Effect("magento", r"/V1/orders$", REFUND, 0),
    "invoice": Effect("magento", r"/V1/order/\d+/invoice", REFUND, 0),
    "refund": Effect("magento", r"/V1/order/\d+/refund", REFUND, 1),
    "cancel": Effect("tiktok", r"/cancellations\?", CANCEL, 1),
    "approve": Effect("tiktok", r"/cancellations/\d+/approve", APPROVE, 1),
}
IN_PART = {
    "partial refund": Effect("magento", r"/V1/order/\d+/refund", PARTIAL, 1),
    "lines": Effect("tiktok", r"/cancellations\?", LINES, 1),
}
ALL = EFFECTS | IN_PART
GUARDED = {name: effect for name, effect in ALL.items() if name != "partial refund"}
"""A repeat of these is refused by the other side itself."""
every_effect = pytest.mark.parametrize("effect", ALL.values(), ids=ALL)
every_guarded = pytest.mark.parametrize("effect", GUARDED.values(), ids=GUARDED)


def shop_of(house: House, effect: Effect) -> Shop:
    return house.play.magento if effect.side == "magento" else house.play.tiktok


async def calls(house: House, effect: Effect, number: int = 1, seconds: float = 15) -> list[dict[str, Any]]:
    """The calls of this effect, once there are so many."""
    shop = shop_of(house, effect)

    async def arrived() -> list[dict[str, Any]]:
        found = [
            call
            for call in (await shop.control("GET", "calls?method=POST"))["calls"]
            if re.search(effect.path, call["path"])
        ]
        return found if len(found) >= number else []

    return list(await house.play.until(arrived, f"{number} calls to {effect.path} arrived", seconds))


async def play_until_the_call(house: House, effect: Effect, *faults: dict[str, Any], quiet: float = QUIET) -> str:
    """The story up to the call, which meets the faults in their order; `quiet` is what the effect waits afterwards.

    Answers TikTok's order id.
    """
    play = house.play
    if effect is IN_PART["partial refund"]:
        house.waits_for_parts(max(quiet, 1.5))
    else:
        play.environment["BRIDGE_QUIET_PERIOD"] = str(quiet)
    await house.start()
    await house.set_up()
    shop = shop_of(house, effect)
    if effect.step == 0:
        for fault in faults:
            await shop.fault(method="POST", path=effect.path, **fault)
        order_id = await play.place(MUGS, STICKER)
    else:
        order_id = await play.place(MUGS, STICKER)
        await house.settled(order_id, effect.scenario.steps[0].says)
        for fault in faults:
            await shop.fault(method="POST", path=effect.path, **fault)
        await effect.scenario.steps[1].happens(play, order_id)
    await calls(house, effect)
    return order_id


async def die_and_start_again(house: House) -> None:
    await house.kill()
    assert await house.ended() == KILLED
    await house.again()


async def play_to_the_end(house: House, effect: Effect, order_id: str, *, repeated: bool = False) -> None:
    """The rest of the story, and what it left."""
    for number, step in enumerate(effect.scenario.steps):
        if number > effect.step:
            await step.happens(house.play, order_id)
        if number >= effect.step:
            await house.settled(order_id, step.says)
    await house.at_rest()
    await check(house, effect.scenario, order_id, repeated=repeated)


ON_THE_WAY = {
    "never": {"kind": "refuse"},
    "before the death": {"kind": "cut"},
    "after the death": {"kind": "slow", "seconds": 0.3},
}


@every_effect
@pytest.mark.parametrize("fault", ON_THE_WAY.values(), ids=ON_THE_WAY)
async def test_killed_when_the_call_arrived(sqlite_house: House, effect: Effect, fault: dict[str, Any]) -> None:
    order_id = await play_until_the_call(sqlite_house, effect, fault)
    await die_and_start_again(sqlite_house)
    await play_to_the_end(sqlite_house, effect, order_id)


async def _found_and_not_repeated(house: House, effect: Effect) -> None:
    order_id = await play_until_the_call(house, effect, {"kind": "slow", "seconds": 1.2}, quiet=LONG_QUIET)
    await die_and_start_again(house)
    await play_to_the_end(house, effect, order_id)
    assert len(await calls(house, effect)) == 1


@every_effect
async def test_landing_after_the_restart_within_the_quiet_period_it_is_found_and_not_repeated(
    sqlite_house: House, effect: Effect
) -> None:
    await _found_and_not_repeated(sqlite_house, effect)


@pytest.mark.parametrize("name", ["create", "refund", "cancel"])
async def test_the_same_on_mariadb(mariadb_house: House, name: str) -> None:
    await _found_and_not_repeated(mariadb_house, EFFECTS[name])


@every_guarded
async def test_landing_after_its_repeat_it_is_refused_by_the_other_side(sqlite_house: House, effect: Effect) -> None:
    """The worst case: slower than the quiet period. The repeat was done; the first call must not be, too."""
    house = sqlite_house
    order_id = await play_until_the_call(house, effect, {"kind": "late", "seconds": None})
    await die_and_start_again(house)
    await calls(house, effect, 2)
    await house.settled(order_id, effect.scenario.steps[effect.step].says)
    assert await shop_of(house, effect).control("POST", "release") == {"done": 1}
    await play_to_the_end(house, effect, order_id)


async def test_a_partial_refund_that_lands_after_its_repeat_is_booked_twice_and_a_person_is_told(
    sqlite_house: House,
) -> None:
    """Magento's own checks do not guard it, so it waits longer; slower than that, it is found and never acted on."""
    house, effect = sqlite_house, IN_PART["partial refund"]
    order_id = await play_until_the_call(house, effect, {"kind": "late", "seconds": None})
    await die_and_start_again(house)
    await calls(house, effect, 2)
    await house.settled(order_id, effect.scenario.steps[1].says)
    assert await house.play.magento.control("POST", "release") == {"done": 1}
    order = await house.settled(order_id, "refunded more than is cancelled")
    assert kinds(order) == {"books_moved"}
    assert (await tally(house.play, order_id)).memos == 2
    assert (await tally(house.play, order_id)).seller_cancels == 0


@every_guarded
async def test_landing_right_before_its_repeat_the_repeat_is_refused(sqlite_house: House, effect: Effect) -> None:
    """The worst case, the other way round: the look saw nothing, and then it landed."""
    house = sqlite_house
    slow = {"kind": "slow", "seconds": 0.5}
    order_id = await play_until_the_call(house, effect, {"kind": "late", "seconds": None}, slow)
    await die_and_start_again(house)
    await calls(house, effect, 2)
    assert await shop_of(house, effect).control("POST", "release") == {"done": 1}
    await play_to_the_end(house, effect, order_id, repeated=True)


BAD_LINES = {
    "the call is refused": {"kind": "refuse"},
    "the answer is cut off": {"kind": "cut"},
    "the answer is slow": {"kind": "slow", "seconds": 0.5},
    "a broken 500": {"kind": "fail", "status": 500, "body": HTML, "content_type": "text/html"},
    "an overloaded 503": {"kind": "fail", "status": 503, "body": HTML, "content_type": "text/html"},
}


@pytest.mark.parametrize("fault", BAD_LINES.values(), ids=BAD_LINES)
async def test_a_bad_line_at_every_call_of_three_orders_at_once(sqlite_house: House, fault: dict[str, Any]) -> None:
    house = sqlite_house
    await house.start()
    await house.set_up()
    for effect in EFFECTS.values():
        times = 3 if effect.step == 0 else 1
        await shop_of(house, effect).fault(method="POST", path=effect.path, times=times, **fault)
    stories = {await house.play.place(MUGS, STICKER): scenario for scenario in (REFUND, CANCEL, APPROVE)}
    for step in (0, 1):
        for order_id, scenario in stories.items():
            await scenario.steps[step].happens(house.play, order_id)
        for order_id, scenario in stories.items():
            await house.settled(order_id, scenario.steps[step].says, 30)
    await house.at_rest()
    for order_id, scenario in stories.items():
        order = await house.settled(order_id)
        left = await tally(house.play, order_id)
        assert replace(left, invoices=1, source=(0, 0), salable=(0, 0)) == replace(
            scenario.leaves, source=(0, 0), salable=(0, 0)
        ), story(order)
        # Each merchant's own credit memo wrote its units off; what the bridge refunded went back.
        assert (left.invoices, left.source, left.salable) == (3, (-4, -2), (-4, -2)), story(order)
        assert done(order) == Counter(scenario.effects), story(order)
