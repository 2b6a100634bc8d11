"""What is exported: one book after the other in pages by id, each page a transaction of its own.

The rows are counted first, and the last id read with the count: what is written from then on lies behind it, and is
left out, so that a count given beforehand is what comes. Less comes where old rows are forgotten meanwhile.

Nothing in it is secret, and nothing names a buyer: addresses stand only in the stored create bodies, which are not
exported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, Table, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage.ids import CLOCKS, id_floor
from bridge.storage.tables import attention, audit, changelog, drifts, money_proofs, orders

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Span:
    """What is wanted of a book. `since` is in it, `until` is not."""

    since: datetime | None = None
    until: datetime | None = None
    shop_id: str | None = None


@dataclass(frozen=True, slots=True)
class Book:
    query: Select[Any]
    table: Table
    key: Column[Any]
    """What it is paged by; unique, and never changed."""
    at: Column[Any]
    """The time that `since` and `until` mean."""
    prefix: str | None
    """Of ids that sort by that time; None where they do not."""
    columns: tuple[str, ...]
    """Of the rows, in their order."""
    shop: ColumnElement[Any] | None = None
    """None: the book knows no shops."""
    flat: Callable[[Row], list[Row]] = field(default=lambda row: [row])
    """One row as lines of a table."""
    flat_columns: tuple[str, ...] = ()
    """Columns of those lines, where they differ."""


def _of_orders(table: Table, *columns: ColumnElement[Any]) -> Select[Any]:
    number = [orders.c.channel_order_id.label("order"), orders.c.store_number.label("store_order")]
    return select(*columns[:2], *number, *columns[2:]).outerjoin_from(table, orders, orders.c.id == table.c.order_id)


def _lines(row: Row) -> list[Row]:
    """A money proof by unit: what an accountant sums up."""
    whole = {name: value for name, value in row.items() if name != "lines"}
    amounts = ("tiktok", "store", "explained", "difference", "basis")
    totals = {"line": "total", "unit": "", "sku": "", "explained": "", "basis": ""}
    lines = [
        whole
        | {"line": line["what"], "unit": line["unit"], "sku": line["sku"]}
        | {name: line[name] for name in amounts}
        for line in row["lines"]
    ]
    return [whole | totals, *lines]


_SHOP = orders.c.shop_id.label("shop")
_PROOF = ("id", "at", "order", "store_order", "shop", "state", "currency", "tiktok", "store", "difference", "because")

BOOKS: Mapping[str, Book] = {
    "changelog": Book(
        _of_orders(
            changelog, changelog.c.id, changelog.c.at, _SHOP, changelog.c.event, changelog.c.because, changelog.c.facts
        ),
        changelog,
        changelog.c.id,
        changelog.c.at,
        "log",
        ("id", "at", "order", "store_order", "shop", "event", "because", "facts"),
        orders.c.shop_id,
    ),
    "money": Book(
        _of_orders(
            money_proofs,
            money_proofs.c.order_id.label("id"),
            money_proofs.c.updated_at.label("at"),
            money_proofs.c.shop_id.label("shop"),
            money_proofs.c.state,
            money_proofs.c.currency,
            money_proofs.c.channel_amount.label("tiktok"),
            money_proofs.c.store_amount.label("store"),
            money_proofs.c.difference,
            money_proofs.c.because,
            money_proofs.c.lines,
        ),
        money_proofs,
        money_proofs.c.order_id,
        money_proofs.c.updated_at,
        None,
        (*_PROOF, "lines"),
        money_proofs.c.shop_id,
        _lines,
        (*_PROOF[:7], "line", "unit", "sku", "tiktok", "store", "explained", "difference", "basis", "because"),
    ),
    "audit": Book(
        select(
            audit.c.id,
            audit.c.at,
            audit.c.who,
            audit.c.what,
            audit.c.value_before.label("before"),
            audit.c.value_after.label("after"),
        ),
        audit,
        audit.c.id,
        audit.c.at,
        "aud",
        ("id", "at", "who", "what", "before", "after"),
    ),
    "drifts": Book(
        _of_orders(
            drifts,
            drifts.c.id,
            drifts.c.found_at.label("at"),
            drifts.c.shop_id.label("shop"),
            drifts.c.side,
            drifts.c.connection_id.label("connection"),
            drifts.c.effect,
            drifts.c.found_by,
            drifts.c.changed_at,
            drifts.c.told_at,
            drifts.c.healed_at,
            drifts.c.because,
        ),
        drifts,
        drifts.c.id,
        drifts.c.found_at,
        "dft",
        (
            *("id", "at", "order", "store_order", "shop", "side", "connection", "effect", "found_by"),
            *("changed_at", "told_at", "healed_at", "because"),
        ),
        drifts.c.shop_id,
    ),
    "attention": Book(
        _of_orders(
            attention,
            attention.c.id,
            attention.c.created_at.label("at"),
            func.coalesce(attention.c.shop_id, orders.c.shop_id).label("shop"),
            attention.c.connection_id.label("connection"),
            attention.c.kind,
            attention.c.state,
            attention.c.title,
            attention.c.because,
            attention.c.what_to_do,
            attention.c.note,
            attention.c.updated_at,
        ),
        attention,
        attention.c.id,
        attention.c.created_at,
        "att",
        (
            *("id", "at", "order", "store_order", "shop", "connection", "kind", "state", "title", "because"),
            *("what_to_do", "note", "updated_at"),
        ),
        func.coalesce(attention.c.shop_id, orders.c.shop_id),
    ),
}


def _where(book: Book, span: Span) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = []
    if span.since is not None:
        where.append(book.at >= span.since)
        if book.prefix:  # the id is what there is an index on
            where.append(book.key >= id_floor(book.prefix, span.since, -CLOCKS))
    if span.until is not None:
        where.append(book.at < span.until)
        if book.prefix:
            where.append(book.key < id_floor(book.prefix, span.until, CLOCKS))
    if span.shop_id is not None and book.shop is not None:
        where.append(book.shop == span.shop_id)
    return where


@dataclass(frozen=True, slots=True)
class Extent:
    """How much of a book there is."""

    rows: int
    last: str | None
    """The greatest `id` of them; None: there are no rows."""


async def extent(conn: AsyncConnection, book: Book, span: Span) -> Extent:
    """What there is now. One statement, because on a server two would see two moments."""
    query = select(func.count(), func.max(book.key)).select_from(book.table).where(*_where(book, span))
    if span.shop_id is not None and "order_id" in book.table.c:
        query = query.outerjoin_from(book.table, orders, orders.c.id == book.table.c.order_id)
    rows, last = (await conn.execute(query)).one()
    return Extent(rows, last)


async def page(
    conn: AsyncConnection, book: Book, span: Span, after: str | None, limit: int, last: str | None = None
) -> list[Row]:
    """Up to `limit` rows behind `after`, the `id` of the last row of the page before, and none behind `last`.

    Empty at the end.
    """
    query = book.query.where(*_where(book, span)).order_by(book.key).limit(limit)
    if after is not None:
        query = query.where(book.key > after)
    if last is not None:
        query = query.where(book.key <= last)
    return [dict(row._mapping) for row in await conn.execute(query)]
