"""One order's story for a person: both sides' ids, its units, and its changelog as a time line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.text import Text

from bridge.cli.shown import moment, rows, table

STYLES: Mapping[str, str] = {
    "arrived": "cyan",
    "decided": "bold",
    "done": "green",
    "waiting": "yellow",
    "void": "yellow",
    "refused": "red",
    "drift": "yellow",
    "parked": "red",
    "person": "magenta",
}


def tell_order(out: Console, order: Mapping[str, Any]) -> None:
    reading = order.get("reading") or {}
    channel, store = reading.get("channel") or {}, reading.get("store") or {}
    out.print(Text(f"{order['channel_order_id']}: {order['state']}", style="bold"))
    out.print(Text(f"  because  {order['because']}"))
    total = f", {channel['total']}" if channel.get("total") else ""
    out.print(Text(f"  TikTok   {channel.get('status') or 'not read yet'}{total}"))
    number = order["store_number"] or order["store_order_id"]
    if number:
        refunded = f", {store['refunded']} of {store['total']} refunded" if store.get("total") else ""
        out.print(Text(f"  store    {number}, {store.get('state') or 'not read yet'}{refunded}"))
        for memo in store.get("memos", ()):
            whose = "made by the bridge" if memo.get("ours") else "made in the store"
            out.print(Text(f"           credit memo {memo.get('number') or memo['id']}, {memo['total']}, {whose}"))
    else:
        out.print(Text("  store    no order there"))
    if order.get("reserved"):
        out.print(Text(f"  stock    taken: {order['reserved']}. {order['reserved_because']}"))
    if order.get("blocked"):
        out.print(Text(f"  blocked  {order['blocked']}", style="red"))
    out.print(Text(f"  id       {order['id']}"))
    if order["units"]:
        cells = (
            (unit["unit_id"], unit["seller_sku"], unit["channel"], unit["store"], unit["because"])
            for unit in order["units"]
        )
        out.print()
        out.print(rows(table("unit", "seller SKU", "on TikTok", "in the store", "because"), cells))
    if order.get("money"):
        tell_money(out, order["money"])
    for item in order["attention"]:
        out.print()
        out.print(Text(f"A person is asked: {item['title']} ({item['id']})", style="yellow"))
        out.print(Text(f"  because {item['because']}"))
        out.print(Text(f"  to do   {item['what_to_do']}"))
    out.print()
    for line in time_line(order["changelog"]):
        out.print(line)


PROOFS: Mapping[str, str] = {"equal": "green", "within": "green", "different": "red", "unknown": "yellow"}


def tell_money(out: Console, proof: Mapping[str, Any]) -> None:
    """Credit memos against TikTok's own amounts; line by line where they differ."""
    out.print()
    out.print(Text(f"Money    {proof['state']}: {proof['because']}", style=PROOFS.get(proof["state"], "")))
    if proof["state"] in {"equal", "within"}:
        return
    cells = (
        (f"{line['what']} {line['unit']}".strip(), line["sku"], line["tiktok"], line["store"], line["difference"])
        for line in proof["lines"]
    )
    out.print(rows(table("what", "seller SKU", "TikTok", "store", "difference"), cells))


def time_line(changelog: Iterable[Mapping[str, Any]]) -> Iterable[Text]:
    """Each entry on a line, with the time since the one before."""
    before: datetime | None = None
    for entry in changelog:
        at = datetime.fromisoformat(entry["at"])
        since = f"+{(at - before).total_seconds():.1f} s" if before else moment(entry["at"])[:10]
        before = at
        line = Text(f"{at.astimezone():%H:%M:%S}.{at.microsecond // 1000:03d} {since:>10}  ")
        line.append(f"{entry['event']:<8}", style=STYLES.get(entry["event"], ""))
        yield line.append(f" {entry['because']}")
