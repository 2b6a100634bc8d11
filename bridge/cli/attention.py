"""`bridge attention`: what waits for a person."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer
from rich.text import Text

from bridge.cli.api import segment, service
from bridge.cli.failing import Failed
from bridge.cli.orders import AllowOption
from bridge.cli.shown import JsonOption, UrlOption, console, moment, print_json, rows, table

group = typer.Typer(rich_markup_mode=None)


def add_to(app: typer.Typer) -> None:
    app.add_typer(group, name="attention")


@group.callback(invoke_without_command=True)
def listed(
    context: typer.Context,
    *,
    state: Annotated[str, typer.Option(help="open, dismissed, closed or all")] = "open",
    kind: Annotated[str | None, typer.Option(help="Only this kind, such as buyer_request")] = None,
    shop: Annotated[str | None, typer.Option(metavar="ID", help="Only of this shop")] = None,
    connection: Annotated[str | None, typer.Option(metavar="ID", help="Only of this connection")] = None,
    sort: Annotated[
        Literal["newest", "deadline"],
        typer.Option(help="newest, or deadline: only what runs out, what does so first at the front"),
    ] = "newest",
    limit: Annotated[int, typer.Option(min=1, max=200, help="At most so many, the newest first")] = 50,
    cursor: Annotated[str | None, typer.Option(help="Go on from here: `next` of the page before")] = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """What waits for a person: list it, settle it, dismiss it, or answer a buyer's request.

    Without a command: the list, each item with its reason and what to do.
    """
    if context.invoked_subcommand is not None:
        return
    query: dict[str, Any] = {"state": state, "kind": kind, "shop": shop, "connection": connection}
    query |= {"sort": sort, "limit": limit, "cursor": cursor}
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
        out.print(Text(f"  about   {about}, {item['kind']}, {item['state']} since {moment(item['opened_at'])}"))
        if item["deadline_at"]:
            late = ", which has passed" if item["overdue"] else ""
            out.print(Text(f"  until   {moment(item['deadline_at'])}{late}"))
        if item["reopened"]:
            out.print(Text(f"  again   {item['reopened']}"))
        out.print(Text(f"  because {item['because']}"))
        out.print(Text(f"  to do   {item['what_to_do']}"))
    if found["next"]:
        out.print(Text(f"There is more: --cursor {found['next']}"))


@group.command()
def groups(
    *,
    shop: Annotated[str | None, typer.Option(metavar="ID", help="Only of this shop")] = None,
    connection: Annotated[str | None, typer.Option(metavar="ID", help="Only of this connection")] = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """What waits for a person, by kind: how many, since when, what runs out, and what to do."""
    found = service(url).get("/api/v1/attention/groups", {"shop": shop, "connection": connection})
    if as_json:
        print_json(found)
        return
    out = console()
    if not found["groups"]:
        out.print("Nothing waits for a person.")
    for one in found["groups"]:
        out.print(Text(f"{one['count']} × {one['kind']}  {one['title']}", style="bold"))
        until = f", the first runs out {moment(one['nearest_deadline'])}" if one["nearest_deadline"] else ""
        out.print(Text(f"  since   {moment(one['oldest'])}{until}"))
        out.print(Text(f"  to do   {one['what_to_do']}"))
        out.print(Text(f"  see     bridge attention --kind {one['kind']}"))


ItemArgument = Annotated[str | None, typer.Argument(help="Id of the item, as the list shows it")]
KindOption = Annotated[str | None, typer.Option(help="All open items of this kind, instead of one item")]


@group.command()
def settle(
    item: ItemArgument = None,
    *,
    kind: KindOption = None,
    shop: Annotated[str | None, typer.Option(metavar="ID", help="With --kind: only of this shop")] = None,
    allow: AllowOption = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Look at the order behind an item now, and close the difference between both sides.

    With --kind: at the orders behind all open items of that kind.
    """
    if _one_of(item, kind):
        _said(service(url).post(f"/api/v1/attention/{segment(item or '')}/settle", {"allow": allow or []}), as_json)
        return
    body = {"kind": kind, "allow": allow or []} | ({"shop": shop} if shop else {})
    found = service(url).post("/api/v1/attention/settle", body)
    if as_json:
        print_json(found)
        return
    typer.echo(f"{found['settled']} orders are looked at now, spread over a while.")
    if found["skipped"]:
        typer.echo(f"{found['skipped']} items are not about one order: bridge attention --kind {kind}")
    if found["left"]:
        typer.echo(f"{found['left']} are left: ask again when these are done.")


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
    item: ItemArgument = None,
    *,
    kind: KindOption = None,
    shop: Annotated[str | None, typer.Option(metavar="ID", help="With --kind: only of this shop")] = None,
    note: Annotated[str, typer.Option(help="Why, for the others")] = "",
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Put an item away: seen. It comes back when its facts change.

    With --kind: all open items of that kind.
    """
    if _one_of(item, kind):
        found = service(url).post(f"/api/v1/attention/{segment(item or '')}/dismiss", {"note": note})
        told = f"{found['id']} is {found['state']}; it comes back when its facts change."
    else:
        body = {"kind": kind, "note": note} | ({"shop": shop} if shop else {})
        found = service(url).post("/api/v1/attention/dismiss", body)
        told = f"{found['dismissed']} are dismissed; each comes back when its facts change."
    if as_json:
        print_json(found)
    else:
        typer.echo(told)


def _one_of(item: str | None, kind: str | None) -> bool:
    """Whether one item is meant. Raises `Failed` where both or neither are named."""
    if (item is None) == (kind is None):
        raise Failed("name an item, or a kind with --kind; bridge attention lists them", 2)
    return item is not None


RequestOption = Annotated[
    str | None, typer.Option("--request", metavar="ID", help="TikTok's id of the request; else the nearest deadline")
]


@group.command()
def approve(
    item: Annotated[str, typer.Argument(help="Id of a buyer_request item, as the list shows it")],
    *,
    request: RequestOption = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Approve the buyer's request to cancel: TikTok pays the buyer back, and the store order is refunded."""
    found = service(url).post(f"/api/v1/attention/{segment(item)}/approve", {"request": request})
    _said(found, as_json)


@group.command()
def reject(
    item: Annotated[str, typer.Argument(help="Id of a buyer_request item, as the list shows it")],
    *,
    reason: Annotated[str, typer.Option(metavar="KEY", help="See: bridge attention reject-reasons ITEM")],
    comment: Annotated[str, typer.Option(help="Shown to the buyer")] = "",
    request: RequestOption = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Reject the buyer's request to cancel, with one of TikTok's own reasons: the order lives on."""
    body = {"reason": reason, "comment": comment, "request": request}
    found = service(url).post(f"/api/v1/attention/{segment(item)}/reject", body)
    _said(found, as_json)


@group.command(name="reject-reasons")
def reject_reasons(
    item: Annotated[str, typer.Argument(help="Id of a buyer_request item, as the list shows it")],
    *,
    request: RequestOption = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """List with what TikTok lets this request be rejected, asked now."""
    found = service(url).get(f"/api/v1/attention/{segment(item)}/reject-reasons", {"request": request})
    if as_json:
        print_json(found)
        return
    if not found["reasons"]:
        typer.echo(f"TikTok lists no reason for rejecting request {found['request']}.")
    else:
        console().print(rows(table("key", "TikTok's words"), ((r["key"], r["text"]) for r in found["reasons"])))
    if found["note"]:
        typer.echo(found["note"])


def _said(found: dict[str, str], as_json: bool) -> None:
    if as_json:
        print_json(found)
    else:
        typer.echo(found["says"])
