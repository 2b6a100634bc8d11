"""Access tokens that expire and rotate: refreshed before expiry, by one process at a time.

A refresh hands out a new pair and may kill the old one, so the pair is stored before it is used, two processes must
never refresh at once, and a pair that was handed out is not let go of before it is stored.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.outcomes import Reauth, RemoteProblem, Retry
from bridge.mistakes import place
from bridge.ports import Clock, Renew
from bridge.storage.connections import Connection, Connections
from bridge.storage.engine import Database
from bridge.storage.errors import StorageProblem
from bridge.sync.desk import log

LEASE_SECONDS = 60.0
POLL_SECONDS = 0.2
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 5.0
"""Seconds between two tries to store a new pair."""
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
        self._renewal: asyncio.Task[Grant] | None = None
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
        """A token newer than `stale`: whoever is first renews, the others take what was stored.

        A renewal that was begun is finished, whoever stops waiting for it: the new pair comes once.
        """
        while True:
            is_mine = self._renewal is None
            renewal = self._renewal or self._begin(stale)
            done, _ = await asyncio.wait({renewal}, timeout=2 * LEASE_SECONDS)
            if not done:
                raise RemoteProblem(Retry("the access token is being renewed, which takes long"))
            if renewal.cancelled():
                raise RemoteProblem(Retry("the access token was not renewed: the service is stopping"))
            grant = renewal.result()
            # One that was begun for an older token may have ended with the very one that is stale by now.
            if is_mine or grant.access_token != stale:
                return grant.access_token

    def _begin(self, stale: str) -> asyncio.Task[Grant]:
        self._renewal = asyncio.create_task(self._renewed(stale))
        self._renewal.add_done_callback(self._ended)
        return self._renewal

    def _ended(self, renewal: asyncio.Task[Grant]) -> None:
        self._renewal = None
        problem = None if renewal.cancelled() else renewal.exception()
        if problem is not None:
            because = f"{type(problem).__name__}: {problem}"
            log.warning("tokens.not_renewed", connection=self._id, because=because)

    async def finished(self, seconds: float) -> None:
        """No renewal is under way any more; one that takes longer is broken off."""
        if (renewal := self._renewal) is not None:
            _, late = await asyncio.wait({renewal}, timeout=seconds)
            if late:
                log.error("tokens.broken_off", connection=self._id)
                renewal.cancel()
                await asyncio.gather(renewal, return_exceptions=True)

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
                connection = await self._kept_safe(stale, credentials, expires_at)
            return self._keep(connection)
        finally:
            with contextlib.suppress(StorageProblem):  # it runs out by itself
                await self._db.write(lambda conn: self._connections.release_token_lease(conn, self._id, self._owner))

    async def _kept_safe(self, stale: str, credentials: Mapping[str, Any], expires_at: datetime | None) -> Connection:
        """The new pair stored, however long that takes: the old one may be dead, and nobody else has this one."""

        async def store(conn: AsyncConnection) -> Connection:
            latest = await self._connections.get(conn, self._id)
            if latest is None:
                raise RemoteProblem(Reauth("the connection was deleted"))
            if latest.credentials.get("access_token") != stale:
                return latest  # stored already, or a person has authorized it anew meanwhile
            return await self._connections.store_tokens(conn, self._id, credentials, expires_at)

        pause = FIRST_PAUSE
        while True:
            try:
                return await self._db.write(store, idempotent=True)
            except RemoteProblem:
                raise
            except Exception as problem:  # noqa: BLE001 -- whatever it is, letting go of the pair would be worse
                because = str(problem) if isinstance(problem, StorageProblem) else place(problem)
                log.error("tokens.not_stored", connection=self._id, because=because, again_in=pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

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
