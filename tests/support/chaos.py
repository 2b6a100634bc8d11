"""A service that can be killed at any moment and started again, and counts of what that left on the other sides."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from tests.support.mariadb import MariaDB, free_port
from tests.support.stage import Stage, StageError

JsonObject = dict[str, Any]
KILLED = -signal.SIGKILL
MUGS = {"seller_sku": "MUG", "quantity": 2, "sale_price": "10.00"}
STICKER = {"seller_sku": "STICKER", "quantity": 1, "sale_price": "5.00"}
UNITS = {"MUG": 2, "STICKER": 1}
STOCK = 100


class Forker:
    """The process that starts services; see `tests.support.forker`."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.forker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._line()

    def _line(self) -> JsonObject:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise StageError("the forker ended")
        found: JsonObject = json.loads(line)
        return found

    def start(self, environment: dict[str, str], log: Path) -> int:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"environment": environment, "log": str(log)}) + "\n")
        self._process.stdin.flush()
        return int(self._line()["pid"])

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


@dataclass
class Running:
    """One service process."""

    pid: int
    log: Path

    @property
    def code(self) -> int | None:
        """Its exit code; None while it runs."""
        path = Path(f"{self.log}.code")
        return int(path.read_text()) if path.exists() else None

    def signal(self, number: int) -> None:
        if self.code is None:
            os.kill(self.pid, number)

    async def ended(self, seconds: float = 20) -> int:
        deadline = time.monotonic() + seconds
        while (code := self.code) is None:
            if time.monotonic() > deadline:
                raise StageError(f"the service did not end within {seconds} s:\n{self.tail()}")
            await asyncio.sleep(0.01)
        return code

    async def kill(self) -> None:
        self.signal(signal.SIGKILL)
        await self.ended()

    def tail(self, lines: int = 40) -> str:
        return "\n".join([line for line in self.said().splitlines() if '"bridge.access"' not in line][-lines:])

    def said(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""


@dataclass
class House:
    """A stage whose service is killed and started again on the same address."""

    play: Stage
    forker: Forker
    mariadb: MariaDB | None = None
    port: int = field(default_factory=free_port)
    running: Running | None = None
    all: list[Running] = field(default_factory=list)
    """Every process that was started."""

    @property
    def is_dead(self) -> bool:
        return self.running is not None and self.running.code is not None

    async def start(self, **environment: str) -> Running:
        """The service; waits until it answers."""
        self.running = await self.one_more(self.port, **environment)
        self.play.url = f"http://127.0.0.1:{self.port}"
        return self.running

    async def one_more(self, port: int, **environment: str) -> Running:
        """A service beside the first one (on a database that allows it)."""
        log = self.play.folder / f"service{len(self.all) + 1}.log"
        whole = {**self.play.environment, "BRIDGE_PORT": str(port), **environment}
        made = Running(self.forker.start(whole, log), log)
        self.all.append(made)

        async def answers() -> bool:
            if made.code is not None:
                raise StageError(f"the service ended with {made.code}:\n{made.tail()}")
            try:
                async with self.play.session.get(f"http://127.0.0.1:{port}/healthz") as answer:
                    return answer.status == 200
            except aiohttp.ClientError:
                return False

        await self.play.until(answers, "the service answers", 20)
        return made

    def waits_for_parts(self, seconds: float) -> None:
        """So long is the quiet period of a partial refund, from the next start on; it is 7.5 times any other's."""
        self.play.environment["BRIDGE_QUIET_PERIOD"] = str(round(seconds / 7.5, 3))

    async def set_up(self, **settings: Any) -> None:
        """Connected, tied, both directions on, two products in the store."""
        await self.play.connect(**settings)
        await self.play.product("MUG", price="10.00", quantity=STOCK)
        await self.play.product("STICKER", price="5.00", quantity=STOCK)

    async def ended(self, seconds: float = 20) -> int:
        assert self.running is not None
        return await self.running.ended(seconds)

    async def kill(self) -> None:
        assert self.running is not None
        await self.running.kill()

    async def again(self, **environment: str) -> None:
        """Start it once more after its end; its leases are over, and TikTok repeats what was not answered."""
        self.leases_run_out()
        await self.start(**environment)
        await self.play.tiktok.control("POST", "webhooks/retry")

    def leases_run_out(self) -> None:
        """On a server, where other processes may live, a dead one's leases run out in minutes: they have passed."""
        if self.mariadb is not None:
            name = self.play.environment["BRIDGE_DATABASE_URL"].rpartition("/")[2]
            self.mariadb.execute(
                "UPDATE work SET lease_until = 1 WHERE lease_until IS NOT NULL",
                "UPDATE leases SET lease_until = 1",
                database=name,
            )

    async def says(self, order_id: str, because: str, seconds: float = 20) -> JsonObject | None:
        """The order once its last word contains this; None where the service died before."""
        last: JsonObject | None = None

        async def look() -> JsonObject | bool:
            nonlocal last
            try:
                last = await self.play.order(order_id)
            except aiohttp.ClientError:
                return self.is_dead
            return last if last is not None and because in last["because"] else self.is_dead

        try:
            found = await self.play.until(look, f"order {order_id} says {because!r}", seconds)
        except StageError as problem:
            raise StageError(f"{problem}\n{story(last)}\n{self.running.tail() if self.running else ''}") from None
        return None if found is True else found

    async def settled(self, order_id: str, because: str = "both books agree: all", seconds: float = 20) -> JsonObject:
        found = await self.says(order_id, because, seconds)
        if found is None:
            raise StageError(f"the service ended:\n{self.running.tail() if self.running else ''}")
        return found

    async def at_rest(self, seconds: float = 20) -> None:
        """Nothing is due, nothing waits for a later look, nothing is in hand."""
        await self.play.at_rest(seconds)


def story(order: JsonObject | None) -> str:
    """An order's changelog, for a test that failed."""
    if order is None:
        return "the order is not known"
    lines = [f"state {order['state']}: {order['because']}"]
    lines += [f"  {entry['event']}: {entry['because']}" for entry in order["changelog"]]
    return "\n".join(lines + [f"  ! {item['kind']}: {item['because']}" for item in order["attention"]])


def kinds(order: JsonObject) -> set[str]:
    return {item["kind"] for item in order["attention"]}


def done(order: JsonObject) -> Counter[str]:
    """Effects that the changelog tells of as done."""
    return Counter(entry["facts"]["effect"] for entry in order["changelog"] if entry["event"] == "done")


@dataclass(frozen=True)
class Tally:
    """What the other sides have to show of one order, from their own books.

    Left as it is: created and invoiced once, dead on both sides, refunded once by the bridge and back in stock.
    """

    store_orders: int = 1
    invoices: int = 1
    memos: int = 1
    store_state: str = "closed"
    status: str = "CANCELLED"
    seller_cancels: int = 0
    approvals: int = 0
    rejections: int = 0
    unit_cancels: tuple[int, ...] = (1, 1, 1)
    """How often each unit was cancelled on the channel."""
    source: tuple[int, int] = (0, 0)
    """Physical stock of MUG and STICKER, less what was there at first."""
    salable: tuple[int, int] = (0, 0)


async def tally(play: Stage, order_id: str) -> Tally:
    state = await play.magento.control("GET", "state")
    found = [order for order in state["orders"] if order["ext_order_id"] == order_id]
    channel = (await play.tiktok.control("GET", "state"))["orders"][order_id]
    stock = [await play.stock(sku) for sku in UNITS]
    return Tally(
        store_orders=len(found),
        invoices=int(state["effects"].get("invoices", 0)),
        memos=sum(len(order["credit_memos"]) for order in found),
        store_state=found[0]["state"] if found else "",
        status=channel["status"],
        seller_cancels=channel["effects"].get("seller_cancel_calls", 0),
        approvals=channel["effects"].get("approve_calls", 0),
        rejections=channel["effects"].get("reject_calls", 0),
        unit_cancels=tuple(channel["line_cancels"].values()),
        source=(int(stock[0]["source"]) - STOCK, int(stock[1]["source"]) - STOCK),
        salable=(int(stock[0]["salable"]) - STOCK, int(stock[1]["salable"]) - STOCK),
    )
