"""One suite for `bridge.ports.Channel`, run over real HTTP against each platform's sandbox."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bridge.connectors.tiktok.connect import Rotating
from bridge.ports import Channel
from tests.contract.channel.channel_bench import ChannelBench
from tests.contract.channel.channel_benches import BENCHES
from tests.contract.channel.channel_world import World, open_world


@pytest.fixture(params=list(BENCHES))
async def any_channel(request: pytest.FixtureRequest) -> AsyncIterator[ChannelBench]:
    """Every channel on its sandbox."""
    async with BENCHES[request.param]() as bench:
        yield bench


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """TikTok Shop's sandbox, for what only TikTok has."""
    async with open_world() as opened:
        yield opened


@pytest.fixture
async def opened(world: World) -> tuple[Channel, Rotating]:
    return await world.channel()


@pytest.fixture
def channel(opened: tuple[Channel, Rotating]) -> Channel:
    return opened[0]


@pytest.fixture
def tokens(opened: tuple[Channel, Rotating]) -> Rotating:
    return opened[1]
