"""Taking arrivals in: concurrent ones share a commit, and each is answered only after its row is durable."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage.engine import Database
from bridge.storage.errors import CommitUnknown, StorageDown, StorageProblem
from bridge.storage.inbox import Arrival, arrive_sql, row_of
from bridge.storage.work import mark_sql

BATCH = 500
"""Rows of one commit at most: few enough for every server's packet size and SQLite's parameter limit."""
LANES = 2
"""Batches under way at once on a server: one is made while the other is committed. SQLite has one writer."""
QUEUE = 10_000
"""Arrivals waiting at most; a caller beyond them waits for room."""

CROWD, CROWD_SECONDS = 8, 0.1
"""So many in one batch are a crowd, for so long."""

_Waiting = tuple[tuple[str, ...], asyncio.Future[None]]


class InboxWriter:
    """Group commit without a timer: a batch is whatever queued while the last one was committed."""

    def __init__(
        self,
        db: Database,
        committed: Callable[[frozenset[str]], None],
        counted: Callable[[int], None] = lambda _rows: None,
    ) -> None:
        """`committed` gets the work keys of each batch, after it is durable: whoever waits for work is woken by it.
        `counted` gets how many deliveries shared it.
        """
        self._db = db
        self._committed = committed
        self._counted = counted
        self._queue: asyncio.Queue[_Waiting | None] = asyncio.Queue(QUEUE)
        self._task: asyncio.Future[list[None]] | None = None
        self._lanes = LANES if db.dialect == "mysql" else 1
        self._closing = False
        self._crowded_at = float("-inf")

    @property
    def is_crowded(self) -> bool:
        """Many deliveries are coming in at this moment."""
        return time.monotonic() - self._crowded_at < CROWD_SECONDS

    def start(self) -> None:
        if self._task is None:
            lanes = [asyncio.create_task(self._run(), name=f"inbox-writer-{lane}") for lane in range(self._lanes)]
            self._task = asyncio.gather(*lanes)

    async def close(self) -> None:
        """Take in what is queued, then stop. What is put afterwards gets `StorageDown`."""
        self._closing = True
        if self._task is not None:
            for _ in range(self._lanes):
                await self._queue.put(None)
            await self._task
            self._task = None
        while not self._queue.empty():
            left = self._queue.get_nowait()
            if left is not None and not left[1].done():
                left[1].set_exception(StorageDown("the inbox is closed: the service is stopping"))

    async def put(self, arrival: Arrival) -> None:
        """Returns after the arrival is durable. Raises `StorageDown` where it is not."""
        row = row_of(arrival)
        if self._closing or self._task is None:
            raise StorageDown("the inbox is closed: the service is stopping")
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        await self._queue.put((row, future))
        if self._task is None and not future.done():
            raise StorageDown("the inbox is closed: the service is stopping")
        await future

    async def _run(self) -> None:
        queue = self._queue
        while (first := await queue.get()) is not None:
            batch = [first]
            last = False
            while len(batch) < BATCH and not queue.empty():
                following = queue.get_nowait()
                if following is None:
                    last = True
                    break
                batch.append(following)
            if len(batch) >= CROWD:
                self._crowded_at = time.monotonic()
            await self._take_in(batch)
            if last:
                return

    async def _take_in(self, batch: list[_Waiting]) -> None:
        # Equal arrivals collapse to the last of them. Sorted: two processes take the rows' locks in one order.
        rows = {row[0]: row for row, _ in batch}
        keys = sorted({row[5] for row in rows.values()})
        ordered = [rows[name] for name in sorted(rows)]
        values = tuple(value for row in ordered for value in row)

        async def take(conn: AsyncConnection) -> None:
            dialect = conn.dialect
            if dialect.name == "sqlite":
                # A statement of its own for each number of rows would be parsed each time; these two are parsed once.
                await conn.exec_driver_sql(arrive_sql("sqlite", 1), ordered)
                await conn.exec_driver_sql(mark_sql("sqlite", None, 1), [(key,) for key in keys])
                return
            is_mariadb = bool(getattr(dialect, "is_mariadb", False))
            await conn.exec_driver_sql(arrive_sql(dialect.name, len(rows), is_mariadb=is_mariadb), values)
            await conn.exec_driver_sql(mark_sql(dialect.name, None, len(keys)), tuple(keys))

        problem: StorageProblem | None = None
        try:
            await self._db.write(take, idempotent=True)
        except (StorageDown, CommitUnknown) as down:
            problem = down
        except Exception as other:  # noqa: BLE001 -- every waiter must be answered, whatever went wrong
            problem = StorageDown(f"the inbox could not be written: {type(other).__name__}")
            problem.__cause__ = other
        for _, future in batch:
            if future.done():
                continue
            if problem is None:
                future.set_result(None)
            else:
                future.set_exception(problem)
        if problem is None:
            self._counted(len(batch))
            # Not called from here: what goes wrong in it must not end the writer.
            asyncio.get_running_loop().call_soon(self._committed, frozenset(keys))
