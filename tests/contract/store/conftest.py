from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.contract.store.bench import Bench, SandboxBench, live_settings, open_live, open_sandbox


@pytest_asyncio.fixture(params=["sandbox", pytest.param("live", marks=pytest.mark.live)])
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    """Both stores that the one contract is held against."""
    if request.param == "sandbox":
        async with open_sandbox() as opened:
            yield opened
        return
    named = live_settings()
    if named is None:
        pytest.skip("no real store: set MAGENTO_URL, MAGENTO_CONSUMER_KEY, …_SECRET, MAGENTO_ACCESS_TOKEN, …_SECRET")
    async with open_live(named) as live:
        yield live


@pytest_asyncio.fixture
async def sandbox() -> AsyncIterator[SandboxBench]:
    """For what cannot be asked of a real store: faults, other plugin versions, other clocks."""
    async with open_sandbox() as opened:
        yield opened
