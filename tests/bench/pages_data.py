"""The crowd's rows in a SQLite file and in a MariaDB, indexes in place; another run may use them again."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet

from bridge.domain.settings import ShopSettings, Tie
from bridge.ports import FoundShop
from bridge.storage import shops
from bridge.storage.connections import Connections
from bridge.storage.engine import Database
from bridge.storage.migrate import migrate
from bridge.storage.secrets import Vault
from tests.bench.crowd import COLUMNS, Crowd, Tied
from tests.support.mariadb import MariaDB

NAME = "bridge_pages"
BUILD_MEMORY = 2 << 30
"""Bytes the server may use while its data are made."""
_Rows = dict[str, list[tuple[Any, ...]]]
_Load = Callable[[_Rows], None]


@dataclass(frozen=True, slots=True)
class Built:
    """What is in the folder."""

    orders: int
    secret_key: str
    at: int
    seconds: dict[str, float]
    rows: dict[str, int]
    shops: dict[str, list[str]]
    """Database → its shops' ids."""
    middle_id: str
    """Our id of the order in the middle: the same in both."""


async def _connected(url: str, key: str) -> list[Tied]:
    """Two TikTok connections with five shops, a Magento and a Shopify store, as connecting leaves them."""
    connections = Connections(Vault([key]))
    db = await Database.open(url)
    try:
        await migrate(db)

        async def write(conn: Any) -> list[Tied]:
            made = {}
            for kind, name, address in (
                ("tiktok", "TikTok one", "https://open-api.tiktok.invalid"),
                ("tiktok", "TikTok two", "https://open-api.tiktok.invalid"),
                ("magento", "Magento", "https://magento.invalid"),
                ("shopify", "Shopify", "https://shopify.invalid"),
            ):
                made[name] = await connections.upsert(
                    conn,
                    kind=kind,
                    name=name,
                    url=address,
                    identity=name,
                    # Nothing is to be called: whoever asks is told to authorize anew.
                    credentials={},
                    facts={},
                    state="reauth",
                    because="Authorize it again.",
                )
            tied = []
            for number in range(5):
                channel = made["TikTok one" if number < 3 else "TikTok two"]
                store = made["Magento" if number < 3 else "Shopify"]
                found = FoundShop(str(7000 + number), f"Shop {number + 1}", ("US", "GB", "DE")[number % 3], "c")
                shop = await shops.upsert_found(conn, channel.id, found)
                await shops.save_settings(conn, shop.id, ShopSettings(store=Tie(connection=store.id)))
                tied.append(Tied(shop.id, channel.id, store.id))
            return tied

        return await db.write(write)
    finally:
        await db.close()


def _into_sqlite(connection: sqlite3.Connection) -> _Load:
    statements = {
        table: f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
        for table, names in COLUMNS.items()
    }

    def load(rows: _Rows) -> None:
        with connection:
            for table, found in rows.items():
                connection.executemany(statements[table], found)

    return load


def _into_mariadb(server: MariaDB, folder: Path) -> _Load:
    def load(rows: _Rows) -> None:
        for table, found in rows.items():
            if not found:
                continue
            file = folder / f"{table}.tsv"
            names = ", ".join(f"`{name}`" for name in COLUMNS[table])
            file.write_text("".join("\t".join(map(_cell, row)) + "\n" for row in found), encoding="ascii")
            server.execute(
                "SET SESSION unique_checks = 0, SESSION sql_log_bin = 0",
                f"LOAD DATA INFILE '{file}' INTO TABLE {table} CHARACTER SET utf8mb4 ({names})",
                database=NAME,
            )
            file.unlink()

    return load


def _cell(value: Any) -> str:
    if value is None:
        return "\\N"
    return value if isinstance(value, str) else str(value)


def build(folder: Path, server: MariaDB, orders: int) -> Built:
    """Both databases in the folder, the server started. They hold the same rows."""
    folder.mkdir(parents=True, exist_ok=True)
    key = Fernet.generate_key().decode()
    file = folder / "bridge.db"
    seconds = {}
    server.execute(f"CREATE DATABASE {NAME} CHARACTER SET utf8mb4")
    # Their ids differ from one database to the other; rows are made once for each.
    rows: dict[str, int] = {}
    now = int(time.time() * 1000)
    crowds = {
        name: Crowd(asyncio.run(_connected(url, key)), orders, now)
        for name, url in (("SQLite", f"sqlite:///{file}"), ("MariaDB", server.url(NAME)))
    }
    server.execute(
        f"SET GLOBAL innodb_buffer_pool_size = {BUILD_MEMORY}",
        "SET GLOBAL innodb_flush_log_at_trx_commit = 0",
        f"SET GLOBAL innodb_log_file_size = {1 << 30}",
    )
    with closing(sqlite3.connect(file, check_same_thread=False)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -500000")
        for name, load in (("SQLite", _into_sqlite(connection)), ("MariaDB", _into_mariadb(server, folder))):
            began = time.monotonic()
            rows = _loaded(crowds[name], load)
            seconds[name] = time.monotonic() - began
            print(f"{name}: {sum(rows.values()):,} rows in {seconds[name]:.0f} s", flush=True)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    server.execute(*[f"ANALYZE TABLE {table}" for table in COLUMNS], database=NAME)
    built = Built(
        orders,
        key,
        now,
        seconds,
        rows,
        {name: [one.shop for one in crowd.shops] for name, crowd in crowds.items()},
        crowds["SQLite"].order_id(orders // 2),
    )
    (folder / "built.json").write_text(json.dumps(asdict(built), indent=2))
    return built


def _loaded(crowd: Crowd, load: _Load) -> dict[str, int]:
    """One chunk is loaded beside the making of the next."""
    rows = dict.fromkeys(COLUMNS, 0)
    with ThreadPoolExecutor(1) as beside:
        waits = None
        for chunk in crowd.chunks():
            if waits is not None:
                waits.result()
            waits = beside.submit(load, chunk)
            rows = {table: rows[table] + len(found) for table, found in chunk.items()}
        if waits is not None:
            waits.result()
    return rows


def used(folder: Path) -> Built:
    """What an earlier run left there."""
    return Built(**json.loads((folder / "built.json").read_text()))
