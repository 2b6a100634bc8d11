"""The inbox: what arrived, one row per message or per thing that is told about again and again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import BigInteger, Integer, bindparam, delete, exists, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage.columns import MYSQL_NOW, SQLITE_NOW
from bridge.storage.tables import inbox as table
from bridge.storage.tables import work

TOPIC, SUBJECT, NOTE, KEY = 120, 191, 500, 191
"""Lengths of the columns, in characters."""


@dataclass(frozen=True, slots=True)
class Arrival:
    connection_id: str
    dedupe: str
    """What makes it the same message within the connection."""
    topic: str
    subject: str
    note: str
    work_key: str
    """What becomes due."""


@dataclass(frozen=True, slots=True)
class InboxRow:
    id: str
    connection_id: str
    topic: str
    subject: str
    note: str
    generation: int
    """How often it arrived."""
    noted_generation: int
    """How many of those the changelog knows."""
    first_at: datetime
    last_at: datetime
    work_key: str


def _fit(text: str, length: int) -> str:
    """Cut to the column, and free of what a driver cannot write: one odd message must not fail its whole batch."""
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode("utf-8")
    return text[:length].replace("\0", "")


def row_of(arrival: Arrival) -> tuple[str, ...]:
    """The values of a row, in the order of `arrive_sql`. Raises ValueError for a work key that does not fit."""
    if len(arrival.work_key) > KEY:
        raise ValueError(f"the work key {arrival.work_key[:40]!r}… has more than {KEY} characters")
    name = f"{arrival.connection_id}\n{arrival.dedupe}".encode("utf-8", "surrogatepass")
    return (
        hashlib.sha256(name).hexdigest(),
        arrival.connection_id,
        _fit(arrival.topic, TOPIC),
        _fit(arrival.subject, SUBJECT),
        _fit(arrival.note, NOTE),
        _fit(arrival.work_key, KEY),
    )


def arrive_sql(dialect: str, rows: int, *, is_mariadb: bool = False) -> str:
    """One statement that takes in so many rows of `row_of`. A row that is there gets its generation raised."""
    if dialect == "sqlite":
        now, mark, alias = SQLITE_NOW, "?", ""
        conflict, new = "ON CONFLICT (id) DO UPDATE SET", "excluded.{}"
    else:
        # MySQL 8.0.20 warns of VALUES() in the update and wants an alias, which MariaDB does not know.
        now, mark, alias = MYSQL_NOW, "%s", "" if is_mariadb else " AS arrived"
        conflict, new = "ON DUPLICATE KEY UPDATE", "VALUES({})" if is_mariadb else "arrived.{}"
    one = f"({', '.join([mark] * 6)}, 1, 0, {now}, {now})"
    return (
        "INSERT INTO inbox (id, connection_id, topic, subject, note, work_key, "  # noqa: S608 -- only constants
        f"generation, noted_generation, first_at, last_at) VALUES {', '.join([one] * rows)}{alias} {conflict} "
        f"generation = inbox.generation + 1, last_at = {now}, "
        f"note = {new.format('note')}, work_key = {new.format('work_key')}"
    )


_UNNOTED = (table.c.work_key == bindparam("key")) & (table.c.generation > table.c.noted_generation)
_ARRIVED = (
    select(*[table.c[field.name] for field in fields(InboxRow)])
    .where(_UNNOTED)
    .order_by(table.c.last_at, table.c.id)
    .limit(bindparam("most", type_=Integer()))
)


async def arrived(conn: AsyncConnection, work_key: str, limit: int = 500) -> list[InboxRow]:
    """What came in for this key and is not yet in the changelog, the oldest first."""
    return [InboxRow(*row) for row in await conn.execute(_ARRIVED, {"key": work_key, "most": limit})]


_NOTED = (
    update(table)
    .where(table.c.id == bindparam("row"), table.c.noted_generation < bindparam("seen", type_=BigInteger()))
    .values(noted_generation=bindparam("seen", type_=BigInteger()))
)


async def note_arrivals(conn: AsyncConnection, rows: Iterable[InboxRow]) -> None:
    """The changelog knows these arrivals, as they were read; one that came in since stays to be noted."""
    seen = {row.id: row.generation for row in rows}
    if seen:  # mostly one
        await conn.execute(_NOTED, [{"row": row, "seen": seen[row]} for row in sorted(seen)])


async def forget(conn: AsyncConnection, before: datetime, limit: int = 1000) -> int:
    """Delete up to `limit` rows that last arrived before then and wait for nothing; returns how many.

    Noted in a changelog, or without work due for them: what they told of turned out not to be ours.

    Keep them longer than a remote repeats a message: a repeat of a forgotten one is only one look more.
    """
    pending = exists().where(work.c.work_key == table.c.work_key)
    old = select(table.c.id).where(
        table.c.last_at < before, or_(table.c.generation <= table.c.noted_generation, ~pending)
    )
    ids = list(await conn.scalars(old.order_by(table.c.last_at).limit(limit)))
    if ids:
        # One that arrived again in this moment is young, and stays.
        await conn.execute(delete(table).where(table.c.id.in_(ids), table.c.last_at < before))
    return len(ids)


_REKEY = update(table).where(_UNNOTED).values(work_key=bindparam("order"))


async def rekey(conn: AsyncConnection, old: str, new: str) -> None:
    """What came in for the work key `old` belongs to `new`: its order was found. A repeat comes in as `old` again."""
    await conn.execute(_REKEY, {"key": old, "order": new[:KEY]})
