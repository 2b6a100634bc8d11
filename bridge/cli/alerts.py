"""`bridge alerts`: who is told of what needs attention."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import typer

from bridge.cli.api import Api, segment, service
from bridge.cli.failing import Failed
from bridge.cli.shown import JsonOption, UrlOption, console, moment, print_json, rows, table

group = typer.Typer(rich_markup_mode=None, no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    app.add_typer(group, name="alerts")


@group.callback()
def _root() -> None:
    """Alerts: who is told by e-mail or webhook when something needs attention.

    Each cause is told once to each target. Test a target after adding it.
    """


@group.command()
def add(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="email or webhook")],
    address: Annotated[str, typer.Argument(help="An e-mail address, or the webhook's https address")],
    *,
    name: Annotated[str | None, typer.Option(help="What people call it")] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND", help="Only this kind of attention; may be given several times"),
    ] = None,
    secret: Annotated[
        str | None,
        typer.Option(metavar="whsec_…", help="Webhook: sign with this one, of the receiver; else one is made"),
    ] = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Tell an e-mail address or a webhook, from now on.

    A webhook's secret is shown once: give it to whoever receives.
    """
    given = {"kind": kind, "address": address, "name": name, "kinds": only or None, "secret": secret}
    body = {field: value for field, value in given.items() if value is not None}
    made = service(url).post("/api/v1/alert-targets", body)
    if as_json:
        print_json(made)
        return
    typer.echo(f"{made['id']} is told from now on: {made['address']}")
    if made["secret"]:
        typer.echo(f"Its secret, shown only now: {made['secret']}")
    typer.echo(f"Try it: bridge alerts test {made['id']}")


@group.command(name="list")
def listed(*, as_json: JsonOption = False, url: UrlOption = None) -> None:
    """List the targets, and how their last message went."""
    found = service(url).get("/api/v1/alert-targets")
    if as_json:
        print_json(found)
        return
    if not found["targets"]:
        typer.echo("Nobody is told yet: bridge alerts add email ADDRESS")
        return
    shown = table("target key", "name", "address", "kinds", "state", "last sent", "waiting", "because")
    console().print(rows(shown, (_cells(target) for target in found["targets"])))


def _cells(target: Mapping[str, Any]) -> tuple[Any, ...]:
    kinds = ", ".join(target["kinds"]) if target["kinds"] else "all that block or run out"
    waiting = target["counts"].get("waiting", 0)
    return (
        target["id"],
        target["name"],
        target["address"],
        kinds,
        target["state"],
        moment(target["sent_at"]),
        waiting,
        target["because"],
    )


@group.command(name="test")
def try_out(
    target: Annotated[str | None, typer.Argument(help="Id of the target; left out: all that are switched on")] = None,
    *,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Send a test now and say what came of it. Exit code 1 where one did not arrive."""
    api = service(url)
    ids = [target] if target else [one["id"] for one in api.get("/api/v1/alert-targets")["targets"] if one["enabled"]]
    if not ids:
        raise Failed("nobody is told yet: bridge alerts add email ADDRESS")
    answers = {one: api.post(f"/api/v1/alert-targets/{segment(one)}/test") for one in ids}
    if as_json:
        print_json(answers)
    else:
        for one, answer in answers.items():
            typer.echo(f"{one}: {'delivered' if answer['delivered'] else 'NOT delivered'}. {answer['because']}")
    if not all(answer["delivered"] for answer in answers.values()):
        raise typer.Exit(1)


def _change(api: Api, target: str, body: Mapping[str, Any], *, as_json: bool) -> None:
    found = api.call("PATCH", f"/api/v1/alert-targets/{segment(target)}", dict(body))
    if as_json:
        print_json(found)
    else:
        typer.echo(f"{found['id']} is {found['state']}: {found['address']}")


@group.command(name="set")
def change(
    target: Annotated[str, typer.Argument(help="Id of the target")],
    *,
    name: Annotated[str | None, typer.Option(help="What people call it")] = None,
    only: Annotated[
        list[str] | None, typer.Option(metavar="KIND", help="Only this kind; may be given several times")
    ] = None,
    all_kinds: Annotated[bool, typer.Option("--all-kinds", help="All that block something or run out")] = False,
    enabled: Annotated[bool | None, typer.Option("--on/--off", help="Tell it, or tell it nothing")] = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Rename a target, choose what it is told of, or switch it off."""
    body: dict[str, Any] = {}
    if name is not None:
        body["name"] = name
    if only and all_kinds:
        raise Failed("--only and --all-kinds exclude each other", 2)
    if only or all_kinds:
        body["kinds"] = only or None
    if enabled is not None:
        body["enabled"] = enabled
    if not body:
        raise Failed("name at least one thing to change; see bridge alerts set --help", 2)
    _change(service(url), target, body, as_json=as_json)


@group.command()
def remove(target: Annotated[str, typer.Argument(help="Id of the target")], *, url: UrlOption = None) -> None:
    """Tell a target nothing more. What was told stays in the log."""
    service(url).call("DELETE", f"/api/v1/alert-targets/{segment(target)}")
    typer.echo(f"{target} is told nothing more.")


@group.command()
def log(
    *,
    state: Annotated[
        Literal["waiting", "sent", "failed", "dropped"] | None, typer.Option(help="Only those in this state")
    ] = None,
    target: Annotated[str | None, typer.Option(metavar="ID", help="Only those to this target")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="At most so many, the newest first")] = 50,
    cursor: Annotated[str | None, typer.Option(help="Go on from here: `next` of the page before")] = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """What was told, and what is still to be."""
    query = {"state": state, "target": target, "limit": limit, "cursor": cursor}
    found = service(url).get("/api/v1/alerts", query)
    if as_json:
        print_json(found)
        return
    if not found["alerts"]:
        typer.echo("Nothing was told yet.")
        return
    shown = table("at", "target key", "state", "kind", "about", "because")
    cells = (
        (
            moment(one["created_at"]),
            one["target"],
            one["state"],
            one["body"]["kind"],
            one["body"]["channel_order"] or one["body"]["shop"] or one["body"]["connection"],
            one["because"],
        )
        for one in found["alerts"]
    )
    console().print(rows(shown, cells))
    if found["next"]:
        typer.echo(f"There is more: --cursor {found['next']}")
