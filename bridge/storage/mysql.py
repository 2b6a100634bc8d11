"""MySQL 8 and MariaDB 10.6+: the pool, the session, and what doctor asks of the server."""

from __future__ import annotations

import ssl
import time
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import URL, Engine, event, text
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bridge.storage import wire

POOL = 10
CONNECT_SECONDS = 10
LOCK_WAIT_SECONDS = 10
IDLE_SECONDS = 120
"""A transaction in which nothing is asked for so long is ended by the server, and what it locked is free.

Between two statements lie milliseconds. A process that stands still there (its machine paused, the network cut) would
else keep its rows for the server's `wait_timeout`, eight hours, and the others would skip them.
"""

_MADE = "made"
"""When a pooled connection was made."""
_doubted: WeakKeyDictionary[Engine, float] = WeakKeyDictionary()

_SESSION = (
    "SET SESSION time_zone = '+00:00', "
    "SESSION sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION', "
    f"SESSION innodb_lock_wait_timeout = {LOCK_WAIT_SECONDS}"
)


def _session(*, writing: bool) -> str:
    if not writing:
        return _SESSION
    # MySQL has no time limit for transactions alone, only one for sessions. Each server takes the other one's words
    # for a comment (MariaDB Knowledge Base, "Comment Syntax").
    own = f"/*M!100600 , SESSION idle_transaction_timeout = {IDLE_SECONDS} */"
    return f"{_SESSION} {own} /*!80000 , SESSION wait_timeout = {IDLE_SECONDS} */"


@dataclass(frozen=True, slots=True)
class StorageFinding:
    """One thing found about the storage; the fields of a doctor's finding."""

    level: str
    code: str
    text: str


def _tls(url: URL) -> tuple[URL, dict[str, Any]]:
    """`ssl_ca`, `ssl_cert`, `ssl_key` and `ssl=true` in the URL, as the context that aiomysql wants."""
    names = ("ssl", "ssl_ca", "ssl_cert", "ssl_key")
    given = {name: str(url.query[name]) for name in names if name in url.query}
    if not given:
        return url, {}
    context = ssl.create_default_context(cafile=given.get("ssl_ca"))
    if "ssl_cert" in given:
        context.load_cert_chain(given["ssl_cert"], given.get("ssl_key"))
    return url.difference_update_query(names), {"ssl": context}


def make_engine(url: URL, *, writing: bool) -> AsyncEngine:
    """A pool for transactions, or one for reads.

    Under READ COMMITTED each statement sees what is committed when it runs, so a transaction around reads buys nothing
    but its round trips. Nor is a connection asked whether it lives before each use: a transaction that meets a dead one
    is run again (`Database`), and the whole pool is made anew.
    """
    plain, tls = _tls(url)
    engine = create_async_engine(
        plain,
        isolation_level="READ COMMITTED" if writing else "AUTOCOMMIT",
        skip_autocommit_rollback=not writing,
        pool_size=POOL,
        max_overflow=POOL,
        # Made anew before the server may end it.
        pool_recycle=IDLE_SECONDS * 3 // 4 if writing else 1800,
        pool_use_lifo=True,
        pool_reset_on_return=None,
        connect_args={
            "charset": "utf8mb4",
            "connect_timeout": CONNECT_SECONDS,
            "async_creator_fn": wire.connect,
            **tls,
        },
    )

    def prepare(connection: Any, record: Any) -> None:
        record.info[_MADE] = time.monotonic()
        cursor = connection.cursor()
        cursor.execute(_session(writing=writing))
        cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
        cursor.close()

    def is_trusted(_connection: Any, record: Any, _proxy: Any) -> None:
        if record.info[_MADE] <= _doubted.get(engine.sync_engine, 0.0):
            raise DisconnectionError("made before another one was found dead")

    event.listen(engine.sync_engine, "connect", prepare)
    event.listen(engine.sync_engine, "checkout", is_trusted)
    return engine


def doubt(engine: AsyncEngine) -> None:
    """One of its connections was dead without a word, so others may be: what was made before now is made anew before
    its next use.
    """
    _doubted[engine.sync_engine] = time.monotonic()


async def findings(conn: AsyncConnection) -> list[StorageFinding]:
    """What doctor says of the server: version, and whether a commit answered is a commit kept."""
    rows = await conn.execute(
        text(
            "SHOW VARIABLES WHERE Variable_name IN ('version', 'innodb_flush_log_at_trx_commit', 'sync_binlog', "
            "'log_bin', 'binlog_format', 'read_only', 'max_connections', 'innodb_doublewrite', 'max_allowed_packet')"
        )
    )
    values = {str(name).lower(): str(value) for name, value in rows}
    found: list[StorageFinding] = []

    def say(level: str, code: str, words: str) -> None:
        found.append(StorageFinding(level, code, words))

    version = values.get("version", "")
    numbers = tuple(int(part) for part in version.split("-")[0].split(".")[:2] if part.isdigit())
    least = (10, 6) if "mariadb" in version.lower() else (8, 0)
    if numbers < least:
        say("error", "database_version", f"The server is {version}; MariaDB 10.6 or MySQL 8.0 is the least.")
    else:
        say("ok", "database_version", f"The server is {version}.")
    flush = values.get("innodb_flush_log_at_trx_commit")
    if flush == "1":
        say("ok", "database_durable", "innodb_flush_log_at_trx_commit is 1: what was answered is kept.")
    else:
        say(
            "error",
            "database_durable",
            f"innodb_flush_log_at_trx_commit is {flush}: a crash of the server loses up to a second of notifications "
            "and of effects already made. Set it to 1.",
        )
    if values.get("innodb_doublewrite", "ON").upper() == "OFF":
        say("warning", "database_doublewrite", "innodb_doublewrite is off: a power cut can tear a page. Switch it on.")
    if values.get("log_bin", "OFF").upper() in {"ON", "1"}:
        if values.get("sync_binlog") != "1":
            say("warning", "database_binlog", "sync_binlog is not 1: replicas may miss what was answered. Set it to 1.")
        if values.get("binlog_format", "ROW").upper() == "STATEMENT":
            say("error", "database_binlog_format", "binlog_format is STATEMENT: set it to ROW or MIXED.")
    if values.get("read_only", "OFF").upper() not in {"OFF", "0"}:
        say("error", "database_read_only", "The server is read-only: point BRIDGE_DATABASE_URL at the primary.")
    if int(values.get("max_allowed_packet", "16777216")) < 4 * 1024 * 1024:
        say(
            "warning",
            "database_packet",
            "max_allowed_packet is below 4 MB: large orders may not fit. Raise it to 16 MB.",
        )
    return found
