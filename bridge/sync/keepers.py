"""The token keepers of this process, one per connection whose tokens end; and their renewal in good time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from bridge.domain.outcomes import RemoteProblem
from bridge.mistakes import told
from bridge.ports import Clock, Renew
from bridge.storage.connections import Connection, Connections
from bridge.storage.engine import Database
from bridge.storage.errors import StorageDown
from bridge.sync import outbreak
from bridge.sync.desk import Desk, log
from bridge.sync.tokens import KeptTokens

STOP_SECONDS: Final = 35.0
"""So long stopping waits for a renewal that was begun: longer than a platform may take to answer."""


class Keepers:
    """`renewers`: by kind of platform."""

    def __init__(
        self, db: Database, connections: Connections, clock: Clock, owner: str, renewers: Mapping[str, Renew]
    ) -> None:
        self._db = db
        self._connections = connections
        self._clock = clock
        self._owner = owner
        self._renewers = renewers
        self._kept: dict[str, KeptTokens] = {}

    def of(self, connection: Connection) -> KeptTokens:
        if connection.id not in self._kept:
            renew = self._renewers[connection.kind]
            self._kept[connection.id] = KeptTokens(
                self._db, self._connections, self._clock, connection.id, self._owner, renew
            )
        return self._kept[connection.id]

    def seen(self, connection: Connection) -> None:
        if connection.kind in self._renewers:
            self.of(connection).seen(connection)

    async def renew_early(self, desk: Desk) -> None:
        """Renew what expires soon, for every connection that can. One that cannot be renewed is told of."""
        for connection in await self._db.read(self._connections.all):
            if connection.kind in self._renewers and connection.state == outbreak.CONNECTED:
                await self._renew_early(desk, connection)

    async def _renew_early(self, desk: Desk, connection: Connection) -> None:
        try:
            await self.of(connection).renew_early()
        except RemoteProblem as problem:
            await outbreak.wait_for(desk, connection.id, problem.outcome)
        except StorageDown:
            raise  # of the others nothing can be read either
        except Exception as mistake:  # noqa: BLE001 -- nobody foresaw it; the others are renewed
            log.error("tokens.broke", connection=connection.id, **told(mistake))

    async def finished(self, seconds: float = STOP_SECONDS) -> None:
        """Let no new pair be lost to a stop: renewals under way are finished, and their pairs stored."""
        await asyncio.gather(*(kept.finished(seconds) for kept in self._kept.values()))
