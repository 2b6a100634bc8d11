"""What commands print: data as JSON or as a table, moments and findings as people read them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

UrlOption = Annotated[
    str | None,
    typer.Option(
        "--url",
        metavar="URL",
        help="The service's address; else BRIDGE_URL, else http://127.0.0.1:8080",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, as the API gives it")]

PIPED_WIDTH = 400
LEVELS: Mapping[str, str] = {"ok": "green", "warning": "yellow", "error": "red"}


def console() -> Console:
    """To stdout; colours where a person looks, long lines where a program reads."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else PIPED_WIDTH)


def print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def table(*columns: str) -> Table:
    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        # Ids are copied from here: they are never broken.
        made.add_column(column, overflow="fold", no_wrap=column.endswith((" order", "key", "unit")))
    return made


def rows(into: Table, found: Iterable[Sequence[Any]]) -> Table:
    for row in found:
        into.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    return into


def moment(text: str | None) -> str:
    """An ISO time as local time, to the second."""
    return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M:%S") if text else ""


def findings(out: Console, found: Iterable[Mapping[str, str]]) -> None:
    for one in found:
        line = Text(f"  {one['level']:<8}", style=LEVELS.get(one["level"], ""))
        out.print(line.append(str(one["text"]), style="default"))


def yes(value: bool | None) -> str:
    return "not known" if value is None else "yes" if value else "no"
