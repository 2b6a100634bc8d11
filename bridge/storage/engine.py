"""The database: where it is, and how a transaction is run on it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bridge.storage import mysql, sqlite
from bridge.storage.errors import CommitUnknown, StorageDown, StorageProblem
from bridge.storage.failures import Failure, Meaning, classify
from bridge.storage.trips import Trips, transact

T = TypeVar("T")
Work = Callable[[AsyncConnection], Awaitable[T]]
_Transactor = Trips | AsyncEngine

TRIES = 8
"""How often a transaction is run before a deadlock or a lost connection becomes `StorageDown`."""
TRANSACTION_SECONDS = 60.0
"""A transaction on a server takes milliseconds; one that hangs this long hangs on a dead connection."""

_writing: ContextVar[bool] = ContextVar("writing", default=False)


def parse_url(text: str) -> URL:
    """The database URL in its one spelling. Raises ValueError that says what is wrong, never the password."""
    try:
        url = make_url(text)
    except ArgumentError:
        raise ValueError(
            "BRIDGE_DATABASE_URL is not a database URL; it looks like sqlite:////var/lib/bridge/bridge.db "
            "or mysql://user:password@host:3306/bridge"
        ) from None
    family = url.drivername.split("+")[0]
    if family == "sqlite":
        sqlite.path_of(url)
        return url.set(drivername="sqlite")
    if family in {"mysql", "mariadb"}:
        if not url.database:
            raise ValueError("BRIDGE_DATABASE_URL names no database: mysql://user:password@host:3306/bridge")
        return url.set(drivername="mysql+aiomysql")
    raise ValueError(f"{family!r} is not a database the bridge knows: use sqlite, mysql or mariadb")


class Database:
    """One database, opened. Close it before the loop ends."""

    def __init__(self, url: URL, writer: _Transactor | None, reader: _Transactor, lock: sqlite.FileLock | None) -> None:
        self.dialect: Literal["sqlite", "mysql"] = "sqlite" if url.drivername.startswith("sqlite") else "mysql"
        self.url = url
        self._writer = writer
        self._reader = reader
        self._lock = lock
        self.retried: Callable[[str], None] = lambda _why: None
        """Told of each transaction that is run again: `again` or `lost`."""
        self._queue: asyncio.Queue[tuple[Work[Any], bool, asyncio.Future[Any]] | None] = asyncio.Queue()
        self._owner: asyncio.Task[None] | None = None
        self._closed = False

    @classmethod
    async def open(cls, url: str, *, exclusive: bool = True) -> Self:
        """Connect once, to fail early. `exclusive=False` opens a SQLite file for reading beside the service.

        Raises `StorageDown`, `AlreadyServed`, or ValueError for a URL that cannot be meant.
        """
        parsed = parse_url(url)
        writer: _Transactor | None
        reader: _Transactor
        lock: sqlite.FileLock | None = None
        if parsed.drivername.startswith("sqlite"):
            path = sqlite.path_of(parsed)
            if exclusive:
                lock = sqlite.FileLock(path)
                await asyncio.to_thread(lock.take)
            elif not await asyncio.to_thread(Path.exists, path):
                raise StorageDown(f"there is no database at {path}: start the service once, or set BRIDGE_DATA_DIR")
            writer = sqlite.make_trips(path, writing=True) if exclusive else None
            reader = sqlite.make_trips(path, writing=False)
        else:
            writer = mysql.make_engine(parsed, writing=True)
            reader = mysql.make_engine(parsed, writing=False)
        database = cls(parsed, writer, reader, lock)
        if lock is not None:
            database._owner = asyncio.create_task(database._own_writes(), name="storage-writer")
        try:
            if writer is not None:
                await database.write(_nothing)
            await database.read(_nothing)
        except BaseException:
            await database.close()
            raise
        return database

    async def close(self) -> None:
        """Finish the writes already asked for, then let go of everything. Doing it twice is harmless."""
        if self._closed:
            return
        self._closed = True
        if self._owner is not None:
            self._queue.put_nowait(None)
            await self._owner
        await self._reader.dispose()
        if self._writer is not None and self._writer is not self._reader:
            await self._writer.dispose()
        if self._lock is not None:
            self._lock.give_back()

    async def write(self, fn: Work[T], *, idempotent: bool = False, seconds: float = TRANSACTION_SECONDS) -> T:
        """Run `fn` in one transaction and commit it.

        `fn` may run several times (deadlock, lost connection), so it changes nothing but the database. A connection
        lost during COMMIT raises `CommitUnknown`, or runs `fn` again where it is `idempotent`. A server that takes
        longer than `seconds` counts as lost.
        """
        if self._closed:
            raise StorageDown("the database is closed: the service is stopping")
        if self._writer is None:
            raise StorageProblem("the database was opened for reading only")
        if self._owner is None:
            return await self._transact(self._writer, fn, seconds, commit=True, idempotent=idempotent)
        if _writing.get():
            raise RuntimeError("a write inside a write would wait for itself: pass the connection on")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait((fn, idempotent, future))
        return await future

    async def read(self, fn: Work[T]) -> T:
        """Run `fn` in one transaction that is rolled back: a consistent look, on SQLite; committed rows, elsewhere."""
        if self._closed:
            raise StorageDown("the database is closed: the service is stopping")
        return await self._transact(self._reader, fn, TRANSACTION_SECONDS, commit=False, idempotent=True)

    async def findings(self) -> list[mysql.StorageFinding]:
        """What doctor has to say of the database server; for SQLite, that it is there and safe by construction."""
        if self.dialect == "mysql":
            return await self.read(mysql.findings)
        return [mysql.StorageFinding("ok", "database_durable", "SQLite in WAL mode with synchronous FULL.")]

    async def _own_writes(self) -> None:
        """The one task that writes: a caller who is cancelled leaves its transaction to be finished here."""
        _writing.set(True)
        assert self._writer is not None
        while (job := await self._queue.get()) is not None:
            fn, idempotent, future = job
            if future.cancelled():
                continue
            try:
                result = await self._transact(self._writer, fn, None, commit=True, idempotent=idempotent)
            except asyncio.CancelledError:
                future.cancel()
                raise
            except BaseException as problem:  # noqa: BLE001 -- handed to the caller, whatever it is
                if not future.done():
                    future.set_exception(problem)
            else:
                if not future.done():
                    future.set_result(result)

    async def _transact(
        self, engine: _Transactor, fn: Work[T], seconds: float | None, *, commit: bool, idempotent: bool
    ) -> T:
        tried = 0
        while True:
            tried += 1
            state = _State()
            cause: Exception
            try:
                if isinstance(engine, Trips):
                    return await engine.run(fn, state.now_committing, commit=commit)
                return await self._once(engine, fn, state, seconds, commit=commit)
            except DBAPIError as problem:
                failure, cause = classify(problem), problem
                if failure.meaning is Meaning.OURS:
                    raise
            except _Hung as problem:
                failure, cause = Failure(Meaning.LOST, "the server does not answer", unknown_at_commit=True), problem
            except PoolTimeout as problem:
                raise self._down("all connections are in use: it answers too slowly", problem) from problem
            if state.committing and failure.unknown_at_commit and not idempotent:
                raise CommitUnknown(
                    f"{failure.text} while a commit was under way on {self._name()}: read before doing it again"
                ) from cause
            if failure.meaning is Meaning.DOWN or tried >= TRIES:
                raise self._down(failure.text, cause) from cause
            self.retried(failure.meaning.value)
            # Full jitter: two transactions that met in a deadlock should not meet again.
            await asyncio.sleep(random.uniform(0, min(0.01 * 2**tried, 1.0)))  # noqa: S311 -- no secret hangs on it

    async def _once(self, engine: AsyncEngine, fn: Work[T], state: _State, seconds: float | None, *, commit: bool) -> T:
        scope = asyncio.timeout(seconds)
        try:
            async with scope, engine.connect() as conn:
                try:
                    return await conn.run_sync(transact, fn, state.now_committing, commit=commit)
                except asyncio.CancelledError:
                    # Half an answer may still be on its way: nobody may use this connection again.
                    await asyncio.shield(conn.invalidate())
                    raise
                except DBAPIError:
                    if state.committing:
                        # What a refused COMMIT leaves open nobody rolls back: the next one's would commit it.
                        await conn.invalidate()
                    raise
        except TimeoutError:
            if scope.expired():
                mysql.doubt(engine)
                raise _Hung from None
            raise

    def _name(self) -> str:
        return self.url.render_as_string(hide_password=True)

    def _down(self, words: str, cause: BaseException) -> StorageDown:
        password = self.url.password
        text = f"the database {self._name()} cannot be used: {words}"
        if password and str(password) in words:
            text = f"the database {self._name()} cannot be used ({type(cause).__name__})"
        return StorageDown(text)


class _State:
    __slots__ = ("committing",)

    def __init__(self) -> None:
        self.committing = False

    def now_committing(self) -> None:
        self.committing = True


class _Hung(Exception):
    """A transaction took longer than any transaction takes."""


async def _nothing(conn: AsyncConnection) -> None:
    await conn.exec_driver_sql("SELECT 1")
