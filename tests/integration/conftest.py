"""The stage: both shops up, the service running, connected or not; on each database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.support.passwords import quick
from tests.support.stage import Stage, stage


@pytest.fixture(autouse=True)
def passwords_are_hashed_quickly() -> Iterator[None]:
    """Every service makes its first user, and every test of the pages signs in."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bridge.web.passwords._hasher", quick())
        yield


@pytest.fixture
async def bare(tmp_path: Path, database_url: str) -> AsyncIterator[Stage]:
    """Both shops and the service up, nothing connected."""
    async with stage(tmp_path, database_url) as made, made.inside():
        yield made


@pytest.fixture
async def play(tmp_path: Path, database_url: str) -> AsyncIterator[Stage]:
    """Connected, tied, both directions on, two products in the store."""
    async with stage(tmp_path, database_url) as made, made.inside():
        await made.connect()
        await made.product("MUG", price="10.00")
        await made.product("STICKER", price="5.00")
        yield made


@pytest.fixture
async def dark(tmp_path: Path, database_url: str) -> AsyncIterator[Stage]:
    """Both shops up, the service not started."""
    async with stage(tmp_path, database_url) as made:
        yield made
