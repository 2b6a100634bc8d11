"""`bridge orders` and `bridge settle`."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.text import Text

from bridge.cli.api import segment, service
from bridge.cli.shown import JsonOption, UrlOption, console, moment, print_json, rows, table
from bridge.cli.telling import tell_order

group = typer.Typer(rich_markup_mode=None)

AllowOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="WHAT",
        help="Let through for this order: create (although under way), past (from before the switch-on), brake "
        "(although unusually many), link (look for another connector's store order although that is switched off), "
        "lines (only the refunded units, line by line). May be given several times",
    ),
]
OrderArgument = Annotated[str, typer.Argument(metavar="ORDER", help="TikTok Shop's order id, or the bridge's own")]


def add_to(app: typer.Typer) -> None:
    app.add_typer(group, name="orders")
    app.command()(settle)


@group.callback(invoke_without_command=True)
def listed(
    context: typer.Context,
    *,
    query: Annotated[
        str | None, typer.Option(help="Beginning of an order id or number, TikTok's or the store's")
    ] = None,
    state: Annotated[str | None, typer.Option(help="settled, waiting, held, importing, …")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="At most so many, the newest first")] = 50,
    cursor: Annotated[str | None, typer.Option(help="Go on from here: `next` of the page before")] = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Orders: list them, tell the story of one, tie one to a store order.

    Without a command: the list, the newest first.
    """
    if context.invoked_subcommand is not None:
        return
    asked = {"query": query, "state": state, "limit": limit, "cursor": cursor}
    found = service(url).get("/api/v1/orders", asked)
    if as_json:
        print_json(found)
        return
    out = console()
    if not found["orders"]:
        out.print("No order fits." if query or state else "No order yet.")
        return
    shown = table("TikTok order", "store order", "state", "changed", "because")
    out.print(rows(shown, (_row(order) for order in found["orders"])))
    if found["next"]:
        out.print(Text(f"There is more: --cursor {found['next']}"))


def _row(order: dict[str, Any]) -> tuple[Any, ...]:
    number = order["store_number"] or order["store_order_id"]
    return order["channel_order_id"], number, order["state"], moment(order["updated_at"]), order["because"]


@group.command()
def show(order: OrderArgument, *, as_json: JsonOption = False, url: UrlOption = None) -> None:
    """Tell the story of one order: its ids on both sides, its units, and what was seen, decided and done, and why."""
    found = service(url).get(f"/api/v1/orders/{segment(order)}")
    if as_json:
        print_json(found)
    else:
        tell_order(console(), found)


@group.command()
def link(
    order: OrderArgument,
    store_order: Annotated[str, typer.Argument(help="Number or id of the store's order, as its admin shows it")],
    *,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Tie an order to a store order that is there already, made by hand or by another connector."""
    found = service(url).post(f"/api/v1/orders/{segment(order)}/link", {"store_order": store_order})
    if as_json:
        print_json(found)
    else:
        typer.echo(f"{found['channel_order_id']} is tied to {found['store_number'] or found['store_order_id']}.")


def settle(
    order: OrderArgument, *, allow: AllowOption = None, as_json: JsonOption = False, url: UrlOption = None
) -> None:
    """Look at an order now: read both sides, close the difference, write down why. Clears standing refusals."""
    found = service(url).post(f"/api/v1/orders/{segment(order)}/settle", {"allow": allow or []})
    if as_json:
        print_json(found)
    else:
        typer.echo(f"{found['says']} See: bridge orders show {found['id']}")
