"""The brake: a mistake made for many orders at once stops, asks once, and goes on only when a person has answered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from bridge.storage.engine import Database
from bridge.storage.tables import ledger, shops
from tests.integration.connect.parts import audited
from tests.integration.sync.test_settle import MUGS, kinds
from tests.support.stage import Stage

PAUSED = "the direction is paused"


async def limit(play: Stage, most: int) -> dict[str, Any]:
    path = f"shops/{play.shop_id}/cancellation-sync"
    found: dict[str, Any] = await play.api("PUT", path, {"store_to_channel": {"max_cancels_per_hour": most}})
    return found


async def imported(play: Stage, number: int) -> list[str]:
    found = [await play.place(MUGS) for _ in range(number)]
    for order_id in found:
        await play.imported(order_id)
    return found


async def refund(play: Stage, *order_ids: str) -> None:
    for order_id in order_ids:
        made = await play.store_order(order_id)
        await play.magento.control("POST", "refund", {"order": made["id"]})


async def the_item(play: Stage) -> dict[str, Any]:
    """What is asked of a person: one thing, of the shop."""
    found = (await play.api("GET", "attention?kind=brake"))["items"]
    assert len(found) == 1, found
    assert (found[0]["shop"], found[0]["order"]) == (play.shop_id, None)
    return dict(found[0])


async def braked(play: Stage, at_once: int = 3) -> tuple[list[str], list[str]]:
    """A limit of one, and more refunds than that: what went through, and what waits."""
    await limit(play, 1)
    order_ids = await imported(play, at_once + 1)
    await refund(play, order_ids[0])
    await play.settled(order_ids[0], "both books agree: all")
    await refund(play, *order_ids[1:])
    for order_id in order_ids[1:]:
        await play.settled(order_id, PAUSED)
    return order_ids[:1], order_ids[1:]


async def cancelled(play: Stage, order_id: str) -> bool:
    state = await play.tiktok.control("GET", "state")
    return bool(state["orders"][order_id]["status"] == "CANCELLED")


async def test_many_orders_are_one_question_and_each_says_what_it_waits_for(play: Stage) -> None:
    _, waiting = await braked(play)
    item = await the_item(play)
    assert item["facts"]["waiting"] == 3
    assert set(item["facts"]["first_orders"]) == set(waiting)
    assert (item["facts"]["count"], item["facts"]["limit"]) == (1, 1)
    for order_id in waiting:
        order = await play.order(order_id) or {}
        assert (order["state"], kinds(order)) == ("held", set())
        assert PAUSED in order["because"]
        assert not await cancelled(play, order_id)


async def test_it_stays_paused_when_the_hour_has_passed_and_after_a_restart_and_dismissed(dark: Stage) -> None:
    async with dark.inside():
        await dark.connect()
        await dark.product("MUG")
        before = await limit(dark, 1)
        _, waiting = await braked(dark)
        item = await the_item(dark)
        await dark.api("POST", f"attention/{item['id']}/dismiss", {"note": "seen"})
        [later] = await imported(dark, 1)
    database = await Database.open(dark.environment["BRIDGE_DATABASE_URL"])
    ago = datetime.now(UTC) - timedelta(hours=3)
    await database.write(lambda conn: conn.execute(update(ledger).values(claimed_at=ago)))
    await database.close()
    async with dark.inside():
        for order_id in waiting:
            order = await dark.order(order_id) or {}
            await dark.api("POST", f"orders/{order['id']}/settle", {})
        await refund(dark, later)
        await dark.settled(later, PAUSED)
        for order_id in (*waiting, later):
            await dark.settled(order_id, PAUSED)
            assert not await cancelled(dark, order_id)
        shown = await dark.api("GET", f"attention/{item['id']}")
        assert (shown["state"], shown["facts"]["waiting"]) == ("dismissed", 4)
        after = await dark.api("GET", f"shops/{dark.shop_id}/cancellation-sync")
        assert after["store_to_channel"]["effective_from"] == before["store_to_channel"]["effective_from"]


async def test_only_what_a_person_has_seen_is_let_through(play: Stage) -> None:
    """The mistake goes on while somebody reads about its beginning: what came later is asked about again."""
    _, waiting = await braked(play)
    [later, last] = await imported(play, 2)
    seen = (await the_item(play))["seen"]
    await refund(play, later)
    await play.settled(later, PAUSED)
    item = await the_item(play)
    assert item["seen"] != seen
    path = f"attention/{item['id']}/settle"
    answer = await play.api("POST", path, {"allow": ["brake"], "seen": seen}, expect=202)
    assert answer["says"].startswith("3 orders")
    for order_id in waiting:
        await play.settled(order_id, "both books agree: all")
    await play.settled(later, PAUSED)
    again = await the_item(play)
    assert (again["facts"]["waiting"], again["facts"]["first_orders"]) == (1, [later])
    # The page that was left open since the first time lets nothing of this one through.
    refused = await play.api("POST", path, {"allow": ["brake"], "seen": seen}, expect=409)
    assert "let go meanwhile" in refused["detail"]
    assert not await cancelled(play, later)
    for odd in ("nonsense now", f"{seen.split()[0]} 2026-01-01T00:00:00"):
        await play.api("POST", path, {"allow": ["brake"], "seen": odd}, expect=422)
    until = (await play.api("GET", "attention/groups"))["as_of"]
    await refund(play, last)
    await play.settled(last, PAUSED)
    everything = {"kind": "brake", "allow": ["brake"], "until": until}
    done = await play.api("POST", "attention/settle", everything, expect=202)
    assert done["settled"] == 1
    await play.settled(later, "both books agree: all")
    await play.settled(last, PAUSED)


async def test_a_brake_that_somebody_else_has_just_let_go_stops_no_answer_to_all(dark: Stage) -> None:
    async with dark.inside() as service:
        await dark.connect()
        await dark.product("MUG")
        await braked(dark)
        await service.db.write(lambda conn: conn.execute(update(shops).values(brake=None)))
        answer = await dark.api("POST", "attention/settle", {"kind": "brake", "allow": ["brake"]}, expect=202)
        assert (answer["settled"], answer["skipped"]) == (0, 1)


async def test_a_person_lets_those_through_that_waited_and_the_next_one_asks_again(play: Stage) -> None:
    _, waiting = await braked(play)
    [later] = await imported(play, 1)
    item = await the_item(play)
    refused = await play.api("POST", f"attention/{item['id']}/settle", {}, expect=409)
    assert "brake" in refused["detail"]
    answer = await play.api("POST", f"attention/{item['id']}/settle", {"allow": ["brake"]}, expect=202)
    assert answer["says"].startswith("3 orders")
    assert await audited(play, f"shop {play.shop_id} brake released") == [{"orders": 3, "let_through": True}]
    for order_id in waiting:
        await play.settled(order_id, "both books agree: all")
    assert (await play.api("GET", "attention?kind=brake"))["items"] == []
    await refund(play, later)
    await play.settled(later, PAUSED)
    again = await the_item(play)
    assert (again["id"], again["facts"]["count"]) == (item["id"], 4), "those let through count"
    assert again["reopened"]


async def test_a_higher_limit_answers_it_and_is_itself_a_limit(play: Stage) -> None:
    _, waiting = await braked(play)
    await limit(play, 3)
    assert await audited(play, f"shop {play.shop_id} brake released") == [{"orders": 3, "let_through": False}]

    async def ended() -> bool:
        orders = [await play.order(order_id) or {} for order_id in waiting]
        done = [order for order in orders if "both books agree: all" in order["because"]]
        return len(done) == 2 and sum(PAUSED in order["because"] for order in orders) == 1

    await play.until(ended, "two more go through, the third waits")
    assert (await the_item(play))["facts"]["waiting"] == 1


async def test_one_order_is_let_through_while_the_others_wait(play: Stage) -> None:
    _, waiting = await braked(play)
    order = await play.order(waiting[0]) or {}
    await play.api("POST", f"orders/{order['id']}/settle", {"allow": ["brake"]})
    await play.settled(waiting[0], "both books agree: all")
    for order_id in waiting[1:]:
        assert PAUSED in (await play.order(order_id) or {})["because"]
    assert (await play.api("GET", "attention?kind=brake"))["items"] != []


async def test_a_mistake_is_ended_by_switching_the_direction_off_and_on(play: Stage) -> None:
    _, waiting = await braked(play)
    path = f"shops/{play.shop_id}/cancellation-sync"
    await play.api("PUT", path, {"store_to_channel": {"enabled": False}})
    for order_id in waiting:
        await play.settled(order_id, "switched off")
    assert (await play.api("GET", "attention?kind=brake"))["items"] == []
    refunded_at = datetime.now(UTC)

    async def later() -> bool:
        return datetime.now(UTC) - refunded_at > timedelta(seconds=1.1)

    await play.until(later, "the store's clock, which knows whole seconds only, has moved on")
    await play.api("PUT", path, {"store_to_channel": {"enabled": True}})
    for order_id in waiting:
        order = await play.order(order_id) or {}
        await play.api("POST", f"orders/{order['id']}/settle", {})
        order = await play.settled(order_id, "older than the switch-on")
        assert kinds(order) == {"before_switch_on"}
        assert not await cancelled(play, order_id)


@pytest.mark.both_databases
async def test_all_brakes_are_answered_by_kind(play: Stage) -> None:
    _, waiting = await braked(play, 2)
    done = await play.api("POST", "attention/settle", {"kind": "brake", "allow": ["brake"]}, expect=202)
    assert done == {"settled": 2, "skipped": 0, "left": 0}
    assert await audited(play, f"shop {play.shop_id} brake released") == [{"orders": 2, "let_through": True}]
    for order_id in waiting:
        await play.settled(order_id, "both books agree: all")
