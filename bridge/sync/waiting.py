"""What waits for something outside (an outage, PENDING, an upgrade) is never poison; after an hour it is shown.

An outage or an upgrade is one thing to look at, however many orders wait for it: one item a connection. A cancellation
that TikTok does not finish is one item an order.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.attention import TEXTS, AttentionKind, Hold, fingerprint
from bridge.storage import attention
from bridge.storage import waiting as book
from bridge.storage.waiting import Group
from bridge.sync import outbreak
from bridge.sync.desk import Desk
from bridge.sync.sheet import Sheet

SHOWN_AFTER = timedelta(hours=1)
PENDING = "pending"
KIND = AttentionKind.WAITING_LONG
_SAYS = {"outage": "cannot be used", "upgrade": "has a plugin version with which refunds must wait for an upgrade"}


def outage_of(connection_id: str) -> str:
    return f"outage:{connection_id}"


def upgrade_of(connection_id: str) -> str:
    return f"upgrade:{connection_id}"


def fields(desk: Desk, sheet: Sheet, waits_for: str | None) -> dict[str, Any]:
    """The order's fields: since when it waits, and for what. What it waits for already keeps its time."""
    record = sheet.record
    if waits_for is None:
        return {} if record.waits_for is None else {"waits_for": None, "waiting_since": None}
    if record.waits_for == waits_for and record.waiting_since is not None:
        return {}
    return {"waits_for": waits_for, "waiting_since": desk.clock.now()}


async def show(desk: Desk) -> None:
    """One bounded round: tell of what has waited for more than an hour, and no more of what goes on."""
    before = desk.clock.now() - SHOWN_AFTER

    async def write(conn: AsyncConnection) -> None:
        by_connection: dict[str, list[Group]] = defaultdict(list)
        for group in await book.groups(conn, before):
            if group.connection_id:
                by_connection[group.connection_id].append(group)
        for connection_id, found in sorted(by_connection.items()):
            await _tell(conn, desk, connection_id, found)
        for connection_id in await book.shown_connections(conn, KIND.value):
            if connection_id not in by_connection:
                await attention.close(conn, connection_id=connection_id, kinds=[KIND.value])
        for order_id, because in await book.untold(conn, PENDING, before, KIND.value):
            await outbreak.raise_holds(conn, order_id, [Hold(KIND, f"for more than an hour: {because}", {})])

    await desk.db.write(write)


async def _tell(conn: AsyncConnection, desk: Desk, connection_id: str, found: list[Group]) -> None:
    connection = await desk.connections.get(conn, connection_id)
    if connection is None:
        return
    text = TEXTS[KIND]
    because = "; ".join(
        f"{connection.name} {_SAYS[group.cause]}, and {group.orders} order{'s' if group.orders > 1 else ''} waited for "
        f"more than an hour when this was noticed, since {group.since:%Y-%m-%d %H:%M} UTC"
        for group in found
    )
    await attention.raise_item(
        conn,
        kind=KIND.value,
        fingerprint=fingerprint({"causes": sorted(group.cause for group in found)}),
        title=f"{text.title}: {connection.name}",
        because=because,
        what_to_do=text.what_to_do,
        facts={group.cause: {"orders": group.orders, "since": group.since.isoformat()} for group in found},
        connection_id=connection_id,
    )
