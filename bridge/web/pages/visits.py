"""Visits: who asks for a page, in which time zone, and the proof that a form came from our own page."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Final
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog
from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage import attention, sessions
from bridge.storage.errors import StorageProblem
from bridge.storage.users import Role, User
from bridge.web.desk import DESK
from bridge.web.pages.forms import host_of

log: structlog.stdlib.BoundLogger = structlog.get_logger("bridge.web")

ZONE_COOKIE: Final = "bridge_zone"
HOME: Final = "/"
"""Where a sign-in leads that asked for nothing else."""
AT_MOST: Final = 100
"""Of what needs attention so many are counted: more is said to be more."""
_COOKIE: Final = "bridge_session"


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of somebody who signed in."""

    user: User
    session: str
    """The session's id."""
    csrf: str = field(repr=False)
    """What our own forms carry."""
    zone: tzinfo
    zone_name: str
    said: Mapping[str, str] | None
    """What was just done: `level` and `text`, shown once."""
    waiting: int
    """How many things need attention, counted up to a hundred."""

    @property
    def may_change(self) -> bool:
        return self.user.role is Role.MANAGER

    @property
    def who(self) -> str:
        """For the audit."""
        return f"user {self.user.name}"


VISIT: web.RequestKey[Visit] = web.RequestKey("visit", Visit)


def is_secure(request: web.Request) -> bool:
    """Browsers reach us by https only, so cookies need never travel without."""
    url = request.app[DESK].public_url
    return bool(url and url.startswith("https://"))


def cookie_name(request: web.Request) -> str:
    # The prefix has browsers refuse a cookie of this name that another host or a plain connection sets.
    return f"__Host-{_COOKIE}" if is_secure(request) else _COOKIE


async def visit(request: web.Request, cookie: str | None = None) -> Visit | None:
    """The visit of a living session; None where there is none. `cookie`: of a session that begins with this very
    answer. Raises `StorageProblem`.
    """
    cookie = request.cookies.get(cookie_name(request), "") if cookie is None else cookie
    if not 20 <= len(cookie) <= 100:
        return None
    desk = request.app[DESK]

    async def read(conn: AsyncConnection) -> tuple[sessions.Session | None, int]:
        found = await sessions.find(conn, cookie)
        return found, await attention.count_open(conn, at_most=AT_MOST) if found else 0

    session, waiting = await desk.db.read(read)
    if session is None:
        return None
    if session.is_stale or session.said:
        # What was said is said once; both are written together.
        try:
            await desk.db.write(lambda conn: sessions.seen(conn, session.id), idempotent=True)
        except StorageProblem as problem:  # looking goes on where nothing can be written
            log.warning("visit_not_noted", because=type(problem).__name__)
    name, found = await zone(request)
    return Visit(session.user, session.id, csrf_of(cookie), found, name, session.said, waiting)


def csrf_of(cookie: str) -> str:
    """Derived, so that nothing need be stored: it cannot be made without the cookie, and does not tell it."""
    return hmac.new(cookie.encode("utf-8", "surrogateescape"), b"form", hashlib.sha256).hexdigest()


async def zone(request: web.Request) -> tuple[str, tzinfo]:
    """The viewer's time zone, as the browser or the account page set it; UTC where it is not known."""
    name = request.cookies.get(ZONE_COOKIE, "").replace("%2F", "/").replace("%2f", "/")
    return await known_zone(name) or ("UTC", UTC)


async def known_zone(name: str) -> tuple[str, tzinfo] | None:
    """A zone's file is read once, beside the loop."""
    if not name or len(name) > 64:
        return None
    if name not in _zones:
        try:
            _zones[name] = await asyncio.to_thread(ZoneInfo, name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return None
    return name, _zones[name]


_zones: dict[str, tzinfo] = {}
"""Those that somebody asked for and that exist."""


def set_session(request: web.Request, response: web.Response, cookie: str) -> None:
    # Lax, not Strict: whoever comes back from TikTok Shop's authorization is still signed in.
    secure = is_secure(request)
    life = int(sessions.LIFE.total_seconds())
    response.set_cookie(
        cookie_name(request), cookie, max_age=life, httponly=True, secure=secure, samesite="Lax", path="/"
    )


def drop_session(request: web.Request, response: web.Response) -> None:
    response.set_cookie(
        cookie_name(request), "", max_age=0, httponly=True, secure=is_secure(request), samesite="Lax", path="/"
    )


def local_path(path: str) -> str:
    """Where to go on; home where it would lead elsewhere."""
    looks_local = path.startswith("/") and not path.startswith("//") and "\\" not in path
    return path if looks_local and path.isprintable() and len(path) <= 2000 else HOME


def sign_in_path(request: web.Request, *, ended: bool) -> str:
    """A page that was asked for is shown after signing in; a form that was sent is not sent again by itself: the page
    that held it is shown.
    """
    wanted = request.path_qs if request.method in {"GET", "HEAD"} else holding_page(request)
    path = f"/sign-in?next={quote(local_path(wanted), safe='')}"
    return path + ("&ended=1" if ended else "")


def holding_page(request: web.Request) -> str:
    """By the address that the browser says the form was on, where that is ours. A form that is shown again, with what
    is wrong, is on the address it was sent to: there is no page to ask for, so the one above it is named.
    """
    told = request.headers.get("Referer", "")
    if host_of(told) != request.host:
        return HOME
    referring = urlsplit(told)
    page = page_above(request, referring.path)
    return f"{page}?{referring.query}" if referring.query and page == referring.path else page


def page_above(request: web.Request, path: str) -> str:
    """The nearest address that can be looked at: the path itself, or one that it begins with."""
    while path not in {"", HOME} and not _is_page(request.app, path):
        path = path.rpartition("/")[0]
    return local_path(path or HOME)


def _is_page(app: web.Application, path: str) -> bool:
    ways = [(route.method, route.resource.get_info()) for route in app.router.routes() if route.resource is not None]
    exactly = {method for method, info in ways if info.get("path") == path}
    if exactly:
        return "GET" in exactly
    return any(method == "GET" and "pattern" in info and info["pattern"].fullmatch(path) for method, info in ways)


async def remember(request: web.Request, text: str, level: str = "ok") -> None:
    """Have the next page say it, once. `level`: ok, warning, error or note.

    What is said was saved before: where it cannot be kept, the page says nothing, and the change stands.
    """
    session_id = request[VISIT].session
    try:
        await request.app[DESK].db.write(lambda conn: sessions.say(conn, session_id, level, text), idempotent=True)
    except StorageProblem as problem:
        log.warning("outcome_not_said", because=type(problem).__name__)
