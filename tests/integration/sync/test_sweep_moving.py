"""Whatever moves, appears, vanishes or breaks between two pages: every change is marked after it happened."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.connectors.tiktok.sweeping import Place, next_place
from bridge.domain.outcomes import RemoteProblem, Retry
from bridge.ports import Changed, ChangedPage, Stream
from bridge.storage import shops
from bridge.storage.cursors import PassLost
from bridge.storage.engine import Database
from bridge.sync.desk import Desk
from bridge.sync.sheet import RemoteDown
from bridge.sync.sweep import sweep_shop
from tests.integration.sync.test_sweep import Clock, Gateways, make_ready
from tests.support.mariadb import free_port
from tests.support.stage import stage

START = datetime(2026, 11, 23, tzinfo=UTC)
HOUR = 3600
SIZE = 3
"""Rows of a page."""


class Died(BaseException):
    """The process is gone: nothing of it runs on."""


@dataclass
class Moving:
    """A list by change time that does something before each page: what the schedule says."""

    paging: str
    schedule: list[str]
    rows: dict[int, int] = field(default_factory=dict)
    now: int = 0
    read: dict[int, int] = field(default_factory=dict)
    """Row → the latest change of it that was on a page."""
    streams: tuple[Stream, ...] = (Stream("orders", timedelta(hours=2)),)

    def _act(self) -> None:
        action = self.schedule.pop(0) if self.schedule else "rest"
        # Hours pass, so that no overlap hides what was left out.
        self.now += 3 * HOUR
        oldest = min(self.rows, key=lambda row: (self.rows[row], row), default=None)
        if action == "touch oldest" and oldest is not None:
            self.rows[oldest] = self.now
        if action == "touch newest" and self.rows:
            self.rows[max(self.rows, key=lambda row: (self.rows[row], row))] = self.now
        if action == "appear":
            self.rows[max(self.rows, default=0) + 1] = self.now
        if action == "appear in one second":
            for row in range(1, SIZE):
                self.rows[max(self.rows, default=0) + row] = self.now
        if action == "vanish" and oldest is not None:
            del self.rows[oldest]
        if action == "fail":
            raise RemoteProblem(Retry("it is down"))
        if action == "die":
            raise Died

    async def newest(self, _stream: str) -> datetime | None:
        self._act()
        return max((_time(at) for at in self.rows.values()), default=None)

    async def changed(self, _stream: str, since: datetime, page: str | None) -> ChangedPage:
        self._act()
        begin = int((since - START).total_seconds())
        found, following = self._by_id(begin, page) if self.paging == "id" else self._by_time(begin, page)
        for row in found:
            self.read[row] = max(self.rows[row], self.read.get(row, -1))
        return ChangedPage(tuple(Changed(str(row), _time(self.rows[row])) for row in found), following)

    def _by_id(self, begin: int, page: str | None) -> tuple[list[int], str | None]:
        """As the Magento connector asks: behind the last id, under the time of change."""
        found = [row for row in sorted(self.rows) if row > int(page or 0) and self.rows[row] >= begin][:SIZE]
        return found, str(found[-1]) if found else None

    def _by_time(self, begin: int, page: str | None) -> tuple[list[int], str | None]:
        """As the TikTok connector asks, with tokens that are mere offsets."""
        place = Place.read(page) if page else Place(begin)
        listed = sorted((row for row in self.rows if self.rows[row] >= place.since), key=lambda r: (self.rows[r], r))
        skip = int(place.token or 0)
        found = listed[skip : skip + SIZE]
        token = str(skip + SIZE) if len(listed) > skip + SIZE else ""
        following = next_place(place, [self.rows[row] for row in found], token)
        return found, None if following is None else str(following)


def _time(at: int) -> datetime:
    return START + timedelta(seconds=at)


async def _drain(database: Database) -> None:
    async def write(conn: AsyncConnection) -> None:
        await conn.exec_driver_sql("DELETE FROM work")
        await conn.exec_driver_sql("DELETE FROM cursors")

    await database.write(write)


ACTIONS = ("rest", "touch oldest", "touch newest", "appear", "appear in one second", "vanish", "fail", "die")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["id", "time"]), st.integers(0, 9), st.lists(st.sampled_from(ACTIONS), max_size=25))
def test_every_change_is_read_after_it_happened_whatever_the_schedule(
    sweeper: Callable[[Moving], None], paging: str, rows: int, schedule: list[str]
) -> None:
    remote = Moving(paging, list(schedule), {row: row // 2 for row in range(1, rows + 1)})
    sweeper(remote)
    left_out = {row: at for row, at in remote.rows.items() if remote.read.get(row, -1) < at}
    assert not left_out


@pytest.fixture
def sweeper(sqlite_url: str) -> Callable[[Moving], None]:
    """Sweeps until the schedule is played, each pass by a fresh process after a death; then twice in peace."""

    async def play(remote: Moving) -> None:
        database = await Database.open(sqlite_url)
        try:
            await _drain(database)
            made, shop = await _desk(database, remote)
            while remote.schedule:
                await _once(made, shop)
            for _ in range(2):
                await _once(made, shop)
            marked = await database.read(_marked)
            assert marked == {str(row) for row in remote.read}
        finally:
            await database.close()

    async def _once(desk: Desk, shop: shops.Shop) -> None:
        try:
            await sweep_shop(desk, shop)
        except (RemoteDown, PassLost, Died):
            return

    return lambda remote: asyncio.run(play(remote))


async def _marked(conn: AsyncConnection) -> set[str]:
    rows = await conn.exec_driver_sql("SELECT work_key FROM work")
    return {key.rsplit(":", 1)[1] for (key,) in rows.all()}


async def _desk(database: Database, remote: Moving) -> tuple[Desk, shops.Shop]:
    made = await make_ready(database)
    gateways: Any = Gateways(remote)  # type: ignore[arg-type] # another remote than its own, with the same methods
    shop = replace(made.shop, settings=made.shop.settings.model_copy(update={"orders_since": START}))
    return replace(made.desk, gateways=gateways, clock=Clock(START + timedelta(days=29))), shop


async def test_a_sweep_killed_between_two_pages_goes_on_and_leaves_nothing_out(tmp_path: Path, sqlite_url: str) -> None:
    """Real processes, more orders than a page of TikTok holds; some move while the service is dead."""
    async with stage(tmp_path, sqlite_url) as play:
        port = free_port()
        await play.start(port)
        await play.connect(hold_minutes=10_000)
        order_ids = [await play.place({"seller_sku": "MUG", "sale_price": "10.00"}, announce=False) for _ in range(150)]
        # The second page of orders never comes: the process dies waiting for it.
        await play.tiktok.fault(kind="slow", path="orders/search.*page_size=100", times=1, seconds=0)
        await play.tiktok.fault(kind="slow", path="orders/search.*page_size=100", times=1, seconds=30)
        after = await play.tiktok.last_call()
        await play.api("POST", "sweeps", {"connection": play.tiktok_id}, expect=202)

        async def asked_twice() -> bool:
            return len(await play.tiktok.calls(path="orders/search.*page_size=100", after=after)) >= 2

        await play.until(asked_twice, "the second page is asked for")
        await play.kill()
        for order_id in (order_ids[0], order_ids[120]):
            await play.tiktok.control("PATCH", f"orders/{order_id}", {"overrides": {"seller_note": "moved"}})
        await play.start(port)

        async def known() -> bool:
            found = await play.api("GET", "sweeps")
            orders = next(one for one in found["cursors"] if one["stream"] == "orders")
            return orders["passes"] >= 1 and not orders["running"]

        await play.until(known, "the pass is finished after the restart", 60)
        missing = [order_id for order_id in order_ids if await play.order(order_id) is None]

        async def all_known() -> bool:
            nonlocal missing
            missing = [order_id for order_id in missing if await play.order(order_id) is None]
            return not missing

        await play.until(all_known, "every order was looked at", 60)
