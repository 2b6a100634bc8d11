"""`bridge settings`: what is settled for each TikTok Shop, *Cancellation sync* among it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from bridge.cli import buyer_requests
from bridge.cli.api import segment, service
from bridge.cli.failing import Failed
from bridge.cli.shops import ShopArgument, find_shop
from bridge.cli.shown import JsonOption, UrlOption, console, findings, print_json, rows, table, yes

group = typer.Typer(rich_markup_mode=None)
group.command(name="buyer-requests")(buyer_requests.buyer_requests)


def add_to(app: typer.Typer) -> None:
    app.add_typer(group, name="settings")


@group.callback(invoke_without_command=True)
def listed(context: typer.Context, *, as_json: JsonOption = False, url: UrlOption = None) -> None:
    """Settings of each TikTok Shop, with cancellation sync.

    Without a command: all shops with what is set.
    """
    if context.invoked_subcommand is not None:
        return
    found = service(url).get("/api/v1/shops")
    if as_json:
        print_json(found)
        return
    if not found["shops"]:
        typer.echo("No TikTok Shop is connected yet: bridge connect tiktok")
    for shop in found["shops"]:
        _tell(console(), shop)


@group.command()
def show(shop: ShopArgument, *, as_json: JsonOption = False, url: UrlOption = None) -> None:
    """Show what is set for one shop."""
    found = find_shop(service(url), shop)
    if as_json:
        print_json(found)
    else:
        _tell(console(), found)


@group.command(name="set")
def change(
    shop: ShopArgument,
    *,
    store: Annotated[
        str | None, typer.Option(metavar="ID", help="Connection of the store that takes its orders")
    ] = None,
    untie: Annotated[bool, typer.Option("--untie", help="No store takes its orders any more")] = False,
    store_view: Annotated[str | None, typer.Option(metavar="CODE", help="Store view for new orders")] = None,
    payment_method: Annotated[str | None, typer.Option(metavar="CODE", help="Payment method of new orders")] = None,
    shipping_method: Annotated[str | None, typer.Option(metavar="CODE", help="Shipping method of new orders")] = None,
    create_orders: Annotated[
        bool | None, typer.Option("--create-orders/--no-create-orders", help="Create store orders")
    ] = None,
    orders_since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Orders created before are left alone")
    ] = None,
    hold_minutes: Annotated[
        int | None, typer.Option(min=0, help="Minutes an order rests before it is created, where TikTok holds none")
    ] = None,
    dry_run: Annotated[
        bool | None, typer.Option("--dry-run/--no-dry-run", help="Decide and write down, but do nothing")
    ] = None,
    money_tolerance: Annotated[
        str | None,
        typer.Option(metavar="AMOUNT", help="How far credit memos may be from TikTok's own amounts, such as 0.05"),
    ] = None,
    link_orders: Annotated[
        bool | None,
        typer.Option("--link-orders/--no-link-orders", help="Look in the store for orders another connector made"),
    ] = None,
    link_pattern: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TEXT",
            help="A store order number another connector gives, such as TTS-{id}; several times for more",
        ),
    ] = None,
    link_note_pattern: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TEXT",
            help="A text another connector writes into the customer note, such as 'TikTok order {id}'; several times "
            "for more",
        ),
    ] = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Change settings of one shop: its store, and how orders are created. What is not named keeps its value."""
    api = service(url)
    found = find_shop(api, shop)
    body = _named(
        create_orders=create_orders,
        orders_since=orders_since,
        hold_minutes=hold_minutes,
        dry_run=dry_run,
        money_tolerance=money_tolerance,
        link_orders=link_orders,
        link_patterns=link_pattern or None,
        link_note_patterns=link_note_pattern or None,
    )
    tie = _named(store_view=store_view, payment_method=payment_method, shipping_method=shipping_method)
    if untie:
        if store or tie:
            raise Failed("--untie cannot be given together with settings of a store", 2)
        body["store"] = None
    elif store or tie:
        connection = store or (found["store"] or {}).get("connection")
        if not connection:
            raise Failed("the shop is tied to no store yet: name its connection with --store", 2)
        body["store"] = {"connection": connection, **tie}
    if not body:
        raise Failed("name at least one setting to change; see bridge settings set --help", 2)
    changed = api.put(f"/api/v1/shops/{segment(found['id'])}", body)
    if as_json:
        print_json(changed)
    else:
        _tell(console(), changed)


