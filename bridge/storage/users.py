"""Users: people who sign in to the pages, and what they may do there."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage.columns import db_now_ms
from bridge.storage.errors import InUse, NotFound
from bridge.storage.ids import new_id
from bridge.storage.tables import sessions
from bridge.storage.tables import users as table
from bridge.storage.upserts import upsert


class Role(StrEnum):
    MANAGER = "manager"
    """May change things."""
    VIEWER = "viewer"
    """May look."""


@dataclass(frozen=True, slots=True)
class User:
    id: str
    name: str
    password: str = field(repr=False)
    """An argon2id hash."""
    role: Role
    created_at: datetime
    updated_at: datetime
    seen_at: datetime | None
    """When the user last signed in."""


def name_key(name: str) -> str:
    """As names are compared: case does not tell two people apart."""
    return name.strip().casefold()


def _user(row: Row[Any]) -> User:
    # A role of a later version may do nothing here but look.
    role = Role(row.role) if row.role in {one.value for one in Role} else Role.VIEWER
    return User(row.id, row.name, row.password, role, row.created_at, row.updated_at, row.seen_at)


async def add_first(conn: AsyncConnection, name: str, password: str) -> bool:
    """A first manager, where there is no user at all. Several processes may try: one adds it."""
    if await conn.scalar(select(table.c.id).limit(1)) is not None:
        return False
    user_id = new_id("usr")
    await upsert(conn, table, _values(user_id, name, password, Role.MANAGER), keys=["name_key"])
    return await conn.scalar(select(table.c.id).where(table.c.name_key == name_key(name))) == user_id


async def add(conn: AsyncConnection, name: str, password: str, role: Role) -> User:
    """`password`: its hash. Raises `InUse` where the name is taken."""
    if await by_name(conn, name) is not None:
        raise _taken(name)
    user_id = new_id("usr")
    try:
        await conn.execute(insert(table).values(**_values(user_id, name, password, role)))
    except IntegrityError:  # somebody else added it since it was looked for
        raise _taken(name) from None
    made = await get(conn, user_id)
    assert made is not None
    return made


def _taken(name: str) -> InUse:
    return InUse(f"there is a user {name.strip()!r} already: choose another name")


def _values(user_id: str, name: str, password: str, role: Role) -> dict[str, Any]:
    return {
        "id": user_id,
        "name": name.strip(),
        "name_key": name_key(name),
        "password": password,
        "role": role.value,
        "created_at": db_now_ms(),
        "updated_at": db_now_ms(),
    }


async def all(conn: AsyncConnection) -> list[User]:  # noqa: A001 -- read as `users.all`
    return [_user(row) for row in await conn.execute(select(table).order_by(table.c.name_key))]


async def get(conn: AsyncConnection, user_id: str) -> User | None:
    row = (await conn.execute(select(table).where(table.c.id == user_id))).one_or_none()
    return None if row is None else _user(row)


async def locked(conn: AsyncConnection, user_id: str) -> User | None:
    """The user, for this transaction alone to change: what others write to it waits."""
    row = (await conn.execute(select(table).where(table.c.id == user_id).with_for_update())).one_or_none()
    return None if row is None else _user(row)


async def by_name(conn: AsyncConnection, name: str) -> User | None:
    row = (await conn.execute(select(table).where(table.c.name_key == name_key(name)))).one_or_none()
    return None if row is None else _user(row)


async def set_password(conn: AsyncConnection, user_id: str, password: str, *, but: str = "") -> None:
    """`password`: its hash. Ends the user's sessions, `but` the one in which it was changed."""
    await conn.execute(update(table).where(table.c.id == user_id).values(password=password, updated_at=db_now_ms()))
    await conn.execute(delete(sessions).where(sessions.c.user_id == user_id, sessions.c.id != but))


async def set_role(conn: AsyncConnection, user_id: str, role: Role) -> None:
    """Raises `NotFound`, and `InUse` where nobody would be left who may change things."""
    await _leaves_a_manager(conn, user_id, role)
    await conn.execute(update(table).where(table.c.id == user_id).values(role=role.value, updated_at=db_now_ms()))


async def remove(conn: AsyncConnection, user_id: str) -> None:
    """With the user's sessions. Raises `NotFound`, and `InUse` where nobody would be left who may change things."""
    await _leaves_a_manager(conn, user_id, None)
    await conn.execute(delete(sessions).where(sessions.c.user_id == user_id))
    await conn.execute(delete(table).where(table.c.id == user_id))


async def _leaves_a_manager(conn: AsyncConnection, user_id: str, role: Role | None) -> None:
    # Locked, so that two managers who take each other's role at once do not both succeed.
    query = select(table.c.id, table.c.role).order_by(table.c.id).with_for_update()
    roles = {row.id: row.role for row in await conn.execute(query)}
    if user_id not in roles:
        raise NotFound("there is no such user any more")
    if role is not Role.MANAGER and Role.MANAGER.value not in [now for one, now in roles.items() if one != user_id]:
        raise InUse("nobody would be left who may change things: make another user a manager first")


async def count(conn: AsyncConnection) -> int:
    return int(await conn.scalar(select(func.count()).select_from(table)) or 0)
