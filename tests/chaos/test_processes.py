"""Three processes on one MariaDB: they share the work, and what one learns or leaves behind is everybody's."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import signal
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

import pymysql
import pytest

from bridge.domain.keys import OrderKey, trace_of
from tests.support.chaos import KILLED, MUGS, House, Running, done, story
from tests.support.mariadb import MariaDB, free_port
from tests.support.stage import Stage

ALIVE = "alive on both sides"
AGREE = "both books agree: all"
ORDERS = 120


@dataclass
class Team:
    house: House
    members: list[Running]
    mariadb: MariaDB

    @property
    def play(self) -> Stage:
        return self.house.play

    @property
    def database(self) -> str:
        return self.play.environment["BRIDGE_DATABASE_URL"].rpartition("/")[2]

    def sql(self, *statements: str) -> tuple[Any, ...]:
        return self.mariadb.execute(*statements, database=self.database)

    def lines(self, event: str = "") -> list[tuple[int, dict[str, Any]]]:
        """Which process wrote it, and the line."""
        found = []
        for number, member in enumerate(self.house.all):
            for text in member.said().splitlines():
                if text.startswith("{"):
                    line = json.loads(text)
                    if not event or line["event"] == event:
                        found.append((number, line))
        return found

    async def all_are(self, ids: Iterable[str], because: str, seconds: float = 60) -> None:
        wanted = list(ids)

        async def so() -> bool:
            listed = ", ".join(f"'{order_id}'" for order_id in wanted)
            rows = self.sql(f"SELECT because FROM orders WHERE channel_order_id IN ({listed})")
            return len(rows) == len(wanted) and all(because in str(row[0]) for row in rows)

        await self.play.until(so, f"{len(wanted)} orders say {because!r}", seconds)


@pytest.fixture
async def team(mariadb_house: House, mariadb: MariaDB) -> Team:
    house = mariadb_house
    environment = {"TEST_LEASE": "105", "BRIDGE_LOG_LEVEL": "debug", "BRIDGE_WORKERS": "2"}
    first = await house.start(**environment)
    await house.play.connect()
    await house.play.product("MUG", price="10.00", quantity=10_000)
    others = [await house.one_more(free_port(), **environment) for _ in range(2)]
    return Team(house, [first, *others], mariadb)


async def cancel(play: Stage, order_id: str) -> None:
    await play.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "SYSTEM", "pending": False})


def overlaps(looks: list[tuple[str, datetime, datetime]]) -> list[str]:
    """Orders whose looks by different workers lie over each other."""
    found: list[str] = []
    last: dict[str, datetime] = {}
    for order, began, ended in sorted(looks, key=lambda look: look[1]):
        if order in last and began < last[order]:
            found.append(order)
        last[order] = max(ended, last.get(order, ended))
    return found


async def test_they_share_the_work_fairly_and_no_two_hold_one_order(team: Team) -> None:
    play = team.play
    # Nobody is told: all of it is found by one sweep, so that it is due for everybody at once.
    ids = [await play.place(MUGS, announce=False) for _ in range(ORDERS)]
    await play.api("POST", "sweeps", {})
    await team.all_are(ids, ALIVE, 90)
    state = await play.magento.control("GET", "state")
    made = Counter(order["ext_order_id"] for order in state["orders"])
    assert made == Counter(ids), "each was created exactly once"
    effects = Counter(line["order"] for _, line in team.lines("effect") if line["outcome"] == "done")
    assert set(effects.values()) == {2}, "one create and one invoice each"
    creates = [
        line for line in team.lines("effect") if line[1]["effect"] == "create" and line[1]["outcome"] == "claimed"
    ]
    shares = Counter(number for number, _ in creates)
    assert sum(shares.values()) == ORDERS
    assert min(shares[number] for number in range(3)) >= ORDERS / 10, f"none is left out: {shares}"
    begun: dict[tuple[int, str], datetime] = {}
    looks = []
    for number, line in team.lines():
        if line["event"] == "effect":
            key, at = (number, f"{line['order']}/{line['mark']}"), datetime.fromisoformat(line["timestamp"])
            if line["outcome"] == "claimed":
                begun[key] = at
            else:
                looks.append((line["order"], begun.pop(key), at))
    assert begun == {}, "what one claimed it also ended"
    assert overlaps(looks) == []


async def test_one_that_is_killed_holding_orders_loses_nothing(team: Team) -> None:
    play = team.play
    await play.magento.fault(kind="slow", method="POST", path=r"/V1/orders$", seconds=0.3, times=200)
    ids = [await play.place(MUGS, announce=False) for _ in range(24)]
    await play.api("POST", "sweeps", {})
    victim = team.members[1]

    async def holds() -> bool:
        owners = team.sql("SELECT lease_owner FROM work WHERE lease_owner IS NOT NULL")
        return any(f":{victim.pid}:" in str(owner) for (owner,) in owners)

    await play.until(holds, "the second process holds orders")
    victim.signal(signal.SIGKILL)
    assert await victim.ended() == KILLED
    [(held,)] = team.sql(f"SELECT COUNT(*) FROM work WHERE lease_owner LIKE '%:{victim.pid}:%'")
    assert held >= 1
    # Its leases are left to run out; here the time has passed.
    team.sql(f"UPDATE work SET lease_until = 1 WHERE lease_owner LIKE '%:{victim.pid}:%'")
    await team.all_are(ids, ALIVE, 60)
    state = await play.magento.control("GET", "state")
    assert Counter(order["ext_order_id"] for order in state["orders"]) == Counter(ids)
    assert [order for order in state["orders"] if order["state"] != "processing"] == []


async def test_one_renews_the_token_and_one_sweeps_for_all(team: Team) -> None:
    play = team.play
    ids = [await play.place(MUGS, announce=False) for _ in range(12)]
    before = await play.tiktok.last_call()
    await play.tiktok.control("POST", "tokens/expire")
    asked = datetime.now(UTC)
    urls = [line["port"] for _, line in team.lines("service.started")]
    play_url = play.url
    jobs = []
    for port in urls:
        play.url = f"http://127.0.0.1:{port}"
        jobs.append((await play.api("POST", "sweeps", {}))["job"])
    play.url = play_url
    await team.all_are(ids, ALIVE)
    refreshes = await play.tiktok.calls(path="/api/v2/token/refresh", after=before)
    assert len(refreshes) == 1, "whoever is first renews, the others take what was stored"

    async def ended() -> list[dict[str, Any]] | None:
        found = [await play.api("GET", f"jobs/{job}") for job in jobs]
        return found if all(job["state"] == "done" for job in found) else None

    await play.until(ended, "all three sweeps have ended")
    calls = sorted(
        (datetime.fromisoformat(line["timestamp"]), number)
        for number, line in team.lines("remote.call")
        if line["endpoint"] == "search_orders" and datetime.fromisoformat(line["timestamp"]) > asked
    )
    # A pass over this list is two calls, what is newest and the one page; the service's own sweeps are among them.
    runs = [len(list(run)) for _, run in groupby(number for _, number in calls)]
    assert len(calls) >= 2 * len(urls)
    assert all(length % 2 == 0 for length in runs[1:-1]), f"no two read one list at one time: {runs}"


async def test_a_429_seen_by_one_is_obeyed_by_all(team: Team) -> None:
    play, wait = team.play, 3
    await play.tiktok.control("PATCH", "settings", {"webhooks_drop_next": 50})
    before = await play.tiktok.last_call()
    await play.tiktok.control("PATCH", "settings", {"refuse_next": 1, "retry_after": wait})
    ids = [await play.place(MUGS, announce=False) for _ in range(12)]
    rows = ", ".join(f"('order:{play.shop_id}:{order_id}', 1, 1, 0)" for order_id in ids)
    # A sweep of the service's own may have found some of them just now.
    again = "ON DUPLICATE KEY UPDATE generation = generation + 1"
    team.sql(f"INSERT INTO work (work_key, due_at, generation, attempts) VALUES {rows} {again}")
    await team.all_are(ids, ALIVE)
    calls = await play.tiktok.calls(path=".*", after=before)
    [refused] = [call for call in calls if call["status"] == 429]
    at = datetime.fromisoformat(refused["at"])
    # What was already on its way when it came cannot be called back; nothing begins afterwards.
    started = [datetime.fromisoformat(call["at"]) for call in calls]
    quiet = [moment for moment in started if at + timedelta(seconds=0.7) < moment < at + timedelta(seconds=wait - 0.1)]
    assert quiet == [], "no process calls before the time"
    assert max(started) > at + timedelta(seconds=wait - 0.1)


async def test_deadlocks_and_cut_connections_lose_nothing_and_double_nothing(team: Team) -> None:
    play = team.play
    ids = [await play.place(MUGS, announce=False) for _ in range(30)]
    await play.api("POST", "sweeps", {})
    stop = asyncio.Event()

    def disturb() -> None:
        sessions = "SELECT id FROM information_schema.processlist WHERE user = 'bridge' AND db IS NOT NULL"
        for (number,) in list(team.mariadb.execute(sessions))[::3]:
            with contextlib.suppress(pymysql.err.OperationalError):  # it ended by itself meanwhile
                team.mariadb.execute(f"KILL CONNECTION {number}")

    def lock() -> None:
        """Rows locked against the order in which the service takes them, then let go."""
        with contextlib.suppress(pymysql.err.OperationalError):  # ours was the deadlock's victim: as well
            team.sql(
                "START TRANSACTION",
                "SELECT * FROM ledger ORDER BY id DESC LIMIT 50 FOR UPDATE",
                "SELECT * FROM work ORDER BY work_key DESC LIMIT 50 FOR UPDATE",
                "UPDATE work SET due_at = due_at",
                "UPDATE orders SET because = because",
                "ROLLBACK",
            )

    async def trouble() -> None:
        while not stop.is_set():
            await asyncio.to_thread(disturb)
            await asyncio.to_thread(lock)
            await asyncio.sleep(0.15)

    troubling = asyncio.create_task(trouble())
    try:
        await play.until(_some(team, ids, 10), "it goes on under trouble", 60)
    finally:
        stop.set()
        await troubling
    # A look that met a commit of unknown outcome is put off for 15 s; what was broken off is due at once.
    await team.all_are(ids, ALIVE, 60)
    state = await play.magento.control("GET", "state")
    assert Counter(order["ext_order_id"] for order in state["orders"]) == Counter(ids)
    ledger = team.sql("SELECT order_id, kind, COUNT(*) FROM ledger WHERE state = 'done' GROUP BY order_id, kind")
    assert {count for *_, count in ledger} == {1}
    assert len(ledger) == 2 * len(ids)
    assert team.sql("SELECT 1 FROM ledger WHERE state = 'open'") == ()
    assert team.lines("work.failed") == []
    assert await retries(team) > 0, "the trouble was met"


async def retries(team: Team) -> float:
    """Transactions that the three ran again, by their own count."""
    total = 0.0
    for _, line in team.lines("service.started"):
        async with team.play.session.get(f"http://127.0.0.1:{line['port']}/metrics") as answer:
            text = await answer.text()
        counted = re.findall(r"^bridge_database_retries_total\{.*\} (\S+)$", text, re.MULTILINE)
        total += sum(float(value) for value in counted)
    return total


def _some(team: Team, ids: list[str], least: int) -> Any:
    async def so() -> bool:
        [(count,)] = team.sql(f"SELECT COUNT(*) FROM orders WHERE because LIKE '%{ALIVE}%'")
        return int(count) >= min(least, len(ids))

    return so


async def test_one_id_follows_an_order_over_a_restart_and_two_processes(team: Team) -> None:
    play = team.play
    order_id = await play.place(MUGS)
    await team.all_are([order_id], ALIVE)
    first = team.members[0]
    first.signal(signal.SIGTERM)
    assert await first.ended() == 0
    await team.house.again(TEST_LEASE="105", BRIDGE_LOG_LEVEL="debug")
    made = await play.store_order(order_id)
    await play.magento.control("POST", "refund", {"order": made["id"]})
    await team.all_are([order_id], AGREE)
    trace = trace_of(str(OrderKey(play.shop_id, order_id)))
    way = sorted((line for _, line in team.lines() if line.get("trace") == trace), key=lambda line: line["timestamp"])
    processes = {number for number, line in team.lines() if line.get("trace") == trace}
    assert len(processes) >= 2, "more than one process worked on it"
    events = [line["event"] for line in way]
    assert "delivery.taken_in" in events
    acts = [(line["effect"], line["outcome"]) for line in way if line["event"] == "effect"]
    wanted = [(kind, outcome) for kind in ("create", "invoice", "cancel") for outcome in ("claimed", "done")]
    assert [act for act in acts if act in wanted] == wanted
    calls = {(line["kind"], line["endpoint"]) for line in way if line["event"] == "remote.call"}
    assert {
        ("magento", "create_order"),
        ("magento", "invoice"),
        ("tiktok", "cancel"),
        ("tiktok", "read_order"),
    } <= calls
    assert {line["order"] for line in way if "order" in line} == {order_id}
    order = await play.order(order_id)
    assert order is not None
    assert {line["order_ref"] for line in way if "order_ref" in line} == {order["id"]}
    hints = {line["hint"] for line in way if line["event"] == "hint.taken"}
    assert hints
    assert hints <= {line["trace"] for _, line in team.lines("delivery.taken_in")}, "the plugin's deliveries are joined"
    assert done(order) == {"create": 1, "invoice": 1, "cancel": 1}, story(order)
    assert not [line for _, line in team.lines("remote.call") if "?" in line["path"]]
