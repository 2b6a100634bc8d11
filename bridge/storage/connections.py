"""Connections: who we talk to, with sealed credentials. A connection's identity is its kind and normalised URL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, case, delete, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage import leases
from bridge.storage.columns import Instant, db_now_ms
from bridge.storage.errors import InUse, NotFound
from bridge.storage.ids import new_id
from bridge.storage.secrets import Vault
from bridge.storage.tables import connections as table
from bridge.storage.tables import orders, shops, sku_mappings
from bridge.storage.upserts import upsert


@dataclass(frozen=True, slots=True)
class Connection:
    id: str
    kind: str
    name: str
    url: str
    identity: str
    state: str
    because: str
    credentials: dict[str, Any] = field(repr=False)
    """Decrypted; never shown."""
    facts: dict[str, Any]
    plugin_override: str | None
    admin_url: str | None
    """Where people open its admin; None where nobody said."""
    blocked_until: datetime | None
    """The remote asked every process to wait until then."""
    token_expires_at: datetime | None
    version: int
    """Raised with every change that a cache must see; not by `block`."""
    created_at: datetime
    updated_at: datetime


_BY_ID = select(table).where(table.c.id == bindparam("connection"))


def _token_lease(connection_id: str) -> str:
    return f"token:{connection_id}"


class Connections:
    """The book of connections, with the vault that opens their credentials."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def _record(self, row: Row[Any]) -> Connection:
        return self.record(row._mapping)

    def record(self, stored: Mapping[Any, Any]) -> Connection:
        """A connection from its columns' values. Raises `WrongSecretKey`."""
        values = dict(stored)
        return Connection(**(values | {"credentials": self._vault.open(values["credentials"])}))

    async def get(self, conn: AsyncConnection, connection_id: str) -> Connection | None:
        row = (await conn.execute(_BY_ID, {"connection": connection_id})).one_or_none()
        return None if row is None else self._record(row)

    async def by_identity(self, conn: AsyncConnection, kind: str, identity: str) -> Connection | None:
        found = await conn.execute(select(table).where(table.c.kind == kind, table.c.identity == identity))
        row = found.one_or_none()
        return None if row is None else self._record(row)

    async def all(self, conn: AsyncConnection) -> list[Connection]:
        return [self._record(row) for row in await conn.execute(select(table).order_by(table.c.id))]

    async def upsert(
        self,
        conn: AsyncConnection,
        *,
        kind: str,
        name: str,
        url: str,
        identity: str,
        credentials: Mapping[str, Any],
        facts: Mapping[str, Any],
        state: str,
        because: str,
    ) -> Connection:
        """Connect, or connect again: the same kind and identity continues the old connection, with its id."""
        changing = {
            "name": name,
            "url": url,
            "state": state,
            "because": because,
            "credentials": self._vault.seal(dict(credentials)),
            "facts": dict(facts),
            "updated_at": db_now_ms(),
        }
        fresh = {
            "id": new_id("con"),
            "kind": kind,
            "identity": identity,
            "version": 1,
            "created_at": db_now_ms(),
        }
        more = {"version": table.c.version + 1, "token_expires_at": None}
        await upsert(conn, table, changing | fresh, keys=["kind", "identity"], update=changing | more)
        stored = await self.by_identity(conn, kind, identity)
        assert stored is not None
        return stored

    async def update(self, conn: AsyncConnection, connection_id: str, **fields: Any) -> Connection:
        """Change fields by name; credentials are sealed. Raises the version. Raises `NotFound`."""
        if "credentials" in fields:
            fields["credentials"] = self._vault.seal(dict(fields["credentials"]))
        changed = await conn.execute(
            update(table)
            .where(table.c.id == connection_id)
            .values(**fields, version=table.c.version + 1, updated_at=db_now_ms())
        )
        stored = await self.get(conn, connection_id) if changed.rowcount else None
        if stored is None:
            raise NotFound(f"there is no connection {connection_id}")
        return stored

    async def delete(self, conn: AsyncConnection, connection_id: str) -> bool:
        """Forget it, with its shops. Raises `InUse` while orders live on it or a tie names it."""
        tied = await conn.scalar(
            select(shops.c.name)
            .where(
                or_(
                    shops.c.tied_to == connection_id,
                    (shops.c.connection_id == connection_id) & shops.c.tied_to.is_not(None),
                )
            )
            .limit(1)
        )
        if tied is not None:
            raise InUse(f"the shop {tied!r} is tied through this connection: untie it first")
        of_store = select(orders.c.id).where(orders.c.store_connection_id == connection_id).limit(1)
        ours = select(shops.c.id).where(shops.c.connection_id == connection_id)
        of_channel = select(orders.c.id).where(orders.c.shop_id.in_(ours)).limit(1)
        if await conn.scalar(of_store) is not None or await conn.scalar(of_channel) is not None:
            raise InUse("orders live on this connection: it can be switched off, not deleted")
        await conn.execute(delete(sku_mappings).where(sku_mappings.c.shop_id.in_(ours)))
        await conn.execute(delete(shops).where(shops.c.connection_id == connection_id))
        gone = await conn.execute(delete(table).where(table.c.id == connection_id))
        return gone.rowcount > 0

    async def block(self, conn: AsyncConnection, connection_id: str, until: datetime) -> None:
        """Every process waits until then; a later block stays."""
        later = case(
            (or_(table.c.blocked_until.is_(None), table.c.blocked_until < until), literal(until, Instant())),
            else_=table.c.blocked_until,
        )
        await conn.execute(update(table).where(table.c.id == connection_id).values(blocked_until=later))

    async def blocks(self, conn: AsyncConnection) -> dict[str, datetime]:
        """Connections that wait now → until when."""
        waiting = select(table.c.id, table.c.blocked_until).where(table.c.blocked_until > db_now_ms())
        return {row.id: row.blocked_until for row in await conn.execute(waiting)}

    async def try_lease_token(self, conn: AsyncConnection, connection_id: str, owner: str, seconds: float) -> bool:
        """Whether this caller is the one that refreshes the token now; nobody else may for so many seconds."""
        return await leases.try_lease(conn, _token_lease(connection_id), owner, seconds, again=False)

    async def release_token_lease(self, conn: AsyncConnection, connection_id: str, owner: str) -> bool:
        return await leases.release(conn, _token_lease(connection_id), owner)

    async def store_tokens(
        self,
        conn: AsyncConnection,
        connection_id: str,
        credentials: Mapping[str, Any],
        token_expires_at: datetime | None,
    ) -> Connection:
        """Credentials and their expiry in one statement, so that no reader sees one without the other."""
        return await self.update(conn, connection_id, credentials=credentials, token_expires_at=token_expires_at)

    async def versions(self, conn: AsyncConnection) -> dict[str, int]:
        """Id → version, without opening anything: what a cache compares."""
        return {row.id: row.version for row in await conn.execute(select(table.c.id, table.c.version))}
