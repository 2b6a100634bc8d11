"""What a worker takes is in its hand, also where the database was lost while it said so."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage import work
from bridge.storage.engine import Database
from bridge.sync.taking import take


class _CutError(Exception):
    """Rolls back."""


@pytest.mark.parametrize("holds", [True, False], ids=["the commit holds", "it does not"])
async def test_work_taken_in_a_commit_that_nobody_heard_of_is_not_left_to_its_lease(
    database: Database, monkeypatch: pytest.MonkeyPatch, *, holds: bool
) -> None:
    write = database.write
    await write(lambda conn: work.mark(conn, ["a"]))
    await write(lambda conn: work.mark(conn, ["b"]))
    await write(lambda conn: conn.execute(text("UPDATE work SET due_at = due_at - 1000 WHERE work_key = 'a'")))

    async def run_again(fn: Any, **more: Any) -> Any:
        """As the engine does when the connection is lost during COMMIT."""

        async def cut(conn: AsyncConnection) -> None:
            await fn(conn)
            raise _CutError

        with contextlib.suppress(_CutError):
            await write(fn if holds else cut)
        return await write(fn, **more)

    monkeypatch.setattr(database, "write", run_again)
    desk: Any = SimpleNamespace(db=database, settings=SimpleNamespace(lease=timedelta(seconds=240)))
    hand = await take(desk, "me:1/0")
    assert hand is not None
    assert (hand.claimed.key, hand.claimed.attempts) == ("a", 1)
    rows = await database.read(
        lambda conn: conn.execute(text("SELECT work_key, lease_owner, attempts FROM work ORDER BY work_key"))
    )
    assert [tuple(row) for row in rows] == [("a", "me:1/0", 1), ("b", None, 0)]
