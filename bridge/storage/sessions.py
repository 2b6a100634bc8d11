"""Sessions: who is signed in, and until when. The cookie's text is known to the browser alone."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage import users
from bridge.storage.columns import db_now_ms
from bridge.storage.tables import sessions as table
from bridge.storage.tables import users as user_table
from bridge.storage.users import User

IDLE: Final = timedelta(hours=12)
"""A session ends when nothing was asked for so long."""
LIFE: Final = timedelta(days=7)
"""A session ends then, whatever was asked."""
SEEN_EVERY: Final = timedelta(minutes=5)
"""How exactly the last request is known: it costs a write."""


@dataclass(frozen=True, slots=True)
class Session:
    id: str
    user: User
    said: Mapping[str, str] | None
    """What the next page says of what was just done: `level` and `text`."""
    is_stale: bool
    """The last request was written down long enough ago to be written again."""


def digest(cookie: str) -> str:
    return hashlib.sha256(cookie.encode("utf-8", "surrogateescape")).hexdigest()


async def begin(conn: AsyncConnection, user_id: str) -> str:
    """The cookie of a new session. Ended ones go."""
    cookie = secrets.token_urlsafe(32)
    await conn.execute(delete(table).where(table.c.ends_at < db_now_ms()))
    await conn.execute(
        insert(table).values(
            id=digest(cookie),
            user_id=user_id,
            created_at=db_now_ms(),
            seen_at=db_now_ms(),
            ends_at=db_now_ms(LIFE.total_seconds()),
        )
    )
    await conn.execute(update(user_table).where(user_table.c.id == user_id).values(seen_at=db_now_ms()))
    return cookie


async def find(conn: AsyncConnection, cookie: str) -> Session | None:
    """The session that lives; None for one that ended."""
    query = select(
        table.c.id, table.c.user_id, table.c.said, (table.c.seen_at < _ago(SEEN_EVERY)).label("is_stale")
    ).where(table.c.id == digest(cookie), table.c.ends_at > db_now_ms(), table.c.seen_at > _ago(IDLE))
    row = (await conn.execute(query)).one_or_none()
    user = await users.get(conn, row.user_id) if row is not None else None
    return Session(row.id, user, row.said, bool(row.is_stale)) if row is not None and user is not None else None


async def seen(conn: AsyncConnection, session_id: str) -> None:
    await conn.execute(update(table).where(table.c.id == session_id).values(seen_at=db_now_ms(), said=None))


async def say(conn: AsyncConnection, session_id: str, level: str, text: str) -> None:
    """What the next page says once."""
    await conn.execute(update(table).where(table.c.id == session_id).values(said={"level": level, "text": text}))


async def end(conn: AsyncConnection, session_id: str) -> None:
    await conn.execute(delete(table).where(table.c.id == session_id))


async def last_ones(conn: AsyncConnection, user_id: str) -> list[datetime]:
    """When the user's living sessions began, the newest first."""
    query = select(table.c.created_at).where(table.c.user_id == user_id, table.c.ends_at > db_now_ms())
    return list(await conn.scalars(query.order_by(table.c.created_at.desc())))


def _ago(span: timedelta) -> Any:
    return db_now_ms(-span.total_seconds())
