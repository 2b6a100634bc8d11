from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from argon2 import PasswordHasher

from bridge.storage.engine import Database
from tests.integration.pages.browsing import Browser, signed_in
from tests.integration.web.house import House, opened


@pytest.fixture(scope="package", autouse=True)
def passwords_are_hashed_quickly() -> Iterator[None]:
    """Every test here signs in. What a hash costs in earnest is kept by the tests of users (tests/integration/web)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bridge.web.passwords._hasher", PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1))
        yield


@pytest.fixture
async def house(sqlite_database: Database) -> AsyncIterator[House]:
    async with opened(sqlite_database) as found:
        yield found


@pytest.fixture
async def browser(house: House) -> Browser:
    """A manager's, signed in."""
    return await signed_in(house)
