"""Keep and forget: bounded, by one process, and never what is still needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.bootstrap import PLATFORMS
from bridge.ports import Channel, Store
from bridge.storage import attention, jobs, leases, orders
from bridge.storage.connections import Connections
from bridge.storage.engine import Database
from bridge.storage.ids import id_floor
from bridge.storage.retention import RetentionRun
from bridge.storage.secrets import Vault, generate_key
from bridge.storage.tables import attention as attention_table
from bridge.storage.tables import changelog, metadata
from bridge.storage.tables import jobs as jobs_table
from bridge.sync import retention
from bridge.sync.desk import Desk, SyncSettings
from tests.support.stage import stage

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
PRIVATE = ("Thenardier", "17 Rue Plumet", "eponine@example.com", "+1 555 0188")


@dataclass
class Clock:
    at: datetime = NOW

    def now(self) -> datetime:
        return self.at


class NoGateways:
    async def channel(self, shop_id: str) -> Channel:
        raise AssertionError(shop_id)

    async def store(self, connection_id: str) -> Store:
        raise AssertionError(connection_id)


def desk_of(database: Database, clock: Clock, **settings: Any) -> Desk:
    return Desk(
        db=database,
        connections=Connections(Vault([generate_key()])),
        gateways=NoGateways(),
        clock=clock,
        settings=replace(SyncSettings(), **settings),
        owner="me",
        wake=lambda: None,
        platforms=PLATFORMS,
    )


@pytest.fixture
def desk(database: Database) -> Desk:
    return desk_of(database, Clock())


async def _entries(desk: Desk, order_id: str, ages: Sequence[int]) -> None:
    """Changelog entries of an order, so many days old."""
    rows: list[dict[str, Any]] = [
        {
            "id": id_floor("log", NOW - age * DAY)[:-6] + f"{number:06d}"[:6],
            "order_id": order_id,
            "at": NOW - age * DAY,
            "event": "decided",
            "fingerprint": None,
            "because": str(age),
            "facts": {},
        }
        for number, age in enumerate(ages)
    ]
    await desk.db.write(lambda conn: _insert(conn, rows))


async def _insert(conn: AsyncConnection, rows: list[dict[str, Any]]) -> None:
    await conn.execute(insert(changelog), rows)


async def _order(desk: Desk, number: str, state: str) -> str:
    async def write(conn: AsyncConnection) -> str:
        made = await orders.ensure(conn, "shp_1", number)
        await orders.set_fields(conn, made.id, state=state)
        return made.id

    return await desk.db.write(write)


async def _left(desk: Desk, order_id: str) -> list[str]:
    query = select(changelog.c.because).where(changelog.c.order_id == order_id).order_by(changelog.c.id)

    async def read(conn: AsyncConnection) -> list[str]:
        return list(await conn.scalars(query))

    return await desk.db.read(read)


async def test_old_stories_of_orders_at_rest_go_and_all_others_stay(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "CHUNK", 3)
    settled, held = await _order(desk, "1", "settled"), await _order(desk, "2", "held")
    await _entries(desk, settled, [900, 800, 740, 720, 10])
    await _entries(desk, held, [901, 850, 20])
    run = await retention.turn(desk)
    assert run is not None
    assert (run.gone["changelog"], run.ended_at is not None) == (3, True)
    assert await _left(desk, settled) == ["720", "10"]
    assert await _left(desk, held) == ["901", "850", "20"]


async def test_a_turn_is_bounded_and_the_next_one_goes_on(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "CHUNK", 2)
    monkeypatch.setattr(retention, "TURN", 2)
    order_id = await _order(desk, "1", "settled")
    await _entries(desk, order_id, [900 - place for place in range(9)])
    runs: list[RetentionRun] = []
    for _ in range(20):
        run = await retention.turn(desk)
        if run is None:
            break
        runs.append(run)
    assert [run.gone["changelog"] for run in runs[:3]] == [4, 8, 9]
    assert runs[-1].ended_at is not None
    assert await _left(desk, order_id) == []
    # The day's round is done; the next is due a day later.
    clock = desk.clock
    assert isinstance(clock, Clock)
    clock.at += DAY
    assert await retention.turn(desk) is not None


async def test_one_process_forgets(desk: Desk) -> None:
    assert await desk.db.write(lambda conn: leases.try_lease(conn, "retention", "another", 60, again=False))
    assert await retention.turn(desk) is None


async def test_closed_attention_and_ended_jobs_go_and_what_is_open_stays(desk: Desk) -> None:
    async def arrange(conn: AsyncConnection) -> None:
        for kind in ("open", "closed"):
            await attention.raise_item(
                conn,
                kind=kind,
                fingerprint="f",
                title="t",
                because="b",
                what_to_do="w",
                facts={},
                connection_id="con_1",
            )
        await attention.close(conn, connection_id="con_1", kinds=["closed"])
        await conn.execute(update(attention_table).values(updated_at=NOW - 800 * DAY))
        for state in ("done", "running"):
            job = await jobs.create(conn, "sweep", state=state)
            old = id_floor("job", NOW - 100 * DAY)[:-3] + state[:3]
            await conn.execute(
                update(jobs_table).where(jobs_table.c.id == job.id).values(id=old, updated_at=NOW - 99 * DAY)
            )

    await desk.db.write(arrange)
    run = await retention.turn(desk)
    assert run is not None
    assert (run.gone["attention"], run.gone["jobs"]) == (1, 1)
    items, _ = await desk.db.read(lambda conn: attention.search(conn, state=None))
    assert [item.kind for item in items] == ["open"]
    assert [job.state for job in await desk.db.read(jobs.list)] == ["running"]


async def _everything(database: Database) -> str:
    async def read(conn: AsyncConnection) -> str:
        # As plain tuples: a row shows long texts cut.
        return str([[tuple(row) for row in await conn.execute(select(table))] for table in metadata.sorted_tables])

    return await database.read(read)


@pytest.mark.both_databases
async def test_a_buyer_is_forgotten_and_the_order_still_settles(tmp_path: Path, database_url: str) -> None:
    name, street, mail, phone = PRIVATE
    recipient = {"name": f"Eponine {name}", "last_name": name, "address_line1": street, "phone_number": phone}
    async with stage(tmp_path, database_url) as play:
        async with play.inside():
            await play.connect()
            await play.product("MUG")
            overrides = {"recipient_address": recipient, "buyer_email": mail}
            order_id = await play.place({"seller_sku": "MUG", "sale_price": "10.00"}, overrides=overrides)
            await play.imported(order_id)
        database = await Database.open(database_url)
        try:
            assert [word for word in PRIVATE if word in await _everything(database)] == list(PRIVATE)
            young = await retention.turn(desk_of(database, Clock(NOW + 179 * DAY)))
            assert young is not None
            assert young.gone["personal"] == 0
            run = await retention.turn(desk_of(database, Clock(NOW + 181 * DAY)))
            assert run is not None
            assert run.gone["personal"] == 1
            assert not [word for word in PRIVATE if word in await _everything(database)]
        finally:
            await database.close()
        async with play.inside():
            await play.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "SYSTEM"})
            await play.settled(order_id, "refunded in the store")
            status = await play.api("GET", "sweeps")
            assert status["retention"]["gone"]["personal"] == 1
        assert len((await play.magento.control("GET", "state"))["orders"]) == 1
