"""The ground gives way: the database is gone, the disk is full, the process is told to stop, stands still or dies."""

from __future__ import annotations

import asyncio
import resource
import signal
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.chaos import KILLED, MUGS, STICKER, House, Running, Tally, done, story, tally
from tests.support.mariadb import MariaDB, free_port
from tests.support.stage import Stage, StageError
from tests.support.stories import AGREE

CREATE = r"/V1/orders$"
REFUND = "/V1/order/.*/refund"
CANCEL = "/202309/cancellations[^/]"


async def cancel(play: Stage, order_id: str) -> None:
    await play.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "SYSTEM", "pending": False})


async def last_status(play: Stage) -> int:
    """What the service answered to TikTok's last message."""
    messages = (await play.tiktok.control("GET", "webhooks"))["messages"]
    answered = [message for message in messages if message["attempts"]]
    return int(answered[-1]["attempts"][-1]) if answered else -1


async def answers(play: Stage, status: int) -> None:
    async def so() -> bool:
        return await last_status(play) == status

    await play.until(so, f"a delivery is answered with {status}", 20)


# --- the database --------------------------------------------------------------------------------------------------


async def test_the_database_goes_down_in_the_middle_of_an_effect_and_comes_back(
    mariadb_house: House, mariadb: MariaDB
) -> None:
    house, play = mariadb_house, mariadb_house.play
    running = await house.start()
    await house.set_up()

    async def interrupted() -> bool:
        return "work.interrupted" in running.said()

    await play.magento.fault(kind="slow", method="POST", path=CREATE, seconds=1.5)
    order_id = await play.place(MUGS, STICKER)
    assert await play.magento.calls(method="POST", path=CREATE, wait=15)
    await asyncio.to_thread(mariadb.stop)
    # Started from this thread: the server ends with the thread that started it.
    try:
        refused = await play.place(STICKER)
        await answers(play, 503)
        await play.until(interrupted, "the work in hand meets the database's end", 30)
    finally:
        mariadb.start()
    await play.tiktok.control("POST", "webhooks/retry")
    # Not only when the lease has run out: what was in hand is taken up again.
    await house.settled(order_id, "alive on both sides")
    await house.settled(refused, "alive on both sides")
    await cancel(play, order_id)
    order = await house.settled(order_id)
    assert await tally(play, order_id) == Tally(invoices=2, salable=(0, -1)), story(order)
    assert done(order) == {"create": 1, "invoice": 1, "refund": 1}


# --- the disk ------------------------------------------------------------------------------------------------------


def fill_the_disk(house: House) -> None:
    """No file of the service grows beyond what its log may still need; the database's is larger already."""
    running = house.running
    assert running is not None
    size = len(running.said()) + 32_768
    assert (house.play.folder / "bridge.db-wal").stat().st_size > size
    resource.prlimit(running.pid, resource.RLIMIT_FSIZE, (size, -1))


def make_room(house: House) -> None:
    assert house.running is not None
    resource.prlimit(house.running.pid, resource.RLIMIT_FSIZE, (-1, -1))


async def test_a_full_disk_answers_503_writes_nothing_half_and_goes_on_when_there_is_room(sqlite_house: House) -> None:
    house, play = sqlite_house, sqlite_house.play
    await house.start()
    await house.set_up()
    order_id = await play.place(MUGS, STICKER)
    await house.settled(order_id, "alive on both sides")
    await house.at_rest()
    fill_the_disk(house)
    await cancel(play, order_id)
    await answers(play, 503)
    await play.api("GET", f"orders/{order_id}")
    left = await tally(play, order_id)
    assert left.memos == 0
    make_room(house)
    await play.tiktok.control("POST", "webhooks/retry")
    order = await house.settled(order_id)
    assert await tally(play, order_id) == Tally(), story(order)


async def test_the_disk_fills_up_in_the_middle_of_an_effect(sqlite_house: House) -> None:
    house, play = sqlite_house, sqlite_house.play
    running = await house.start()
    await house.set_up()
    order_id = await play.place(MUGS, STICKER)
    await house.settled(order_id, "alive on both sides")
    await play.magento.fault(kind="slow", method="POST", path=REFUND, seconds=0.5)
    await cancel(play, order_id)
    assert await play.magento.calls(method="POST", path=REFUND, wait=15)
    fill_the_disk(house)

    async def booked() -> bool:
        return (await tally(play, order_id)).memos == 1

    await play.until(booked, "the credit memo is there")

    async def failed() -> bool:
        return "storage.down" in running.said()

    await play.until(failed, "the work in hand meets the full disk")
    make_room(house)
    order = await house.settled(order_id)
    assert await tally(play, order_id) == Tally(), story(order)
    assert done(order) == {"create": 1, "invoice": 1, "refund": 1}


# --- being told to stop --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [0.5, 2.0], ids=["it finishes what is in hand", "it cannot wait for it"])
async def test_told_to_stop_in_the_middle_of_an_effect(house: House, seconds: float) -> None:
    play = house.play
    running = await house.start(BRIDGE_STOP_TIMEOUT="1")
    await house.set_up()
    await play.magento.fault(kind="slow", method="POST", path=CREATE, seconds=seconds)
    order_id = await play.place(MUGS, STICKER)
    assert await play.magento.calls(method="POST", path=CREATE, wait=15)
    began = time.monotonic()
    running.signal(signal.SIGTERM)
    assert await running.ended(10) == 0
    assert time.monotonic() - began < 10
    assert "Traceback" not in running.tail(400)
    # No lease is left behind, so nobody waits for one to run out.
    await house.start(BRIDGE_QUIET_PERIOD="3")
    await house.settled(order_id, "alive on both sides")
    await cancel(play, order_id)
    order = await house.settled(order_id)
    assert await tally(play, order_id) == Tally(), story(order)
    assert len(await play.magento.calls(method="POST", path=CREATE)) == 1


