"""How far the daily audit is: the last run, or the one under way."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage import meta

_NAME = "audit.run"


@dataclass(frozen=True, slots=True)
class AuditRun:
    """Times are ISO texts."""

    started_at: str
    ended_at: str | None = None
    """None: it runs, or was broken off."""
    after: str | None = None
    """The last order marked; the rest comes after it."""
    marked: int = 0

    @property
    def began(self) -> datetime:
        return datetime.fromisoformat(self.started_at)


async def last(conn: AsyncConnection) -> AuditRun | None:
    """None: this installation was never started."""
    text = await meta.get(conn, _NAME)
    return None if text is None else AuditRun(**json.loads(text))


async def put(conn: AsyncConnection, run: AuditRun) -> None:
    await meta.put(conn, _NAME, json.dumps(asdict(run)))
