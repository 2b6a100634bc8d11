"""`GET /api/v1/export/{book}`: streamed page by page, in constant memory, no transaction held over it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from typing import Final

from aiohttp import web

from bridge.storage import exports
from bridge.storage.exports import BOOKS, Book, Row, Span
from bridge.web.api.export_models import ExportQuery
from bridge.web.bodies import read_query
from bridge.web.desk import DESK, WebDesk
from bridge.web.problems import Problem, invalid
from bridge.web.routes import Answer, Route
from bridge.web.tabular import as_csv, as_json_lines

PAGE: Final = 1000
ROWS_HEADER: Final = "Bridge-Rows"
"""How many rows there were when it began, which are those that come; less what was forgotten by its end."""
_TYPES: Final = {"csv": "text/csv; charset=utf-8; header=present", "jsonl": "application/jsonl; charset=utf-8"}


async def export_book(request: web.Request) -> web.StreamResponse:
    """What breaks off ends without the last chunk, so that a reader sees that it is not whole."""
    desk, name = request.app[DESK], request.match_info["book"]
    book = BOOKS.get(name)
    if book is None:
        raise Problem("not-found", f"There is no export of this name; there are {', '.join(BOOKS)}.")
    asked = read_query(request, ExportQuery)
    if asked.shop is not None and book.shop is None:
        raise invalid("/shop", f"the {name} knows no shops: leave it out")
    if asked.since is not None and asked.until is not None and asked.until <= asked.since:
        raise invalid("/until", "lies before since: nothing could be in it")
    span = Span(asked.since, asked.until, asked.shop)
    extent = await desk.db.read(lambda conn: exports.extent(conn, book, span))
    pages = _pages(desk, book, span, extent.last)
    first: list[Row] = await anext(pages, [])
    response = web.StreamResponse(
        headers={
            "Content-Type": _TYPES[asked.format],
            "Content-Disposition": f'attachment; filename="{name}.{asked.format}"',
            ROWS_HEADER: str(extent.rows),
        }
    )
    await response.prepare(request)
    whole = False
    try:
        if asked.format == "csv":
            await response.write(as_csv([book.flat_columns or book.columns]))
        if first:
            await response.write(_written(book, first, asked.format))
        async for page in pages:
            await response.write(_written(book, page, asked.format))
        await response.write_eof()
        whole = True
    finally:
        if not whole and request.transport is not None:
            request.transport.abort()
    return response


async def _pages(desk: WebDesk, book: Book, span: Span, last: str | None) -> AsyncIterator[list[Row]]:
    """Each page in a transaction of its own: a slow reader holds nothing open. None where there was no row."""
    if last is None:
        return

    def behind(after: str | None) -> Awaitable[list[Row]]:
        return desk.db.read(lambda conn: exports.page(conn, book, span, after, PAGE, last))

    page = await behind(None)
    while page:
        yield page
        page = await behind(page[-1]["id"]) if len(page) == PAGE else []


def _written(book: Book, page: list[Row], kind: str) -> bytes:
    if kind == "jsonl":
        return as_json_lines([{name: row[name] for name in book.columns} for row in page])
    columns = book.flat_columns or book.columns
    return as_csv([line[name] for name in columns] for row in page for line in book.flat(row))


ROUTES: Final = (
    Route(
        "GET",
        "/api/v1/export/{book}",
        export_book,
        "Changelog, money, audit, drifts or attention as CSV or JSON lines",
        {
            200: Answer(
                content_types=("text/csv", "application/jsonl"),
                says="CSV (RFC 4180) or JSON lines, streamed",
                headers={
                    ROWS_HEADER: "Rows that there were when it began: those come, less what was forgotten by its end",
                    "Content-Disposition": "The name of the file",
                },
            )
        },
        problems=(404,),
        query=ExportQuery,
    ),
)
