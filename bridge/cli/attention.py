"""`bridge attention`: what waits for a person."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from bridge.cli.api import segment, service
from bridge.cli.orders import AllowOption
from bridge.cli.shown import JsonOption, UrlOption, console, moment, print_json

group = typer.Typer(rich_markup_mode=None)


def add_to(app: typer.Typer) -> None:
    app.add_typer(group, name="attention")


@group.callback(invoke_without_command=True)
def listed(
    context: typer.Context,
    *,
    state: Annotated[str, typer.Option(help="open, dismissed, closed or all")] = "open",
    kind: Annotated[str | None, typer.Option(help="Only this kind, such as buyer_request")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="At most so many, the newest first")] = 50,
    cursor: Annotated[str | None, typer.Option(help="Go on from here: `next` of the page before")] = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """What waits for a person: list it, settle it, or dismiss it.

    Without a command: the list, each item with its reason and what to do.
    """
    if context.invoked_subcommand is not None:
        return
    query = {"state": state, "kind": kind, "limit": limit, "cursor": cursor}
    found = service(url).get("/api/v1/attention", query)
    if as_json:
        print_json(found)
        return
    out = console()
    if not found["items"]:
        out.print("Nothing waits for a person.")
    for item in found["items"]:
        about = item["order"] or item["shop"] or item["connection"] or ""
        out.print(Text(f"{item['id']}  {item['title']}", style="bold"))
        out.print(Text(f"  about   {about}, {item['kind']}, {item['state']} since {moment(item['created_at'])}"))
        out.print(Text(f"  because {item['because']}"))
        out.print(Text(f"  to do   {item['what_to_do']}"))
    if found["next"]:
        out.print(Text(f"There is more: --cursor {found['next']}"))


@group.command()
def settle(
    item: Annotated[str, typer.Argument(help="Id of the item, as the list shows it")],
    *,
    allow: AllowOption = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Look at the order behind an item now, and close the difference between both sides."""
    found = service(url).post(f"/api/v1/attention/{segment(item)}/settle", {"allow": allow or []})
    _said(found, as_json=as_json)


@group.command(name="cancel-lines")
def cancel_lines(
    item: Annotated[str, typer.Argument(help="Id of the item, as the list shows it; its kind is partial_refund")],
    *,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Cancel just the units that the store refunded on TikTok Shop, for this one order.

    TikTok allows that in the US and the UK, as out of stock only, and counts it as the seller's fault. An out-of-stock
    reason must be listed in the shop's settings.
    """
    found = service(url).post(f"/api/v1/attention/{segment(item)}/cancel-lines", {})
    _said(found, as_json=as_json)


@group.command()
def dismiss(
    item: Annotated[str, typer.Argument(help="Id of the item, as the list shows it")],
    *,
    note: Annotated[str, typer.Option(help="Why, for the others")] = "",
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Put an item away: seen. It comes back when its facts change."""
    found = service(url).post(f"/api/v1/attention/{segment(item)}/dismiss", {"note": note})
    if as_json:
        print_json(found)
    else:
        typer.echo(f"{found['id']} is {found['state']}; it comes back when its facts change.")


def _said(found: dict[str, str], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
    else:
        typer.echo(f"{found['says']} See: bridge orders show {found['id']}")
