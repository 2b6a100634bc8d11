"""Access tokens that expire and rotate: refreshed before expiry, by one process at a time.

A refresh hands out a new pair and may kill the old one, so the pair is stored before it is used, and two processes
must never refresh at once.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.outcomes import Reauth, RemoteProblem, Retry
from bridge.ports import Clock, Renew
from bridge.storage.connections import Connection, Connections
from bridge.storage.engine import Database

LEASE_SECONDS = 60.0
POLL_SECONDS = 0.2
EARLY = timedelta(hours=24)
"""A token is renewed so long before it expires, or at half of a shorter life."""


@dataclass(frozen=True, slots=True)
class Grant:
    access_token: str
    expires_at: datetime | None


class KeptTokens:
    """The tokens of one connection, as every process shares them through the database."""

    def __init__(
        self, db: Database, connections: Connections, clock: Clock, connection_id: str, owner: str, renew: Renew
    ) -> None:
        self._db = db
        self._connections = connections
        self._clock = clock
        self._id = connection_id
        self._owner = owner
        self._renew = renew
        self._turn = asyncio.Lock()
        self._known: Grant | None = None
        self._version = 0

    def seen(self, connection: Connection) -> None:
        """The connection as it was just read for another purpose: a person, or another process, may have stored a new
        grant while the one known here looked good.
        """
        if connection.version >= self._version and connection.credentials.get("access_token"):
            self._keep(connection)

    def _keep(self, connection: Connection) -> Grant:
        self._version = connection.version
        self._known = _grant(connection)
        return self._known

    async def access_token(self) -> str:
        grant = self._known
        if grant is None or (grant.expires_at is not None and grant.expires_at <= self._clock.now()):
            grant = self._keep(await self._stored())
            if grant.expires_at is not None and grant.expires_at <= self._clock.now():
                return await self.refreshed(grant.access_token)
        return grant.access_token

    async def refreshed(self, stale: str) -> str:
        """A token newer than `stale`: whoever is first renews, the others take what was stored."""
        async with self._turn:
            return (await self._renewed(stale)).access_token

    async def renew_early(self) -> bool:
        """Renew when less than a day, or half of the token's life, is left. Whether it was renewed."""
        connection = await self._stored()
        grant = _grant(connection)
        if grant.expires_at is None:
            return False
        life = grant.expires_at - connection.updated_at
        if grant.expires_at - self._clock.now() > min(EARLY, life / 2):
            return False
        await self.refreshed(grant.access_token)
        return True

    async def _renewed(self, stale: str) -> Grant:
        waited = 0.0
        while True:
            connection = await self._stored()
            grant = _grant(connection)
            if grant.access_token != stale:
                return self._keep(connection)
            if await self._db.write(self._lease):
                break
            if waited > LEASE_SECONDS:
                raise RemoteProblem(Retry("another process renews the access token and has not finished"))
            await asyncio.sleep(POLL_SECONDS)
            waited += POLL_SECONDS
        try:
            connection = await self._stored()
            if _grant(connection).access_token == stale:
                credentials, expires_at = await self._renew(connection.credentials)
                connection = await self._db.write(
                    lambda conn: self._connections.store_tokens(conn, self._id, credentials, expires_at),
                    idempotent=True,
                )
            return self._keep(connection)
        finally:
            await self._db.write(lambda conn: self._connections.release_token_lease(conn, self._id, self._owner))

    async def _lease(self, conn: AsyncConnection) -> bool:
        return await self._connections.try_lease_token(conn, self._id, self._owner, LEASE_SECONDS)

    async def _stored(self) -> Connection:
        connection = await self._db.read(lambda conn: self._connections.get(conn, self._id))
        if connection is None:
            raise RemoteProblem(Reauth("the connection was deleted"))
        return connection


def _grant(connection: Connection) -> Grant:
    expires = connection.credentials.get("access_expires_at")
    at = datetime.fromisoformat(expires) if expires else connection.token_expires_at
    token = connection.credentials.get("access_token")
    if not token:
        raise RemoteProblem(Reauth("the connection has no access token: authorize the shop"))
    return Grant(str(token), at)
