"""Connections that are cut while they are made, and such as fall silent: told as the storage's trouble, and soon."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from pymysql.err import OperationalError
from sqlalchemy import event, exc, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bridge.storage import engine, meta, mysql, wire
from bridge.storage.engine import Database
from bridge.storage.errors import CommitUnknown, StorageDown
from tests.support.mariadb import MariaDB

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def _server(serve: Serve) -> AsyncIterator[int]:
    serving: set[asyncio.Task[None]] = set()

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except OSError:
            pass  # cut from the other side
        finally:
            writer.transport.abort()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.create_task(served(reader, writer)))

    server = await asyncio.start_server(begin, "127.0.0.1", 0)
    async with server:
        yield int(server.sockets[0].getsockname()[1])
    for task in serving:
        task.cancel()
    await asyncio.gather(*serving, return_exceptions=True)
    await asyncio.sleep(0)  # what was aborted is closed in the loop's next turn


async def _not_a_word(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def _other_words(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"\x06\x00\x00\x00\x0a" + b"hello")
    await reader.read()


async def test_a_transport_that_is_closed_already_is_a_lost_connection(
    mariadb: MariaDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What uvloop says where the reset came before the driver had touched the socket."""
    monkeypatch.setattr(engine, "TRIES", 2)

    def closed_meanwhile(connection: wire.Connection) -> None:
        connection._writer.transport.abort()
        raise RuntimeError("Transport does not expose socket instance")

    monkeypatch.setattr(wire.Connection, "_set_keep_alive", closed_meanwhile)
    with pytest.raises(StorageDown, match="does not expose socket"):
        await Database.open(mariadb.url("bridge"))


@pytest.mark.parametrize("serve", [_not_a_word, _other_words], ids=["silent", "no MySQL"])
async def test_who_takes_connections_and_does_not_greet_is_down_soon(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mysql, "CONNECT_SECONDS", 0.2)
    monkeypatch.setattr(engine, "TRIES", 2)
    async with _server(serve) as port, asyncio.timeout(10):
        with pytest.raises(StorageDown, match=r"2003|2013"):
            await Database.open(f"mysql://bridge:geheim@127.0.0.1:{port}/bridge")


async def test_a_host_that_is_gone_without_a_word_is_given_up(mariadb_database: Database) -> None:
    asked: list[Any] = []

    async def look(conn: AsyncConnection) -> None:
        await conn.run_sync(lambda sync: asked.append(sync.connection.driver_connection))

    await mariadb_database.write(look)
    raw = asked[0]._writer.transport.get_extra_info("socket")
    assert raw.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    assert {option: raw.getsockopt(socket.IPPROTO_TCP, option) for option in wire._SIGNS_OF_LIFE} == wire._SIGNS_OF_LIFE
    assert wire._SIGNS_OF_LIFE[socket.TCP_USER_TIMEOUT] == 30_000


# --- fallen silent --------------------------------------------------------------------------------------------------


class Proxy:
    """Between the service and its server. What it carries can be made to fall silent; new connections work."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._silent: list[asyncio.Event] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        silent = asyncio.Event()
        self._silent.append(silent)
        theirs, to_them = await asyncio.open_connection("127.0.0.1", self._port)

        async def carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            while piece := await source.read(65536):
                if not silent.is_set():
                    target.write(piece)
            target.close()

        try:
            await asyncio.gather(carry(reader, to_them), carry(theirs, writer))
        finally:
            to_them.transport.abort()

    def fall_silent(self) -> None:
        for silent in self._silent:
            silent.set()


@pytest.mark.parametrize("what", ["read", "write"])
async def test_one_connection_fallen_silent_costs_its_time_once_and_not_for_each_of_the_pool(
    mariadb: MariaDB, mariadb_url: str, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    proxy = Proxy(mariadb.port)
    retried: list[str] = []

    async def busy(conn: AsyncConnection) -> None:
        await conn.execute(text("SELECT SLEEP(0.05)"))

    async with _server(proxy.serve) as port:
        database = await Database.open(mariadb_url.replace(f":{mariadb.port}/", f":{port}/"))
        database.retried = retried.append
        transact = database.read if what == "read" else lambda work: database.write(work, seconds=0.5)
        await asyncio.gather(*[transact(busy) for _ in range(5)])
        proxy.fall_silent()
        monkeypatch.setattr(engine, "TRANSACTION_SECONDS", 0.5)
        await transact(busy)
        await asyncio.gather(*[transact(busy) for _ in range(5)])
        assert retried == ["lost"]
        await database.close()


# --- a refused commit -----------------------------------------------------------------------------------------------


async def test_what_a_refused_commit_leaves_open_is_not_committed_with_the_next_transaction(
    mariadb_database: Database,
) -> None:
    writer = mariadb_database._writer
    assert isinstance(writer, AsyncEngine)
    refused: list[int] = []

    def refuse(_connection: object) -> None:
        if not refused:
            refused.append(1)
            raise exc.OperationalError("COMMIT", None, OperationalError(1317, "Query execution was interrupted"))

    event.listen(writer.sync_engine, "commit", refuse)
    with pytest.raises(CommitUnknown):
        await mariadb_database.write(lambda conn: meta.put(conn, "half", "1"))
    await mariadb_database.write(lambda conn: meta.put(conn, "whole", "1"))
    assert await mariadb_database.read(lambda conn: meta.get(conn, "whole")) == "1"
    assert await mariadb_database.read(lambda conn: meta.get(conn, "half")) is None


async def test_a_statement_that_is_killed_has_its_transaction_run_again(mariadb_database: Database) -> None:
    runs = 0

    async def killed(conn: AsyncConnection) -> None:
        nonlocal runs
        runs += 1
        await meta.put(conn, f"run {runs}", "1")
        if runs == 1:
            await conn.execute(text("KILL QUERY CONNECTION_ID()"))

    await mariadb_database.write(killed)
    assert runs == 2
    assert await mariadb_database.read(lambda conn: meta.get(conn, "run 1")) is None
    assert await mariadb_database.read(lambda conn: meta.get(conn, "run 2")) == "1"