async def test_told_to_stop_in_the_middle_of_what_a_hint_led_to(mariadb_house: House) -> None:
    """The hint's lease became the order's: that one is given back."""
    house, play = mariadb_house, mariadb_house.play
    running = await house.start(BRIDGE_STOP_TIMEOUT="1", BRIDGE_WORKERS="1")
    await house.set_up()
    order_id = await play.place(MUGS, STICKER)
    await house.settled(order_id, "alive on both sides")
    await play.magento.control("GET", "deliveries?wait=10")
    await house.at_rest()
    await play.tiktok.fault(kind="slow", method="POST", path=CANCEL, seconds=2.0)
    made = await play.store_order(order_id)
    await play.magento.control("POST", "refund", {"order": made["id"]})
    assert await play.tiktok.calls(method="POST", path=CANCEL, wait=15)
    running.signal(signal.SIGTERM)
    assert await running.ended(10) == 0
    await house.start(BRIDGE_QUIET_PERIOD="3")
    order = await house.settled(order_id)
    assert await tally(play, order_id) == Tally(seller_cancels=1, source=(-2, -1), salable=(-2, -1)), story(order)


# --- two processes on one database ---------------------------------------------------------------------------------

LEASE = "3"


class Pair:
    """Two services on one database; the shops talk to the first."""

    def __init__(self, house: House, first: Running, second: Running, urls: tuple[str, str]) -> None:
        self.house = house
        self.first, self.second = first, second
        self.urls = urls

    def holder(self, mariadb: MariaDB) -> Running:
        """Who holds the order."""
        name = self.house.play.environment["BRIDGE_DATABASE_URL"].rpartition("/")[2]
        found = mariadb.execute("SELECT lease_owner FROM work WHERE lease_owner IS NOT NULL", database=name)
        pids = {int(str(owner).split(":")[1]) for (owner,) in found}
        if len(pids) != 1:
            raise StageError(f"held by {pids}")
        pid = pids.pop()
        return self.first if self.first.pid == pid else self.second

    def listen_to_the_other(self, gone: Running) -> None:
        is_first = gone is self.first
        self.house.play.url = self.urls[1 if is_first else 0]
        self.house.running = self.second if is_first else self.first


@pytest.fixture
async def pair(mariadb_house: House) -> AsyncIterator[Pair]:
    house = mariadb_house
    first = await house.start(TEST_LEASE=LEASE)
    await house.set_up()
    port = free_port()
    second = await house.one_more(port, TEST_LEASE=LEASE)
    yield Pair(house, first, second, (house.play.url, f"http://127.0.0.1:{port}"))
    for one in (first, second):
        one.signal(signal.SIGCONT)


async def in_the_middle(pair: Pair, fault: dict[str, Any], path: str) -> str:
    """An order whose call on this path is under way."""
    play = pair.house.play
    if path == CREATE:
        await play.magento.fault(method="POST", path=path, **fault)
        order_id = await play.place(MUGS, STICKER)
    else:
        order_id = await play.place(MUGS, STICKER)
        await pair.house.settled(order_id, "alive on both sides")
        await play.magento.control("GET", "deliveries?wait=10")
        await pair.house.at_rest()
        await play.magento.fault(method="POST", path=path, **fault)
        await cancel(play, order_id)
    assert await play.magento.calls(method="POST", path=path, wait=15)
    return order_id


@pytest.mark.parametrize("path", [CREATE, REFUND], ids=["create", "refund"])
async def test_the_other_process_takes_over_from_one_that_died(pair: Pair, mariadb: MariaDB, path: str) -> None:
    order_id = await in_the_middle(pair, {"kind": "slow", "seconds": 0.5}, path)
    dead = pair.holder(mariadb)
    dead.signal(signal.SIGKILL)
    assert await dead.ended() == KILLED
    pair.listen_to_the_other(dead)
    play = pair.house.play
    if path == CREATE:
        await pair.house.settled(order_id, "alive on both sides", 30)
        # The shops still talk to the address of the first one; somebody says "look".
        await cancel(play, order_id)
        order = await play.order(order_id)
        assert order is not None
        await play.api("POST", f"orders/{order['id']}/settle", {})
    order = await pair.house.settled(order_id, AGREE, 30)
    assert await tally(play, order_id) == Tally(), story(order)
    assert len(await play.magento.calls(method="POST", path=path)) == 1


@pytest.mark.parametrize("path", [CREATE, REFUND], ids=["create", "refund"])
async def test_one_that_stood_still_finds_its_lease_gone_and_does_nothing_more(
    pair: Pair, mariadb: MariaDB, path: str
) -> None:
    order_id = await in_the_middle(pair, {"kind": "slow", "seconds": 1.0}, path)
    still = pair.holder(mariadb)
    still.signal(signal.SIGSTOP)
    pair.listen_to_the_other(still)
    play = pair.house.play
    says = "alive on both sides" if path == CREATE else AGREE
    await pair.house.settled(order_id, says, 30)
    still.signal(signal.SIGCONT)
    await play.until(lambda: lost_its_lease(still), "it finds its lease gone")
    if path == CREATE:
        await cancel(play, order_id)
    order = await pair.house.settled(order_id, AGREE, 30)
    assert await tally(play, order_id) == Tally(), story(order)
    assert len(await play.magento.calls(method="POST", path=path)) == 1
    assert done(order) == {"create": 1, "invoice": 1, "refund": 1}, story(order)


async def lost_its_lease(running: Running) -> bool:
    return "work.lease_lost" in running.said()
