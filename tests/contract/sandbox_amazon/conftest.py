from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from bridge.sandbox.amazon import AmazonSandbox, create_app
from tests.contract.sandbox_amazon.amazon_caller import Seller


@pytest.fixture
def box() -> AmazonSandbox:
    return AmazonSandbox()


@pytest.fixture
async def seller(box: AmazonSandbox) -> AsyncIterator[Seller]:
    async with TestServer(create_app(box)) as running, aiohttp.ClientSession() as session:
        yield Seller(box, session, str(running.make_url("/")).rstrip("/"), box.tokens.give().value)
