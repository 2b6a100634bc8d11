"""`bridge sweep`: look for what changed without telling."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from bridge.cli.api import Api, segment, service
from bridge.cli.failing import Failed
from bridge.cli.shown import JsonOption, UrlOption, console, print_json, rows, table

POLL_SECONDS = 0.25


def add_to(app: typer.Typer) -> None:
    app.command()(sweep)


def sweep(
    *,
    connection: Annotated[
        str | None, typer.Option(metavar="ID", help="Only this connection; else all that are connected")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="Changes from then on, such as 2026-01-31T08:00:00Z; else from the last sweep"
        ),
    ] = None,
    wait: Annotated[bool, typer.Option(help="Wait for the sweep to end and show what it marked")] = True,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Read what changed on both sides without a notification, and have those orders looked at.

    The service does it by itself every few minutes; this does it now.
    """
    api = service(url)
    body = {name: value for name, value in (("connection", connection), ("since", since)) if value is not None}
    job = api.post("/api/v1/sweeps", body)["job"]
    found = _ended(api, job) if wait else api.get(f"/api/v1/jobs/{segment(job)}")
    if as_json:
        print_json(found)
    if found["state"] == "failed":
        raise Failed(f"the sweep failed: {found['because']}")
    if as_json:
        return
    out = console()
    if found["state"] != "done":
        out.print(Text(f"The sweep is {found['state']}: job {job}"))
        return
    marked = (found["result"] or {}).get("marked", {})
    out.print(Text(f"Swept. {sum(marked.values())} changes were read, and their orders are looked at."))
    if marked:
        out.print(rows(table("shop or store", "changes"), marked.items()))
    for connection_id, because in (found["result"] or {}).get("not_swept", {}).items():
        out.print(Text(f"Not swept: {connection_id}: {because}"))


def _ended(api: Api, job: str) -> Any:
    """Ask until the job has ended, with something to look at meanwhile."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("sweeping")
        while True:
            found = api.get(f"/api/v1/jobs/{segment(job)}")
            if found["state"] in {"done", "failed"}:
                return found
            progress.update(task, description=f"sweeping: {found['state']}")
            time.sleep(POLL_SECONDS)
