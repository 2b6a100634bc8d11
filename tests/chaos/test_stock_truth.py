"""Whether the store took its stock, when the answer that says so was lost: known, or no restock and a person told."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bridge.killpoints import KillPoint
from bridge.sync import effect
from tests.support.chaos import KILLED, MUGS, House, JsonObject, kinds, story
from tests.support.stage import Stage


async def cancel(play: Stage, order_id: str) -> None:
    await play.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "SYSTEM", "pending": False})


async def stock(play: Stage) -> tuple[int, int]:
    found = await play.stock("MUG")
    return int(found["source"]), int(found["salable"])


def item(order: JsonObject, kind: str) -> JsonObject:
    found = [item for item in order["attention"] if item["kind"] == kind]
    assert found, story(order)
    return dict(found[0])


async def killed_at(house: House, point: KillPoint, *, quantity: int = 100) -> str:
    """An order of two mugs whose service died at this point, of `quantity` mugs in stock."""
    await house.start(BRIDGE_KILL_POINT=point.value)
    await house.play.connect()
    await house.play.product("MUG", quantity=quantity)
    order_id = await house.play.place(MUGS)
    assert await house.ended() == KILLED
    return order_id


async def test_the_header_was_lost_and_the_salable_quantity_tells(sqlite_house: House) -> None:
    house = sqlite_house
    order_id = await killed_at(house, KillPoint.CREATE_ANSWERED)
    await house.again()
    await house.settled(order_id, "alive on both sides")
    await cancel(house.play, order_id)
    order = await house.settled(order_id)
    assert await stock(house.play) == (100, 100)
    assert "restock_uncertain" not in kinds(order)


async def test_the_header_was_lost_and_nothing_can_tell_so_nothing_goes_back_and_the_units_are_named(
    sqlite_house: House,
) -> None:
    house = sqlite_house
    order_id = await killed_at(house, KillPoint.CREATE_ANSWERED)
    await house.play.product("MUG", quantity=110)  # goods came in: by salable alone, the order may have taken nothing
    await house.again()
    await house.settled(order_id, "alive on both sides")
    await cancel(house.play, order_id)
    order = await house.settled(order_id)
    assert await stock(house.play) == (108, 108)
    told = item(order, "restock_uncertain")
    units = {unit["unit_id"] for unit in order["units"]}
    assert set(told["facts"]["units"]) == units
    assert all(unit in told["because"] for unit in units)


async def test_a_failed_reservation_is_repaired_on_the_invoice(sqlite_house: House) -> None:
    house = sqlite_house
    order_id = await killed_at(house, KillPoint.CREATE_RECORDED, quantity=1)
    await house.play.product("MUG", quantity=100)
    await house.again()
    order = await house.settled(order_id, "alive on both sides")
    assert await stock(house.play) == (100, 98)
    assert "not_reserved" not in kinds(order)
    await cancel(house.play, order_id)
    await house.settled(order_id)
    assert await stock(house.play) == (100, 100)


async def test_a_repair_that_never_went_out_is_not_tried_again_and_a_person_is_told(sqlite_house: House) -> None:
    house = sqlite_house
    order_id = await killed_at(house, KillPoint.INVOICE_CLAIMED, quantity=1)
    await house.play.product("MUG", quantity=100)
    await house.again()
    order = await house.settled(order_id, "alive on both sides")
    assert await stock(house.play) == (100, 100)
    assert item(order, "not_reserved")["facts"]["skus"] == ["MUG"], story(order)
    await cancel(house.play, order_id)
    await house.settled(order_id)
    # Refunded without restock: nothing was taken, so nothing comes back.
    assert (await stock(house.play))[1] == 100


async def test_a_repair_whose_answer_was_lost_is_told(sqlite_house: House) -> None:
    house = sqlite_house
    order_id = await killed_at(house, KillPoint.INVOICE_ANSWERED, quantity=1)
    await house.again()
    order = await house.settled(order_id, "alive on both sides")
    assert item(order, "not_reserved")["facts"]["skus"] == ["MUG"], story(order)
    await cancel(house.play, order_id)
    order = await house.settled(order_id)
    assert {"restock_uncertain"} <= kinds(order), story(order)


async def test_a_repair_that_the_store_turned_away_is_tried_again(sqlite_house: House) -> None:
    house = sqlite_house
    await house.start()
    await house.play.connect()
    await house.play.product("MUG", quantity=1)
    busy = {"status": 503, "body": "maintenance", "headers": {"Retry-After": "1"}}
    await house.play.magento.fault(kind="fail", method="POST", path="/invoice", **busy)
    order_id = await house.play.place(MUGS)
    assert await house.play.magento.calls(method="POST", path="/invoice", wait=15)
    await house.play.product("MUG", quantity=100)
    order = await house.settled(order_id, "alive on both sides")
    assert await stock(house.play) == (100, 98), story(order)
    assert "not_reserved" not in kinds(order)


NOTHING_FOUND = {"status": 200, "body": '{"items":[],"total_count":0}', "content_type": "application/json"}


async def waits_for_a_look(play: Stage, order_id: str) -> bool:
    order = await play.order(order_id)
    return any(entry["event"] == "waiting" for entry in order["changelog"]) if order else False


async def test_a_header_is_kept_when_the_store_does_not_show_the_order_yet(
    sqlite_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(effect, "UNSEEN_LOOK", timedelta(seconds=1))
    play = sqlite_house.play
    async with play.inside():
        await play.connect()
        await play.product("MUG", quantity=100)
        await play.magento.fault(kind="slow", method="POST", path="/V1/orders$", seconds=0.5)
        order_id = await play.place(MUGS)
        assert await play.magento.calls(method="POST", path="/V1/orders$", wait=15)
        # The look after the create searches twice: by channel id and by number.
        await play.magento.fault(kind="fail", method="GET", path=r"/V1/orders\?", times=2, **NOTHING_FOUND)
        await play.until(lambda: waits_for_a_look(play, order_id), "the create waits to be seen")
        await play.product("MUG", quantity=110)  # by salable alone nobody could tell any more
        await play.imported(order_id)
        await cancel(play, order_id)
        order = await play.settled(order_id, "both books agree: all")
        assert await stock(play) == (110, 110), story(order)


async def test_a_repair_reported_by_an_invoice_that_could_not_be_confirmed_is_kept(
    sqlite_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(effect, "UNSEEN_LOOK", timedelta(seconds=1))
    play = sqlite_house.play
    async with play.inside():
        await play.connect()
        await play.product("MUG", quantity=1)
        await play.magento.fault(kind="slow", method="POST", path="/invoice", seconds=0.5)
        order_id = await play.place(MUGS)
        assert await play.magento.calls(method="POST", path="/invoice", wait=15)
        await play.product("MUG", quantity=100)
        await play.magento.fault(kind="fail", method="GET", path="/V1/orders/", times=1, status=500)
        order = await play.imported(order_id)
        assert "not_reserved" not in kinds(order), story(order)
        await cancel(play, order_id)
        order = await play.settled(order_id, "both books agree: all")
        assert await stock(play) == (100, 100), story(order)
