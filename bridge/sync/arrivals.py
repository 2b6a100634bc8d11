"""What arrived for an order goes into its changelog, once: messages are told of, they never decide."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage import inbox
from bridge.storage.changelog import Line
from bridge.storage.inbox import InboxRow
from bridge.sync import drifting
from bridge.sync.sheet import Sheet, Sides


async def note_arrivals(conn: AsyncConnection, sheet: Sheet) -> list[Line]:
    """Part of the transaction that writes what was decided because of them. Doing it again adds nothing.

    Answers the changelog's lines, to be written in the same transaction.
    """
    await inbox.note_arrivals(conn, sheet.arrivals)
    return [*(_line(row) for row in sheet.arrivals), *await drifting.told(conn, sheet)]


def _line(row: InboxRow) -> Line:
    count = row.generation - row.noted_generation
    times = f", {count} times" if count > 1 else ""
    because = row.note or f"{row.topic} {row.subject} arrived{times}"
    facts = {"topic": row.topic, "subject": row.subject, "count": count, "at": row.last_at.isoformat()}
    return Line("arrived", because, facts)


def read_facts(sides: Sides) -> dict[str, Any]:
    """What was read, in short, for the changelog entry of what was decided."""
    channel, store = sides.channel, sides.store
    facts: dict[str, Any] = {"tiktok": {"status": channel.status, "cancelled_units": sorted(channel.deaths())}}
    if store is not None:
        facts["store"] = {
            "number": store.number,
            "state": store.state,
            "rows": [[row.sku, row.ordered, row.refunded + row.cancelled, row.shipped] for row in store.rows],
            "credit_memos": len(store.refunds),
        }
    return facts
