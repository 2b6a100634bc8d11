"""`bridge history`: what the past would have caused, and chosen orders of it settled."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from bridge.cli.api import Api, segment, service
from bridge.cli.failing import Failed
from bridge.cli.shops import ShopArgument, find_shop
from bridge.cli.shown import JsonOption, UrlOption, console, moment, print_json, rows, table

group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
POLL_SECONDS = 0.5
BATCH = 200
"""Orders of one call to apply."""

JobOption = Annotated[str | None, typer.Option("--job", metavar="ID", help="Another run than the shop's newest")]


def add_to(app: typer.Typer) -> None:
    app.add_typer(group, name="history")


@group.callback()
def _about() -> None:
    """See what a shop's last days would have caused, had its directions been on, and settle chosen orders of it."""


@group.command(name="run")
def run_history(
    shop: ShopArgument,
    *,
    days: Annotated[int, typer.Option(min=1, max=90, help="How far back changes are looked at")] = 30,
    direction: Annotated[
        list[str] | None,
        typer.Option(help="store_to_channel or channel_to_store; both unless given. May be given several times"),
    ] = None,
    wait: Annotated[bool, typer.Option(help="Wait for the run to end and show what it found")] = True,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Compare both sides of every order that changed, and write down what would have been done. Does nothing.

    Works in dry run and before anything is switched on, while other work goes on. At most 4 orders a second.
    """
    api = service(url)
    path = f"/api/v1/shops/{segment(find_shop(api, shop)['id'])}/history"
    body: dict[str, Any] = {"days": days} | ({"directions": direction} if direction else {})
    job = api.post(path, body)["job"]
    found = _ended(api, job) if wait else api.get(f"/api/v1/jobs/{segment(job)}")
    if as_json:
        print_json(found)
    if found["state"] == "failed":
        raise Failed(f"the run failed: {found['because']}")
    if as_json:
        return
    out = console()
    if found["state"] != "done":
        out.print(Text(f"The run is {found['state']}: job {job}. See: bridge history show {shop}"))
        return
    _tell_counts(out, found["result"]["counts"], days)
    out.print(Text(f"See them: bridge history show {shop}"))


def _ended(api: Api, job: str) -> Any:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("reading", total=None)
        while True:
            found = api.get(f"/api/v1/jobs/{segment(job)}")
            if found["state"] in {"done", "failed"}:
                return found
            here = found["progress"]
            words = here["waiting"] or f"{here['orders']} orders, {here['found']} effects, {here['held']} held"
            progress.update(task, description=words, completed=here["read"], total=here["of_about"] or None)
            time.sleep(POLL_SECONDS)


def _tell_counts(out: Console, counts: dict[str, int], days: int) -> None:
    total = sum(counts.values())
    out.print(Text(f"{total} orders changed in the last {days} days. Nothing was done. Both directions on since then,"))
    words = {"held": "would be held for a person", "nothing": "would have had nothing to do"}
    for name, count in sorted(counts.items()):
        out.print(Text(f"  {count:>6}  {words.get(name, f'would have had a {name}')}"))


@group.command()
def show(
    shop: ShopArgument,
    *,
    job: JobOption = None,
    effect: Annotated[
        str | None, typer.Option(help="refund, cancel, … or held, nothing, all; else everything but nothing")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="At most so many, in the order found")] = 50,
    cursor: Annotated[str | None, typer.Option(help="Go on from here: `next` of the page before")] = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Show what a run found, order by order: what would have been done, why, and how the order stands today."""
    api = service(url)
    found = _page(api, find_shop(api, shop)["id"], job=job, effect=effect, limit=limit, cursor=cursor)
    if as_json:
        print_json(found)
        return
    out = console()
    if found["job"] is None:
        out.print(Text(f"The past of this shop was never looked at: bridge history run {shop}"))
        return
    run, progress = found["job"], found["job"]["progress"]
    state = "" if run["state"] == "done" else f" ({run['state']}: {progress['waiting'] or run['because'] or 'reading'})"
    out.print(Text(f"Run {run['id']} over {progress['days']} days, {moment(run['created_at'])}{state}"))
    if not found["orders"]:
        out.print("Nothing to show.")
        return
    shown = table("TikTok order", "store order", "would", "changed", "today", "because")
    out.print(rows(shown, (_row(order) for order in found["orders"])))
    if found["next"]:
        out.print(Text(f"There is more: --cursor {found['next']}"))


def _page(api: Api, shop_id: str, **query: Any) -> Any:
    return api.get(f"/api/v1/shops/{segment(shop_id)}/history", query)


def _row(order: dict[str, Any]) -> tuple[Any, ...]:
    now = order["order"]["state"] if order["order"] else "not known"
    today = f"applied, {now}" if order["state"] == "applied" else now
    would = order["effect"] or order["verdict"]
    changed = moment(order["facts"].get("changed_at"))
    return order["channel_order_id"], order["store_number"], would, changed, today, order["because"]


@group.command(name="apply")
def apply_orders(
    shop: ShopArgument,
    orders: Annotated[list[str] | None, typer.Argument(metavar="ORDER", help="TikTok Shop's order ids")] = None,
    *,
    all_of: Annotated[
        str | None, typer.Option(metavar="EFFECT", help="All orders with this effect: refund, cancel, …")
    ] = None,
    job: JobOption = None,
    sure: Annotated[bool, typer.Option("--yes", help="Do not ask")] = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Settle chosen orders of a run now, their past allowed.

    The store order is linked where it was found, both sides are compared again, and that decides. Credit memos and
    cancellations cannot be undone. Doing it twice is harmless.
    """
    if bool(orders) == bool(all_of):
        raise Failed("name orders, or all of one effect with --all-of refund; not both", 2)
    api = service(url)
    shop_id = find_shop(api, shop)["id"]
    first = _page(api, shop_id, job=job, effect=all_of, limit=200)
    if first["job"] is None:
        raise Failed(f"the past of this shop was never looked at: bridge history run {shop}")
    chosen = orders or _all(api, shop_id, first, all_of or "")
    if not chosen:
        raise Failed(f"the run has no order with the effect {all_of}")
    if not sure and not typer.confirm(f"Act on {len(chosen)} orders of the past? What is done cannot be undone."):
        raise Failed("nothing was done")
    path = f"/api/v1/shops/{segment(shop_id)}/history/apply"
    answers: list[dict[str, Any]] = []
    for start in range(0, len(chosen), BATCH):
        answers += api.post(path, {"job": first["job"]["id"], "orders": chosen[start : start + BATCH]})["orders"]
    if as_json:
        print_json({"orders": answers})
    else:
        console().print(rows(table("TikTok order", "state", "says"), (tuple(answer.values()) for answer in answers)))
    refused = sum(answer["state"] == "refused" for answer in answers)
    if refused:
        raise Failed(f"{refused} of {len(answers)} orders were not taken; why stands beside them")


def _all(api: Api, shop_id: str, page: Any, effect: str) -> list[str]:
    found: list[str] = [order["channel_order_id"] for order in page["orders"]]
    while page["next"]:
        page = _page(api, shop_id, job=page["job"]["id"], effect=effect, limit=200, cursor=page["next"])
        found += [order["channel_order_id"] for order in page["orders"]]
    return found
