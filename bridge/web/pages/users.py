"""Users: who may sign in, and what they may do."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from bridge.storage import users
from bridge.storage.errors import InUse, NotFound
from bridge.web.desk import DESK
from bridge.web.pages.forms import FORM
from bridge.web.pages.refusals import UNSAVED, told
from bridge.web.pages.rendering import see_other, show
from bridge.web.pages.routes import PageRoute
from bridge.web.pages.visits import VISIT, remember
from bridge.web.problems import Problem
from bridge.web.users import add_user, change_password, change_role, named, remove_user


async def show_users(request: web.Request) -> web.Response:
    return await _page(request)


async def _page(
    request: web.Request, errors: dict[str, str] | None = None, status: int = 200, name: str = "", role: str = "viewer"
) -> web.Response:
    found = await request.app[DESK].db.read(users.all)
    return show(
        request,
        "users.html",
        title="Users",
        page="users",
        status=status,
        users=found,
        errors=errors or {},
        name=name,
        role=role,
    )


async def create_user(request: web.Request) -> web.Response:
    form = request[FORM]
    name, role = form.text("name"), form.text("role", "viewer")
    try:
        made = await add_user(request.app[DESK].db, name, form.raw("password"), role, request[VISIT].who)
    except UNSAVED as error:
        return await _page(request, *told(error), name, role)
    except InUse as problem:
        return await _page(request, {"name": f"{str(problem).capitalize()}."}, 409, name, role)
    await remember(request, f"{made.name} may sign in now.")
    return see_other("/users")


async def show_user(request: web.Request) -> web.Response:
    return await _one(request)


async def _one(request: web.Request, errors: dict[str, str] | None = None, status: int = 200) -> web.Response:
    user = await request.app[DESK].db.read(lambda conn: named(conn, request.match_info["user"]))
    return show(request, "user.html", title=user.name, page="users", status=status, user=user, errors=errors or {})


async def set_role(request: web.Request) -> web.Response:
    try:
        user = await change_role(
            request.app[DESK].db, request.match_info["user"], request[FORM].text("role"), request[VISIT].who
        )
    except UNSAVED as error:
        return await _one(request, *told(error))
    except InUse as problem:
        return await _one(request, {"role": f"{str(problem).capitalize()}."}, 409)
    await remember(request, f"{user.name} may now {'change things' if user.role is users.Role.MANAGER else 'look'}.")
    return see_other("/users")


async def set_password(request: web.Request) -> web.Response:
    try:
        user = await change_password(
            request.app[DESK].db, request.match_info["user"], request[FORM].raw("password"), request[VISIT].who
        )
    except UNSAVED as error:
        return await _one(request, *told(error))
    await remember(request, f"{user.name} has a new password; the sessions of {user.name} were ended.")
    return see_other("/users")


async def delete_user(request: web.Request) -> web.Response:
    text = "The user was removed."
    try:
        await remove_user(request.app[DESK].db, request.match_info["user"], request[VISIT].who)
    except InUse as problem:
        return await _one(request, {"": f"{str(problem).capitalize()}."}, 409)
    except (Problem, NotFound) as problem:
        if isinstance(problem, Problem) and problem.status != 404:
            raise
        text = "There is no such user any more, so nothing was changed."
    await remember(request, text)
    return see_other("/users")


ROUTES: Final = (
    PageRoute("GET", "/users", show_users, "Who may sign in"),
    PageRoute("POST", "/users", create_user, "Add a user"),
    PageRoute("GET", "/users/{user}", show_user, "One user"),
    PageRoute("POST", "/users/{user}/role", set_role, "What the user may do"),
    PageRoute("POST", "/users/{user}/password", set_password, "Set the user's password"),
    PageRoute("POST", "/users/{user}/remove", delete_user, "Remove the user"),
)