@group.command(name="cancellation-sync")
def cancellation_sync(
    shop: ShopArgument,
    *,
    store_to_channel: Annotated[
        bool | None,
        typer.Option("--store-to-tiktok/--no-store-to-tiktok", help="A refund in the store cancels on TikTok Shop"),
    ] = None,
    default_reason: Annotated[
        str | None, typer.Option(metavar="KEY", help="Reason TikTok Shop is told; see: bridge settings reasons")
    ] = None,
    fallback_reason: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY", help="Tried where the default is not valid; may be given several times"),
    ] = None,
    partial: Annotated[
        str | None, typer.Option(help="Where only some units were refunded: hold, cancel_lines or ignore")
    ] = None,
    max_cancels_per_hour: Annotated[
        int | None, typer.Option(min=1, help="More than this pauses the direction and asks a person")
    ] = None,
    channel_to_store: Annotated[
        bool | None,
        typer.Option(
            "--tiktok-to-store/--no-tiktok-to-store", help="A TikTok Shop cancellation is refunded in the store"
        ),
    ] = None,
    restock: Annotated[
        bool | None, typer.Option("--restock/--no-restock", help="Put cancelled units back to stock")
    ] = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Channel settings › Cancellation sync of one shop: show it, or change what is named."""
    api = service(url)
    path = f"/api/v1/shops/{segment(find_shop(api, shop)['id'])}/cancellation-sync"
    there = _named(
        enabled=store_to_channel,
        default_reason=default_reason,
        fallback_reasons=fallback_reason or None,
        partial=partial,
        max_cancels_per_hour=max_cancels_per_hour,
    )
    back = _named(enabled=channel_to_store, restock=restock)
    body = {name: value for name, value in (("store_to_channel", there), ("channel_to_store", back)) if value}
    found = api.put(path, body) if body else api.get(path)
    if as_json:
        print_json(found)
    else:
        _tell_sync(console(), found)
        if found.get("restock_because"):
            typer.echo(f"  {found['restock_because']}")


@group.command()
def reasons(shop: ShopArgument, *, as_json: JsonOption = False, url: UrlOption = None) -> None:
    """List the cancellation reasons that a seller may give in the shop's market."""
    api = service(url)
    found = api.get(f"/api/v1/shops/{segment(find_shop(api, shop)['id'])}/cancel-reasons")
    if as_json:
        print_json(found)
        return
    shown = table("key", "text", "counts as seller fault", "order status")
    cells = ((r["key"], r["text"], yes(r["seller_fault"]), ", ".join(r["statuses"])) for r in found["reasons"])
    console().print(rows(shown, cells))


def _named(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _tell(out: Console, shop: Mapping[str, Any]) -> None:
    out.print(Text(f"{shop['name']} ({shop['region']})  {shop['id']}", style="bold"))
    tie = shop["store"]
    view = f", view {tie['store_view']}" if tie and tie["store_view"] else ""
    out.print(Text(f"  store            {tie['connection'] + view if tie else 'none: its orders are only watched'}"))
    out.print(Text(f"  create orders    {yes(shop['create_orders'])}, after {shop['hold_minutes']} minutes"))
    found = ", ".join([*shop["link_patterns"], *(f"note: {one}" for one in shop["link_note_patterns"])])
    out.print(Text(f"  link orders      {yes(shop['link_orders'])}{f', also by {found}' if found else ''}"))
    out.print(Text(f"  orders since     {shop['orders_since'] or 'not set'}"))
    out.print(Text(f"  dry run          {yes(shop['dry_run'])}"))
    if shop["cancellation_sync"] is not None:
        _tell_sync(out, shop["cancellation_sync"])
    findings(out, shop["findings"])


def _tell_sync(out: Console, sync: Mapping[str, Any]) -> None:
    there, back = sync["store_to_channel"], sync["channel_to_store"]
    reason = there["default_reason"] or "no reason chosen"
    more = f", else {', '.join(there['fallback_reasons'])}" if there["fallback_reasons"] else ""
    out.print(
        Text(f"  store → TikTok   {'on' if there['enabled'] else 'off'}: {reason}{more}; partial: {there['partial']}")
    )
    out.print(Text(f"  TikTok → store   {'on' if back['enabled'] else 'off'}: restock {yes(back['restock'])}"))
    buyer_requests.tell_rules(out, sync["buyer_requests"])
