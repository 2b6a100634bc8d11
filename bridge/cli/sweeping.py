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
from bridge.cli.shown import JsonOption, UrlOption, console, moment, print_json, rows, table

POLL_SECONDS = 0.25
QUIET_SECONDS = 180.0
"""A sweep gives a sign of life every few seconds, and one that does not is ended by the service."""


group = typer.Typer(rich_markup_mode=None)


def add_to(app: typer.Typer) -> None:
    app.add_typer(group, name="sweep")


@group.callback(invoke_without_command=True)
def sweep(
    context: typer.Context,
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
    if context.invoked_subcommand is not None:
        return
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
        last, heard = "", time.monotonic()
        while True:
            found = api.get(f"/api/v1/jobs/{segment(job)}")
            if found["state"] in {"done", "failed"}:
                return found
            if found["updated_at"] != last:
                last, heard = found["updated_at"], time.monotonic()
            elif time.monotonic() - heard > QUIET_SECONDS:
                raise Failed(
                    f"nothing was heard of the sweep since {moment(last)}: job {job}. The process that made it seems "
                    "to be gone, or cannot write to its database; see its log, then ask again"
                )
            progress.update(task, description=f"sweeping: {found['state']}")
            time.sleep(POLL_SECONDS)


@group.command()
def status(*, as_json: JsonOption = False, url: UrlOption = None) -> None:
    """Show how far each list was swept, the last daily audit, and what both found that no message had told of."""
    found = service(url).get("/api/v1/sweeps")
    if as_json:
        print_json(found)
        return
    out = console()
    if not found["cursors"]:
        out.print("Nothing was swept yet: connect a store and a TikTok Shop, and tie them.")
        return
    shown = table("shop or store", "list", "read up to", "last pass", "pages", "changes")
    out.print(rows(shown, (_cursor(one) for one in found["cursors"])))
    out.print()
    audit = found["audit"]
    if audit is None:
        out.print("No daily audit yet: the first comes a day after the first start.")
    else:
        ended = f"ended {moment(audit['ended_at'])}" if audit["ended_at"] else "runs"
        words = f"{audit['marked']} orders looked at, {audit['found']} drifts found that the sweep had missed"
        out.print(Text(f"Daily audit of {moment(audit['started_at'])}, {ended}: {words}"))
    kept = found["retention"]
    if kept is not None:
        words = ", ".join(f"{number} {what}" for what, number in kept["gone"].items() if number) or "nothing was due"
        ended = f"ended {moment(kept['ended_at'])}" if kept["ended_at"] else "runs"
        out.print(Text(f"Kept and forgotten, {ended}: {words}"))
    out.print()
    _tell_drifts(out, found["drifts"])


def _cursor(one: dict[str, Any]) -> tuple[Any, ...]:
    last = "runs" if one["running"] else moment(one["finished_at"])
    return one["name"] or one["scope"], one["stream"], moment(one["since"]), last, one["pages"], one["seen"]


def _tell_drifts(out: Console, totals: dict[str, Any]) -> None:
    """Counts of what no message had told of."""
    spans = (("last 24 hours", totals["last_day"]), ("last 30 days", totals["last_30_days"]))
    found = [(span, one) for span, counts in spans for one in counts]
    if not found:
        out.print("Nothing was found in the last 30 days that no message had told of.")
        return
    shown = table("not told of", "by", "found", "by the audit", "told late", "never told", "healed", "open")
    names = ("found", "by_audit", "told_late", "never_told", "healed", "open")
    sides = {"store": "the store", "channel": "TikTok Shop"}
    cells = ((span, sides.get(one["side"], one["side"]), *(one[name] for name in names)) for span, one in found)
    out.print(rows(shown, cells))
