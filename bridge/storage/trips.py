"""A whole transaction in one go; on a SQLite file, in one trip to a thread.

An asynchronous driver goes to its thread and back several times for each statement; a transaction of eight statements
waits thirty times. Here the thread runs the transaction's own function from begin to commit, over a connection whose
every call answers at once. On a server, one greenlet does the same (`Database`). Measured with the figures in
docs/reference/speed.md.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, CursorResult, Dialect, Engine, ScalarResult
from sqlalchemy.ext.asyncio import AsyncConnection

T = TypeVar("T")


class _Direct:
    """The part of `AsyncConnection` that the books use. Nothing in it waits but on the connection itself."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.dialect: Dialect = connection.dialect

    async def execute(self, *args: Any, **named: Any) -> CursorResult[Any]:
        return self._connection.execute(*args, **named)

    async def scalar(self, *args: Any, **named: Any) -> Any:
        return self._connection.scalar(*args, **named)

    async def scalars(self, *args: Any, **named: Any) -> ScalarResult[Any]:
        return self._connection.scalars(*args, **named)

    async def exec_driver_sql(self, *args: Any, **named: Any) -> CursorResult[Any]:
        return self._connection.exec_driver_sql(*args, **named)

    async def run_sync(self, fn: Callable[..., T], *args: Any, **named: Any) -> T:
        return fn(self._connection, *args, **named)


def transact(
    connection: Connection,
    fn: Callable[[AsyncConnection], Awaitable[T]],
    committing: Callable[[], None],
    *,
    commit: bool,
) -> T:
    """One transaction, from begin to its end. `committing` is called right before the commit.

    What a failure leaves open is rolled back when the connection is closed.
    """
    transaction = connection.begin()
    work = cast("Coroutine[None, None, T]", fn(cast("AsyncConnection", _Direct(connection))))
    try:
        work.send(None)
    except StopIteration as ended:
        result: T = ended.value
    else:
        work.close()
        raise RuntimeError("a transaction waits for nothing but its database: do the waiting outside")
    if commit:
        committing()
        transaction.commit()
    else:
        transaction.rollback()
    return result


class Trips:
    """Transactions on one engine, each on one of so many threads of its own."""

    def __init__(self, engine: Engine, threads: int) -> None:
        self._engine = engine
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="storage")

    async def run(
        self, fn: Callable[[AsyncConnection], Awaitable[T]], committing: Callable[[], None], *, commit: bool
    ) -> T:
        """`committing` is called right before the commit. A caller that is cancelled leaves the thread to finish."""
        context = contextvars.copy_context()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, context.run, lambda: self._drive(fn, committing, commit))

    def _drive(self, fn: Callable[[AsyncConnection], Awaitable[T]], committing: Callable[[], None], commit: bool) -> T:
        with self._engine.connect() as connection:
            return transact(connection, fn, committing, commit=commit)

    async def dispose(self) -> None:
        """Wait for what runs, then close the connections."""
        await asyncio.to_thread(self._threads.shutdown)
        self._engine.dispose()
