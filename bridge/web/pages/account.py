"""The visitor's own account: password, time zone."""

from __future__ import annotations

import asyncio
from functools import cache
from typing import Final
from zoneinfo import available_timezones

from aiohttp import web

from bridge.storage import failed_sign_ins
from bridge.web.desk import DESK, visitors_address
from bridge.web.pages.forms import FORM, wrong_fields
from bridge.web.pages.proving import is_right
from bridge.web.pages.rendering import see_other, show
from bridge.web.pages.routes import PageRoute
from bridge.web.pages.visits import VISIT, ZONE_COOKIE, is_secure, known_zone, remember
from bridge.web.problems import Problem
from bridge.web.users import change_password

_YEAR: Final = 365 * 86_400


async def show_account(request: web.Request) -> web.Response:
    return await _page(request)


async def _page(request: web.Request, errors: dict[str, str] | None = None, status: int = 200) -> web.Response:
    return show(
        request,
        "account.html",
        title="Your account",
        status=status,
        errors=errors or {},
        zones=await asyncio.to_thread(_zones),
    )


async def change_own_password(request: web.Request) -> web.Response:
    visit, form = request[VISIT], request[FORM]
    new, again = form.raw("password"), form.raw("again")
    db, user = request.app[DESK].db, visit.user
    try:
        right = await is_right(request, user.name, user.password, form.raw("current"))
    except Problem as problem:
        refused = await _page(request, {"": problem.detail}, problem.status)
        refused.headers.update(problem.headers)
        return refused
    if not right:
        return await _page(request, {"current": "This is not your present password."}, 422)
    await db.write(lambda conn: failed_sign_ins.forget(conn, user.name, visitors_address(request)))
    if new != again:
        return await _page(request, {"again": "The two new passwords differ."}, 422)
    try:
        await change_password(db, user.id, new, visit.who, session=visit.session, over=user.password)
    except Problem as problem:
        return await _page(request, wrong_fields(problem), problem.status)
    await remember(request, "Your password was changed. Your other sessions were ended.")
    return see_other("/account")


async def change_zone(request: web.Request) -> web.Response:
    name = request[FORM].text("zone")
    if await known_zone(name) is None:
        return await _page(request, {"zone": f"{name[:64]!r} is not a time zone that is known here."}, 422)
    await remember(request, f"Times are now shown in {name}, with UTC beside them.")
    answer = see_other("/account")
    answer.set_cookie(ZONE_COOKIE, name, max_age=_YEAR, samesite="Lax", secure=is_secure(request), path="/")
    return answer


@cache
def _zones() -> tuple[str, ...]:
    """Those of a place, and UTC: the others are aliases of old."""
    return ("UTC", *sorted(name for name in available_timezones() if "/" in name and not name.startswith("Etc/")))


ROUTES: Final = (
    PageRoute("GET", "/account", show_account, "Your own password and time zone"),
    PageRoute("POST", "/account/password", change_own_password, "Change your password", own=True),
    PageRoute("POST", "/account/zone", change_zone, "Choose the time zone of shown times", own=True),
)
