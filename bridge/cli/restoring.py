"""`bridge restore-check`: after a restore from a backup, look at everything before anything acts."""

from __future__ import annotations

import asyncio
import getpass
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from bridge.cli.api import Api, NoService, service
from bridge.cli.failing import Failed
from bridge.cli.shown import JsonOption, UrlOption, console, print_json, rows, table

if TYPE_CHECKING:
    from bridge.storage.restore import Check

POLL_SECONDS = 0.5
PATH = "/api/v1/restore-check"
WORDS = {
    "sweeping": "reading what changed since the backup",
    "marking": "taking up every order",
    "looking": "looking at every order",
    "ready": "every order was looked at; effects are paused until `bridge restore-check resume`",
    "resumed": "effects go on",
    "none": "no check was ever asked for; effects are not paused",
}

group = typer.Typer(invoke_without_command=True, no_args_is_help=False)


def add_to(app: typer.Typer) -> None:
    app.add_typer(group, name="restore-check")


@group.callback()
def restore_check(
    context: typer.Context,
    *,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Look for changes from then on, such as 2026-01-31T08:00:00Z; else from where the backup had read to",
        ),
    ] = None,
    wait: Annotated[bool, typer.Option(help="Wait until every order was looked at")] = True,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """After a restore from a backup: pause all effects, look at everything, show what would follow.

    Run it before the service is started: then the pause is written into the database itself, and the service begins
    with the check. While a service runs it is asked. Nothing acts until `bridge restore-check resume`.
    """
    if context.invoked_subcommand is not None:
        return
    api = service(url)
    try:
        found = api.post(PATH, {"since": since} if since else {})
    except NoService as problem:
        _without_service(problem, since, as_json=as_json, named=url is not None)
        return
    if wait:
        found = _ready(api, found)
    _show(found, as_json=as_json)


@group.command()
def show(*, as_json: JsonOption = False, url: UrlOption = None) -> None:
    """Show how the check stands: orders looked at, effects that would follow, what is held, what was found."""
    _show(service(url).get(PATH), as_json=as_json)


@group.command()
def resume(
    *,
    force: Annotated[bool, typer.Option("--force", help="Although not every order was looked at")] = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Let effects go on, after you have read what would follow. Refused while the check is not finished."""
    _show(service(url).post(f"{PATH}/resume", {"force": force}), as_json=as_json)


def _without_service(problem: NoService, since: str | None, *, as_json: bool, named: bool) -> None:
    """No service runs, as it should be after a restore: write the pause where every service will read it."""
    if named:
        raise problem
    from bridge.storage.errors import StorageProblem

    try:
        moment = datetime.fromisoformat(since) if since else None
    except ValueError:
        raise Failed(f"--since {since} is no time; it looks like 2026-01-31T08:00:00Z", 2) from None
    if moment is not None and moment.tzinfo is None:
        raise Failed(f"--since {since} names no time zone; it looks like 2026-01-31T08:00:00Z", 2)
    try:
        check = asyncio.run(_write(moment))
    except (StorageProblem, ValueError, OSError) as broken:
        raise Failed(f"{problem}\n  And the database cannot be used from here: {broken}") from None
    if as_json:
        print_json({"state": check.state, "paused": True, "who": check.who, "began_at": check.began_at.isoformat()})
        return
    out = console()
    out.print(Text("No service runs, so the pause was written into the database itself."))
    out.print(Text("Start the service now: it looks at everything and does nothing. Then: bridge restore-check"))


async def _write(since: datetime | None) -> Check:
    from bridge.cli.settled import config
    from bridge.storage import restore
    from bridge.storage.engine import Database
    from bridge.storage.migrate import migrate

    database = await Database.open(config().database)
    try:
        await migrate(database)
        who = f"{getpass.getuser()} on the command line"
        return await database.write(lambda conn: restore.begin(conn, who, datetime.now(UTC), since))
    finally:
        await database.close()


def _ready(api: Api, found: Any) -> Any:
    """Ask until it is ready, with something to look at meanwhile."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("")
        while found["state"] in {"sweeping", "marking", "looking"}:
            words = f"{WORDS[found['state']]}: {found['looked_at']} looked at, {found['left']} left"
            waits = "; ".join(f"{connection}: {because}" for connection, because in found["not_swept"].items())
            progress.update(task, description=f"{words}; waits for {waits}" if waits else words)
            time.sleep(POLL_SECONDS)
            found = api.get(PATH)
    return found


def _show(found: Any, *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    out = console()
    out.print(Text(f"{found['state']}: {WORDS[found['state']]}"))
    for connection, because in found["not_swept"].items():
        out.print(Text(f"not read yet: {connection}: {because}"))
    if found["state"] in {"none", "sweeping"}:
        return
    out.print(Text(f"{found['looked_at']} orders looked at, {found['left']} left"))
    out.print(rows(table("how they stand", "orders"), sorted(found["counts"].items())))
    for title, key in (("Would follow", "effects"), ("Held for a person", "held"), ("Found in the store", "adopted")):
        if found[key]:
            out.print(Text(title, style="bold"))
            listed = [(one["channel_order"], one["store_number"], one["effect"], one["because"]) for one in found[key]]
            out.print(rows(table("TikTok order", "store order", "effect", "because"), listed))
