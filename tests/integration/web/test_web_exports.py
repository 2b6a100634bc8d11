"""An export over HTTP while others write: what was counted is what comes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bridge.storage import audit
from bridge.web.api import exports
from tests.integration.web.house import House


async def test_rows_written_while_it_is_read_are_not_in_it(each_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    database, plain = each_house.db, each_house.db.read

    async def one_more() -> None:
        await database.write(lambda conn: audit.write(conn, "me", "shop", None, {"a": 1}))

    async def read(fn: Callable[[Any], Awaitable[Any]]) -> Any:
        """Somebody always writes right after a look."""
        found = await plain(fn)
        await one_more()
        return found

    for _ in range(5):
        await one_more()
    monkeypatch.setattr(exports, "PAGE", 2)
    monkeypatch.setattr(database, "read", read)
    answer = await each_house.ask("GET", "/api/v1/export/audit?format=jsonl")
    assert (answer.status, answer.headers[exports.ROWS_HEADER], len(answer.text.splitlines())) == (200, "5", 5)
