"""Sign in, sign out. Attempts are limited; the answer never tells whether a name exists."""

from __future__ import annotations

from typing import Final

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage import audit, failed_sign_ins, sessions, users
from bridge.web import passwords
from bridge.web.desk import DESK, visitors_address
from bridge.web.pages.forms import check_origin, read_form
from bridge.web.pages.kept_forms import KEPT_FIELD, KeptForm, kept
from bridge.web.pages.proving import is_right
from bridge.web.pages.rendering import see_other, show, sign_in_page
from bridge.web.pages.routes import PageRoute
from bridge.web.pages.visits import HOME, VISIT, drop_session, local_path, set_session, visit
from bridge.web.problems import Problem

_WRONG: Final = "Name and password do not match. Check both; capital letters count in the password."


async def show_sign_in(request: web.Request) -> web.Response:
    going_to = local_path(request.query.get("next", HOME))
    if await visit(request) is not None:
        return see_other(going_to)
    return sign_in_page(request, going_to, ended="ended" in request.query)


async def sign_in(request: web.Request) -> web.Response:
    # There is no session yet whose token a form could carry: where the form comes from is what is checked.
    check_origin(request)
    form = await read_form(request)
    name, password, going_to = form.text("name")[:64], form.raw("password"), local_path(form.text("next", HOME))
    address, held = visitors_address(request), form.raw(KEPT_FIELD)
    db = request.app[DESK].db

    def wrong() -> web.Response:
        return sign_in_page(request, going_to, held=held, name=name, errors={"password": _WRONG}, status=422)

    user = await db.read(lambda conn: users.by_name(conn, name))
    try:
        right = await is_right(request, name, user.password if user else None, password)
    except Problem as problem:
        refused = sign_in_page(
            request, going_to, held=held, name=name, errors={"": problem.detail}, status=problem.status
        )
        refused.headers.update(problem.headers)
        return refused
    if user is None or not right:
        return wrong()
    better = await passwords.hashed(password) if passwords.is_outdated(user.password) else None

    async def begin(conn: AsyncConnection) -> str | None:
        now = await users.locked(conn, user.id)
        if now is None or now.password != user.password:
            # Changed or removed while the password was looked at: the one that was right is not the user's any more.
            return None
        await failed_sign_ins.forget(conn, name, address)
        if better is not None:
            await users.set_password(conn, user.id, better)
        await audit.write(conn, f"user {user.name}", "signed in", None, None)
        return await sessions.begin(conn, user.id)

    cookie = await db.write(begin)
    if cookie is None:
        return wrong()
    waiting = kept(held)
    answer = see_other(going_to) if waiting is None else await _ask_about(request, waiting, cookie)
    set_session(request, answer, cookie)
    return answer


async def _ask_about(request: web.Request, waiting: KeptForm, cookie: str) -> web.Response:
    """The form that was sent too late is sent again by who has read what is in it."""
    found = await visit(request, cookie)
    if found is not None:
        request[VISIT] = found
    return show(
        request,
        "send_again.html",
        title="Send it again?",
        action=local_path(waiting.action),
        back=local_path(waiting.back),
        form=waiting,
    )


async def sign_out(request: web.Request) -> web.Response:
    session = request[VISIT].session
    await request.app[DESK].db.write(lambda conn: sessions.end(conn, session), idempotent=True)
    answer = see_other("/sign-in")
    drop_session(request, answer)
    return answer


ROUTES: Final = (
    PageRoute("GET", "/sign-in", show_sign_in, "Sign in", open=True),
    PageRoute("POST", "/sign-in", sign_in, "Sign in", open=True),
    PageRoute("POST", "/sign-out", sign_out, "Sign out", own=True),
)
