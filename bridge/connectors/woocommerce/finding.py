"""Finding the WooCommerce order of a sale: by its number, by the field that keeps TikTok's order id, by its note.

WooCommerce searches addresses, names and (since its own order tables) transaction ids, but no fields of other programs
and no customer notes. So numbers are searched for, and everything else is read: all orders that were touched since the
sale. What is made for a sale is touched after it, and nothing can move it out of that list.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from bridge.connectors.woocommerce.answers import is_absent, read_problem
from bridge.connectors.woocommerce.client import Client, object_of, rows_of, walk
from bridge.connectors.woocommerce.reading import Json, channel_order_id, number_of, text
from bridge.domain.linking import stands_in

LOOK_BACK: Final = timedelta(days=30)
"""How far is looked back where nobody says when the sale was."""
MOST_PAGES: Final = 200
"""Pages of 100 that one search reads; where that is not enough, it is said, and the order is not taken as absent."""
FIELDS: Final = "id,number,status,date_modified_gmt,meta_data,customer_note,transaction_id"


def moment(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


async def ids(
    client: Client,
    channel_id: str,
    numbers: Sequence[str],
    notes: Sequence[str],
    since: datetime | None,
    keys: Sequence[str],
) -> set[str]:
    """Ids of the orders that name the sale. Raises `RemoteProblem`."""
    found: set[str] = set()
    wanted = frozenset(number for number in numbers if number)
    for number in sorted(wanted):
        found |= await _numbered(client, number)
    if channel_id or notes:
        begin = since or datetime.now(UTC) - LOOK_BACK
        # "After" leaves the second itself out.
        query = {"modified_after": moment(begin - timedelta(seconds=1)), "dates_are_gmt": "true", "_fields": FIELDS}
        async for row in walk(client, "/orders", query, MOST_PAGES):
            if _names(row, channel_id, wanted, notes, keys):
                found.add(number_of(row.get("id")))
    return found - {""}


async def _numbered(client: Client, number: str) -> set[str]:
    """By the number people see; it is the id unless a plugin gives numbers of its own."""
    found: set[str] = set()
    if number_of(number) and len(number) < 16:
        answer = await client.look(f"/orders/{number}", {"_fields": FIELDS})
        if answer.is_ok:
            row = object_of(answer, "an order")
            found |= {number_of(row.get("id"))} if str(row.get("number") or row.get("id")) == number else set()
        elif not is_absent(answer):
            raise read_problem(answer)
    answer = await client.read("/orders", {"search": number, "per_page": 20, "_fields": FIELDS})
    return found | {number_of(row.get("id")) for row in rows_of(answer, "/orders") if str(row.get("number")) == number}


def _names(row: Json, channel_id: str, numbers: frozenset[str], notes: Sequence[str], keys: Sequence[str]) -> bool:
    if channel_id and channel_id in {channel_order_id(row, keys), text(row.get("transaction_id"))}:
        return True
    return str(row.get("number")) in numbers or any(stands_in(note, text(row.get("customer_note"))) for note in notes)
