"""Connecting, connecting again, and looking again: whatever fails leaves nothing half-written."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakValueDictionary

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.outcomes import Reauth, Rejected, RemoteProblem
from bridge.ports import Connected, Connector, Examined, Finding, Known
from bridge.storage import audit, shops
from bridge.storage.connections import Connection
from bridge.storage.errors import NotFound, StorageProblem
from bridge.storage.ids import new_id
from bridge.storage.shops import Shop
from bridge.web import others
from bridge.web.credentials import earlier, expiry_of, fresher
from bridge.web.desk import WebDesk
from bridge.web.keyring import Keyring
from bridge.web.problems import Problem
from bridge.web.states import State, findings_json, private, public, unauthorized

NOT_YET = "It is named, but not connected yet."
"""Why an announced connection is what it is, while nothing went wrong."""
_NAME = 191
# A refresh takes seconds; its lease is the one that keeps processes from refreshing at once.
_LEASE_SECONDS = 60.0
_LEASE_PAUSE = 0.5
_LEASE_TRIES = 20
_MENDED = frozenset({"hooks_mended", "webhooks_mended", "webhooks_moved"})
"""Findings that say that messages did not come here until now."""


@dataclass(frozen=True, slots=True)
class Joined:
    """A connection as it stands after connecting."""

    connection: Connection
    shops: list[Shop]
    findings: tuple[Finding, ...]
    hook_urls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Looked:
    """A connection as doctor found it."""

    joined: Joined
    examined: Examined


class Connecting:
    def __init__(self, desk: WebDesk, keyring: Keyring) -> None:
        self._desk = desk
        self._keyring = keyring
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def _is_channel(self, kind: str) -> bool:
        """A store is known by its address, a channel by the shops its seller has."""
        return self._desk.platforms[kind].side == "channel"

    def _default_name(self, kind: str, url: str) -> str:
        """All channels of a kind have one address, which says nothing of whose it is."""
        return self._desk.platforms[kind].name if self._is_channel(kind) else default_name(url)

    def _lock(self, name: str) -> asyncio.Lock:
        """One connect of the same thing at a time, so that registrations do not undo each other."""
        return self._locks.setdefault(name, asyncio.Lock())

    async def connect(
        self, *, kind: str, name: str | None, url: str, credentials: Mapping[str, Any], public_url: str, who: str
    ) -> Joined:
        """`url` and `credentials` as the connector normalised and checked them. Raises `RemoteProblem`."""
        async with self._lock(f"{kind}:{url}:{credentials.get('app_key', '')}"):
            known = await self._known(kind, url)
            if known is not None and known.state != State.ANNOUNCED:
                return await self._run(known, name, credentials, public_url, who, is_draft=False)
            # Its row comes first: the store begins to deliver while it is being connected.
            draft = await self.announce(kind=kind, name=name, url=url, credentials=credentials)
            await self._keyring.refresh()
            try:
                return await self._run(draft, name, credentials, public_url, who, is_draft=True)
            except BaseException:
                await self._undo(draft, known)
                raise

    async def again(self, connection: Connection, public_url: str, who: str, *, mend: bool) -> Looked:
        """Doctor: look at everything with what is stored, and keep what was learnt; whatever is wrong is a finding."""
        async with self._lock(connection.id), self._tokens_held(connection):
            latest = await self._desk.db.read(lambda conn: self._desk.connections.get(conn, connection.id))
            if latest is None:
                raise NotFound(f"the connection {connection.id} was deleted meanwhile")
            connector, sent = self._desk.connectors[latest.kind], public(latest.credentials)
            known = Known(public(latest.facts), latest.plugin_override)
            examined = await connector.examine(latest.id, latest.url, sent, public_url, mend=mend, known=known)
            if examined.connected is None or examined.problem is not None:
                return await self._looked_in_vain(latest, examined, public_url)
            connected = replace(examined.connected, findings=examined.findings)
            joined = await self._keep_joined(latest, None, sent, connected, public_url, who, is_doctor=True)
            return Looked(joined, examined)

    async def _looked_in_vain(self, latest: Connection, examined: Examined, public_url: str) -> Looked:
        """It does not work. That is written down, and so are tokens that were exchanged before it failed."""
        if examined.connected is not None:
            fresh = examined.connected.credentials
            await self._desk.db.write(lambda conn: self._keep(conn, latest.id, fresh))
        problem = examined.problem or RemoteProblem(Rejected("it could not be looked at"))
        stored = await self.failed(latest.id, problem)
        found = await self._desk.db.read(lambda conn: shops.of_connection(conn, latest.id))
        urls = _hook_urls(self._desk.connectors[latest.kind], public_url, stored)
        return Looked(Joined(stored, found, examined.findings, urls), examined)

    async def note(self, connection_id: str, facts: Mapping[str, Any]) -> Connection:
        """Put these among what is known of it. Raises `NotFound`."""

        async def write(conn: AsyncConnection) -> Connection:
            latest = await self._desk.connections.get(conn, connection_id)
            if latest is None:
                raise NotFound(f"the connection {connection_id} was deleted meanwhile")
            return await self._desk.connections.update(conn, connection_id, facts={**latest.facts, **facts})

        return await self._desk.db.write(write)

    @asynccontextmanager
    async def _tokens_held(self, connection: Connection) -> AsyncIterator[None]:
        """Nobody renews the tokens while doctor works with them: a refresh may end the pair it holds."""
        if not self._is_channel(connection.kind):
            yield
            return
        book, owner = self._desk.connections, f"doctor-{new_id('con')}"
        for _ in range(_LEASE_TRIES):
            if await self._desk.db.write(lambda conn: book.try_lease_token(conn, connection.id, owner, _LEASE_SECONDS)):
                break
            await asyncio.sleep(_LEASE_PAUSE)
        else:
            raise Problem("busy", "Its tokens are being renewed; run doctor again.", headers={"Retry-After": "10"})
        try:
            yield
        finally:
            with contextlib.suppress(StorageProblem):  # it runs out by itself
                await self._desk.db.write(lambda conn: book.release_token_lease(conn, connection.id, owner))

    async def authorized(
        self, connection: Connection, credentials: Mapping[str, Any], public_url: str, who: str
    ) -> Joined:
        """New credentials came by OAuth. Raises `RemoteProblem`.

        They are stored before anything else, because they cannot be had a second time; but not over those of shops
        that are connected: the seller who agreed may be another one.
        """
        of_it = await self._desk.db.read(lambda conn: shops.of_connection(conn, connection.id))
        async with self._lock(connection.id):
            if self._is_channel(connection.kind) and of_it:
                return await self._run(connection, None, credentials, public_url, who, is_draft=False, is_theirs=True)
            stored = await self._desk.db.write(lambda conn: self._keep(conn, connection.id, credentials))
            await self._keyring.catch_up()
            try:
                return await self._run(stored, None, credentials, public_url, who, is_draft=False)
            except RemoteProblem as problem:
                await self.failed(connection.id, problem)
                raise

    async def _keep(self, conn: AsyncConnection, connection_id: str, credentials: Mapping[str, Any]) -> Connection:
        latest = await self._desk.connections.get(conn, connection_id)
        if latest is None:
            raise NotFound(f"the connection {connection_id} was deleted meanwhile")
        merged = {**private(latest.credentials), **earlier(latest, credentials), **credentials}
        return await self._desk.connections.update(
            conn, connection_id, credentials=merged, token_expires_at=expiry_of(credentials)
        )

    async def announce(
        self,
        *,
        kind: str,
        name: str | None,
        url: str,
        credentials: Mapping[str, Any],
        facts: Mapping[str, Any] | None = None,
        sent: str = "",
        who: str = "",
    ) -> Connection:
        """A row for what is not connected yet. One that is there keeps what it holds. `who`: named in the audit.

        `sent` marks a form: a channel is known by its shops, so until then each is another one but for the same form.
        """
        identity = unauthorized(sent or new_id("con")) if self._is_channel(kind) else url

        async def write(conn: AsyncConnection) -> Connection:
            known = await self._desk.connections.by_identity(conn, kind, identity)
            merged = {**(private(known.credentials) if known else {}), **credentials}
            made = await self._desk.connections.upsert(
                conn,
                kind=kind,
                name=(name or (known.name if known else "") or self._default_name(kind, url))[:_NAME],
                url=url,
                identity=identity,
                credentials=merged,
                facts={**(known.facts if known else {}), **(facts or {})},
                state=State.ANNOUNCED.value,
                because=NOT_YET,
            )
            if who:
                await audit.write(conn, who, f"connection {made.id} announced", None, {"url": url})
            return made

        return await self._desk.db.write(write)

    async def failed(self, connection_id: str, problem: RemoteProblem) -> Connection:
        """Write down why it does not work. An outage changes no state: it passes."""
        fields: dict[str, Any] = {"because": problem.outcome.because}
        if isinstance(problem.outcome, Reauth):
            fields["state"] = State.REAUTH.value
        return await self._desk.db.write(lambda conn: self._desk.connections.update(conn, connection_id, **fields))

    async def _known(self, kind: str, url: str) -> Connection | None:
        if self._is_channel(kind):
            return None
        return await self._desk.db.read(lambda conn: self._desk.connections.by_identity(conn, kind, url))

    async def _run(
        self,
        connection: Connection,
        name: str | None,
        credentials: Mapping[str, Any],
        public_url: str,
        who: str,
        *,
        is_draft: bool,
        is_theirs: bool = False,
    ) -> Joined:
        connector = self._desk.connectors[connection.kind]
        connected = await connector.connect(connection.id, connection.url, credentials, public_url)
        if is_theirs:
            await self._must_share_a_shop(connection, connected)
        return await self._keep_joined(connection, name, credentials, connected, public_url, who, is_draft=is_draft)

    async def _keep_joined(
        self,
        connection: Connection,
        name: str | None,
        sent: Mapping[str, Any],
        connected: Connected,
        public_url: str,
        who: str,
        *,
        is_draft: bool = False,
        is_doctor: bool = False,
    ) -> Joined:
        async def write(conn: AsyncConnection) -> tuple[Connection, list[Shop]]:
            return await self._save(
                conn, connection.id, name, sent, connected, who, is_draft=is_draft, is_doctor=is_doctor
            )

        stored, found = await self._desk.db.write(write)
        await self._keyring.catch_up()
        if stored.state == State.CONNECTED:
            await self._desk.actions.reauthorized(stored.id)
        connector = self._desk.connectors[connection.kind]
        return Joined(stored, found, connected.findings, _hook_urls(connector, public_url, stored))

    async def _save(
        self,
        conn: AsyncConnection,
        connection_id: str,
        name: str | None,
        sent: Mapping[str, Any],
        connected: Connected,
        who: str,
        *,
        is_draft: bool,
        is_doctor: bool,
    ) -> tuple[Connection, list[Shop]]:
        book = self._desk.connections
        here = await book.get(conn, connection_id)
        if here is None:
            raise NotFound(f"the connection {connection_id} was deleted meanwhile")
        target = await self._same_channel(conn, here, connected) or here
        credentials = fresher(here, sent, connected.credentials) if is_doctor else dict(connected.credentials)
        broken = next((one for one in connected.findings if one.code == "not_connected"), None)
        # Nothing else is carried over, `capabilities` least of all: another plugin may be installed by now.
        facts = {
            **private(target.facts),
            **(target.facts if broken else {}),
            **connected.facts,
            **self._told_since(target, connected),
            "findings": findings_json(connected.findings),
        }
        fields: dict[str, Any] = {
            "credentials": {**private(target.credentials), **earlier(target, credentials), **credentials},
            "facts": facts,
            "state": (State.FAILED if broken else State.CONNECTED).value,
            "because": broken.text if broken else "",
            "token_expires_at": expiry_of(credentials),
            "url": here.url,
        }
        is_unnamed = is_draft or (
            here.state == State.ANNOUNCED and here.name == self._default_name(here.kind, here.url)
        )
        found_name = connected.shops[0].name if connected.shops and is_unnamed and target is here else ""
        if name or (found_name and self._is_channel(here.kind)):
            fields["name"] = (name or found_name)[:_NAME]
        if target is not here:
            await book.delete(conn, here.id)
        elif self._is_channel(here.kind) and connected.facts.get("identity"):
            fields["identity"] = str(connected.facts["identity"])[:500]
        stored = await book.update(conn, target.id, **fields)
        for shop in connected.shops:
            await shops.upsert_found(conn, stored.id, shop)
        await others.review(conn, book, stored.id)
        what = "looked at" if is_doctor else "connected"
        before = None if is_draft and target is here else {"state": target.state, "name": target.name}
        after = {"state": stored.state, "name": stored.name, "kind": stored.kind, "url": stored.url}
        await audit.write(conn, who, f"connection {stored.id} {what}", before, after)
        return stored, await shops.of_connection(conn, stored.id)

    def _told_since(self, before: Connection, connected: Connected) -> dict[str, str]:
        """Since when its registrations stand; nothing where they do not."""
        if connected.facts.get("mode") != "full":
            return {}
        is_new = before.facts.get("mode") != "full" or any(one.code in _MENDED for one in connected.findings)
        since = None if is_new else before.facts.get("told_since")
        return {"told_since": str(since or self._desk.clock.now().isoformat())}

    async def _must_share_a_shop(self, connection: Connection, connected: Connected) -> None:
        known = await self._desk.db.read(lambda conn: shops.of_connection(conn, connection.id))
        if not {shop.channel_shop_id for shop in known} & {shop.channel_shop_id for shop in connected.shops}:
            given = ", ".join(shop.name for shop in connected.shops) or "no shop"
            text = (
                f"The seller who agreed has {given}, but this connection is for {', '.join(s.name for s in known)}. "
                "Make a connection of its own for the other seller"
            )
            raise RemoteProblem(Rejected(text, "another_seller"))

    async def _same_channel(self, conn: AsyncConnection, here: Connection, connected: Connected) -> Connection | None:
        """A channel's connection with the same app and a shop in common is the same one."""
        if not self._is_channel(here.kind):
            return None
        wanted = {shop.channel_shop_id for shop in connected.shops}
        candidates = {shop.connection_id for shop in await shops.all(conn) if shop.channel_shop_id in wanted}
        for connection_id in sorted(candidates - {here.id}):
            other = await self._desk.connections.get(conn, connection_id)
            if other is not None and other.credentials.get("app_key") == connected.credentials.get("app_key"):
                return other if here.id not in candidates else None
        return None

    async def _undo(self, draft: Connection, known: Connection | None) -> None:
        """A connect that failed: the row that was made for it goes, one that was announced before is as it was."""

        async def write(conn: AsyncConnection) -> None:
            if known is None:
                await self._desk.connections.delete(conn, draft.id)
                return
            back = {"credentials": known.credentials, "name": known.name, "state": known.state}
            await self._desk.connections.update(conn, draft.id, because=known.because, **back)

        try:
            await self._desk.db.write(write)
        except StorageProblem:
            return  # it stays as announced, which is read by nobody; connecting again goes on from there


def _hook_urls(connector: Connector, public_url: str, connection: Connection) -> tuple[str, ...]:
    return connector.hook_urls(public_url, connection.id, public(connection.credentials))


def default_name(url: str) -> str:
    return url.partition("://")[2] or url


CONNECTING: web.AppKey[Connecting] = web.AppKey("connecting", Connecting)
