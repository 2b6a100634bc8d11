"""`bridge settings sku-map`, `sku-import`, `sku-missing`: seller SKUs and the store's."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Annotated, Any

import typer

from bridge.cli.api import Api, segment, service
from bridge.cli.failing import Failed
from bridge.cli.settings import group
from bridge.cli.shops import ShopArgument, find_shop
from bridge.cli.shown import JsonOption, UrlOption, console, print_json, rows, table

PART = 5000
"""Mappings sent at once: a request has its bounds."""
_NAMES = ("seller_sku", "store_sku")


def add_to(_app: typer.Typer) -> None:
    """Its commands are among those of `bridge settings`."""
    for name, command in (("sku-map", sku_map), ("sku-import", sku_import), ("sku-missing", sku_missing)):
        group.command(name=name)(command)


def sku_map(
    shop: ShopArgument,
    seller_sku: Annotated[str, typer.Argument(metavar="SELLER_SKU", help="As TikTok Shop has it")],
    store_sku: Annotated[str | None, typer.Argument(metavar="STORE_SKU", help="As the store has it")] = None,
    *,
    remove: Annotated[bool, typer.Option("--remove", help="Take the mapping away")] = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Map a seller SKU to the store's SKU. Orders that waited for it are looked at now."""
    if remove == (store_sku is not None):
        raise Failed("name the store's SKU, or --remove", 2)
    api = service(url)
    _told(_send(api, find_shop(api, shop)["id"], {seller_sku: store_sku}), as_json=as_json)


def sku_import(
    shop: ShopArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV: seller SKU, store SKU")],
    *,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Map all seller SKUs of a CSV file: two columns, seller SKU and store SKU.

    Separated by comma, semicolon or tab, in UTF-8; a first line with the names seller_sku and store_sku is understood
    as such. Mappings that are not in the file stay. Nothing is changed where a line is wrong.
    """
    found = read(file)
    api = service(url)
    shop_id = find_shop(api, shop)["id"]
    items = sorted(found.items())
    total = {"changed": 0, "orders": 0}
    for start in range(0, len(items), PART):
        done = _send(api, shop_id, dict(items[start : start + PART]))
        total = {name: total[name] + done[name] for name in total}
    _told(total, as_json=as_json)


def sku_missing(shop: ShopArgument, *, as_json: JsonOption = False, url: UrlOption = None) -> None:
    """List the seller SKUs that the store does not know, with the number of orders that wait for each."""
    api = service(url)
    found = api.get(f"/api/v1/shops/{segment(find_shop(api, shop)['id'])}/sku-mappings/missing")
    if as_json:
        print_json(found)
    elif not found["missing"]:
        typer.echo("No order waits for a SKU.")
    else:
        shown = table("seller SKU key", "orders that wait")
        console().print(rows(shown, ((one["sku"], one["orders"]) for one in found["missing"])))


def read(file: Path) -> dict[str, str]:
    """Seller SKU → store SKU. Raises `Failed` that names the line."""
    try:
        text = file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as problem:
        because = problem.strerror if isinstance(problem, OSError) else "it is not UTF-8"
        raise Failed(f"{file} cannot be read: {because}", 2) from None
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    found: dict[str, str] = {}
    for number, cells in enumerate(csv.reader(io.StringIO(text), delimiter=separator), 1):
        plain = [cell.strip() for cell in cells]
        if not any(plain) or (number == 1 and tuple(cell.lower() for cell in plain) == _NAMES):
            continue
        if len(plain) != 2 or not all(plain):
            raise Failed(f"{file}, line {number}: two columns are needed, seller SKU and store SKU; nothing changed", 2)
        if found.get(plain[0], plain[1]) != plain[1]:
            raise Failed(f"{file}, line {number}: {plain[0]} is mapped twice, differently; nothing changed", 2)
        found[plain[0]] = plain[1]
    if not found:
        raise Failed(f"{file} has no mapping in it", 2)
    return found


def _send(api: Api, shop_id: str, mappings: dict[str, Any]) -> Any:
    return api.call("PATCH", f"/api/v1/shops/{segment(shop_id)}/sku-mappings", {"mappings": mappings})


def _told(done: dict[str, int], *, as_json: bool) -> None:
    if as_json:
        print_json(done)
    else:
        typer.echo(f"{done['changed']} mappings changed; {done['orders']} orders that waited are looked at now.")
