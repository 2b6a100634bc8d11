from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import pytest
import pytest_asyncio

from tests.contract.store.benches import BENCHES
from tests.contract.store.magento_bench import Bench, SandboxBench, live_settings, open_live, open_sandbox
from tests.contract.store.store_bench import BoxBench, StoreBench


@pytest_asyncio.fixture(params=[*BENCHES, pytest.param("live", marks=pytest.mark.live)])
async def any_store(request: pytest.FixtureRequest) -> AsyncIterator[StoreBench]:
    """Every platform's store on its sandbox and, where the environment names one, a real Magento."""
    if request.param == "live":
        async with open_live(_named()) as live:
            yield live
        return
    async with BENCHES[request.param]() as opened:
        yield opened


@pytest_asyncio.fixture(params=list(BENCHES))
async def any_box(request: pytest.FixtureRequest) -> AsyncIterator[BoxBench]:
    """Every platform's sandbox, for what cannot be asked of a real store."""
    async with BENCHES[request.param]() as opened:
        yield opened


@pytest_asyncio.fixture(params=["sandbox", pytest.param("live", marks=pytest.mark.live)])
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    """Magento, on its sandbox and a real one: for what only Magento has."""
    if request.param == "sandbox":
        async with open_sandbox() as opened:
            yield opened
        return
    async with open_live(_named()) as live:
        yield live


def _named() -> Mapping[str, str]:
    named = live_settings()
    if named is None:
        pytest.skip("no real store: set MAGENTO_URL, MAGENTO_CONSUMER_KEY, …_SECRET, MAGENTO_ACCESS_TOKEN, …_SECRET")
    return named


@pytest_asyncio.fixture
async def sandbox() -> AsyncIterator[SandboxBench]:
    """For what cannot be asked of a real store: faults, other plugin versions, other clocks."""
    async with open_sandbox() as opened:
        yield opened
