"""Workers take what is due, one lease each, and let it go with the time of the next look.

Whoever commits a hint wakes its own workers; other processes look once a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from datetime import datetime, timedelta

import structlog

from bridge.domain.keys import HintKey, OrderKey, parse_key
from bridge.killpoints import KillPoint, reach
from bridge.mistakes import place, told
from bridge.storage import work
from bridge.storage.errors import CommitUnknown, StorageDown
from bridge.storage.fence import LeaseLost
from bridge.storage.work import POISON_ATTEMPTS, Claimed
from bridge.sync import following, parking
from bridge.sync.desk import Desk, log
from bridge.sync.hints import Found, Taken, resolve
from bridge.sync.lease import Lease
from bridge.sync.settle import settle
from bridge.sync.sheet import Sheet
from bridge.sync.taking import Hand, take

IDLE_LOOK = timedelta(seconds=1)
GIVE_WAY = timedelta(milliseconds=500)
"""So long a worker lets a crowd of deliveries go first, before each piece of work."""
GIVE_WAY_STEPS = 10
FRESH_EVERY = 4
"""Every so manieth piece of work is what became due last: a message of one shop is seen to while thousands of orders of
another are due before it.
"""
STORAGE_PAUSE = timedelta(seconds=1)
AFTER_FAILURE = timedelta(seconds=15)
"""A claim that failed in a way nobody foresaw is taken up again after this, four times more."""


class Workers:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._resting: set[asyncio.Event] = set()
        self._calls = 0
        self._stopping = asyncio.Event()
        self._busy = 0
        self._taken = 0
        self._owed: list[Claimed] = []
        self._running = False

    def wake(self, most: int | None = None) -> None:
        """Something is due. With `most`: so many pieces of work, for which no more workers need to look."""
        self._calls += 1
        for call in list(self._resting)[:most]:
            self._resting.discard(call)
            call.set()

    @property
    def is_running(self) -> bool:
        return self._running and not self._stopping.is_set()

    @property
    def busy(self) -> int:
        return self._busy

    def stop(self) -> None:
        """Finish what is in hand, take nothing new."""
        self._stopping.set()
        self.wake()

    async def run(self) -> None:
        self._running = True
        try:
            async with asyncio.TaskGroup() as group:
                for number in range(self._desk.settings.workers):
                    group.create_task(self._worker(f"{self._desk.owner}/{number}"))
        finally:
            self._running = False

    async def _worker(self, owner: str) -> None:
        while not self._stopping.is_set():
            heard = self._calls
            try:
                await self._give_back()
                await self._give_way()
                self._taken += 1
                hand = await take(self._desk, owner, newest=self._taken % FRESH_EVERY == 0)
                if hand is None:
                    await self._rest(IDLE_LOOK, heard)
                    continue
                await self._see_to(hand)
            except StorageDown as down:
                log.error("storage.down", because=str(down))
                await self._rest(STORAGE_PAUSE, self._calls)
            except Exception as mistake:  # noqa: BLE001 -- logged with its place; a worker that ended would end them all
                log.error("worker.broke", **told(mistake))
                await self._rest(STORAGE_PAUSE, self._calls)

    async def _give_way(self) -> None:
        """Senders wait for an answer and give up; work waits and loses nothing. So a crowd goes first, for a while."""
        for _ in range(GIVE_WAY_STEPS):
            if self._stopping.is_set() or not self._desk.is_crowded():
                return
            await asyncio.sleep(GIVE_WAY.total_seconds() / GIVE_WAY_STEPS)

    async def _give_back(self) -> None:
        """Let go of leases whose work was broken off: what is in flight has its claim, and the quiet period."""
        while self._owed:
            claimed = self._owed.pop()
            try:
                await work.give_back(self._desk.db, claimed)
            except BaseException:
                self._owed.append(claimed)
                raise

    async def _rest(self, most: timedelta, heard: int) -> None:
        """Until called, or so long. Not at all where a call came since `heard`: the look may have been too early."""
        if self._stopping.is_set() or self._calls != heard:
            return
        call = asyncio.Event()
        self._resting.add(call)
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(most.total_seconds()):
                    await call.wait()
        finally:
            self._resting.discard(call)

    async def _see_to(self, hand: Hand) -> None:
        with structlog.contextvars.bound_contextvars(**following.of(hand.claimed.key)):
            await self._look(hand)

    async def _look(self, hand: Hand) -> None:
        self._busy += 1
        began, ended = time.monotonic(), "interrupted"
        try:
            reach(KillPoint.WORK_CLAIMED)
            log.debug("work.taken", key=hand.claimed.key, attempt=hand.claimed.attempts)
            ended = await self._handle(hand)
        except LeaseLost:
            ended = "lease_lost"
            log.warning("work.lease_lost", key=hand.claimed.key)
            with contextlib.suppress(StorageDown, CommitUnknown):
                await self._desk.db.write(lambda conn: work.came_back_late(conn, hand.claimed))
        except StorageDown:
            log.warning("work.interrupted", key=hand.claimed.key)
            self._owed.append(hand.claimed)
            raise
        except asyncio.CancelledError:
            # Told to stop and out of time: others need not wait for the lease to run out.
            self._owed.append(hand.claimed)
            try:
                await self._give_back()
            except StorageDown:
                pass
            except Exception as mistake:  # noqa: BLE001 -- logged with its place; the lease runs out by itself
                log.error("worker.broke", **told(mistake))
            raise
        except CommitUnknown as unknown:
            # Whether the last step was written is for the next look to find out: an open claim says that it was.
            log.warning("work.commit_unknown", key=hand.claimed.key, because=str(unknown))
            await self._put_off(hand.claimed, None)
        except Exception as mistake:  # noqa: BLE001 -- logged with its place, counted, and parked in the end
            # Nobody foresaw this, so nobody can say what it means: the claim counts as one that never came back, the
            # order is tried again and parked after five, and the other orders go on.
            ended = "failed"
            log.error(
                "work.failed",
                key=hand.claimed.key,
                attempt=hand.claimed.attempts,
                **told(mistake),
            )
            await self._put_off(hand.claimed, place(mistake))
        finally:
            self._busy -= 1
            self._desk.meter.look(ended, time.monotonic() - began)
            structlog.contextvars.unbind_contextvars(*following.MORE)

    async def _put_off(self, claimed: Claimed, because: str | None) -> None:
        try:
            await work.put_off(self._desk.db, claimed, AFTER_FAILURE.total_seconds(), because=because)
        except BaseException:
            self._owed.append(claimed)
            raise

    async def _handle(self, hand: Hand) -> str:
        """How the look ended."""
        claimed = hand.claimed
        key = parse_key(claimed.key)
        if claimed.is_poison:
            await self._park(claimed, key)
            return "parked"
        sheet = hand.first if isinstance(hand.first, Sheet) else None
        if isinstance(key, HintKey):
            first = hand.first if isinstance(hand.first, Found) else None
            found = await resolve(self._desk, key, claimed, first)
            if claimed.attempts >= POISON_ATTEMPTS:
                hint = key
                await self._desk.db.write(lambda conn: parking.no_longer(conn, hint))
            if not isinstance(found, Taken):
                await self._release(claimed, found)
                return "returned"
            following.follow(key, found.key)
            log.info("hint.taken", topic=key.topic, subject=key.subject)
            if found.claimed is None:
                return "returned"
            hand.claimed = claimed = found.claimed
            key, sheet = found.key, found.sheet
        lease = Lease(self._desk, claimed)
        due = await settle(self._desk, key, lease, sheet)
        await self._release(lease.claimed, due)
        return "returned"

    async def _release(self, claimed: Claimed, due: datetime | None) -> None:
        reach(KillPoint.WORK_RELEASING)
        await self._desk.db.write(lambda conn: work.release(conn, claimed, due))
        reach(KillPoint.WORK_RELEASED)

    async def _park(self, claimed: Claimed, key: OrderKey | HintKey) -> None:
        because = await self._desk.db.write(lambda conn: parking.park(conn, claimed, key))
        if because is not None:
            log.error("work.parked", key=claimed.key, because=because)
