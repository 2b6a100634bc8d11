"""`bridge export`: what the books hold, as a file."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bridge.cli.api import service
from bridge.cli.failing import Failed
from bridge.cli.shown import UrlOption


class Book(StrEnum):
    CHANGELOG = "changelog"
    MONEY = "money"
    AUDIT = "audit"
    DRIFTS = "drifts"
    ATTENTION = "attention"


class Form(StrEnum):
    CSV = "csv"
    JSONL = "jsonl"


def add_to(app: typer.Typer) -> None:
    app.command()(export)


def export(
    book: Annotated[Book, typer.Argument(help="changelog, money, audit, drifts or attention")],
    *,
    form: Annotated[
        Form, typer.Option("--format", help="csv for spreadsheets, jsonl (one JSON object a line) for programs")
    ] = Form.CSV,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="From then on, such as 2026-01-01T00:00:00Z")
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Up to then; not in it")] = None,
    shop: Annotated[str | None, typer.Option(metavar="ID", help="Only this shop; not for the audit")] = None,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="Where to; - is the standard output")
    ] = "-",
    url: UrlOption = None,
) -> None:
    """Write the changelog, the money proofs, the audit, the drifts or what needed attention into a file.

    A file is there whole or not at all: it is written beside and renamed at the end. In CSV, texts that a spreadsheet
    could take for a formula begin with an apostrophe.
    """
    asked = {"format": form.value, "since": since, "until": until, "shop": shop}
    with service(url).stream(f"/api/v1/export/{book.value}", asked) as (headers, pieces), _written(output) as file:
        rows = int(headers.get("Bridge-Rows", "0"))
        for piece in _shown(pieces, rows, by_line=form is Form.JSONL):
            file.write(piece)


@contextlib.contextmanager
def _written(output: str) -> Iterator[BinaryIO]:
    """The file under its name only once all of it is on the disk."""
    if output == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    target = Path(output)
    try:
        number, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    except OSError as problem:
        raise Failed(f"cannot write {output}: {problem.strerror}") from None
    beside = Path(name)
    try:
        with os.fdopen(number, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(target)
    except OSError as problem:
        raise Failed(f"cannot write {output}: {problem.strerror}") from None
    finally:
        beside.unlink(missing_ok=True)


def _shown(pieces: Iterator[bytes], rows: int, *, by_line: bool) -> Iterator[bytes]:
    """The pieces, with a bar on stderr where a person looks: by row where a line is one, else by bytes."""
    count = MofNCompleteColumn() if by_line else DownloadColumn()
    columns = (TextColumn(f"about {rows} rows"), BarColumn(), count, TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("export", total=rows if by_line else None)
        for piece in pieces:
            yield piece
            progress.advance(task, piece.count(b"\n") if by_line else len(piece))
