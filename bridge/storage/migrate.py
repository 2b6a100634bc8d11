"""Bringing the database to what this program needs, in this process and without configuration files."""

from __future__ import annotations

from importlib import resources

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage.engine import Database
from bridge.storage.errors import DatabaseNewer, DatabaseOlder, StorageDown

HEAD = "0006"
"""The newest revision this program knows; a test compares it with the migration files."""
_LOCK_SECONDS = 120
_MIGRATION_SECONDS = 3600


def known_revisions() -> frozenset[str]:
    """Revisions by their file names: `v0001_first.py` is 0001."""
    folder = resources.files("bridge.storage.migrations.versions")
    names = [entry.name for entry in folder.iterdir()]
    return frozenset(name[1:5] for name in names if name.startswith("v") and name.endswith(".py"))


async def stored_revision(db: Database) -> str | None:
    """The revision the database is at; None for one that was never migrated."""

    async def look(conn: AsyncConnection) -> str | None:
        try:
            revision: str | None = await conn.scalar(text("SELECT version_num FROM alembic_version"))
        except DBAPIError as problem:
            if "no such table" in str(problem.orig) or "1146" in str(problem.orig):
                return None
            raise
        return revision

    return await db.read(look)


def _refuse_newer(revision: str | None) -> None:
    if revision is not None and revision not in known_revisions():
        raise DatabaseNewer(
            f"the database is at revision {revision}, this program knows {HEAD} at most: it was written by a newer "
            "version. Install that version again, or restore a backup made before the upgrade"
        )


async def check_version(db: Database) -> None:
    """Raises `DatabaseNewer` or `DatabaseOlder` where the database is not exactly what this program needs."""
    revision = await stored_revision(db)
    _refuse_newer(revision)
    if revision != HEAD:
        raise DatabaseOlder(f"the database is at revision {revision or 'none'}, {HEAD} is needed: run `bridge migrate`")


async def migrate(db: Database) -> bool:
    """Migrate to HEAD; True where there was something to do. Raises `DatabaseNewer`.

    Where the stored revision is HEAD already, this is one cheap SELECT and Alembic is not even imported.
    """
    revision = await stored_revision(db)
    if revision == HEAD:
        return False
    _refuse_newer(revision)
    # DDL commits by itself on MySQL, and each step looks at what is there first, so an interrupted run can be repeated.
    await db.write(_locked if db.dialect == "mysql" else _upgrade, idempotent=True, seconds=_MIGRATION_SECONDS)
    return True


async def _upgrade(conn: AsyncConnection) -> None:
    await conn.run_sync(_run)


async def _locked(conn: AsyncConnection) -> None:
    """Of several processes that start at once, one migrates and the others wait for it."""
    got = await conn.scalar(text("SELECT GET_LOCK('bridge_migrate', :wait)"), {"wait": _LOCK_SECONDS})
    if got != 1:
        raise StorageDown("another process has been migrating the database for two minutes: look at its log")
    try:
        await conn.run_sync(_run)
    finally:
        await conn.execute(text("SELECT RELEASE_LOCK('bridge_migrate')"))


def _run(connection: Connection) -> None:
    # Imported here: a service that needs no migration starts faster without it.
    from alembic import command  # noqa: PLC0415 -- see above
    from alembic.config import Config  # noqa: PLC0415 -- see above

    config = Config()
    config.set_main_option("script_location", "bridge.storage:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
