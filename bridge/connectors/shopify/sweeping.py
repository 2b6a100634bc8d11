"""What changed in a shop since a moment: orders by `updated_at`, paged by their id.

An order that changes while it is being read keeps its id, so paging by id under `updated_at >= since` leaves nothing
out; paging by `updated_at` would. A refund and a cancellation both move their order's `updated_at`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from bridge.connectors.shopify.client import Client, page_of
from bridge.connectors.shopify.documents import CHANGED, NEWEST
from bridge.connectors.shopify.finding import moment, quoted
from bridge.connectors.shopify.reading import channel_order_id, notes_of, number_of, odd, read_time, rows_in, text
from bridge.ports import Changed, ChangedPage, Stream

OVERLAP: Final = timedelta(minutes=10)
"""Shopify's search index follows its orders with some delay."""
STREAMS: Final = (Stream("orders", OVERLAP),)


def _only_orders(stream: str) -> None:
    if stream != "orders":
        raise ValueError(f"a Shopify shop has no stream {stream!r}")


async def newest(client: Client, stream: str) -> datetime | None:
    """Raises `RemoteProblem`."""
    _only_orders(stream)
    rows = rows_in((await client.read(NEWEST)).get("orders"), "orders")
    return read_time(rows[0].get("updatedAt")) if rows else None


async def changed(client: Client, stream: str, since: datetime, page: str | None) -> ChangedPage:
    """`page` is the id of the last order of the page before. Raises `RemoteProblem`.

    The place is an id and no cursor: a cursor belongs to a list that may be gone when a sweep is taken up again.
    """
    _only_orders(stream)
    terms = [f"updated_at:>={quoted(moment(since))}"] + ([f"id:>{page}"] if page else [])
    rows, more = page_of((await client.read(CHANGED, {"q": " AND ".join(terms), "after": None})).get("orders"))
    return ChangedPage(tuple(_changed(row) for row in rows), number_of(rows[-1].get("id")) if more else None)


def _changed(row: dict[str, Any] | Any) -> Changed:
    when, order_id = read_time(row.get("updatedAt")), number_of(row.get("id"))
    if when is None or not order_id:
        raise odd("a row of the list has no id or time")
    return Changed(order_id, when, channel_order_id(row), text(row.get("name")), notes_of(row))
