from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bridge.storage.engine import Database
from tests.integration.pages.browsing import Browser, signed_in
from tests.integration.web.house import House, opened


@pytest.fixture
async def house(sqlite_database: Database) -> AsyncIterator[House]:
    async with opened(sqlite_database) as found:
        yield found


@pytest.fixture
async def browser(house: House) -> Browser:
    """A manager's, signed in."""
    return await signed_in(house)
