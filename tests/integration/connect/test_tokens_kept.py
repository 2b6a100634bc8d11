"""A renewed pair of tokens is kept, whatever fails meanwhile; a renewal that fails is told of and stops no other."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection
from structlog.testing import capture_logs

from bridge.bootstrap import PLATFORMS
from bridge.domain.outcomes import Reauth, RemoteProblem
from bridge.storage import attention
from bridge.storage.connections import Connection, Connections
from bridge.storage.engine import Database
from bridge.storage.errors import StorageDown
from bridge.storage.secrets import Vault, generate_key
from bridge.sync import tokens
from bridge.sync.desk import Desk, SyncSettings, SystemClock
from bridge.sync.keepers import Keepers
from tests.integration.connect.parts import MUGS
from tests.support.stage import Stage


@dataclass
class Platform:
    """Hands out one new pair for each old one, which is dead then."""

    problems: dict[str, Exception] = field(default_factory=dict)
    """By the refresh token that is shown."""
    asked: list[str] = field(default_factory=list)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def renew(self, credentials: Mapping[str, Any]) -> tuple[Mapping[str, Any], datetime | None]:
        shown = str(credentials["refresh_token"])
        self.asked.append(shown)
        await self.go_on.wait()
        if shown in self.problems:
            raise self.problems[shown]
        ends = datetime.now(UTC) + timedelta(days=7)
        return {**credentials, "access_token": f"{shown}-a", "refresh_token": f"{shown}-r"}, ends


@dataclass
class House:
    db: Database
    connections: Connections
    platform: Platform
    keepers: Keepers

    async def connect(self, name: str, ends: datetime | None = None) -> Connection:
        async def write(conn: AsyncConnection) -> Connection:
            made = await self.connections.upsert(
                conn,
                kind="tiktok",
                name=name,
                url="u",
                identity=name,
                credentials={"access_token": f"{name}-old", "refresh_token": name},
                facts={},
                state="connected",
                because="",
            )
            return await self.connections.update(conn, made.id, token_expires_at=ends)

        return await self.db.write(write)

    async def stored(self, connection: Connection) -> tuple[str, str]:
        found = await self.db.read(lambda conn: self.connections.get(conn, connection.id))
        assert found is not None
        return found.credentials["access_token"], found.credentials["refresh_token"]

    def desk(self) -> Desk:
        return Desk(
            db=self.db,
            connections=self.connections,
            gateways=None,  # type: ignore[arg-type] # nothing is read
            clock=SystemClock(),
            settings=SyncSettings(),
            owner="me",
            wake=lambda: None,
            platforms=PLATFORMS,
        )


@pytest.fixture
async def house(database: Database, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setattr(tokens, "FIRST_PAUSE", 0.01, raising=False)
    connections, platform = Connections(Vault([generate_key()])), Platform()
    keepers = Keepers(database, connections, SystemClock(), "me", {"tiktok": platform.renew})
    return House(database, connections, platform, keepers)


async def under_way(house: House, count: int = 1) -> None:
    async with asyncio.timeout(10):
        while len(house.platform.asked) < count:
            await asyncio.sleep(0.01)


async def test_a_pair_that_cannot_be_stored_is_kept_until_it_can(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = await house.connect("one")
    plain, refused = Connections.store_tokens, 0

    async def down(*given: Any) -> Connection:
        nonlocal refused
        if refused < 3:
            refused += 1
            raise StorageDown("nobody answers")
        return await plain(*given)

    monkeypatch.setattr(Connections, "store_tokens", down)
    house.platform.go_on.set()
    with capture_logs() as lines:
        assert await house.keepers.of(connection).refreshed("one-old") == "one-a"
    assert await house.stored(connection) == ("one-a", "one-r")
    assert [line["event"] for line in lines] == ["tokens.not_stored"] * 3
    assert house.platform.asked == ["one"]


async def test_a_renewal_goes_on_when_whoever_asked_for_it_is_cancelled(house: House) -> None:
    connection = await house.connect("one")
    asking = asyncio.create_task(house.keepers.of(connection).refreshed("one-old"))
    await under_way(house)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    second = asyncio.create_task(house.keepers.of(connection).refreshed("one-old"))
    house.platform.go_on.set()
    async with asyncio.timeout(10):
        await house.keepers.finished()
        assert await second == "one-a"
    assert await house.stored(connection) == ("one-a", "one-r")
    assert house.platform.asked == ["one"], "the old pair is dead: it is not shown twice"


async def test_a_stop_waits_no_longer_than_it_may(house: House) -> None:
    connection = await house.connect("one")
    asking = asyncio.create_task(house.keepers.of(connection).refreshed("one-old"))
    await under_way(house)
    with capture_logs() as lines:
        async with asyncio.timeout(10):
            await house.keepers.finished(0.05)
        with pytest.raises(RemoteProblem, match="the service is stopping"):
            await asking
    assert [line["event"] for line in lines] == ["tokens.broken_off"]
    assert await house.stored(connection) == ("one-old", "one")


async def test_what_a_person_authorized_meanwhile_stays(house: House) -> None:
    connection = await house.connect("one")
    asking = asyncio.create_task(house.keepers.of(connection).refreshed("one-old"))
    await under_way(house)
    fresh = {"access_token": "new", "refresh_token": "new-r"}
    await house.db.write(lambda conn: house.connections.update(conn, connection.id, credentials=fresh))
    house.platform.go_on.set()
    assert await asking == "new"
    assert await house.stored(connection) == ("new", "new-r")


@pytest.mark.parametrize("problem", [RemoteProblem(Reauth("the grant is gone")), ValueError("nobody foresaw this")])
async def test_an_early_renewal_that_fails_is_told_of_and_keeps_no_other_from_being_renewed(
    house: House, problem: Exception
) -> None:
    soon = datetime.now(UTC) - timedelta(minutes=1)
    first, second = [await house.connect(name, soon) for name in ("one", "two")]
    house.platform.problems["one"] = problem
    house.platform.go_on.set()
    desk = house.desk()
    with capture_logs() as lines:
        await house.keepers.renew_early(desk)
    assert await house.stored(second) == ("two-a", "two-r")
    items, _ = await house.db.read(lambda conn: attention.search(conn, connection_id=first.id))
    if isinstance(problem, RemoteProblem):
        assert [(item.kind, item.because) for item in items] == [("connection", "the grant is gone")]
        await house.keepers.renew_early(desk)
        assert house.platform.asked.count("one") == 1, "it waits for a person"
    else:
        assert [line["connection"] for line in lines if line["event"] == "tokens.broke"] == [first.id]


async def test_a_stop_in_the_middle_of_a_renewal_loses_no_pair(dark: Stage) -> None:
    async with dark.inside(stop_timeout=0.5):
        await dark.connect()
        await dark.product("MUG")
        order_id = await dark.place(MUGS)
        await dark.imported(order_id)
        await dark.tiktok.control("POST", "tokens/expire")
        await dark.tiktok.fault(kind="slow", path="token/refresh", seconds=1.5)
        after = await dark.tiktok.last_call()
        await dark.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "SYSTEM", "pending": False})
        # The call is listed once it is answered; that the token was refused comes just before it.
        assert await dark.tiktok.calls(path="/order/", after=after, wait=10)
    async with dark.inside():
        await dark.settled(order_id, "both books agree: all")
        found = await dark.api("GET", f"connections/{dark.tiktok_id}")
    assert found["state"] == "connected"
    assert len(await dark.tiktok.calls(path="token/refresh")) == 1
