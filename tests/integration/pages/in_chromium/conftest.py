"""All tests of this folder share one browser, so they run in one event loop, and their house is opened in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser as Chromium

from bridge.storage.engine import Database
from bridge.web.users import add_user
from tests.integration.pages.browsing import PASSWORD
from tests.integration.pages.chromium import launched, needs_chromium
from tests.integration.web.house import House, opened

_HERE = Path(__file__).parent
_ONE_LOOP = pytest.mark.asyncio(loop_scope="session")


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Marked before the loop is chosen, or the browser is started anew for each test, as if each had its own."""
    metafunc.definition.add_marker(_ONE_LOOP, append=False)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(_ONE_LOOP, append=False)
            item.add_marker(needs_chromium)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Chromium]:
    async with launched() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def house(sqlite_url: str) -> AsyncIterator[House]:
    """With a manager `admin`, whose password is PASSWORD."""
    database = await Database.open(sqlite_url)
    try:
        async with opened(database) as found:
            await add_user(found.db, "admin", PASSWORD, "manager", "test")
            yield found
    finally:
        await database.close()
