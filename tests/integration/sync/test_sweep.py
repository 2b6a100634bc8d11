"""The sweep's cursor: bounded first pass, nothing left out while rows move, progress kept, one process at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection
from structlog.testing import capture_logs

from bridge.bootstrap import PLATFORMS
from bridge.domain.outcomes import Rejected, RemoteProblem, Retry
from bridge.domain.settings import ShopSettings, Tie
from bridge.ports import Changed, ChangedPage, FoundShop, Stream
from bridge.storage import cursors, orders, restore, shops, work
from bridge.storage.audit_runs import AuditRun
from bridge.storage.connections import Connections
from bridge.storage.engine import Database
from bridge.storage.secrets import Vault, generate_key
from bridge.sync import auditing, restoring, upkeep
from bridge.sync.auditing import audit
from bridge.sync.desk import Desk, SyncSettings
from bridge.sync.sheet import RemoteDown
from bridge.sync.sweep import sweep_all, sweep_shop

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@dataclass
class Remote:
    """A list of orders by change time, in pages of two, that may move while it is read."""

    rows: dict[str, datetime] = field(default_factory=dict)
    moves: dict[int, tuple[str, datetime]] = field(default_factory=dict)
    """Before the n-th page is read, this row changes."""
    broken_page: int | None = None
    pages: int = 0
    asked: list[datetime] = field(default_factory=list)
    streams: tuple[Stream, ...] = (Stream("orders", timedelta(hours=2)),)

    async def newest(self, _stream: str) -> datetime | None:
        return max(self.rows.values(), default=None)

    async def changed(self, _stream: str, since: datetime, page: str | None) -> ChangedPage:
        self.pages += 1
        self.asked.append(since)
        if self.pages == self.broken_page:
            raise RemoteProblem(Retry("the remote is down"))
        if self.pages in self.moves:
            name, at = self.moves.pop(self.pages)
            self.rows[name] = at
        after = page or ""
        names = [name for name in sorted(self.rows) if self.rows[name] >= since and name > after]
        more = names[2:]
        items = tuple(Changed(name, self.rows[name]) for name in names[:2])
        return ChangedPage(items, names[1] if more else None)


@dataclass
class Clock:
    at: datetime = NOW

    def now(self) -> datetime:
        return self.at


@dataclass
class Gateways:
    remote: Remote

    async def channel(self, _shop_id: str) -> Any:
        return self.remote

    async def store(self, _connection_id: str) -> Any:
        raise AssertionError("the store is not swept here")


@dataclass
class Set:
    desk: Desk
    remote: Remote
    shop: shops.Shop
    clock: Clock
    woken: list[int]

    async def marked(self) -> set[str]:
        async def read(conn: AsyncConnection) -> Mapping[str, float]:
            return await work.counts(conn)

        assert await self.desk.db.read(read)
        found: set[str] = set()
        for _ in range(50):
            claimed = await work.claim(self.desk.db, "reader", 300, limit=50)
            if not claimed:
                return found
            found |= {one.key.rsplit(":", 1)[1] for one in claimed}
        return found


@pytest.fixture
async def ready(database: Database) -> Set:
    return await make_ready(database)


async def make_ready(database: Database) -> Set:
    connections = Connections(Vault([generate_key()]))
    remote, clock, woken = Remote(), Clock(), []
    desk = Desk(
        db=database,
        connections=connections,
        gateways=Gateways(remote),
        clock=clock,
        settings=SyncSettings(),
        owner="me",
        wake=lambda: woken.append(1),
        platforms=PLATFORMS,
    )

    async def make(conn: AsyncConnection) -> shops.Shop:
        made = await connections.upsert(
            conn,
            kind="tiktok",
            name="T",
            url="u",
            identity="i",
            credentials={},
            facts={},
            state="connected",
            because="",
        )
        shop = await shops.upsert_found(conn, made.id, FoundShop("7", "Shop", "US", "c"))
        settings = ShopSettings(store=Tie(connection="con_none"), orders_since=NOW - timedelta(hours=3))
        return await shops.save_settings(conn, shop.id, settings)

    return Set(desk, remote, await database.write(make), clock, woken)


async def test_the_first_pass_is_bounded_by_the_day_the_shop_was_tied(ready: Set) -> None:
    ready.remote.rows = {"1": NOW - timedelta(days=300), "2": NOW - timedelta(hours=1)}
    await sweep_shop(ready.desk, ready.shop)
    assert await ready.marked() == {"2"}
    assert ready.remote.asked[0] == NOW - timedelta(hours=3)
    assert ready.woken


async def test_the_next_pass_begins_at_the_newest_change_seen_before_the_first_page_less_the_overlap(
    ready: Set,
) -> None:
    newest = NOW - timedelta(minutes=30)
    ready.remote.rows = {"1": newest, "2": NOW - timedelta(minutes=90), "3": NOW - timedelta(minutes=80)}
    ready.remote.moves = {2: ("1", NOW)}
    await sweep_shop(ready.desk, ready.shop)
    await ready.marked()
    ready.remote.asked.clear()
    await sweep_shop(ready.desk, ready.shop)
    assert ready.remote.asked[0] == newest - timedelta(hours=2)


async def test_a_row_that_moves_behind_the_reader_is_seen_by_the_next_pass(ready: Set) -> None:
    ready.remote.rows = {name: NOW - timedelta(minutes=60 - int(name)) for name in "12345"}
    moved = NOW + timedelta(minutes=1)
    ready.remote.moves = {2: ("0", moved)}
    await sweep_shop(ready.desk, ready.shop)
    assert await ready.marked() == set("12345")
    await sweep_shop(ready.desk, ready.shop)
    assert "0" in await ready.marked()


async def test_a_pass_broken_off_goes_on_where_it_stood(ready: Set) -> None:
    ready.remote.rows = {name: NOW - timedelta(minutes=60) for name in "123456"}
    ready.remote.broken_page = 3
    with pytest.raises(RemoteDown):
        await sweep_shop(ready.desk, ready.shop)
    assert await ready.marked() == set("1234")
    stored = await ready.desk.db.read(lambda conn: cursors.get(conn, ready.shop.id, "orders"))
    assert stored is not None
    assert (stored.page, stored.seen, stored.passes) == ("4", 4, 0)
    await sweep_shop(ready.desk, ready.shop)
    assert await ready.marked() == set("56")
    stored = await ready.desk.db.read(lambda conn: cursors.get(conn, ready.shop.id, "orders"))
    assert stored is not None
    assert (stored.page, stored.passes, stored.since) == (None, 1, NOW - timedelta(minutes=60))


async def test_a_connection_is_swept_by_one_process_at_a_time(ready: Set) -> None:
    ready.remote.rows = {"1": NOW}
    connection = ready.shop.connection_id
    assert await ready.desk.db.write(lambda conn: cursors.try_lease(conn, connection, "another", 60))
    assert await sweep_all(ready.desk) == {}
    assert ready.remote.pages == 0
    await ready.desk.db.write(lambda conn: cursors.release_lease(conn, connection, "another"))
    assert await sweep_all(ready.desk) == {ready.shop.id: 1}


async def test_a_connection_that_fails_does_not_end_the_sweep_and_lets_its_lease_go(ready: Set) -> None:
    ready.remote.rows = {"1": NOW}
    ready.remote.broken_page = 1
    assert await sweep_all(ready.desk) == {}
    assert await sweep_all(ready.desk) == {ready.shop.id: 1}


async def test_a_sweep_with_a_given_start_reads_from_there(ready: Set) -> None:
    ready.remote.rows = {"1": NOW - timedelta(days=20)}
    await sweep_shop(ready.desk, ready.shop, since=NOW - timedelta(days=30))
    assert await ready.marked() == {"1"}


async def test_the_audit_marks_every_order_still_alive(ready: Set) -> None:
    async def make(conn: AsyncConnection) -> None:
        for name in ("1", "2"):
            await orders.ensure(conn, ready.shop.id, name)

    await ready.desk.db.write(make)
    assert await audit(ready.desk) == 2
    assert await ready.marked() == {"1", "2"}


async def test_what_a_person_asks_for_leaves_no_gap_behind(ready: Set) -> None:
    ready.remote.rows = {"1": NOW - timedelta(days=9)}
    await sweep_shop(ready.desk, ready.shop, since=NOW - timedelta(days=10))
    ready.remote.rows |= {"2": NOW - timedelta(days=5), "3": NOW - timedelta(minutes=5)}
    # Asked for the last hour only, it reads from where the last pass ended all the same.
    await sweep_shop(ready.desk, ready.shop, since=NOW - timedelta(hours=1))
    assert await ready.marked() == {"1", "2", "3"}


async def test_a_remote_whose_clock_ran_ahead_hides_nothing_once_it_is_set_right(ready: Set) -> None:
    ready.remote.rows = {"1": NOW + timedelta(days=2)}
    await sweep_shop(ready.desk, ready.shop)
    ready.remote.rows["2"] = NOW + timedelta(minutes=1)
    await sweep_shop(ready.desk, ready.shop)
    assert await ready.marked() == {"1", "2"}


async def test_a_place_that_the_remote_has_forgotten_is_no_end(ready: Set, monkeypatch: pytest.MonkeyPatch) -> None:
    ready.remote.rows = {name: NOW - timedelta(minutes=60) for name in "123456"}
    ready.remote.broken_page = 2
    with pytest.raises(RemoteDown):
        await sweep_shop(ready.desk, ready.shop)
    plain = ready.remote.changed

    async def forgetful(stream: str, since: datetime, page: str | None) -> ChangedPage:
        if page == "2" and ready.remote.pages == 2:
            ready.remote.pages += 1
            raise RemoteProblem(Rejected("page_token is invalid"))
        return await plain(stream, since, page)

    monkeypatch.setattr(ready.remote, "changed", forgetful)
    await sweep_shop(ready.desk, ready.shop)
    assert await ready.marked() == set("123456")


async def test_two_sweeps_of_one_process_do_not_meet(ready: Set, monkeypatch: pytest.MonkeyPatch) -> None:
    ready.remote.rows = {"1": NOW}
    taken, go_on, refused = asyncio.Event(), asyncio.Event(), asyncio.Event()
    plain, try_lease = ready.remote.changed, cursors.try_lease

    async def slow(stream: str, since: datetime, page: str | None) -> ChangedPage:
        taken.set()
        await go_on.wait()
        return await plain(stream, since, page)

    async def seen(*asked: Any) -> bool:
        got = await try_lease(*asked)
        if not got:
            loop.call_soon_threadsafe(refused.set)
        return got

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(ready.remote, "changed", slow)
    monkeypatch.setattr(cursors, "try_lease", seen)
    async with asyncio.timeout(30):
        first = asyncio.create_task(sweep_all(ready.desk))
        await taken.wait()
        missed: dict[str, str] = {}
        assert await sweep_all(ready.desk, not_swept=missed) == {}
        assert missed == {ready.shop.connection_id: "another sweep of it is under way; ask again when it has ended"}
        assert ready.remote.pages == 0
        refused.clear()
        patient = asyncio.create_task(sweep_all(ready.desk, patience=timedelta(seconds=20)))
        await refused.wait()
        go_on.set()
        assert [list(await one) for one in (first, patient)] == [[ready.shop.id]] * 2


async def test_an_audit_broken_off_goes_on_and_the_day_is_neither_skipped_nor_repeated(
    ready: Set, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auditing, "PAGE", 2)
    for name in ("1", "2", "3", "4", "5"):
        state = "poisoned" if name == "2" else "held" if name == "3" else "settled"
        made = await ready.desk.db.write(lambda conn, n=name: orders.ensure(conn, ready.shop.id, n))  # type: ignore[misc] # a default argument has no type in a lambda
        await ready.desk.db.write(lambda conn, m=made, s=state: orders.set_fields(conn, m.id, state=s))  # type: ignore[misc] # as above
    assert await auditing.daily(ready.desk) is None  # the first start of all sets the time
    ready.clock.at += timedelta(days=1)
    page = auditing._page

    async def dies(desk: Desk, run: AuditRun) -> AuditRun:
        if run.marked:
            raise RemoteDown("con", RemoteProblem(Retry("the process is gone")))
        return await page(desk, run)

    monkeypatch.setattr(auditing, "_page", dies)
    with pytest.raises(RemoteDown):
        await auditing.daily(ready.desk)
    assert await ready.marked() == {"1", "2"}
    monkeypatch.setattr(auditing, "_page", page)
    ready.clock.at += timedelta(minutes=10)
    assert await auditing.daily(ready.desk) == 5
    assert await ready.marked() == {"3", "4", "5"}
    assert await auditing.daily(ready.desk) is None
    ready.clock.at += timedelta(days=1)
    assert await auditing.daily(ready.desk) == 5


async def another(ready: Set, name: str) -> shops.Shop:
    """One more connection with a shop, of a later id."""

    async def make(conn: AsyncConnection) -> shops.Shop:
        made = await ready.desk.connections.upsert(
            conn,
            kind="tiktok",
            name=name,
            url="u",
            identity=name,
            credentials={},
            facts={},
            state="connected",
            because="",
        )
        shop = await shops.upsert_found(conn, made.id, FoundShop(name, "Shop", "US", "c"))
        return await shops.save_settings(conn, shop.id, ShopSettings(store=Tie(connection="con_none")))

    return await ready.desk.db.write(make)


async def test_a_mistake_with_one_connection_keeps_no_other_from_being_swept(
    ready: Set, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready.remote.rows = {"1": NOW}
    second = await another(ready, "8")

    async def breaks(shop_id: str) -> Any:
        if shop_id == ready.shop.id:
            raise ValueError("nobody foresaw this")
        return ready.remote

    monkeypatch.setattr(ready.desk.gateways, "channel", breaks)
    missed: dict[str, str] = {}
    with capture_logs() as lines:
        assert await sweep_all(ready.desk, not_swept=missed) == {second.id: 1}
    assert list(missed) == [ready.shop.connection_id]
    assert "ValueError" in missed[ready.shop.connection_id]
    [line] = [one for one in lines if one["event"] == "sweep.broke"]
    assert (line["log_level"], line["connection"]) == ("error", ready.shop.connection_id)
    assert line["error"] == "ValueError: nobody foresaw this"
    monkeypatch.undo()
    assert ready.shop.id in await sweep_all(ready.desk), "its lease was let go"


async def test_a_look_at_one_connection_that_breaks_keeps_no_other_from_being_looked_at(
    ready: Set, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = await another(ready, "8")
    seen: list[str] = []

    async def breaks(_conn: AsyncConnection, connection_id: str) -> bool:
        seen.append(connection_id)
        if connection_id == ready.shop.connection_id:
            raise ValueError("nobody foresaw this")
        return False

    monkeypatch.setattr(upkeep, "_tied", breaks)
    with capture_logs() as lines:
        await upkeep.look(ready.desk)
    assert seen == [ready.shop.connection_id, second.connection_id]
    assert [(one["event"], one["connection"]) for one in lines] == [("upkeep.broke", ready.shop.connection_id)]


async def test_a_restore_check_asks_only_those_it_has_not_swept_and_not_before_their_rest_is_over(
    ready: Set, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = await another(ready, "8")
    down, up = Remote(broken_page=1), Remote()
    by_shop = {ready.shop.id: down, second.id: up}

    async def channel(shop_id: str) -> Any:
        return by_shop[shop_id]

    monkeypatch.setattr(ready.desk.gateways, "channel", channel)
    await ready.desk.db.write(lambda conn: restore.begin(conn, "test", NOW))
    rests: restoring.Rests = {}

    async def advanced() -> tuple[int, int, str, dict[str, str]]:
        await restoring.advance(ready.desk, rests)
        check = await ready.desk.db.read(restore.get)
        assert check is not None
        return down.pages, up.pages, check.state, dict(check.not_swept)

    waits = {ready.shop.connection_id: "the remote is down"}
    for _ in range(3):
        assert await advanced() == (1, 1, "sweeping", waits)
    down.broken_page = 2
    ready.clock.at += timedelta(seconds=6)
    assert await advanced() == (2, 1, "sweeping", waits)
    assert await advanced() == (2, 1, "sweeping", waits)
    # Somebody mended the connection: it is asked at once.
    mended = ready.shop.connection_id
    await ready.desk.db.write(lambda conn: ready.desk.connections.update(conn, mended, name="mended"))
    pages, others, state, missed = await advanced()
    assert (pages, others, missed) == (3, 1, {})
    assert state in {"looking", "ready"}
