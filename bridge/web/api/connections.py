"""`/api/v1/connections`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.outcomes import RemoteProblem
from bridge.ports import Connector, Finding
from bridge.storage import audit, shops
from bridge.storage.connections import Connection
from bridge.storage.shops import Shop
from bridge.web.admin_urls import checked_admin
from bridge.web.api.models import (
    ConnectionChange,
    ConnectionList,
    ConnectionOut,
    FindingOut,
    NewConnection,
    ShopBrief,
)
from bridge.web.bodies import read_json
from bridge.web.connecting import CONNECTING, Joined
from bridge.web.desk import DESK, WebDesk, public_url
from bridge.web.hooks import KEYRING
from bridge.web.oauth_magento import addresses, addresses_of, announced_facts
from bridge.web.oauth_tiktok import start_link
from bridge.web.problems import Problem, invalid, of_remote, unknown
from bridge.web.routes import WHO, ok
from bridge.web.states import State, public, unauthorized
from plugin_contract.versions import NoVersion, PluginVersion

_NO_PUBLIC_URL = Finding(
    "warning",
    "no_public_url",
    "BRIDGE_PUBLIC_URL is not set, so remotes are told the address this request came to. Set it and run doctor.",
)


async def create_connection(request: web.Request) -> web.Response:
    made = await create(request, await read_json(request, NewConnection))
    return ok(made, 201, {"Location": f"/api/v1/connections/{made.id}"})


async def create(request: web.Request, asked: NewConnection, sent: str = "") -> ConnectionOut:
    """Connects it, or announces it where its remote has to agree first. Raises `Problem`.

    `sent` marks a form: sent again, what it announced is found again.
    """
    desk = request.app[DESK]
    connector = desk.connectors.get(asked.kind)
    if connector is None:
        raise invalid("/kind", f"must be one of {', '.join(sorted(desk.connectors))}")
    try:
        url = connector.normalise(asked.url)
    except ValueError as problem:
        raise invalid("/url", str(problem)) from None
    if asked.credentials is None and asked.kind in desk.handshakes:
        return await _announce_store(request, asked, url)
    given = dict(asked.credentials or {})
    if asked.auth_url is not None:
        given["auth_url"] = asked.auth_url
    if asked.kind in desk.authorizations and not given.get("access_token") and not given.get("refresh_token"):
        return await _announce_channel(request, asked, connector, url, given, sent)
    credentials = _checked(connector, given)
    try:
        joined = await request.app[CONNECTING].connect(
            kind=asked.kind,
            name=asked.name,
            url=url,
            credentials=credentials,
            public_url=public_url(request),
            who=request[WHO],
        )
    except RemoteProblem as problem:
        raise _not_connected(problem) from None
    return joined_out(desk, joined)


def _checked(connector: Connector, given: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        return connector.check(given)
    except ValueError as problem:
        raise invalid("/credentials", str(problem)) from None


def _not_connected(problem: RemoteProblem) -> Problem:
    found = of_remote(problem, "Not connected")
    found.more["findings"] = [{"level": "error", "code": found.slug.replace("-", "_"), "text": problem.outcome.because}]
    return found


async def _announce_store(request: web.Request, asked: NewConnection, url: str) -> ConnectionOut:
    """No credentials: the store is named, and connects itself when an admin there chooses Activate."""
    desk = request.app[DESK]
    base = public_url(request)
    known = await desk.db.read(lambda conn: desk.connections.by_identity(conn, asked.kind, url))
    if known is None or known.state == State.ANNOUNCED:
        known = await request.app[CONNECTING].announce(
            kind=asked.kind, name=asked.name, url=url, credentials={}, facts=announced_facts(base), who=request[WHO]
        )
    out = await shown_alone(desk, known)
    return out.model_copy(update=addresses(base))


async def _announce_channel(
    request: web.Request, asked: NewConnection, connector: Connector, url: str, given: Mapping[str, Any], sent: str
) -> ConnectionOut:
    """No tokens: the seller authorizes in a browser."""
    desk = request.app[DESK]
    # The connector judges a whole grant; what is not there yet stands in for it and is taken out again.
    absent = {"access_token": "none", "refresh_token": "none"}
    checked = {name: value for name, value in _checked(connector, {**given, **absent}).items() if name not in absent}
    if not checked.get("service_id"):
        text = "service_id is missing (Partner Center › App & Service › your app), or give access and refresh token"
        raise invalid("/credentials/service_id", text)
    base = public_url(request)
    known = await desk.db.read(lambda conn: desk.connections.by_identity(conn, asked.kind, unauthorized(sent)))
    if known is None:
        known = await request.app[CONNECTING].announce(
            kind=asked.kind,
            name=asked.name,
            url=url,
            credentials=checked,
            facts=announced_facts(base),
            sent=sent,
            who=request[WHO],
        )
    link = await start_link(request, known.id)
    return (await shown_alone(desk, known)).model_copy(update={"authorize_url": link})


async def list_connections(request: web.Request) -> web.Response:
    return ok(ConnectionList(connections=await all_connections(request.app[DESK])))


async def all_connections(desk: WebDesk) -> list[ConnectionOut]:
    async def read(conn: AsyncConnection) -> tuple[list[Connection], list[Shop]]:
        return await desk.connections.all(conn), await shops.all(conn)

    return shown(desk, *await desk.db.read(read))


def shown(desk: WebDesk, found: Sequence[Connection], of_all: Sequence[Shop]) -> list[ConnectionOut]:
    return [_out(desk, one, [shop for shop in of_all if shop.connection_id == one.id]) for one in found]


async def show_connection(request: web.Request) -> web.Response:
    return ok(await one_connection(request))


async def one_connection(request: web.Request) -> ConnectionOut:
    return await shown_alone(request.app[DESK], await named_connection(request))


async def change_connection(request: web.Request) -> web.Response:
    return ok(await change(request, await read_json(request, ConnectionChange)))


async def change(request: web.Request, asked: ConnectionChange) -> ConnectionOut:
    """Raises `Problem`."""
    desk = request.app[DESK]
    before = await named_connection(request)
    fields: dict[str, Any] = {}
    if asked.name is not None:
        fields["name"] = asked.name
    if "plugin_version_override" in asked.model_fields_set:
        stated = (asked.plugin_version_override or "").strip() or None
        if stated and isinstance(PluginVersion.parse(stated), NoVersion):
            raise invalid("/plugin_version_override", "is no version; it looks like 1.0.20")
        fields["plugin_override"] = stated
    if "admin_url" in asked.model_fields_set:
        fields["admin_url"] = checked_admin(desk.platforms.get(before.kind), asked.admin_url)

    async def write(conn: AsyncConnection) -> Connection:
        latest = await desk.connections.get(conn, before.id)
        if latest is None:
            raise Problem("not-found", "The connection was deleted meanwhile.")
        changes = dict(fields)
        if "plugin_override" in changes and changes["plugin_override"] != latest.plugin_override:
            # What the plugin can do is judged anew with the next look.
            changes["facts"] = {name: value for name, value in latest.facts.items() if name != "capabilities"}
        stored = await desk.connections.update(conn, before.id, **changes) if changes else latest
        was = {name: getattr(latest, name) for name in fields}
        if was != fields:
            await audit.write(conn, request[WHO], f"connection {before.id}", was, fields)
        return stored

    return await shown_alone(desk, await desk.db.write(write))


async def delete_connection(request: web.Request) -> web.Response:
    """409 while orders live on it, or a shop is tied through it."""
    await forget(request)
    return web.Response(status=204)


async def forget(request: web.Request) -> Connection:
    """Raises `InUse` while orders live on it, or a shop is tied through it. Returns what it was."""
    desk = request.app[DESK]
    before = await named_connection(request)

    async def write(conn: AsyncConnection) -> None:
        await desk.connections.delete(conn, before.id)
        was = {"kind": before.kind, "name": before.name, "url": before.url}
        await audit.write(conn, request[WHO], f"connection {before.id} deleted", was, None)

    await desk.db.write(write)
    await request.app[KEYRING].catch_up()
    return before


async def named_connection(request: web.Request) -> Connection:
    desk = request.app[DESK]
    wanted = request.match_info["connection"]
    found = await desk.db.read(lambda conn: desk.connections.get(conn, wanted))
    if found is None:
        raise unknown("connection", "/api/v1/connections")
    return found


async def shown_alone(desk: WebDesk, connection: Connection) -> ConnectionOut:
    return _out(desk, connection, await desk.db.read(lambda conn: shops.of_connection(conn, connection.id)))


def joined_out(desk: WebDesk, joined: Joined) -> ConnectionOut:
    findings = [*joined.findings, *([] if desk.public_url else [_NO_PUBLIC_URL])]
    shown = [FindingOut(level=one.level, code=one.code, text=one.text) for one in findings]
    out = _out(desk, joined.connection, joined.shops)
    return out.model_copy(update={"findings": shown, "hook_urls": list(joined.hook_urls)})


def _out(desk: WebDesk, connection: Connection, of_it: list[Shop]) -> ConnectionOut:
    connector = desk.connectors.get(connection.kind)
    credentials = public(connection.credentials)
    hooks: tuple[str, ...] = ()
    if connector is not None and desk.public_url and connection.state != State.ANNOUNCED:
        hooks = connector.hook_urls(desk.public_url.rstrip("/"), connection.id, credentials)
    facts = public(connection.facts)
    findings = facts.pop("findings", [])
    pasted: dict[str, str] = {}
    if connection.state == State.ANNOUNCED and connection.kind in desk.handshakes:
        pasted = addresses_of(connection, (desk.public_url or "").rstrip("/"))
    return ConnectionOut(
        **pasted,
        id=connection.id,
        kind=connection.kind,
        name=connection.name,
        url=connection.url,
        state=connection.state,
        because=connection.because,
        hook_urls=list(hooks),
        shops=[
            ShopBrief(id=shop.id, name=shop.name, region=shop.region, channel_shop_id=shop.channel_shop_id)
            for shop in of_it
        ],
        findings=[FindingOut.model_validate(one) for one in findings],
        facts=facts,
        plugin_version_override=connection.plugin_override,
        admin_url=connection.admin_url,
        blocked_until=connection.blocked_until,
        token_expires_at=connection.token_expires_at,
        created_at=connection.created_at,
        updated_at=connection.updated_at,
    )
