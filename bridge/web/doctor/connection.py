"""One connection, looked at from all sides: the other side itself, its clock, its messages, and the way to us."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge import quality
from bridge.ports import TEST_TOPIC, Examined, Finding
from bridge.storage import heard, shops
from bridge.storage.connections import Connection
from bridge.storage.shops import Shop
from bridge.web import others
from bridge.web.connecting import Connecting, Joined, Looked
from bridge.web.desk import WebDesk
from bridge.web.doctor import clocks, hearing, proof, ties
from bridge.web.states import State, findings_json, public

_ORDER: Final = {"error": 0, "warning": 1, "ok": 2}


def ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """What is wrong first, and nothing twice; within a level in the order it was found."""
    return tuple(sorted(dict.fromkeys(findings), key=lambda one: _ORDER.get(one.level, 0)))


@dataclass(frozen=True, slots=True)
class Doctor:
    desk: WebDesk
    connecting: Connecting

    async def look(self, connection: Connection, public_url: str, who: str, *, mend: bool) -> Joined:
        """Everything that can be said of it now, kept with the connection. A check that fails is a finding.

        Raises `NotFound` where it was deleted meanwhile, `Problem` where its tokens are being renewed for too long.
        """
        testing = asyncio.create_task(self._test(connection))
        try:
            looked = await self.connecting.again(connection, public_url, who, mend=mend)
        except BaseException:
            testing.cancel()
            await asyncio.gather(testing, return_exceptions=True)
            raise
        stored, examined = looked.joined.connection, looked.examined
        found = [*examined.findings]
        offset = examined.clock_offset
        if offset is None and examined.problem is None:
            # Nothing it answered showed its clock: any answer of its server's does.
            offset = await self.desk.connectors[stored.kind].clock_offset(stored.url)
        if offset is not None or examined.problem is None:
            found.append(await self._clock(stored, offset))
        found += await self._on_our_side(looked)
        if stored.blocked_until and stored.blocked_until > self.desk.clock.now():
            text = f"The other side asked everybody to wait until {stored.blocked_until:%H:%M:%S} UTC; then it goes on."
            found.append(Finding("warning", "waiting", text))
        found.append(await testing)
        # Beside the loop: the first time it is read from a file.
        found.append(Finding("ok", "claims", await asyncio.to_thread(quality.told, stored.kind)))
        findings = ordered(found)
        facts: dict[str, Any] = {
            "findings": findings_json(findings),
            "looked_at": self.desk.clock.now().isoformat(),
        }
        if offset is not None:
            facts["clock_offset"] = round(offset, 1)
        kept = await self.connecting.note(stored.id, facts)
        return Joined(kept, looked.joined.shops, findings, looked.joined.hook_urls)

    async def _clock(self, stored: Connection, offset: float | None) -> Finding:
        """Other clocks are asked only where this one differs: they tell whose it is."""
        rule = self.desk.platforms[stored.kind].clock
        others: dict[str, float] = {}
        if offset is not None and not clocks.is_fine(rule, offset):
            others = await self._other_clocks(stored)
        return clocks.judge(rule, offset, others)

    async def _other_clocks(self, stored: Connection) -> dict[str, float]:
        """Our clock less those of the other connections, and of a database that has one of its own."""
        found = await self.desk.db.read(self.desk.connections.all)
        named = {one.name: one for one in found if one.url != stored.url and one.state != State.ANNOUNCED}
        offsets: dict[str, float] = {}

        async def ask(name: str, one: Connection) -> None:
            offset = await self.desk.connectors[one.kind].clock_offset(one.url)
            if offset is not None:
                offsets[name] = offset

        asked = [ask(name, one) for name, one in named.items() if one.kind in self.desk.connectors]
        before = self.desk.clock.now()
        moment = await self.desk.db.read(heard.now)
        after = self.desk.clock.now()
        database = (before + (after - before) / 2 - moment).total_seconds()
        # One that agrees with us may be this machine's own, and proves nothing.
        if abs(database) > clocks.ALIKE:
            offsets["the database"] = database
        await asyncio.gather(*asked)
        return offsets

    async def _on_our_side(self, looked: Looked) -> list[Finding]:
        """Ties and arrivals: what our own books say of it."""
        stored, examined = looked.joined.connection, looked.examined
        facts = public(stored.facts)

        async def read(conn: AsyncConnection) -> tuple[list[Shop], heard.Heard]:
            return await shops.all(conn), await heard.read(conn, stored.id, TEST_TOPIC)

        all_shops, arrived = await self.desk.db.read(read)
        platform = self.desk.platforms[stored.kind]
        if platform.side == "channel":
            found = ties.of_channel([shop for shop in all_shops if shop.connection_id == stored.id])
        else:
            found = ties.of_store(stored.id, facts, all_shops)
            tied = [shop for shop in all_shops if shop.settings.store and shop.settings.store.connection == stored.id]
            found += [finding for shop in tied for finding in others.findings(shop, stored)]
        if examined.problem is None and facts.get("mode") == "full":
            since = _since(facts, stored)
            silenced_by = _silenced_by(facts)
            found.append(hearing.judge(platform, arrived, _ours(examined), since, silenced_by=silenced_by))
        return found

    async def _test(self, stored: Connection) -> Finding:
        """Through the public address as configured; one made up from a caller's own request proves nothing."""
        desk = self.desk
        platform = desk.platforms[stored.kind]
        if not platform.topics:
            text = f"No test delivery was sent: {platform.name} sends no messages that could be lost."
            return Finding("ok", "test_delivery_skipped", text)
        if not desk.public_url:
            text = (
                "No test delivery was sent, because BRIDGE_PUBLIC_URL is not set: nobody outside knows where to "
                "deliver. Set it and run doctor."
            )
            return Finding("warning", "test_delivery_skipped", text)
        mark = proof.new_mark()
        connector = desk.connectors[stored.kind]
        test = connector.test_delivery(stored.id, public(stored.credentials), desk.public_url.rstrip("/"), mark)
        if test is None:
            text = "No test delivery was sent: no key is known to sign one with. Changes are found by the sweep."
            return Finding("warning", "test_delivery_skipped", text)
        return await proof.prove(desk.db, desk.courier, test, mark)


def _ours(examined: Examined) -> datetime | None:
    """The newest change there, by our clock."""
    if examined.last_change is None:
        return None
    return examined.last_change + timedelta(seconds=examined.clock_offset or 0.0)


def _since(facts: Mapping[str, Any], stored: Connection) -> datetime:
    try:
        return datetime.fromisoformat(str(facts.get("told_since")))
    except ValueError:
        return stored.created_at


def _silenced_by(facts: Mapping[str, Any]) -> str:
    others = [one for one in facts.get("other_registrations") or () if isinstance(one, Mapping)]
    return ", ".join(
        sorted({f"integration {one.get('integration_id') or 'unknown'}" for one in others if one.get("may_silence")})
    )
