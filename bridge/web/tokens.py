"""API tokens, as the pages and the API make and end them: each change is in the audit log, no token's text is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage import api_tokens, audit
from bridge.storage.api_tokens import ALL, ApiToken, Scope, included
from bridge.storage.engine import Database
from bridge.web.problems import Problem, invalid, unknown

LONGEST_NAME: Final = 64


async def make_token(
    db: Database, name: str, scopes: Iterable[str], who: str, allowed: frozenset[Scope] = ALL
) -> tuple[ApiToken, str]:
    """The token, and its text, to be shown once.

    `allowed`: scopes of who asks; nobody gives what they have not. Raises `Problem`, and `InUse` where the name is
    taken.
    """
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise invalid("/name", f"Give a name of 1 to {LONGEST_NAME} characters.")
    wanted = list(scopes)
    if not wanted or any(one not in set(Scope) for one in wanted):
        raise invalid("/scopes", f"Choose one or more of: {', '.join(one.value for one in Scope)}.")
    given = included(wanted)
    for one in sorted(given - allowed):
        raise scope_missing(one)

    async def write(conn: AsyncConnection) -> tuple[ApiToken, str]:
        made, text = await api_tokens.make(conn, name, given, who)
        await audit.write(conn, who, f"token {made.name} made", None, {"id": made.id, "scopes": sorted(made.scopes)})
        return made, text

    return await db.write(write)


async def end_token(db: Database, token_id: str, who: str) -> ApiToken:
    """It is refused from now on; ended before is no mistake. Raises `Problem` 404."""

    async def write(conn: AsyncConnection) -> ApiToken:
        found = await api_tokens.get(conn, token_id)
        if found is None:
            raise unknown("token", "/api/v1/tokens")
        if await api_tokens.end(conn, found.id):
            await audit.write(conn, who, f"token {found.name} ended", {"id": found.id}, None)
        return found

    return await db.write(write)


def scope_missing(scope: Scope) -> Problem:
    return Problem(
        "scope-missing",
        f"The token lacks the scope `{scope}`, which this needs. Use one that has it, or make one under Access › API "
        "tokens.",
        more={"scope": scope.value},
    )
