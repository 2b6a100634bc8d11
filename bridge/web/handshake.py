"""Magento's *Activate*: from the unsigned callback to a connection that is proven by the exchange of tokens.

The callback's values are kept sealed with the connection until the exchange has ended, so that a restart in between
costs nothing: the page the browser opens next, or Magento's own *Reauthorize*, goes on from there. Magento forgets
them 300 s after the callback (`oauth/consumer/expiration_period`).
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from aiohttp import web
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from yarl import URL

from bridge.domain.outcomes import RemoteProblem, Retry
from bridge.ports import Announced
from bridge.storage import leases
from bridge.storage.connections import Connection
from bridge.storage.errors import StorageProblem
from bridge.storage.tables import connections as table
from bridge.web.background import Background
from bridge.web.connecting import Connecting
from bridge.web.desk import WebDesk
from bridge.web.problems import Problem
from bridge.web.states import State

LIFE: Final = timedelta(seconds=300)
_FIELD: Final = "_handshakes"
_KEPT: Final = 5
_AT_ONCE: Final = 3
"""Exchanges of one connection at a time: strangers can post callbacks too."""
_PAUSE: Final = 3.0
_LEASE_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Standing:
    """How an exchange stands: `exchanging`, `connected` or `failed`."""

    state: str
    because: str


def mark_of(consumer_key: str) -> str:
    return hashlib.sha256(consumer_key.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def same_store(given: str, announced: str) -> bool:
    """Host, port and folder; Magento names its unsecure base URL here, so http and https are the same."""
    return _place(given) == _place(announced)


def _place(text: str) -> tuple[str | None, int | None, str] | None:
    try:
        url = URL(text.strip())
        port = url.explicit_port
    except ValueError:
        return None
    if url.scheme not in {"http", "https"} or not url.host:
        return None
    path = url.path.rstrip("/")
    return url.host.lower(), None if port in {80, 443} else port, path.removesuffix("/index.php")


class Handshakes:
    def __init__(self, desk: WebDesk, connecting: Connecting, background: Background) -> None:
        self._desk = desk
        self._connecting = connecting
        self._background = background
        self._running: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._owner = f"web-{secrets.token_hex(6)}"

    def _connects_itself(self, connection: Connection) -> bool:
        return connection.kind in self._desk.handshakes

    async def announced_for(self, store_base_url: str) -> Connection | None:
        """The connection an operator made for this store's address."""
        found = await self._desk.db.read(self._desk.connections.all)
        return next((one for one in found if self._connects_itself(one) and same_store(store_base_url, one.url)), None)

    async def accept(self, connection: Connection, announced: Announced, public_url: str) -> None:
        """Keep the callback and begin the exchange. Raises `Problem` 429, `StorageProblem`."""
        if sum(1 for place in self._running if place[0] == connection.id) >= _AT_ONCE:
            detail = "Several activations of this store are under way; try again in a minute."
            raise Problem("busy", detail, headers={"Retry-After": "60"})
        mark = mark_of(announced.consumer_key)
        entry = {
            "state": "exchanging",
            "because": "",
            "at": self._desk.clock.now().isoformat(),
            "consumer_key": announced.consumer_key,
            "consumer_secret": announced.consumer_secret,
            "verifier": announced.verifier,
            "public_url": public_url,
        }
        await self._write(connection.id, mark, entry)
        self._begin(connection.id, mark)

    async def standing(self, consumer_key: str, wait: float) -> tuple[Connection, Standing] | None:
        """How this consumer's exchange stands after at most `wait` seconds; goes on with one that was cut off."""
        mark = mark_of(consumer_key)
        found = await self._find(mark)
        if found is None:
            return None
        connection, entry = found
        if entry["state"] == "exchanging":
            task = self._begin(connection.id, mark)
            await asyncio.wait({task}, timeout=wait)
            found = await self._find(mark) or found
        connection, entry = found
        if entry["state"] == "exchanging" and self._is_over(entry):
            return connection, Standing("failed", "Magento's 300 seconds are over. Choose Reauthorize in Integrations.")
        return connection, Standing(entry["state"], entry.get("because", ""))

    def _is_over(self, entry: Mapping[str, Any]) -> bool:
        return self._desk.clock.now() - datetime.fromisoformat(entry["at"]) > LIFE

    def _begin(self, connection_id: str, mark: str) -> asyncio.Task[None]:
        place = (connection_id, mark)
        running = self._running.get(place)
        if running is None or running.done():
            running = self._background.start(self._exchange(connection_id, mark), f"handshake {connection_id}")
            self._running[place] = running
            running.add_done_callback(lambda _: self._running.pop(place, None))
        return running

    async def _exchange(self, connection_id: str, mark: str) -> None:
        """One process exchanges: a second request token would spoil the first one's exchange."""
        lease = f"handshake:{mark}"
        is_worth_it = True
        try:
            while is_worth_it:
                held = await self._desk.db.write(
                    lambda conn: leases.try_lease(conn, lease, self._owner, _LEASE_SECONDS, again=True)
                )
                if not held:
                    return
                is_worth_it = await self._try(connection_id, mark)
                if is_worth_it:
                    await asyncio.sleep(_PAUSE)
        finally:
            with contextlib.suppress(StorageProblem):  # it runs out by itself
                await self._desk.db.write(lambda conn: leases.release(conn, lease, self._owner))

    async def _try(self, connection_id: str, mark: str) -> bool:
        """One exchange; True when it is worth another try."""
        connection = await self._desk.db.read(lambda conn: self._desk.connections.get(conn, connection_id))
        entry = connection.credentials.get(_FIELD, {}).get(mark) if connection else None
        if connection is None or entry is None or entry["state"] != "exchanging" or self._is_over(entry):
            return False
        announced = Announced(connection.url, entry["consumer_key"], entry["consumer_secret"], entry["verifier"])
        try:
            credentials = await self._desk.handshakes[connection.kind].exchange(announced)
        except RemoteProblem as problem:
            if isinstance(problem.outcome, Retry):
                return True
            # Whoever posted proved nothing, so the connection itself stays as it is.
            await self._end(connection_id, mark, "failed", problem.outcome.because)
            return False
        try:
            await self._connecting.authorized(connection, credentials, entry["public_url"], "Magento's Activate")
        except RemoteProblem as problem:
            because = f"Authorized, but connecting failed: {problem.outcome.because}. Run doctor once that is mended."
            await self._end(connection_id, mark, "failed", because)
            return False
        await self._end(connection_id, mark, "connected", "")
        return False

    async def _end(self, connection_id: str, mark: str, state: str, because: str) -> None:
        await self._write(
            connection_id, mark, {"state": state, "because": because, "at": self._desk.clock.now().isoformat()}
        )

    async def _find(self, mark: str) -> tuple[Connection, dict[str, Any]] | None:
        for connection in await self._desk.db.read(self._desk.connections.all):
            entry = connection.credentials.get(_FIELD, {}).get(mark)
            if self._connects_itself(connection) and entry:
                return connection, entry
        return None

    async def _write(self, connection_id: str, mark: str, entry: dict[str, Any]) -> None:
        async def write(conn: AsyncConnection) -> None:
            await conn.execute(select(table.c.id).where(table.c.id == connection_id).with_for_update())
            connection = await self._desk.connections.get(conn, connection_id)
            if connection is None:
                return
            entries = {**connection.credentials.get(_FIELD, {}), mark: entry}
            newest = dict(sorted(entries.items(), key=lambda item: item[1]["at"])[-_KEPT:])
            fields: dict[str, Any] = {"credentials": {**connection.credentials, _FIELD: newest}}
            if entry["state"] == "failed" and connection.state == State.ANNOUNCED:
                # One that works is left as it is: whoever posted proved nothing.
                fields["because"] = f"The last activation failed: {entry['because']}"
            await self._desk.connections.update(conn, connection_id, **fields)

        await self._desk.db.write(write)


HANDSHAKES: web.AppKey[Handshakes] = web.AppKey("handshakes", Handshakes)
