"""What changed in a store since a moment: orders by `modified_after`, in the order of their ids.

A refund, a cancellation and a note all move their order's time of change. An order in the trash leaves the list; its
message tells of it, and the daily audit.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from bridge.connectors.woocommerce.answers import odd, read_problem
from bridge.connectors.woocommerce.client import Client, rows_of, walked
from bridge.connectors.woocommerce.finding import FIELDS, moment
from bridge.connectors.woocommerce.reading import Json, channel_order_id, number_of, read_time, text
from bridge.ports import Changed, ChangedPage, Stream

OVERLAP: Final = timedelta(minutes=10)
"""WooCommerce stamps an order before it is written; a slow plugin may hold it up for as long as PHP may run."""
STREAMS: Final = (Stream("orders", OVERLAP),)


def _only_orders(stream: str) -> None:
    if stream != "orders":
        raise ValueError(f"a WooCommerce store has no stream {stream!r}")


async def newest(client: Client, stream: str) -> datetime | None:
    """Raises `RemoteProblem`."""
    _only_orders(stream)
    asked: dict[str, str | int] = {"orderby": "modified", "order": "desc", "per_page": 1, "_fields": FIELDS}
    answer = await client.look("/orders", asked)
    if answer.code == "rest_invalid_param":
        # It cannot sort so: the newest order's time is not later, and a pass that begins earlier reads more.
        answer = await client.look("/orders", {**asked, "orderby": "date"})
    if not answer.is_ok:
        raise read_problem(answer)
    rows = rows_of(answer, "/orders")
    return read_time(rows[0].get("date_modified_gmt")) if rows else None


async def changed(client: Client, stream: str, since: datetime, page: str | None, keys: tuple[str, ...]) -> ChangedPage:
    """`page` is where the walk goes on: an offset and the last id seen. Raises `RemoteProblem`."""
    _only_orders(stream)
    query = {
        "modified_after": moment(since - timedelta(seconds=1)),
        "dates_are_gmt": "true",
        "_fields": FIELDS,
    }
    offset, _, last = (page or "0:0").partition(":")
    rows, place, left = await walked(client, "/orders", query, int(offset), int(last))
    next_page = None if place is None else f"{place[0]}:{place[1]}"
    return ChangedPage(tuple(_changed(row, keys) for row in rows), next_page, left)


def _changed(row: Json, keys: tuple[str, ...]) -> Changed:
    when, order_id = read_time(row.get("date_modified_gmt")), number_of(row.get("id"))
    if when is None or not order_id:
        raise odd("a row of the list has no id or time")
    number = str(row.get("number") or order_id)
    return Changed(order_id, when, channel_order_id(row, keys), number, text(row.get("customer_note")))
