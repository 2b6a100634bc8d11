"""`bridge users`: who may sign in to the pages."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

import typer

from bridge.cli.api import segment, service
from bridge.cli.failing import Failed
from bridge.cli.shown import JsonOption, UrlOption, console, moment, print_json, rows, table

group = typer.Typer(rich_markup_mode=None, no_args_is_help=True)

StdinOption = Annotated[
    bool, typer.Option("--stdin", help="Read the password from the first line of the standard input; ask nothing")
]
UserArgument = Annotated[str, typer.Argument(help="Name or id of the user")]


class Role(StrEnum):
    VIEWER = "viewer"
    MANAGER = "manager"


MAY: Mapping[str, str] = {Role.VIEWER: "look", Role.MANAGER: "change things"}


def add_to(app: typer.Typer) -> None:
    app.add_typer(group, name="users")


@group.callback()
def _root() -> None:
    """Users: who may sign in to the pages, to look or to change things.

    Passwords are asked for, or read from the standard input; they are never part of a command.
    """


@group.command(name="list")
def listed(*, as_json: JsonOption = False, url: UrlOption = None) -> None:
    """List the users, what they may do, and when they last signed in."""
    found = service(url).get("/api/v1/users")
    if as_json:
        print_json(found)
        return
    shown = table("user key", "name", "may", "last signed in", "added")
    cells = (
        (one["id"], one["name"], MAY.get(one["role"], "look"), moment(one["seen_at"]), moment(one["created_at"]))
        for one in found["users"]
    )
    console().print(rows(shown, cells))


@group.command()
def add(
    name: Annotated[str, typer.Argument(help="The name to sign in with; upper and lower case are one name")],
    *,
    role: Annotated[Role, typer.Option(help="viewer may look, manager may change things")] = Role.VIEWER,
    from_stdin: StdinOption = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Let somebody sign in. Asks for the password, which has 10 characters at least."""
    body = {"name": name, "password": _password(from_stdin=from_stdin), "role": role.value}
    made = service(url).post("/api/v1/users", body)
    _say(made, f"{made['name']} may sign in from now on, to {MAY[made['role']]}: {made['id']}", as_json=as_json)


@group.command()
def password(
    user: UserArgument, *, from_stdin: StdinOption = False, as_json: JsonOption = False, url: UrlOption = None
) -> None:
    """Set a user's password, where it was lost too. Ends the user's sessions."""
    changed = _changed(user, {"password": _password(from_stdin=from_stdin)}, url)
    _say(changed, f"{changed['name']} has a new password, and signs in with it from now on.", as_json=as_json)


@group.command()
def role(
    user: UserArgument,
    wanted: Annotated[Role, typer.Argument(metavar="ROLE", help="viewer may look, manager may change things")],
    *,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Say what a user may do. Somebody is always left who may change things."""
    changed = _changed(user, {"role": wanted.value}, url)
    _say(changed, f"{changed['name']} may {MAY[changed['role']]}.", as_json=as_json)


@group.command()
def remove(user: UserArgument, *, url: UrlOption = None) -> None:
    """Let a user sign in no more, at once. What the user changed stays in the audit log."""
    service(url).call("DELETE", f"/api/v1/users/{segment(user)}")
    typer.echo(f"{user} may sign in no more.")


def _changed(user: str, body: Mapping[str, Any], url: str | None) -> Any:
    return service(url).call("PATCH", f"/api/v1/users/{segment(user)}", dict(body))


def _say(found: Any, text: str, *, as_json: bool) -> None:
    if as_json:
        print_json(found)
    else:
        typer.echo(text)


def _password(*, from_stdin: bool) -> str:
    """Raises `Failed` (2) where there is none to be had."""
    if from_stdin:
        given = sys.stdin.readline().rstrip("\r\n")
        if not given:
            raise Failed("the standard input is empty: its first line is the password", 2)
        return given
    if not sys.stdin.isatty():
        raise Failed("nobody can be asked for the password here: give it on the standard input, with --stdin", 2)
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
