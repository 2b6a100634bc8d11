"""`bridge settings buyer-requests`: rules by which buyers' requests to cancel are answered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from bridge.cli.api import segment, service
from bridge.cli.failing import Failed
from bridge.cli.shops import ShopArgument, find_shop
from bridge.cli.shown import JsonOption, UrlOption, console, print_json


def buyer_requests(
    shop: ShopArgument,
    *,
    approve_unshipped_under: Annotated[
        float | None,
        typer.Option(
            metavar="HOURS",
            help="One rule: approve what is not shipped in the store while the order is under so many hours old",
        ),
    ] = None,
    file: Annotated[
        Path | None, typer.Option(metavar="JSON", help="A file with the list of rules; they replace those there are")
    ] = None,
    on: Annotated[bool | None, typer.Option("--on/--off", help="Let the rules answer, or a person each time")] = None,
    hold_fulfilment: Annotated[
        bool | None,
        typer.Option(
            "--hold-fulfilment/--no-hold-fulfilment",
            help="Hold what is not sent yet while a request waits, in stores that can (Shopify)",
        ),
    ] = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Rules for buyers' requests to cancel: show them, or set them.

    Setting rules switches them on, unless --off is given. They answer requests made from then on.
    """
    if approve_unshipped_under is not None and file is not None:
        raise Failed("--approve-unshipped-under and --file both set the rules: give one", 2)
    api = service(url)
    path = f"/api/v1/shops/{segment(find_shop(api, shop)['id'])}/cancellation-sync"
    body: dict[str, Any] = {}
    if approve_unshipped_under is not None:
        body["rules"] = [_unshipped_under(approve_unshipped_under)]
    elif file is not None:
        body["rules"] = _read(file)
    if body or on is not None:
        body["enabled"] = on is not False
    if hold_fulfilment is not None:
        body["hold_fulfilment"] = hold_fulfilment
    found = api.put(path, {"buyer_requests": body}) if body else api.get(path)
    if as_json:
        print_json(found["buyer_requests"])
    else:
        tell_rules(console(), found["buyer_requests"])


def _unshipped_under(hours: float) -> dict[str, Any]:
    return {
        "name": f"not shipped, under {hours:g} h",
        "decision": "approve",
        "store_shipped": False,
        "younger_than_hours": hours,
    }


def _read(file: Path) -> Any:
    try:
        found = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as problem:
        raise Failed(f"{file} cannot be read as JSON: {problem}", 2) from problem
    rules = found.get("rules") if isinstance(found, dict) else found
    if not isinstance(rules, list):
        raise Failed(f'{file} holds no list of rules: write [{{"name": …, "decision": …}}, …]', 2)
    return rules


def tell_rules(out: Console, part: Mapping[str, Any]) -> None:
    state = "on" if part["enabled"] else "off: a person answers each request"
    since = f", for requests from {part['effective_from']}" if part["enabled"] and part["effective_from"] else ""
    out.print(Text(f"  buyers' requests {state}{since}"))
    if part["hold_fulfilment"]:
        out.print(Text("    while one waits, the store's fulfilment is held"))
    for place, rule in enumerate(part["rules"], 1):
        held = [f"{name}={_plain(value)}" for name, value in rule.items() if _is_set(name, value)]
        out.print(Text(f"    {place}. {rule['name']}: {rule['decision']} if {', '.join(held) or 'anything'}"))
        if rule["decision"] == "reject":
            out.print(Text(f"       with {rule['reject_reason']}{': ' + rule['comment'] if rule['comment'] else ''}"))


def _is_set(name: str, value: Any) -> bool:
    return name not in {"name", "decision", "reject_reason", "comment"} and value not in (None, [], "")


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    return str(value).lower() if isinstance(value, bool) else f"{value}"
