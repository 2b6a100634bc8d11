"""Who is told of what needs attention: an e-mail address or a webhook, its secrets sealed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage import alerts
from bridge.storage.columns import db_now_ms
from bridge.storage.ids import new_id
from bridge.storage.secrets import Vault
from bridge.storage.tables import alert_targets as table


@dataclass(frozen=True, slots=True)
class AlertTarget:
    id: str
    kind: str
    """`email` or `webhook`."""
    name: str
    address: str
    """As it may be shown: of a webhook only its host, because its path may be a secret."""
    secrets: dict[str, Any] = field(repr=False)
    options: dict[str, Any]
    """`kinds`: the kinds it is told of; absent: all that block something or run out."""
    enabled: bool
    because: str
    """Why the last message did not get through; empty when it did."""
    failing_since: datetime | None
    sent_at: datetime | None
    """When the last message got through."""
    next_at: datetime | None
    created_at: datetime
    updated_at: datetime


class AlertTargets:
    """The book of targets, with the vault that opens their secrets."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def _record(self, row: Row[Any]) -> AlertTarget:
        values = dict(row._mapping)
        return AlertTarget(**(values | {"secrets": self._vault.open(values.pop("sealed"))}))

    async def add(
        self,
        conn: AsyncConnection,
        *,
        kind: str,
        name: str,
        address: str,
        secrets: Mapping[str, Any],
        options: Mapping[str, Any],
    ) -> AlertTarget:
        target_id = new_id("tgt")
        await conn.execute(
            insert(table).values(
                id=target_id,
                kind=kind,
                name=name,
                address=address,
                sealed=self._vault.seal(dict(secrets)),
                options=dict(options),
                enabled=True,
                because="",
                created_at=db_now_ms(),
                updated_at=db_now_ms(),
            )
        )
        made = await self.get(conn, target_id)
        assert made is not None
        return made

    async def get(self, conn: AsyncConnection, target_id: str) -> AlertTarget | None:
        row = (await conn.execute(select(table).where(table.c.id == target_id))).one_or_none()
        return None if row is None else self._record(row)

    async def all(self, conn: AsyncConnection) -> list[AlertTarget]:
        return [self._record(row) for row in await conn.execute(select(table).order_by(table.c.id))]

    async def update(self, conn: AsyncConnection, target_id: str, **fields: Any) -> AlertTarget | None:
        """Change fields by name; `secrets` are sealed. Switched off, what waits for it is dropped."""
        if "secrets" in fields:
            fields["sealed"] = self._vault.seal(dict(fields.pop("secrets")))
        await conn.execute(update(table).where(table.c.id == target_id).values(**fields, updated_at=db_now_ms()))
        if fields.get("enabled") is False:
            await alerts.drop_of_target(conn, target_id, "its target was switched off")
        return await self.get(conn, target_id)

    async def remove(self, conn: AsyncConnection, target_id: str) -> bool:
        """Forget it; what was told to it stays in the outbox."""
        gone = await conn.execute(delete(table).where(table.c.id == target_id))
        await alerts.drop_of_target(conn, target_id, "its target was removed")
        return gone.rowcount > 0
