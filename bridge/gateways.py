"""Channels and stores for the core, made from stored connections and kept while those do not change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.addresses import AddressRefused
from bridge.domain.outcomes import Reauth, RemoteProblem, Retry
from bridge.ports import Channel, Store
from bridge.storage import shops
from bridge.storage.connections import Connection, Connections
from bridge.storage.engine import Database
from bridge.storage.shops import Shop

T = TypeVar("T")
MakeChannel = Callable[[Connection, Shop], Channel]
MakeStore = Callable[[Connection], Store]


class KeptGateways:
    """Implements `ports.Gateways`. `channels` and `stores`: kind of connection → how one is made.

    `seen` is told of every connection that is read, so that kept tokens follow what is stored.
    """

    def __init__(
        self,
        db: Database,
        connections: Connections,
        channels: Mapping[str, MakeChannel],
        stores: Mapping[str, MakeStore],
        seen: Callable[[Connection], None],
    ) -> None:
        self._db = db
        self._connections = connections
        self._make_channel = channels
        self._make_store = stores
        self._seen = seen
        self._channels: dict[str, tuple[tuple[str, str], Channel]] = {}
        self._stores: dict[str, tuple[str, Store]] = {}

    async def channel(self, shop_id: str) -> Channel:
        async def read(conn: AsyncConnection) -> tuple[Shop | None, Connection | None]:
            shop = await shops.get(conn, shop_id)
            return shop, await self._connections.get(conn, shop.connection_id) if shop else None

        shop, connection = await self._db.read(read)
        if shop is None or connection is None:
            raise RemoteProblem(Reauth("the TikTok Shop is no longer connected"))
        return self.channel_of(connection, shop)

    def channel_of(self, connection: Connection, shop: Shop) -> Channel:
        """The same from records just read. Raises `RemoteProblem`."""
        shop_id = shop.id
        if connection.kind not in self._make_channel:
            raise RemoteProblem(Reauth("the TikTok Shop is no longer connected"))
        self._seen(connection)
        version = (_identity(connection), f"{shop.channel_shop_id}/{shop.region}/{shop.cipher}")
        kept = self._channels.get(shop_id)
        if kept is None or kept[0] != version:
            make = self._make_channel[connection.kind]
            kept = (version, _made(connection, lambda: make(connection, shop)))
            self._channels[shop_id] = kept
        return kept[1]

    async def store(self, connection_id: str) -> Store:
        connection = await self._db.read(lambda conn: self._connections.get(conn, connection_id))
        if connection is None:
            raise RemoteProblem(Reauth("the store is not connected"))
        return self.store_of(connection)

    def store_of(self, connection: Connection) -> Store:
        """The same from a record just read. Raises `RemoteProblem`."""
        connection_id = connection.id
        if connection.kind not in self._make_store or not connection.credentials:
            raise RemoteProblem(Reauth("the store is not connected"))
        self._seen(connection)
        version = f"{_identity(connection)}/{connection.plugin_override}"
        kept = self._stores.get(connection_id)
        if kept is None or kept[0] != version:
            make = self._make_store[connection.kind]
            kept = (version, _made(connection, lambda: make(connection)))
            self._stores[connection_id] = kept
        return kept[1]


def _made(connection: Connection, make: Callable[[], T]) -> T:
    """Raises `RemoteProblem` where the address, which was allowed when it was stored, may not be called any more."""
    try:
        return make()
    except AddressRefused as refused:
        because = f"{connection.url} may not be called: {refused}"
        raise RemoteProblem(Retry(because, needs_person=True)) from refused


ROTATING = frozenset({"access_token", "refresh_token", "access_expires_at", "refresh_expires_at"})


def _identity(connection: Connection) -> str:
    """What a client is made from. Tokens that rotate are asked for at each call, so they do not make a new client."""
    credentials = connection.credentials
    rotates = credentials.get("refresh_token") or credentials.get("access_expires_at")
    rotating = ROTATING if rotates else frozenset()
    fixed = {name: value for name, value in connection.credentials.items() if name not in rotating}
    return f"{connection.kind}/{connection.url}/{hash(tuple(sorted((k, str(v)) for k, v in fixed.items())))}"
