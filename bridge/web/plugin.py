"""`/plugin/version-check`: what a plugin version can do; with a connection, what the store's own can."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from aiohttp import web
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.capabilities import StoreCapabilities
from bridge.storage.api_tokens import Scope
from bridge.web.auth import caller
from bridge.web.bodies import Asked, read_query
from bridge.web.desk import DESK, WebDesk
from bridge.web.problems import Problem, invalid
from bridge.web.routes import ok
from plugin_contract.versions import Capabilities, capabilities


class VersionCheck(Asked):
    version: str | None = Field(default=None, max_length=200, description="A version as a store reports it")
    connection: str | None = Field(default=None, max_length=40, description="Read this store now (needs a token)")


async def version_check(request: web.Request) -> web.Response:
    asked = read_query(request, VersionCheck)
    if (asked.version is None) == (asked.connection is None):
        raise invalid("/version", "give either version=1.0.26 or connection=<id>")
    if asked.connection is None:
        return ok(capabilities(asked.version))
    await caller(request, Scope.READ)
    return ok(await read_store(request.app[DESK], asked.connection))


async def read_store(desk: WebDesk, connection_id: str) -> Capabilities:
    """Read the store's report now and keep it. Raises `RemoteProblem`, `Problem` 404 and 409."""
    connection = await desk.db.read(lambda conn: desk.connections.get(conn, connection_id))
    if connection is None:
        raise Problem("not-found", "There is no connection of this id.")
    if connection.kind != "magento":
        raise Problem("conflict", "Only a Magento store has the plugin.")
    store = await desk.gateways.store(connection_id)
    found = await store.capabilities()
    await keep_capabilities(desk, connection_id, found, plugin_version=found.reported)
    return capabilities(found.reported, override=connection.plugin_override)


async def keep_capabilities(desk: WebDesk, connection_id: str, found: StoreCapabilities, **facts: Any) -> None:
    """What the store said it can do now, and further facts about it."""
    now = desk.clock.now()
    # As the core reads it back: times as text, tuples as lists.
    kept: dict[str, Any] = {**asdict(found), "warnings": list(found.warnings), "read_at": now.isoformat()}

    async def write(conn: AsyncConnection) -> None:
        latest = await desk.connections.get(conn, connection_id)
        if latest is not None:
            told = {**latest.facts, "capabilities": kept, **facts}
            await desk.connections.update(conn, connection_id, facts=told)

    await desk.db.write(write)
