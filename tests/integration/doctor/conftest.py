"""A clinic over SQLite; what differs between databases is tested where the database is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.doctor.clinic import Clinic, clinic


@pytest.fixture
async def ward(tmp_path: Path, sqlite_url: str) -> AsyncIterator[Clinic]:
    async with clinic(tmp_path, sqlite_url) as made:
        yield made
