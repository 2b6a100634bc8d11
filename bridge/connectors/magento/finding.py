"""Orders found by what stands in their customer note.

`sales_order.customer_note` is a text without an index, so such a search reads rows; it is kept to orders made since the
sale (`created_at` has one). Comments of an order's history cannot be searched over REST: `GET /V1/orders` filters by
columns of the order alone (magento/module-sales, OrderRepository::getList).
"""

from __future__ import annotations

from datetime import datetime

from bridge.connectors.magento.client import Client, expect_object, expect_rows
from bridge.connectors.magento.reading import text
from bridge.connectors.magento.search import PAGE_SIZE, criteria, magento_time
from bridge.domain.linking import stands_in

_FIELDS = "items[entity_id,customer_note],total_count"


def like(note: str) -> str:
    """The text for `like`, anywhere in the column. `%` and `_` stand for any text and any letter, so they are escaped,
    as is the escape itself (MySQL's default, the backslash).
    """
    escaped = note.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


async def by_note(client: Client, note: str, since: datetime | None) -> set[str]:
    """Ids of orders whose customer note holds the text. Raises `RemoteProblem`."""
    found: set[str] = set()
    last = "0"
    while True:
        groups = [[("customer_note", "like", like(note))], [("entity_id", "gt", last)]]
        if since is not None:
            groups.append([("created_at", "gteq", magento_time(since))])
        query = criteria(*groups, sort=("entity_id", "ASC"), page_size=PAGE_SIZE, fields=_FIELDS)
        page = expect_object(await client.get("/rest/V1/orders", query), "orders")
        rows = expect_rows(page.get("items"), "orders")
        # MySQL compares without regard to case, and a text may be part of a longer number: looked at again here.
        found |= {text(row.get("entity_id")) for row in rows if stands_in(note, text(row.get("customer_note")))}
        total = text(page.get("total_count"))
        if not rows or (total.isdecimal() and int(total) <= len(rows)):
            return found
        last = text(rows[-1].get("entity_id"))
