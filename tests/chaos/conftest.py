"""The house for chaos: both shops in this process, and a service that can be killed, on each database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.support.chaos import Forker, House
from tests.support.mariadb import MariaDB
from tests.support.stage import stage


@pytest.fixture(scope="session")
def forker() -> Iterator[Forker]:
    started = Forker()
    yield started
    started.close()


async def _house(folder: Path, url: str, forker: Forker, mariadb: MariaDB | None) -> AsyncIterator[House]:
    async with stage(folder, url, regions=1) as play:
        house = House(play, forker, mariadb)
        try:
            yield house
        finally:
            for one in house.all:
                await one.kill()


@pytest.fixture
async def sqlite_house(tmp_path: Path, sqlite_url: str, forker: Forker) -> AsyncIterator[House]:
    async for house in _house(tmp_path, sqlite_url, forker, None):
        yield house


@pytest.fixture
async def mariadb_house(tmp_path: Path, mariadb_url: str, mariadb: MariaDB, forker: Forker) -> AsyncIterator[House]:
    async for house in _house(tmp_path, mariadb_url, forker, mariadb):
        yield house


@pytest.fixture(params=["sqlite", "mariadb"])
def house(request: pytest.FixtureRequest) -> House:
    """The test runs once on each kind of database; the service is the test's to start."""
    found: House = request.getfixturevalue(f"{request.param}_house")
    return found
