"""Finding the Shopify order of a sale: by our metafield, the id at its source, its name, a tag, or a text in a note.

Shopify's search is fuzzy (words, no case), so only what really stands in the order counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from bridge.connectors.shopify.client import Client, pages
from bridge.connectors.shopify.documents import BY_IDENTIFIER, FIND, KEY, NAMESPACE
from bridge.connectors.shopify.reading import notes_of, number_of, tags_of, text
from bridge.domain.linking import stands_in
from bridge.domain.outcomes import Rejected, RemoteProblem

MARK_TAG: Final = "TikTokOrderID:"
LOOK_BACK: Final = timedelta(days=60)
"""Orders older than this need a permission of their own (`read_all_orders`), so notes are read no further back."""


def quoted(value: str) -> str:
    """A value as Shopify's search takes it, whatever stands in it."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def moment(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def ids(
    client: Client, channel_order_id: str, numbers: Sequence[str], notes: Sequence[str], since: datetime | None
) -> set[str]:
    """Ids of the orders that name the sale. Raises `RemoteProblem`."""
    found: set[str] = set()
    terms: list[str] = []
    if channel_order_id:
        ours = await _by_metafield(client, channel_order_id)
        found |= {ours} if ours else set()
        terms += [f"source_identifier:{quoted(channel_order_id)}"]
        terms += [f"tag:{quoted(tag)}" for tag in (channel_order_id, MARK_TAG + channel_order_id)]
    for number in dict.fromkeys(numbers):
        terms += [f"name:{quoted(number)}", f"tag:{quoted(number)}"] if number else []
    if terms:
        rows = await pages(client, FIND, {"q": " OR ".join(terms)}, ("orders",))
        found |= {number_of(row.get("id")) for row in rows if _names(row, channel_order_id, numbers)}
    if notes:
        begin = since or datetime.now(UTC) - LOOK_BACK
        rows = await pages(client, FIND, {"q": f"created_at:>={quoted(moment(begin))}"}, ("orders",))
        found |= {number_of(row.get("id")) for row in rows if any(stands_in(note, notes_of(row)) for note in notes)}
    return found - {""}


async def _by_metafield(client: Client, channel_order_id: str) -> str:
    identifier = {"customId": {"namespace": NAMESPACE, "key": KEY, "value": channel_order_id}}
    try:
        data = await client.read(BY_IDENTIFIER, {"identifier": identifier})
    except RemoteProblem as problem:
        # No definition of the metafield: then no order of ours has it, and the searches below stand alone.
        if isinstance(problem.outcome, Rejected) and "definition" in problem.outcome.because.lower():
            return ""
        raise
    order = data.get("orderByIdentifier")
    return number_of(order.get("id")) if isinstance(order, dict) else ""


def _names(row: Mapping[str, Any], channel_order_id: str, numbers: Sequence[str]) -> bool:
    tags = frozenset(tags_of(row))
    wanted = {number for number in numbers if number}
    if text(row.get("name")) in wanted or tags & wanted:
        return True
    return bool(channel_order_id) and (
        text(row.get("sourceIdentifier")) == channel_order_id
        or bool(tags & {channel_order_id, MARK_TAG + channel_order_id})
    )
