"""After a restore from an old backup: nothing acts before everything was looked at, and then nothing acts twice."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.bootstrap import Service
from bridge.storage import restore as book
from bridge.storage import work
from bridge.storage.engine import Database
from bridge.sync import restoring
from tests.support import backups
from tests.support.mariadb import free_port
from tests.support.stage import Stage

MUGS = {"seller_sku": "MUG", "quantity": 2, "sale_price": "10.00"}
AGREE = "both books agree: all"
ALIVE = "alive on both sides"


async def cancel(play: Stage, order_id: str) -> None:
    await play.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "SYSTEM", "pending": False})


async def refund(play: Stage, order_id: str) -> None:
    made = await play.store_order(order_id)
    await play.magento.control("POST", "refund", {"order": made["id"]})


async def at_rest(play: Stage, service: Service) -> None:
    async def rests() -> bool:
        counts = await service.db.read(work.counts)
        return not (counts["due"] or counts["leased"])

    await play.until(rests, "nothing is due")


async def writes(play: Stage, after: tuple[int, int]) -> list[str]:
    """Everything that was asked of the shops and changes something."""
    store = await play.magento.calls(method="POST", path="/V1/(orders|order/|creditmemo|invoice)", after=after[0])
    channel = await play.tiktok.calls(method="POST", path="/cancellations", after=after[1])
    # TikTok's search is a POST that changes nothing.
    return [call["path"] for call in (*store, *channel) if "search" not in call["path"]]


async def marks(play: Stage) -> tuple[int, int]:
    return await play.magento.last_call(), await play.tiktok.last_call()


def command(play: Stage, *words: str, url: str = "") -> Any:
    """`bridge restore-check …`, as an operator says it; its JSON."""
    environment = {**os.environ, **play.environment, "BRIDGE_PORT": str(free_port())}
    done = subprocess.run(
        [sys.executable, "-m", "bridge", "restore-check", *words, "--json", *(["--url", url] if url else [])],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return json.loads(done.stdout) if done.returncode == 0 else done.stderr


async def ready(play: Stage) -> dict[str, Any]:
    async def look() -> dict[str, Any] | None:
        found = await play.api("GET", "restore-check")
        return found if found["state"] == "ready" else None

    return dict(await play.until(look, "the check is ready", 40))


async def set_up(play: Stage) -> None:
    await play.connect()
    await play.product("MUG", price="10.00")


async def back_up(play: Stage) -> Path:
    path = play.folder / "backup"
    await asyncio.to_thread(backups.back_up, play.environment["BRIDGE_DATABASE_URL"], path)
    return path


async def put_back(play: Stage, path: Path) -> None:
    url = play.environment["BRIDGE_DATABASE_URL"]
    await asyncio.to_thread(backups.restore, url, path)
    if url.startswith("mysql"):
        # Who held a lease in the backup is gone for longer than a lease lasts; on SQLite a start ends them all.
        database = await Database.open(url)

        async def over(conn: AsyncConnection) -> None:
            await conn.execute(text("UPDATE work SET lease_until = 1 WHERE lease_until IS NOT NULL"))
            await conn.execute(text("UPDATE leases SET lease_until = 1"))

        await database.write(over)
        await database.close()


async def placed(play: Stage, count: int) -> list[str]:
    ids = [await play.place(MUGS) for _ in range(count)]
    for order_id in ids:
        await play.settled(order_id, ALIVE)
    return ids


@pytest.mark.both_databases
async def test_a_restored_backup_converges_without_a_double_effect_and_loses_nothing(dark: Stage) -> None:
    play = dark
    async with play.inside() as service:
        await set_up(play)
        refunded, cancelled, untouched, died_in_the_dark = await placed(play, 4)
        await play.api("POST", "sweeps", {})
        await at_rest(play, service)
        backup = await back_up(play)
        # What the backup will not know: two effects, two sales, one of them gone again, one never imported.
        await cancel(play, refunded)
        await play.settled(refunded, AGREE)
        await refund(play, cancelled)
        await play.settled(cancelled, AGREE)
        made, came_and_went, will_die = await placed(play, 3)
        await cancel(play, came_and_went)
        await play.settled(came_and_went, AGREE)
        never = await play.place(MUGS, announce=False)
        await cancel(play, never)
        await play.settled(never, "before it reached the store")
        await at_rest(play, service)
    # The old place is down; the world goes on.
    await cancel(play, died_in_the_dark)
    await cancel(play, will_die)
    stock = await play.stock("MUG")
    await put_back(play, backup)
    begun = await asyncio.to_thread(command, play)
    assert (begun["state"], begun["paused"]) == ("sweeping", True)
    before = await marks(play)
    async with play.inside():
        report = await ready(play)
        assert await writes(play, before) == [], "nothing acts before a person says so"
        found = {one["channel_order"]: one for one in report["effects"]}
        assert {order_id: one["effect"] for order_id, one in found.items()} == {
            died_in_the_dark: "refund",
            will_die: "refund",
        }
        assert "cancelled by TikTok on TikTok Shop" in found[will_die]["because"]
        assert {one["channel_order"] for one in report["adopted"]} == {made, came_and_went, will_die}
        assert report["held"] == []
        assert report["looked_at"] == 8
        assert report["counts"] == {"adopted": 3, "effect:refund": 2, "not_imported": 1, "settled": 5}
        assert (await play.order(will_die) or {})["state"] == "waiting"
        shown = await asyncio.to_thread(command, play, "show", url=play.url)
        assert shown["counts"] == report["counts"]
        resumed = await asyncio.to_thread(command, play, "resume", url=play.url)
        assert (resumed["state"], resumed["paused"]) == ("resumed", False)
        for order_id in (died_in_the_dark, will_die):
            await play.settled(order_id, AGREE)
        again = await play.place(MUGS)
        await play.api("POST", "sweeps", {})
        await play.settled(again, ALIVE)
        state = await play.magento.control("GET", "state")
        memos = {order["ext_order_id"]: len(order["credit_memos"]) for order in state["orders"]}
        one_memo = {refunded, cancelled, came_and_went, died_in_the_dark, will_die}
        assert memos == {**dict.fromkeys((untouched, made, again), 0), **dict.fromkeys(one_memo, 1)}
        channel = (await play.tiktok.control("GET", "state"))["orders"]
        calls = {order_id: channel[order_id]["effects"].get("seller_cancel_calls", 0) for order_id in memos}
        assert calls == {order_id: int(order_id == cancelled) for order_id in memos}
        for order_id in (made, untouched):
            assert channel[order_id]["status"] == "AWAITING_SHIPMENT"
        # One came back that the backup knew had its stock; of the adopted one nobody knows any more.
        after = await play.stock("MUG")
        assert after["salable"] == stock["salable"] + 2 - 2, "one restocked, one new order"
        assert {item["kind"] for item in (await play.order(will_die) or {})["attention"]} == {"restock_uncertain"}


async def test_a_call_under_way_in_the_backup_is_found_by_its_mark(dark: Stage) -> None:
    play = dark
    async with play.inside():
        await set_up(play)
        [order_id] = await placed(play, 1)
        await play.magento.fault(kind="slow", method="POST", path="/refund", seconds=1.5)
        await cancel(play, order_id)
        assert await play.magento.calls(method="POST", path="/refund", wait=15)
        backup = await back_up(play)
        await play.settled(order_id, AGREE)
    [memo] = (await play.magento.control("GET", "state"))["credit_memos"]
    await put_back(play, backup)
    await asyncio.to_thread(command, play)
    before = await marks(play)
    async with play.inside():
        report = await ready(play)
        assert (report["effects"], report["counts"].get("settled")) == ([], 1)
        order = await play.order(order_id)
        assert order is not None
        [claim] = [claim for claim in order["claims"] if claim["kind"] == "refund"]
        assert claim["state"] == "done"
        assert claim["token"] in str(memo["comments"])
        assert any("found by a look" in entry["because"] for entry in order["changelog"])
        await play.api("POST", "restore-check/resume", {})
        assert await writes(play, before) == []
    assert len((await play.store_order(order_id))["credit_memos"]) == 1


async def test_an_attempt_made_again_after_a_restore_does_not_hide_the_one_before_it(dark: Stage) -> None:
    """The same units get the same token again: the memo that carries it is ours, and is counted."""
    play = dark
    async with play.inside() as service:
        await set_up(play)
        [order_id] = await placed(play, 1)
        await at_rest(play, service)
        backup = await back_up(play)
        await cancel(play, order_id)
        first = await play.settled(order_id, AGREE)
    await put_back(play, backup)
    # Without the check even: the books alone keep it from happening twice.
    async with play.inside() as service:
        await play.api("POST", "sweeps", {})
        again = await play.settled(order_id, AGREE)
        await at_rest(play, service)
        assert [claim["kind"] for claim in again["claims"]] == ["create", "invoice"]
        assert [claim["kind"] for claim in first["claims"]] == ["create", "invoice", "refund"]
        assert again["reading"]["store"]["memos"][0]["ours"]
    assert len((await play.store_order(order_id))["credit_memos"]) == 1


async def test_nothing_acts_while_paused_and_resume_waits_for_the_check(play: Stage) -> None:
    await play.imported(order_id := await play.place(MUGS))
    await play.magento.fault(kind="fail", status=503, path="/rest/", times=10_000)
    begun = await play.api("POST", "restore-check", {})
    assert begun["paused"]

    async def waits() -> bool:
        return play.store_id in (await play.api("GET", "restore-check"))["not_swept"]

    await play.until(waits, "it says which connection it waits for")
    refused = await play.api("POST", "restore-check/resume", {}, expect=409)
    assert "the check is not finished (sweeping" in refused["detail"]
    await play.magento.control("DELETE", "faults")
    before = await marks(play)
    await cancel(play, order_id)
    new = await play.place(MUGS)
    await play.settled(order_id, "effects are paused for the check after a restore: would refund in the store")
    await play.settled(new, "would create the store order")
    report = await ready(play)
    assert {one["effect"] for one in report["effects"]} == {"refund", "create"}
    assert await writes(play, before) == []
    await play.api("POST", "restore-check/resume", {})
    await play.settled(order_id, AGREE)
    await play.settled(new, ALIVE)
    refused = await play.api("POST", "restore-check/resume", {}, expect=409)
    assert "not paused" in refused["detail"]


async def test_forced_it_goes_on_although_nobody_looked_at_everything(play: Stage) -> None:
    await play.imported(order_id := await play.place(MUGS))
    await play.magento.fault(kind="fail", status=503, path="/rest/", times=10_000)
    await play.api("POST", "restore-check", {})
    await play.api("POST", "restore-check/resume", {"force": True})
    await play.magento.control("DELETE", "faults")
    await cancel(play, order_id)
    await play.settled(order_id, AGREE)
    changes = (await play.api("GET", "audit"))["changes"]
    assert {"restore check: effects paused", "restore check: effects resumed"} <= {one["what"] for one in changes}


async def test_the_pause_reaches_a_claim_that_was_decided_before_it(dark: Stage) -> None:
    """Between the reading and the claim somebody pauses: nothing is claimed, nothing is sent."""
    play = dark
    async with play.inside() as service:
        await set_up(play)
        await play.magento.fault(kind="slow", method="GET", path="/V1/orders", seconds=1.0)
        order_id = await play.place(MUGS)
        before = await marks(play)
        assert await play.magento.calls(method="GET", path="/V1/orders", wait=15)
        await service.db.write(lambda conn: book.begin(conn, "test", service.desk.clock.now()))
        await play.settled(order_id, "would create the store order")
        assert await writes(play, before) == []


@pytest.mark.both_databases
async def test_the_check_goes_on_where_a_process_that_died_left_it(dark: Stage, monkeypatch: Any) -> None:
    play = dark
    real: Callable[..., Awaitable[None]] = restoring.advance

    async def never(_desk: Any, _rests: Any) -> None:
        """Another process has it, and dies."""

    monkeypatch.setattr(restoring, "advance", never)
    async with play.inside() as service:
        await set_up(play)
        await placed(play, 2)
        await play.api("POST", "restore-check", {})

        async def died(conn: Any) -> None:
            check = await book.get(conn)
            assert check is not None
            values = {"state": "marking", "after": None, "marked": 1}
            await book.save(conn, type(check)(**{**{n: getattr(check, n) for n in check.__slots__}, **values}))
            await conn.execute(
                text("INSERT INTO leases (name, owner, lease_until) VALUES ('restore-check', 'dead', 1)")
            )

        await service.db.write(died)
    monkeypatch.setattr(restoring, "advance", real)
    async with play.inside():
        report = await ready(play)
        assert report["looked_at"] == 2
