"""What the store's plugin can do, read once a day and again while refunds wait for an upgrade."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.capabilities import StoreCapabilities
from bridge.domain.outcomes import RemoteProblem
from bridge.ports import Store
from bridge.storage.connections import Connection
from bridge.sync import plugins
from bridge.sync.desk import Desk
from bridge.sync.sheet import NO_STORE, RemoteDown

WHILE_BROKEN = timedelta(seconds=30)
"""Refunds wait for an upgrade: the version is asked again after this."""


def to_json(capabilities: StoreCapabilities) -> dict[str, Any]:
    data = asdict(capabilities)
    data["warnings"] = list(capabilities.warnings)
    data["read_at"] = capabilities.read_at.isoformat() if capabilities.read_at else None
    return data


def from_json(data: dict[str, Any]) -> StoreCapabilities:
    fields = dict(data)
    fields["warnings"] = tuple(fields.get("warnings", ()))
    fields["read_at"] = datetime.fromisoformat(fields["read_at"]) if fields.get("read_at") else None
    return StoreCapabilities(**fields)


async def current(desk: Desk, connection: Connection | None, store: Store | None) -> StoreCapabilities:
    """As stored, or read anew when old. Raises `RemoteDown`."""
    if connection is None or store is None:
        return NO_STORE
    stored = connection.facts.get("capabilities")
    known = from_json(stored) if stored else None
    now = desk.clock.now()
    if known is not None and known.read_at is not None:
        life = desk.settings.capabilities_life if known.refunds_work else WHILE_BROKEN
        if now - known.read_at < life:
            return known
    try:
        fresh = await store.capabilities()
    except RemoteProblem as problem:
        raise RemoteDown(connection.id, problem) from problem
    fresh = StoreCapabilities(**{**asdict(fresh), "warnings": fresh.warnings, "read_at": now})

    async def save(conn: AsyncConnection) -> None:
        latest = await desk.connections.get(conn, connection.id)
        if latest is not None:
            await desk.connections.update(conn, connection.id, facts={**latest.facts, "capabilities": to_json(fresh)})
            await plugins.told(conn, latest, fresh)

    await desk.db.write(save)
    return fresh
