from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.contract.sandbox_magento.lab import Lab, open_lab


@pytest_asyncio.fixture
async def lab() -> AsyncIterator[Lab]:
    async with open_lab() as opened:
        yield opened
