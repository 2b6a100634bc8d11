"""Whoever stood still while its lease ran out and another took the order over writes nothing and sends nothing."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from structlog.testing import capture_logs

from bridge.bootstrap import Service
from bridge.storage import ledger
from bridge.sync import effect, settle, workers
from bridge.sync.lease import Lease
from tests.support.mariadb import MariaDB
from tests.support.stage import Stage, stage
from tests.support.statements import rows_of

MUGS = {"seller_sku": "MUG", "quantity": 2, "sale_price": "10.00"}
REFUND = "/V1/order/.*/refund"
TAKEN_OVER = (
    "UPDATE work SET lease_owner = 'other:1/0', lease_until = lease_until + 600000 WHERE lease_owner IS NOT NULL"
)
GIVEN_BACK = "UPDATE work SET lease_owner = NULL, lease_until = NULL"


class Scene:
    """An order that both sides have, with one worker to see to it."""

    def __init__(self, play: Stage, service: Service, order_id: str) -> None:
        self.play, self.service, self.order_id = play, service, order_id

    async def sql(self, statement: str, **values: Any) -> list[Any]:
        return await rows_of(self.service.db, statement, **values)

    async def cancelled(self) -> None:
        await self.play.tiktok.control("POST", f"orders/{self.order_id}/cancel", {"role": "SYSTEM", "pending": False})

    async def until_lost(self, logged: list[Any]) -> None:
        async def lost() -> bool:
            return any(line["event"] == "work.lease_lost" for line in logged)

        await self.play.until(lost, "it finds its lease gone", 5)

    async def refunds(self) -> list[str]:
        """States of the claims to refund."""
        return [row.state for row in await self.sql("SELECT state FROM ledger WHERE kind = 'refund' ORDER BY id")]

    async def sent(self) -> int:
        return len(await self.play.magento.calls(method="POST", path=REFUND))

    async def settles_once(self) -> None:
        """The other one is through with it, and it is seen to again."""
        await self.sql(GIVEN_BACK)
        self.service.desk.wake()
        await self.play.settled(self.order_id, "both books agree: all")
        assert len((await self.play.store_order(self.order_id))["credit_memos"]) == 1
        assert await self.sent() == 1


@contextlib.asynccontextmanager
async def _scene(folder: Path, url: str) -> AsyncIterator[Scene]:
    async with stage(folder, url) as play, play.inside(workers=1) as service:
        await play.connect()
        await play.product("MUG", price="10.00")
        order_id = await play.place(MUGS)
        await play.imported(order_id)
        await play.at_rest()
        yield Scene(play, service, order_id)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "IDLE_LOOK", timedelta(milliseconds=50))


@pytest.fixture
async def scene(tmp_path: Path, database_url: str) -> AsyncIterator[Scene]:
    async with _scene(tmp_path, database_url) as made:
        yield made


@pytest.fixture
async def mariadb_scene(tmp_path: Path, mariadb_url: str) -> AsyncIterator[Scene]:
    async with _scene(tmp_path, mariadb_url) as made:
        yield made


def _once(plain: Callable[..., Awaitable[Any]], first: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """`first` in place of the first call."""
    calls = 0

    async def call(*args: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        return await (first if calls == 1 else plain)(*args, **named)

    return call


@pytest.mark.both_databases
async def test_what_was_read_under_a_lease_that_another_has_now_is_not_claimed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = effect._claim

    async def stood_still(*args: Any) -> Any:
        await scene.sql(TAKEN_OVER)
        return await plain(*args)

    monkeypatch.setattr(effect, "_claim", _once(plain, stood_still))
    with capture_logs() as logged:
        await scene.cancelled()
        await scene.until_lost(logged)
    assert (await scene.refunds(), await scene.sent()) == ([], 0)
    await scene.settles_once()


async def test_a_claims_transaction_that_the_server_ended_is_not_run_again_under_another_ones_lease(
    mariadb_scene: Scene, monkeypatch: pytest.MonkeyPatch, mariadb: MariaDB
) -> None:
    scene = mariadb_scene
    name = scene.play.environment["BRIDGE_DATABASE_URL"].rpartition("/")[2]
    plain = ledger.ground
    taking: list[Future[Any]] = []
    afterwards = 0

    async def ground(conn: AsyncConnection, **named: Any) -> ledger.Ground:
        nonlocal afterwards
        found = await plain(conn, **named)
        if not taking:
            # In a thread: a message that comes in may hold the row's lock, and goes on only while nobody blocks here.
            taking.append(thread.submit(mariadb.execute, TAKEN_OVER, database=name))
        if taking[0].done():
            afterwards += 1
        else:
            # It stands still: the server ends the transaction, the lease runs out, and another process takes it.
            mariadb.execute(f"KILL {await conn.scalar(text('SELECT CONNECTION_ID()'))}")
        return found

    monkeypatch.setattr(ledger, "ground", ground)
    with ThreadPoolExecutor(1) as thread, capture_logs() as logged:
        await scene.cancelled()
        await scene.until_lost(logged)
    assert afterwards == 1, "it is begun anew once, and ended there"
    assert (await scene.refunds(), await scene.sent()) == ([], 0)
    await scene.settles_once()


@pytest.mark.both_databases
async def test_nothing_is_sent_by_one_that_stood_still_after_its_claim(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = effect._claim

    async def stands_still_then(desk: Any, lease: Lease, *args: Any) -> Any:
        claim = await plain(desk, lease, *args)
        lease.claimed = replace(lease.claimed, claimed_monotonic=lease.claimed.claimed_monotonic - 3600)
        await scene.sql(TAKEN_OVER)
        return claim

    monkeypatch.setattr(effect, "_claim", _once(plain, stands_still_then))
    with capture_logs() as logged:
        await scene.cancelled()
        await scene.until_lost(logged)
    assert (await scene.refunds(), await scene.sent()) == (["open"], 0)
    await scene.settles_once()
    assert await scene.refunds() == ["void", "done"]


@pytest.mark.parametrize("what", ["_record", "_waits"])
@pytest.mark.both_databases
async def test_what_another_wrote_since_is_not_written_over(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    plain = getattr(settle, what)

    async def late(*args: Any) -> Any:
        await scene.sql(TAKEN_OVER)
        await scene.sql("UPDATE orders SET because = 'as the other one saw it'")
        return await plain(*args)

    monkeypatch.setattr(settle, what, _once(plain, late))
    if what == "_waits":
        await scene.play.magento.fault(kind="fail", status=503, path="/rest/", times=10_000)
    with capture_logs() as logged:
        await scene.cancelled()
        await scene.until_lost(logged)
    assert [row.because for row in await scene.sql("SELECT because FROM orders")] == ["as the other one saw it"]
    assert await scene.sql("SELECT 1 FROM changelog WHERE event = 'waiting'") == []
    if what == "_waits":
        await scene.play.magento.control("DELETE", "faults")
    await scene.settles_once()
