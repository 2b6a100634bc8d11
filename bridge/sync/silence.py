"""A side that changes and never tells: three drifts within a day and no delivery at all since the first of them."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.attention import TEXTS, AttentionKind
from bridge.storage import attention, drifts
from bridge.storage.attention import Item
from bridge.storage.connections import Connection
from bridge.storage.drifts import Silence
from bridge.sync.desk import Desk, log

UNTOLD = 3
"""Fewer are lost messages; so many without a single delivery beside them are a sender that does not send."""
WINDOW = timedelta(days=1)
KINDS = {"store": AttentionKind.SILENT_PLUGIN, "channel": AttentionKind.SILENT_CHANNEL}
"""By the side that says nothing."""


async def look(desk: Desk) -> None:
    """After a sweep: ask a person about connections that have gone silent, and close what was heard of again."""

    async def write(conn: AsyncConnection) -> list[str]:
        asked = {item.connection_id: item for item in await _standing(conn)}
        silent: list[str] = []
        for found in await drifts.untold(conn, desk.clock.now() - WINDOW):
            connection = await desk.connections.get(conn, found.connection_id)
            if connection is not None and await _is_silent(conn, desk, connection, found, asked.get(connection.id)):
                silent.append(connection.id)
        for connection_id, item in asked.items():
            if connection_id and await drifts.any_delivery(conn, connection_id, _since(item)):
                await attention.close(conn, connection_id=connection_id, kinds=[item.kind])
        return silent

    for connection_id in await desk.db.write(write):
        log.error("connection.silent", connection=connection_id)


async def _standing(conn: AsyncConnection) -> list[Item]:
    """Open and dismissed ones."""
    found: list[Item] = []
    for kind in KINDS.values():
        for state in ("open", "dismissed"):
            items, _ = await attention.search(conn, state=state, kind=kind.value, limit=500)
            found += items
    return found


def _since(item: Item) -> datetime:
    return datetime.fromisoformat(item.facts["since"])


async def _is_silent(
    conn: AsyncConnection, desk: Desk, connection: Connection, found: Silence, asked: Item | None
) -> bool:
    """Raises the item. True where it is news."""
    platform = desk.platforms[connection.kind]
    if not platform.topics or found.drifts < UNTOLD or connection.facts.get("mode") == "sweep-only":
        return False  # what sends no messages, or was never registered for them, is known already
    kind = KINDS[platform.side]
    since = _since(asked) if asked else found.since
    if await drifts.any_delivery(conn, connection.id, since):
        return False
    text = TEXTS[kind]
    because = (
        f"{found.drifts} changes of {found.orders} orders were found by looking since {since:%Y-%m-%d %H:%M} UTC, and "
        f"{connection.name} delivered nothing at all in that time: what it changes is seen minutes late"
    )
    return await attention.raise_item(
        conn,
        kind=kind.value,
        fingerprint=f"silent since {since.isoformat()}",
        title=f"{text.title}: {connection.name}",
        because=because,
        what_to_do=text.what_to_do,
        facts={"since": since.isoformat(), "drifts": found.drifts, "orders": found.orders},
        connection_id=connection.id,
    )
