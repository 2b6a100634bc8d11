"""Work that never comes back is set aside and taken up again; what only waits is not, and is shown after an hour."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge import bootstrap
from bridge.bootstrap import Service
from bridge.domain.keys import HintKey
from bridge.storage import work
from bridge.sync import capabilities, hints, outages, waiting, workers
from bridge.sync.auditing import audit
from tests.support.stage import Stage, stage
from tests.support.statements import rows_of

MUGS = {"seller_sku": "MUG", "quantity": 2, "sale_price": "10.00"}
CANCEL = {"role": "SYSTEM", "pending": False}


class Scene:
    """The stage with its service at hand."""

    def __init__(self, play: Stage, service: Service) -> None:
        self.play, self.service = play, service

    async def sql(self, statement: str, **values: Any) -> list[Any]:
        return await rows_of(self.service.db, statement, **values)

    async def broken(self) -> str:
        """An order whose stored books nobody can read: every look at it ends in a mistake of ours."""
        order_id = await self.play.place(MUGS)
        await self.play.imported(order_id)
        await self.at_rest()
        await self.sql("UPDATE orders SET forced = '[]' WHERE channel_order_id = :id", id=order_id)
        return order_id

    async def mended(self, order_id: str) -> None:
        await self.sql("UPDATE orders SET forced = '{}' WHERE channel_order_id = :id", id=order_id)

    async def at_rest(self) -> None:
        async def rests() -> bool:
            counts = await self.service.db.read(work.counts)
            return not (counts["due"] or counts["leased"])

        await self.play.until(rests, "nothing is due")

    async def state(self, order_id: str, state: str, because: str = "") -> dict[str, Any]:
        async def so() -> dict[str, Any] | None:
            order = await self.play.order(order_id)
            return order if order and order["state"] == state and because in order["because"] else None

        return dict(await self.play.until(so, f"order {order_id} is {state}: {because}"))

    async def an_hour_passes(self) -> None:
        """For orders that wait."""
        await self.sql("UPDATE orders SET waiting_since = waiting_since - 3660000 WHERE waiting_since IS NOT NULL")

    async def shown(self) -> list[dict[str, Any]]:
        """What is said of waiting, after the round that says it."""
        await waiting.show(self.service.desk)
        items = (await self.play.api("GET", "attention"))["items"]
        return [item for item in items if item["kind"] == "waiting_long"]


@pytest.fixture
async def scene(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    # As in life, but tests cannot wait for minutes.
    monkeypatch.setattr(workers, "AFTER_FAILURE", timedelta(milliseconds=30))
    monkeypatch.setattr(workers, "IDLE_LOOK", timedelta(milliseconds=50))
    monkeypatch.setattr(outages, "FIRST_SECONDS", 0.02)
    plain = bootstrap._sync_settings
    soon = timedelta(seconds=0.5)
    monkeypatch.setattr(bootstrap, "_sync_settings", lambda config: replace(plain(config), outage_ceiling=soon))
    monkeypatch.setattr(capabilities, "WHILE_BROKEN", timedelta(milliseconds=100))
    async with stage(tmp_path, database_url) as play, play.inside() as service:
        await play.connect()
        await play.product("MUG", price="10.00")
        yield Scene(play, service)


# --- parked --------------------------------------------------------------------------------------------------------


async def test_poison_is_parked_with_its_reason_while_other_orders_go_on(scene: Scene) -> None:
    play = scene.play
    order_id = await scene.broken()
    await play.tiktok.control("POST", f"orders/{order_id}/cancel", CANCEL)
    other = await play.place(MUGS)
    order = await scene.state(order_id, "poisoned", "5 claims in a row never came back")
    assert "AttributeError at sync/sheet.py" in order["because"]
    assert [item["kind"] for item in order["attention"]] == ["poison"]
    assert order["changelog"][-1]["event"] == "parked"
    await play.imported(other)
    assert (await scene.service.db.read(work.counts))["parked"] == 1
    assert (await play.store_order(order_id))["credit_memos"] == []


@pytest.mark.both_databases
async def test_parked_and_not_mended_it_gets_one_more_try_and_no_more(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    order_id = await scene.broken()
    await scene.play.tiktok.control("POST", f"orders/{order_id}/cancel", CANCEL)
    await scene.state(order_id, "poisoned")
    await scene.at_rest()
    [key] = await scene.service.db.read(work.parked)
    await scene.service.db.write(lambda conn: work.mark(conn, [key]))
    [row] = await scene.sql("SELECT attempts FROM work WHERE work_key = :key", key=key)
    assert row.attempts in {4, 5, 6}

    async def again() -> bool:
        return key in await scene.service.db.read(work.parked)

    await scene.play.until(again, "it is parked again")
    order = await scene.state(order_id, "poisoned")
    assert [entry["event"] for entry in order["changelog"]].count("parked") == 2


async def _by_hint(scene: Scene, order_id: str) -> None:
    body = {"order_id": order_id, "order_status": "CANCEL"}
    message = {"event_type": "ORDER_STATUS_CHANGE", "shop_id": scene.play.channel_shop_id, "data": body}
    await scene.play.tiktok.control("POST", "webhooks", message)


async def _by_sweep(scene: Scene, _order_id: str) -> None:
    await scene.play.api("POST", "sweeps", {"since": "2020-01-01T00:00:00Z"})


async def _by_audit(scene: Scene, _order_id: str) -> None:
    assert await audit(scene.service.desk) == 1
    scene.service.desk.wake()


async def _by_a_person(scene: Scene, order_id: str) -> None:
    order = await scene.play.order(order_id)
    assert order is not None
    await scene.play.api("POST", f"orders/{order['id']}/settle", {})


@pytest.mark.parametrize("take_up", [_by_hint, _by_sweep, _by_audit, _by_a_person])
@pytest.mark.both_databases
async def test_what_was_parked_is_taken_up_again(scene: Scene, take_up: Any) -> None:
    play = scene.play
    order_id = await scene.broken()
    await play.tiktok.control("POST", f"orders/{order_id}/cancel", CANCEL)
    await scene.state(order_id, "poisoned")
    await scene.at_rest()
    await scene.mended(order_id)
    assert (await scene.service.db.read(work.counts))["parked"] == 1, "nothing takes it up by itself"
    await take_up(scene, order_id)
    order = await play.settled(order_id, "both books agree: all")
    assert order["attention"] == []
    assert len((await play.store_order(order_id))["credit_memos"]) == 1


@pytest.mark.both_databases
async def test_a_hint_that_never_comes_back_is_shown_with_its_connection_and_taken_up_by_the_audit(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    play = scene.play

    async def cannot(*_: Any) -> Any:
        raise ArithmeticError("a mistake of ours")

    monkeypatch.setattr(workers, "resolve", cannot)
    placed = await play.magento.control("POST", "storefront-order", {"items": [{"sku": "MUG", "qty": 1}]})

    async def parked() -> dict[str, str]:
        return await scene.service.db.read(work.parked)

    await play.until(parked, "the hint is parked")
    [item] = (await play.api("GET", "attention"))["items"]
    assert (item["kind"], item["connection"]) == ("poison", play.store_id)
    assert f"orders/update {placed['id']}: 5 claims in a row" in item["because"]
    assert "ArithmeticError" in item["because"]
    assert "mistake of ours" not in item["because"], "words of an exception may quote a remote"
    other = await play.place(MUGS)
    await play.imported(other)
    # The store tells of that one too: its hint never comes back either, and is parked before the audit looks.
    await play.magento.control("GET", "deliveries?wait=10")
    await scene.at_rest()
    monkeypatch.setattr(workers, "resolve", hints.resolve)
    await audit(scene.service.desk)
    scene.service.desk.wake()

    async def nothing_is_asked() -> bool:
        return not (await play.api("GET", "attention"))["items"] and not await parked()

    await play.until(nothing_is_asked, "it is gone and no longer shown")
    await scene.at_rest()
    key = str(HintKey(play.store_id, "orders/update", str(placed["id"])))
    assert await scene.sql("SELECT 1 FROM work WHERE work_key = :key", key=key) == []


# --- waiting -------------------------------------------------------------------------------------------------------


async def test_an_outage_parks_nothing_and_is_shown_once_after_an_hour(scene: Scene) -> None:
    play = scene.play
    first, second = await play.place(MUGS), await play.place(MUGS)
    for order_id in (first, second):
        await play.imported(order_id)
    await scene.at_rest()
    entities = [(await play.store_order(order_id))["id"] for order_id in (first, second)]
    await play.magento.fault(kind="fail", status=503, path="/rest/", times=10_000)
    for order_id in (first, second):
        await play.tiktok.control("POST", f"orders/{order_id}/cancel", CANCEL)
        await scene.state(order_id, "waiting")
    before = await play.magento.last_call()

    async def many() -> bool:
        looks = [await play.magento.calls(path=f"V1/orders/{entity}", after=before) for entity in entities]
        return all(len(calls) > work.POISON_ATTEMPTS + 1 for calls in looks)

    await play.until(many, "both were looked at more often than what never comes back", 30)
    assert (await scene.service.db.read(work.counts))["parked"] == 0
    assert await scene.shown() == [], "not before an hour"
    await scene.an_hour_passes()
    [item] = await scene.shown()
    assert (item["connection"], item["order"]) == (play.store_id, None)
    assert "cannot be used, and 2 orders waited for more than an hour" in item["because"]
    assert len(await scene.shown()) == 1, "told once"
    await play.magento.control("DELETE", "faults")
    for order_id in (first, second):
        await play.settled(order_id, "both books agree: all")
    assert await scene.shown() == []
    assert [row.waiting_since for row in await scene.sql("SELECT waiting_since FROM orders")] == [None, None]


async def test_a_cancellation_that_tiktok_does_not_finish_is_shown_with_its_order(scene: Scene) -> None:
    play = scene.play
    order_id = await play.place(MUGS)
    await play.imported(order_id)
    await play.tiktok.control("PATCH", "settings", {"cancel_result": "pending"})
    made = await play.store_order(order_id)
    await play.magento.control("POST", "refund", {"order": made["id"]})

    async def waits() -> bool:
        return bool(await scene.sql("SELECT 1 FROM orders WHERE waits_for = 'pending'"))

    await play.until(waits, "it waits for TikTok")
    await scene.at_rest()
    await scene.an_hour_passes()
    [item] = await scene.shown()
    order = await play.order(order_id)
    assert order is not None
    assert item["order"] == order["id"]
    assert len(await scene.shown()) == 1
    await play.tiktok.control("PATCH", "settings", {"cancel_result": "success"})
    cancellations = (await play.channel_order(order_id))["cancellations"]
    await play.tiktok.control("POST", f"cancellations/{cancellations[0]['cancel_id']}/accept")
    await scene.sql("UPDATE ledger SET quiet_until = 1 WHERE state = 'open'")
    await play.api("POST", f"orders/{order['id']}/settle", {})
    await play.settled(order_id, "both books agree: all")
    assert await scene.shown() == []


async def test_refunds_that_wait_for_an_upgrade_are_one_thing_to_look_at(scene: Scene) -> None:
    play = scene.play
    ids = [await play.place(MUGS) for _ in range(3)]
    for order_id in ids:
        await play.imported(order_id)
    await scene.at_rest()
    await play.magento.control("POST", "settings", {"plugin": "1.0.25"})
    await play.api("POST", f"connections/{play.store_id}/doctor", {})
    for order_id in ids:
        await play.tiktok.control("POST", f"orders/{order_id}/cancel", CANCEL)
        await scene.state(order_id, "waiting", "1.0.25")
    await scene.an_hour_passes()
    [item] = await scene.shown()
    assert item["connection"] == play.store_id
    assert "refunds must wait for an upgrade, and 3 orders" in item["because"]
    assert (await scene.service.db.read(work.counts))["parked"] == 0
    await play.magento.control("POST", "settings", {"plugin": "1.0.26"})
    for order_id in ids:
        await play.settled(order_id, "both books agree: all")
    assert await scene.shown() == []


@pytest.mark.parametrize("rest", ["hold_minutes", "unpaid", "dry run"])
@pytest.mark.both_databases
async def test_what_waits_for_its_time_or_for_a_person_is_not_shown(scene: Scene, rest: str) -> None:
    play = scene.play
    changes: dict[str, Any] = {"store": {"connection": play.store_id}, "dry_run": rest == "dry run"}
    changes["hold_minutes"] = 600 if rest == "hold_minutes" else 0
    await play.api("PUT", f"shops/{play.shop_id}", changes)
    order_id = await play.place(MUGS, **({"status": "ON_HOLD"} if rest == "unpaid" else {}))
    await scene.state(order_id, "waiting")
    await scene.an_hour_passes()
    assert await scene.sql("SELECT 1 FROM orders WHERE waiting_since IS NOT NULL") == []
    assert await scene.shown() == []


# --- turns ---------------------------------------------------------------------------------------------------------


@pytest.mark.both_databases
async def test_one_message_is_seen_to_while_thousands_are_due_before_it(scene: Scene) -> None:
    """What another shop's crowd asks for does not keep it waiting until the crowd is through."""
    play = scene.play
    await scene.at_rest()

    async def crowd(conn: AsyncConnection) -> None:
        # Of a shop that is no longer known: each costs a look and no call.
        await work.mark(conn, [f"order:gone:{number}" for number in range(4000)])

    await scene.service.db.write(crowd)
    order_id = await play.place(MUGS)
    await play.imported(order_id)
    left = await scene.service.db.read(work.counts)
    assert left["due"] > 1000, "the crowd was not through yet"
