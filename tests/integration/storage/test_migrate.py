from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage.engine import Database
from bridge.storage.errors import DatabaseNewer, DatabaseOlder
from bridge.storage.migrate import HEAD, check_version, known_revisions, migrate
from bridge.storage.tables import metadata
from tests.support.mariadb import MariaDB


async def test_migrations_make_exactly_the_tables(database: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))

    async def compare(conn: AsyncConnection) -> list[object]:
        return await conn.run_sync(differences)

    assert await database.read(compare) == []


def test_head_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", "bridge.storage:migrations")
    script = ScriptDirectory.from_config(config)
    assert script.get_current_head() == HEAD
    assert {revision.revision for revision in script.walk_revisions()} == known_revisions()


async def test_newer_database_is_refused(database: Database) -> None:
    async def newer(conn: AsyncConnection) -> None:
        await conn.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    await database.write(newer)
    with pytest.raises(DatabaseNewer, match="9999"):
        await check_version(database)
    with pytest.raises(DatabaseNewer, match="newer version"):
        await migrate(database)


async def test_empty_database_is_older_until_migrated(tmp_path: Path) -> None:
    database = await Database.open(f"sqlite:///{tmp_path}/new.db")
    try:
        with pytest.raises(DatabaseOlder, match="bridge migrate"):
            await check_version(database)
        assert await migrate(database)
        await check_version(database)
        assert not await migrate(database)
    finally:
        await database.close()


async def test_interrupted_migration_on_a_server_is_taken_up(mariadb: MariaDB) -> None:
    name = mariadb.new_database()
    database = await Database.open(mariadb.url(name))
    try:
        await migrate(database)
        # As if the process had died: the revision not written, one table and one index still missing.
        mariadb.execute(
            "DELETE FROM alembic_version", "DROP TABLE audit", "DROP INDEX work_due_at ON work", database=name
        )
        assert await migrate(database)
        await check_version(database)
        assert mariadb.execute("SHOW INDEX FROM work WHERE Key_name = 'work_due_at'", database=name)
    finally:
        await database.close()
        mariadb.drop_database(name)


def test_a_migrated_database_opens_without_alembic(sqlite_url: str) -> None:
    code = (
        "import asyncio, sys\n"
        "from bridge.storage.engine import Database\n"
        "from bridge.storage.migrate import migrate\n"
        "async def main():\n"
        f"    db = await Database.open({sqlite_url!r})\n"
        "    await migrate(db)\n"
        "    await db.close()\n"
        "asyncio.run(main())\n"
        "print('alembic' in sys.modules)\n"
    )
    begun = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=100)
    assert done.stdout.strip() == "False"
    print(f"started, checked and stopped in {time.monotonic() - begun:.2f} s")


async def test_server_tables_compare_by_bytes(mariadb_database: Database) -> None:
    async def look(conn: AsyncConnection) -> list[str]:
        return list(
            await conn.scalars(
                text(
                    "SELECT DISTINCT collation_name FROM information_schema.columns "
                    "WHERE table_schema = DATABASE() AND collation_name IS NOT NULL AND table_name <> 'alembic_version'"
                )
            )
        )

    assert await mariadb_database.read(look) == ["utf8mb4_bin"]


async def test_an_older_database_keeps_its_rows(tmp_path: Path, mariadb: MariaDB) -> None:
    """What the first version wrote is there after the upgrade, on both kinds of database, also when it is run twice."""
    name = mariadb.new_database()
    for url in (f"sqlite:///{tmp_path}/old.db", mariadb.url(name)):
        database = await Database.open(url)
        try:
            await database.write(lambda conn: conn.run_sync(_to_first))
            await database.write(_an_order)
            assert await migrate(database)
            assert await database.read(_orders) == [("ord_1", None)]
            await database.write(lambda conn: conn.execute(text("UPDATE alembic_version SET version_num = '0001'")))
            assert await migrate(database), "a broken off upgrade is taken up again"
            assert await database.read(_orders) == [("ord_1", None)]
        finally:
            await database.close()
    mariadb.drop_database(name)


def _to_first(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", "bridge.storage:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "0001")


async def _an_order(conn: AsyncConnection) -> None:
    columns = "id, shop_id, channel_order_id, state, because, reserved_because, repair_tried, row_ids, forced"
    await conn.execute(
        text(
            f"INSERT INTO orders ({columns}, created_at, updated_at) "
            "VALUES ('ord_1', 'shp_1', '577', 'settled', '', '', 0, '{}', '{}', 1, 1)"
        )
    )


async def _orders(conn: AsyncConnection) -> list[tuple[object, ...]]:
    return [tuple(row) for row in await conn.execute(text("SELECT id, waiting_since FROM orders"))]
