"""Users of the pages, as the pages and the API change them: each change is in the audit log, no password is.

There a user is named by id, because a name may hold blanks and be given again; what it was stands beside the change.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage import audit, failed_sign_ins, users
from bridge.storage.engine import Database
from bridge.storage.users import Role, User
from bridge.web import passwords
from bridge.web.problems import Problem, invalid

FIRST: Final = "admin"
"""The user that the first start makes."""
LONGEST_NAME: Final = 64


async def first_user(db: Database, password: str | None) -> str | None:
    """Make the first manager where there is no user; answers the password where it was made up here."""
    if await db.read(users.count):
        return None
    text = password or passwords.made_up()
    stored = await passwords.hashed(text)

    async def add(conn: AsyncConnection) -> bool:
        if not await users.add_first(conn, FIRST, stored):
            return False
        made = await named(conn, FIRST)
        await audit.write(conn, "bridge", f"user {made.id} added", None, _audited(made))
        return True

    # Asked again after a lost commit, the user is there: its password would be known to nobody, so it is not repeated.
    made = await db.write(add)
    return text if made and password is None else None


async def add_user(db: Database, name: str, password: str, role: str, who: str) -> User:
    """Raises `Problem` 422, and `InUse` where the name is taken."""
    name = checked_name(name)
    wanted = checked_role(role)
    check_password(password, name)
    stored = await passwords.hashed(password)

    async def write(conn: AsyncConnection) -> User:
        made = await users.add(conn, name, stored, wanted)
        await audit.write(conn, who, f"user {made.id} added", None, _audited(made))
        return made

    return await db.write(write)


async def change_role(db: Database, user_id: str, role: str, who: str) -> User:
    """Raises `Problem`, `NotFound`, and `InUse` where nobody would be left who may change things."""
    return await change_user(db, user_id, who, role=role)


async def change_password(
    db: Database, user_id: str, password: str, who: str, *, session: str = "", over: str | None = None
) -> User:
    """Ends the user's sessions, but the one named. `over`: the one hash that it may replace. Raises `Problem`."""
    return await change_user(db, user_id, who, password=password, session=session, over=over)


async def change_user(
    db: Database,
    user_id: str,
    who: str,
    *,
    role: str | None = None,
    password: str | None = None,
    session: str = "",
    over: str | None = None,
) -> User:
    """All that is given or nothing; a new password ends the user's sessions, but the one named, and opens the name
    again where too many attempts had failed.

    `user_id` is an id or a name. `over`: a new password replaces this hash only, not one that came meanwhile. Raises
    `Problem`, `NotFound`, and `InUse` where nobody would be left who may change things.
    """
    wanted = None if role is None else checked_role(role)
    stored: str | None = None
    if password is not None:
        user = await db.read(lambda conn: named(conn, user_id))
        check_password(password, user.name)
        stored = await passwords.hashed(password)

    async def write(conn: AsyncConnection) -> User:
        found = await named(conn, user_id)
        if over is not None:
            now = await users.locked(conn, found.id)
            if now is None or now.password != over:
                raise invalid("/current", "Your password was changed meanwhile: this is not your present one any more.")
        if wanted is not None and wanted is not found.role:
            await users.set_role(conn, found.id, wanted)
            after = {**_audited(found), "role": wanted.value}
            await audit.write(conn, who, f"user {found.id} role", _audited(found), after)
        if stored is not None:
            await users.set_password(conn, found.id, stored, but=session)
            await failed_sign_ins.lift(conn, found.name)
            name = {"name": found.name}
            await audit.write(conn, who, f"user {found.id} password", name, {**name, "password": "changed"})
        return await named(conn, found.id)

    return await db.write(write)


async def remove_user(db: Database, user_id: str, who: str) -> None:
    """Raises `Problem` 404, and `InUse` where nobody would be left who may change things."""

    async def write(conn: AsyncConnection) -> None:
        user = await named(conn, user_id)
        await users.remove(conn, user.id)
        await audit.write(conn, who, f"user {user.id} removed", _audited(user), None)

    await db.write(write)


async def named(conn: AsyncConnection, user_id: str) -> User:
    """By id or name. Raises `Problem` 404."""
    found = await users.get(conn, user_id) or await users.by_name(conn, user_id)
    if found is None:
        raise Problem("not-found", "There is no user of this id or name.")
    return found


def _audited(user: User) -> dict[str, str]:
    return {"name": user.name, "role": user.role.value}


def checked_name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise invalid("/name", f"Give a name of 1 to {LONGEST_NAME} characters.")
    if len(users.name_key(name)) > LONGEST_NAME:
        raise invalid("/name", "Give a shorter name: some of its letters, such as ß, count twice or more.")
    return name


def checked_role(role: str) -> Role:
    try:
        return Role(role)
    except ValueError:
        raise invalid("/role", f"Choose one of: {', '.join(one.value for one in Role)}.") from None


def check_password(password: str, name: str) -> None:
    mistake = passwords.wrong(password, name)
    if mistake:
        raise invalid("/password", mistake)
