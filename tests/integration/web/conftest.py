from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bridge.storage.engine import Database
from tests.integration.web.house import House, opened


@pytest.fixture
async def house(sqlite_database: Database) -> AsyncIterator[House]:
    async with opened(sqlite_database) as found:
        yield found


@pytest.fixture
async def each_house(database: Database) -> AsyncIterator[House]:
    """Once over SQLite, once over MariaDB."""
    async with opened(database) as found:
        yield found
