"""What of a connection's messages arrived, for the question whether they come at all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, func, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage.columns import Instant, db_now_ms
from bridge.storage.tables import drifts, inbox

LOOK_BACK: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Heard:
    """By the database's clock."""

    now: datetime
    last_at: datetime | None
    """The newest message."""
    untold: int
    """Changes found in the last day that no message told of."""


async def now(conn: AsyncConnection) -> datetime:
    """The database's clock."""
    moment: datetime = (await conn.execute(select(db_now_ms().label("now")))).scalar_one()
    return moment


async def read(conn: AsyncConnection, connection_id: str, but_topic: str) -> Heard:
    """`but_topic`: messages that do not count, because we sent them ourselves."""
    moment = await now(conn)
    newest = (
        select(inbox.c.last_at)
        .where(inbox.c.connection_id == connection_id, inbox.c.topic != but_topic)
        .order_by(inbox.c.last_at.desc())
        .limit(1)
    )
    untold = select(func.count()).where(
        drifts.c.connection_id == connection_id,
        drifts.c.found_at >= literal(moment - LOOK_BACK, Instant()),
        drifts.c.told_at.is_(None),
    )
    return Heard(moment, await conn.scalar(newest), int(await conn.scalar(untold) or 0))


async def arrived(conn: AsyncConnection, topic: str, subject: str, since: datetime) -> bool:
    """Whether a message of this topic about this subject arrived since then."""
    # By its time first: the only index that helps.
    found = select(inbox.c.id).where(
        inbox.c.last_at >= literal(since, Instant()), inbox.c.topic == topic, inbox.c.subject == subject
    )
    return (await conn.scalar(found.limit(1))) is not None


async def forget(conn: AsyncConnection, topic: str, subject: str, since: datetime) -> None:
    """Take such a message out again."""
    await conn.execute(
        delete(inbox).where(
            inbox.c.last_at >= literal(since, Instant()), inbox.c.topic == topic, inbox.c.subject == subject
        )
    )
