"""Whether the password that somebody types is the user's: attempts are limited, also those that are sent at once."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from bridge.storage import failed_sign_ins
from bridge.web import passwords
from bridge.web.desk import DESK, visitors_address
from bridge.web.problems import Problem

_BLOCKED: Final = (
    "Too many attempts failed. Wait 15 minutes, then try again. A new password opens the name at once: whoever runs "
    "the machine sets it with `bridge users password`."
)


async def is_right(request: web.Request, name: str, stored: str | None, password: str) -> bool:
    """`stored`: the user's hash, None where there is no such user.

    The attempt counts as failed until `failed_sign_ins.forget` is called. Raises `Problem` 429 where too many failed,
    or too many passwords wait to be looked at; neither is counted.
    """
    db, address = request.app[DESK].db, visitors_address(request)
    # First without a write: who keeps on trying costs no more than a look.
    if await db.read(lambda conn: failed_sign_ins.is_blocked(conn, name, address)):
        raise Problem("busy", _BLOCKED)
    with passwords.place():
        if not await db.write(lambda conn: failed_sign_ins.take(conn, name, address)):
            raise Problem("busy", _BLOCKED)
        return len(password) <= passwords.LONGEST and await passwords.matches(stored, password)
