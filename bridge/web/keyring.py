"""Which keys verify which address, kept in memory, so that a delivery costs no read.

What is known is compared with the connections' versions every few seconds, when an address is not known, and when a
signature does not match. A key that cannot be loaded is said to be one: nobody is told that *his* signature is wrong.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.mistakes import told
from bridge.ports import Platform
from bridge.storage import shops
from bridge.storage.connections import Connection, Connections
from bridge.storage.engine import Database
from bridge.storage.errors import StorageProblem, WrongSecretKey

log: structlog.stdlib.BoundLogger = structlog.get_logger("bridge.web.keyring")

BACKGROUND_SECONDS: Final = 5.0
AT_MOST_EVERY: Final = 3.0
"""Seconds between two reads caused by wrong signatures."""


class Unavailable(Exception):
    """Our own fault: the keys cannot be read, so nobody can be told that a signature is wrong."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What verifies deliveries to one address."""

    connection_id: str
    """Whom a delivery is booked on when it names no shop we know."""
    keys: tuple[str, ...] = field(repr=False)
    """In the form the kind's door takes them."""
    shops: Mapping[str, tuple[str, str]]
    """The channel's shop id → our shop id and its connection's id."""


@dataclass(frozen=True, slots=True)
class _Loaded:
    version: int
    kind: str
    app_key: str
    keys: tuple[str, ...] = field(repr=False)
    is_broken: bool = False


class Keyring:
    def __init__(
        self,
        db: Database,
        connections: Connections,
        platforms: Mapping[str, Platform],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._db = db
        self._platforms = platforms
        self._connections = connections
        self._monotonic = monotonic
        self._loaded: dict[str, _Loaded] = {}
        self._by_connection: dict[str, Keys] = {}
        self._by_app: dict[str, Keys] = {}
        self._rounds = 0
        self._lock = asyncio.Lock()
        self._problem: StorageProblem | None = None
        self._is_read = False
        self._last_for_signature = float("-inf")

    async def for_connection(self, connection_id: str) -> Keys | None:
        """Keys of a store's address; None: no such connection. Raises `Unavailable`."""
        found = self._by_connection.get(connection_id)
        if found is None:
            await self._look()
            found = self._by_connection.get(connection_id)
        return self._usable(found, connection_id in self._loaded and self._loaded[connection_id].is_broken)

    async def for_app(self, app_key: str) -> Keys | None:
        """Keys of a TikTok app's address. Raises `Unavailable`."""
        found = self._by_app.get(app_key)
        if found is None:
            await self._look()
            found = self._by_app.get(app_key)
        broken = [one for one in self._loaded.values() if self._is_channel(one) and one.is_broken]
        return self._usable(found, bool(broken) and found is None)

    async def renewed(self, keys: Keys, find: Callable[[], Keys | None]) -> Keys | None:
        """After a wrong signature: other keys than these, if there are any by now. Raises `Unavailable`."""
        now = self._monotonic()
        if now - self._last_for_signature >= AT_MOST_EVERY:
            self._last_for_signature = now
            await self._look()
        elif self._problem is not None:
            raise Unavailable("the keys could not be read lately")
        found = find()
        return found if found is not None and found.keys != keys.keys else None

    def known_connection(self, connection_id: str) -> Keys | None:
        return self._by_connection.get(connection_id)

    def known_app(self, app_key: str) -> Keys | None:
        return self._by_app.get(app_key)

    @staticmethod
    def _usable(found: Keys | None, is_broken: bool) -> Keys | None:
        if is_broken:
            raise Unavailable("the secret key does not open the credentials")
        if found is not None and not found.keys:
            raise Unavailable("no key is known for this address yet")
        return found

    async def _look(self) -> None:
        try:
            await self.refresh()
        except StorageProblem as problem:
            raise Unavailable("the database cannot be read") from problem

    async def refresh(self) -> None:
        """Read what changed. Callers at the same time share one read that began after each of them asked.

        Raises `StorageProblem`.
        """
        wanted = self._rounds + 1
        async with self._lock:
            if self._rounds < wanted:
                self._rounds += 1
                try:
                    await self._read()
                    self._problem = None
                except StorageProblem as problem:
                    self._problem = problem
                except Exception as mistake:  # noqa: BLE001 -- logged with its place; a sender is told to come again
                    log.error("keys_broke", **told(mistake))  # noqa: TRY400 -- a traceback is made by reading files
                    self._problem = StorageProblem(f"the keys could not be read: {type(mistake).__name__}")
            if self._problem is not None:
                raise self._problem

    async def _read(self) -> None:
        loaded, by_shop = await self._db.read(self._changes)
        self._loaded = loaded
        by_connection: dict[str, Keys] = {}
        apps: dict[str, list[str]] = {}
        for connection_id, one in sorted(loaded.items()):
            if self._is_channel(one):
                if one.app_key:
                    apps.setdefault(one.app_key, []).append(connection_id)
            elif not one.is_broken:
                by_connection[connection_id] = Keys(connection_id, one.keys, {})
        self._by_connection = by_connection
        self._by_app = {
            app_key: Keys(
                ids[0],
                tuple(dict.fromkeys(key for one in ids for key in loaded[one].keys)),
                {channel_id: place for channel_id, place in by_shop.items() if place[1] in ids},
            )
            for app_key, ids in apps.items()
        }
        self._is_read = True

    async def _changes(self, conn: AsyncConnection) -> tuple[dict[str, _Loaded], dict[str, tuple[str, str]]]:
        versions = await self._connections.versions(conn)
        loaded: dict[str, _Loaded] = {}
        for connection_id, version in versions.items():
            known = self._loaded.get(connection_id)
            if known is not None and known.version == version and not known.is_broken:
                loaded[connection_id] = known
                continue
            try:
                connection = await self._connections.get(conn, connection_id)
            except WrongSecretKey:
                log.warning("credentials_not_opened", connection=connection_id)
                loaded[connection_id] = _Loaded(
                    version, known.kind if known else "", known.app_key if known else "", (), is_broken=True
                )
                continue
            if connection is not None:
                loaded[connection_id] = self._judged(connection)
        places = {shop.channel_shop_id: (shop.id, shop.connection_id) for shop in await shops.all(conn)}
        return loaded, places

    async def run(self, wait: Callable[[float], Any] = asyncio.sleep) -> None:
        """Keep in step with what other processes change, until cancelled."""
        while True:
            await self.catch_up()
            await wait(BACKGROUND_SECONDS)

    async def catch_up(self) -> None:
        """Read what changed. Where that fails, what was saved stands all the same, and the next round reads it."""
        try:
            await self.refresh()
        except StorageProblem as problem:
            log.warning("keys_not_read", because=type(problem).__name__)

    def _judged(self, connection: Connection) -> _Loaded:
        app_key = str(connection.credentials.get("app_key") or "")
        platform = self._platforms.get(connection.kind)
        keys = platform.keys(connection.credentials) if platform else ()
        return _Loaded(connection.version, connection.kind, app_key, keys)

    def _is_channel(self, one: _Loaded) -> bool:
        """Also one whose kind could not be read: its address may be a channel's."""
        platform = self._platforms.get(one.kind)
        return not one.kind or (platform is not None and platform.side == "channel")
