"""The routes about users."""

from __future__ import annotations

from typing import Final

from bridge.web.api import user_models as m
from bridge.web.api import users
from bridge.web.routes import Answer, Route

ROUTES: Final = (
    Route(
        "GET",
        "/api/v1/users",
        users.list_users,
        "Who may sign in to the pages; never their passwords",
        {200: Answer(m.UserList)},
    ),
    Route(
        "POST",
        "/api/v1/users",
        users.create_user,
        "Let somebody sign in",
        {201: Answer(m.UserOut)},
        problems=(409,),
        body=m.NewUser,
    ),
    Route(
        "PATCH",
        "/api/v1/users/{user}",
        users.patch_user,
        "Set the role, the password, or both; by id or name",
        {200: Answer(m.UserOut)},
        problems=(404, 409),
        body=m.UserChange,
        notes="A new password ends the user's sessions. Somebody is always left who may change things.",
    ),
    Route(
        "DELETE",
        "/api/v1/users/{user}",
        users.delete_user,
        "Let the user sign in no more; by id or name",
        {204: Answer(says="Gone")},
        problems=(404, 409),
    ),
)
