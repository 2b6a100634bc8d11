"""What every test may ask for: a migrated database of each kind, and a loop that nobody blocks."""

from __future__ import annotations

import asyncio
import inspect
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import uvloop
from blockbuster import blockbuster_ctx

from bridge.storage.engine import Database
from bridge.storage.migrate import migrate
from tests.support.mariadb import MariaDB, NoMariaDB


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop that `bridge serve` runs on."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(autouse=True)
def nobody_blocks_the_loop(request: pytest.FixtureRequest) -> Iterator[None]:
    """Our own code never waits for a file or a socket on the event loop; the tests' own code may."""
    if not inspect.iscoroutinefunction(request.function):
        yield
        return
    with blockbuster_ctx(["bridge", "plugin_contract"]) as blockbuster:
        # Alembic reads its migration files once, before anything is served.
        for function in blockbuster.functions.values():
            function.can_block_in("bridge/storage/migrate.py", {"_run", "known_revisions"})
            function.can_block_in("integration/storage/test_migrate.py", {"_to_first"})
            # A test that kills a connection in the middle of a transaction is called from there.
            function.can_block_in("support/mariadb.py", {"execute"})
            # Asks for the working folder, once, to make a path absolute.
            function.can_block_in("bridge/storage/sqlite.py", {"path_of", "make_trips"})
        yield


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDB]:
    """The session's server. Tests that stop it start it again."""
    try:
        server = MariaDB()
    except NoMariaDB as problem:
        pytest.fail(str(problem), pytrace=False)
    try:
        server.start()
        yield server
    finally:
        server.remove()


async def _migrated(url: str) -> None:
    database = await Database.open(url)
    await migrate(database)
    await database.close()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "bridge.db"
    asyncio.run(_migrated(f"sqlite:///{path}"))
    return path


@pytest.fixture(scope="session")
def mariadb_template(mariadb: MariaDB) -> str:
    name = mariadb.new_database()
    asyncio.run(_migrated(mariadb.url(name)))
    return name


@pytest.fixture
def sqlite_url(tmp_path: Path, sqlite_template: Path) -> str:
    """A migrated SQLite file of the test's own."""
    path = tmp_path / "bridge.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def mariadb_url(mariadb: MariaDB, mariadb_template: str) -> Iterator[str]:
    """A migrated MariaDB database of the test's own."""
    name = mariadb.copy_database(mariadb_template)
    yield mariadb.url(name)
    mariadb.drop_database(name)


@pytest.fixture(params=["sqlite", "mariadb"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated database; the test runs once on each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The same, opened."""
    opened = await Database.open(database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def sqlite_database(sqlite_url: str) -> AsyncIterator[Database]:
    opened = await Database.open(sqlite_url)
    yield opened
    await opened.close()


@pytest.fixture
async def mariadb_database(mariadb_url: str) -> AsyncIterator[Database]:
    opened = await Database.open(mariadb_url)
    yield opened
    await opened.close()
