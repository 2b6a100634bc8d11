"""What changed in a store since a moment: orders and credit memos by `updated_at`, paged by `entity_id`.

An order that changes while it is being read keeps its id and only grows younger, so paging by id under
`updated_at >= since` leaves nothing out; paging by `updated_at` or by page number would.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from bridge.connectors.magento.client import Client, expect_object, expect_rows
from bridge.connectors.magento.reading import text
from bridge.connectors.magento.search import PAGE_SIZE, criteria, magento_time, read_time
from bridge.domain.outcomes import Rejected, RemoteProblem
from bridge.ports import Changed, ChangedPage, Stream

OVERLAP: Final = timedelta(minutes=5)
"""A transaction open while the newest time was read commits with an older one; PHP ends it long before this."""
STREAMS: Final = (Stream("orders", OVERLAP), Stream("creditmemos", OVERLAP))
_FIELDS = {
    "orders": "items[entity_id,increment_id,ext_order_id,customer_note,updated_at],total_count",
    "creditmemos": "items[entity_id,order_id,updated_at],total_count",
}


async def newest(client: Client, stream: str) -> datetime | None:
    """Raises `RemoteProblem`."""
    _only_known(stream)
    query = criteria(sort=("updated_at", "DESC"), page_size=1, fields="items[entity_id,updated_at],total_count")
    rows, _ = await _page(client, stream, query)
    return read_time(rows[0].get("updated_at")) if rows else None


async def changed(client: Client, stream: str, since: datetime, page: str | None) -> ChangedPage:
    """`page` is the last id of the page before. Raises `RemoteProblem`."""
    _only_known(stream)
    query = criteria(
        [("updated_at", "gteq", magento_time(since))],
        [("entity_id", "gt", page or "0")],
        sort=("entity_id", "ASC"),
        page_size=PAGE_SIZE,
        fields=_FIELDS[stream],
    )
    rows, total = await _page(client, stream, query)
    # Not told by the page's length: a store may cap the page size below ours.
    more = text(rows[-1].get("entity_id")) if rows else None
    left = max(0, total - len(rows)) if total is not None else None
    return ChangedPage(tuple(_changed(stream, row) for row in rows), more, left)


def _only_known(stream: str) -> None:
    if stream not in _FIELDS:
        raise ValueError(f"a Magento store has no stream {stream!r}")


async def _page(client: Client, stream: str, query: str) -> tuple[list[dict[str, Any]], int | None]:
    page = expect_object(await client.get(f"/rest/V1/{stream}", query), stream)
    total = text(page.get("total_count"))
    return expect_rows(page.get("items"), stream), int(total) if total.isdecimal() else None


def _changed(stream: str, row: Mapping[str, Any]) -> Changed:
    moment = read_time(row.get("updated_at"))
    order_id = text(row.get("entity_id" if stream == "orders" else "order_id"))
    if moment is None or not order_id:
        raise RemoteProblem(Rejected(f"A row of the store's {stream} has no order id or time", code="shape"))
    note = text(row.get("customer_note"))
    return Changed(order_id, moment, text(row.get("ext_order_id")), text(row.get("increment_id")), note)
