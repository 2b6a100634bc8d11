"""Telling in time what must be kept up: a plugin that cannot do what is asked of it, an authorization that ends,
messages that a platform no longer sends.
"""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain import upkeep
from bridge.domain.attention import AttentionKind, Hold
from bridge.domain.outcomes import RemoteProblem
from bridge.mistakes import told
from bridge.ports import Tended
from bridge.storage import shops
from bridge.storage.connections import Connection
from bridge.storage.errors import StorageDown
from bridge.sync import capabilities, outbreak, plugins
from bridge.sync.desk import Desk, log, store_of
from bridge.sync.sheet import RemoteDown


async def look(desk: Desk) -> None:
    """One round over all connections. What a store cannot be asked now is asked in the next round."""
    for connection in await desk.db.read(desk.connections.all):
        try:
            await _look(desk, connection)
        except StorageDown:
            raise  # nothing can be looked at now
        except Exception as mistake:  # noqa: BLE001 -- nobody foresaw it; the others are looked at
            log.error("upkeep.broke", connection=connection.id, **told(mistake))


async def _look(desk: Desk, connection: Connection) -> None:
    if connection.credentials.get("refresh_expires_at"):
        await authorization(desk, connection)
    tied = await desk.db.read(lambda conn: _tied(conn, connection.id))
    if tied and connection.state == outbreak.CONNECTED:
        await _abilities(desk, connection)
    if tied and connection.state in {outbreak.CONNECTED, outbreak.REAUTH}:
        await _messages(desk, connection)


async def _abilities(desk: Desk, connection: Connection) -> None:
    try:
        await capabilities.current(desk, connection, await store_of(desk, connection))
    except (RemoteDown, RemoteProblem) as problem:
        log.info("upkeep.not_asked", connection=connection.id, because=str(problem))


async def _messages(desk: Desk, connection: Connection) -> None:
    """Whether the store still tells. One that needs a person may have been mended without a word to us."""
    try:
        store = await store_of(desk, connection)
        if not isinstance(store, Tended):
            return
        missing = await store.tend()
    except RemoteProblem as problem:
        log.info("upkeep.not_asked", connection=connection.id, because=str(problem))
        return
    for because in missing:
        log.warning("upkeep.not_told", connection=connection.id, because=because)
    if connection.state == outbreak.REAUTH:
        await outbreak.works_again(desk, connection.id)


async def _tied(conn: AsyncConnection, connection_id: str) -> bool:
    return any(
        shop.settings.store is not None and shop.settings.store.connection == connection_id
        for shop in await shops.all(conn)
    )


async def authorization(desk: Desk, connection: Connection, told: str = "") -> None:
    """`told`: the channel's own words, where it said that the authorization ends and no date is known here."""
    hold = upkeep.authorization(connection.credentials, desk.clock.now())
    if hold is None and told and not connection.credentials.get("refresh_expires_at"):
        because = f"the channel says that the authorization ends soon: {told}"
        hold = Hold(AttentionKind.TOKEN_EXPIRES, because, {"told": told})
    await desk.db.write(lambda conn: plugins.say(conn, connection, AttentionKind.TOKEN_EXPIRES, hold))
