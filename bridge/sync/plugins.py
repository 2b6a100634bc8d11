"""A store's plugin that falls short of what the settings ask of it: one item for the connection."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain import upkeep
from bridge.domain.attention import AttentionKind, Hold
from bridge.domain.capabilities import StoreCapabilities
from bridge.storage import attention, shops
from bridge.storage.connections import Connection


async def told(conn: AsyncConnection, connection: Connection, able: StoreCapabilities) -> None:
    """What was just read of the store's plugin: asked about where it falls short of the settings, closed where not."""
    tied = [
        shop.settings.cancellation_sync
        for shop in await shops.all(conn)
        if shop.settings.store is not None and shop.settings.store.connection == connection.id
    ]
    hold = upkeep.plugin(
        able,
        wants_memos=any(sync.store_to_channel.enabled for sync in tied),
        wants_restock=any(sync.channel_to_store.enabled and sync.channel_to_store.restock for sync in tied),
    )
    await say(conn, connection, AttentionKind.PLUGIN_VERSION, hold if tied else None)


async def say(conn: AsyncConnection, connection: Connection, kind: AttentionKind, hold: Hold | None) -> None:
    if hold is None:
        await attention.close(conn, connection_id=connection.id, kinds=[kind.value])
        return
    await attention.raise_item(
        conn,
        kind=kind.value,
        fingerprint=hold.fingerprint,
        title=f"{hold.text.title}: {connection.name}",
        because=hold.because,
        what_to_do=hold.text.what_to_do,
        facts=dict(hold.facts),
        connection_id=connection.id,
        deadline_at=hold.deadline_at,
    )
