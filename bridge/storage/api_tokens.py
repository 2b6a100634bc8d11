"""API tokens that people made: what each may do, and when it was last used. Their texts are kept nowhere here."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Row, case, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage.columns import db_now_ms
from bridge.storage.errors import InUse
from bridge.storage.ids import new_id
from bridge.storage.tables import api_tokens as table

PREFIX: Final = "bridge_"
"""Of every token made here: others are never looked for, and who searches files for secrets finds it."""
MOST: Final = 100
"""Living tokens: a list of them is one page."""
LISTED: Final = 200
USED_EVERY: Final = timedelta(hours=1)
"""How exactly the last use is known: it costs a write."""


class Scope(StrEnum):
    READ = "read"
    """Everything that is shown; in each of the others."""
    ACT = "act"
    """Decide about orders: settle, link, answer buyers, sweep."""
    CONFIGURE = "configure"
    """Connections, settings, users, tokens."""


ALL: Final = frozenset(Scope)


@dataclass(frozen=True, slots=True)
class ApiToken:
    id: str
    name: str
    digest: str = field(repr=False)
    """sha256 of its text."""
    scopes: frozenset[Scope]
    """With what they include."""
    made_by: str
    created_at: datetime
    last_used_at: datetime | None
    """To the hour."""
    ended_at: datetime | None
    is_stale: bool
    """Its last use was written down long enough ago to be written again."""


def digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def included(scopes: Iterable[str]) -> frozenset[Scope]:
    """With what they include; a scope of a later version is none."""
    known = {one.value for one in Scope}
    found = {Scope(one) for one in scopes if one in known}
    return frozenset(found | {Scope.READ} if found else found)


def _token(row: Row[Any]) -> ApiToken:
    return ApiToken(
        row.id,
        row.name,
        row.digest,
        included(row.scopes),
        row.made_by,
        row.created_at,
        row.last_used_at,
        row.ended_at,
        bool(row.is_stale),
    )


def _query() -> Any:
    long_ago = db_now_ms(-USED_EVERY.total_seconds())
    return select(table, or_(table.c.last_used_at.is_(None), table.c.last_used_at < long_ago).label("is_stale"))


async def make(conn: AsyncConnection, name: str, scopes: frozenset[Scope], made_by: str) -> tuple[ApiToken, str]:
    """The token and its text, which is nowhere afterwards. Raises `InUse`: the name is taken, or there are too many."""
    # Locked, so that two of one name made at once do not both stay.
    living = select(table.c.name).where(table.c.ended_at.is_(None)).with_for_update()
    names = [one.casefold() for one in await conn.scalars(living)]
    if name.casefold() in names:
        raise InUse(f"there is a token {name!r} already: choose another name, or end that one first")
    if len(names) >= MOST:
        raise InUse(f"there are {MOST} tokens: end those that nobody uses first")
    text = PREFIX + secrets.token_urlsafe(32)
    token_id = new_id("tok")
    values = {"id": token_id, "name": name, "digest": digest(text), "scopes": sorted(scopes), "made_by": made_by}
    await conn.execute(insert(table).values(**values, created_at=db_now_ms()))
    made = await get(conn, token_id)
    assert made is not None
    return made, text


async def living(conn: AsyncConnection, wanted: str) -> ApiToken | None:
    """By the digest of its text; None for one that was ended."""
    row = (await conn.execute(_query().where(table.c.digest == wanted, table.c.ended_at.is_(None)))).one_or_none()
    return None if row is None else _token(row)


async def get(conn: AsyncConnection, token_id: str) -> ApiToken | None:
    row = (await conn.execute(_query().where(table.c.id == token_id))).one_or_none()
    return None if row is None else _token(row)


async def listed(conn: AsyncConnection) -> list[ApiToken]:
    """All that live, then those that were ended; the newest first."""
    order = (case((table.c.ended_at.is_(None), 0), else_=1), table.c.id.desc())
    return [_token(row) for row in await conn.execute(_query().order_by(*order).limit(LISTED))]


async def used(conn: AsyncConnection, token_id: str) -> None:
    await conn.execute(update(table).where(table.c.id == token_id).values(last_used_at=db_now_ms()))


async def end(conn: AsyncConnection, token_id: str) -> bool:
    """False where it was ended before."""
    query = update(table).where(table.c.id == token_id, table.c.ended_at.is_(None)).values(ended_at=db_now_ms())
    return bool((await conn.execute(query)).rowcount)
