"""`/api/v1/users`: who may sign in to the pages, and what they may do there."""

from __future__ import annotations

from aiohttp import web

from bridge.storage import users
from bridge.storage.users import User
from bridge.web.api.user_models import NewUser, UserChange, UserList, UserOut
from bridge.web.bodies import read_json
from bridge.web.desk import DESK
from bridge.web.problems import Problem
from bridge.web.routes import WHO, ok
from bridge.web.users import add_user, change_user, remove_user


async def list_users(request: web.Request) -> web.Response:
    found = await request.app[DESK].db.read(users.all)
    return ok(UserList(users=[_out(one) for one in found]))


async def create_user(request: web.Request) -> web.Response:
    asked = await read_json(request, NewUser)
    made = await add_user(
        request.app[DESK].db, asked.name, asked.password.get_secret_value(), asked.role.value, request[WHO]
    )
    return ok(_out(made), 201)


async def patch_user(request: web.Request) -> web.Response:
    asked = await read_json(request, UserChange)
    if asked.role is None and asked.password is None:
        raise Problem("invalid", 'Say what to change: {"role": …}, {"password": …}, or both.')
    changed = await change_user(
        request.app[DESK].db,
        request.match_info["user"],
        request[WHO],
        role=asked.role.value if asked.role else None,
        password=asked.password.get_secret_value() if asked.password else None,
    )
    return ok(_out(changed))


async def delete_user(request: web.Request) -> web.Response:
    await remove_user(request.app[DESK].db, request.match_info["user"], request[WHO])
    return web.Response(status=204)


def _out(user: User) -> UserOut:
    return UserOut(
        id=user.id,
        name=user.name,
        role=user.role,
        created_at=user.created_at,
        updated_at=user.updated_at,
        seen_at=user.seen_at,
    )
