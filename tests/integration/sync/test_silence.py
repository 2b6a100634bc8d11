"""Whoever changes and never tells is asked about, whatever platform it is; who sends no messages at all is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.bootstrap import PLATFORMS
from bridge.ports import Channel, Store
from bridge.storage import attention, drifts
from bridge.storage.connections import Connections
from bridge.storage.engine import Database
from bridge.storage.secrets import Vault, generate_key
from bridge.sync import silence
from bridge.sync.desk import Desk, SyncSettings, SystemClock


class NoGateways:
    async def channel(self, shop_id: str) -> Channel:
        raise AssertionError(f"nobody asks the channel of {shop_id}")

    async def store(self, connection_id: str) -> Store:
        raise AssertionError(f"nobody asks the store {connection_id}")


async def _asked(desk: Desk, kind: str) -> list[tuple[str, str | None]]:
    """Three changes of one connection that nobody told of; what is asked then."""

    async def write(conn: AsyncConnection) -> None:
        made = await desk.connections.upsert(
            conn,
            kind=kind,
            name=kind,
            url=f"https://{kind}.test",
            identity=kind,
            credentials={"a": "b"},
            facts={"mode": "full"},
            state="connected",
            because="",
        )
        now = datetime.now(UTC)
        for number in range(3):
            await drifts.found(
                conn,
                order_id=f"ord_{number}",
                shop_id="shp_1",
                side=PLATFORMS[kind].side,
                connection_id=made.id,
                effect="cancel",
                found_by="sweep",
                because="found by looking",
                changed_at=now - timedelta(minutes=5),
                now=now,
            )

    await desk.db.write(write)
    await silence.look(desk)
    items, _ = await desk.db.read(attention.search)
    return [(item.kind, item.title.rpartition(": ")[2]) for item in items]


def _desk(database: Database) -> Desk:
    return Desk(
        db=database,
        connections=Connections(Vault([generate_key()])),
        gateways=NoGateways(),
        clock=SystemClock(),
        settings=SyncSettings(),
        owner="one",
        wake=lambda: None,
        platforms=PLATFORMS,
    )


@pytest.mark.parametrize(
    ("kind", "asked"), [("magento", "silent_plugin"), ("shopify", "silent_plugin"), ("tiktok", "silent_channel")]
)
async def test_every_platform_that_sends_messages_is_asked_about(database: Database, kind: str, asked: str) -> None:
    assert await _asked(_desk(database), kind) == [(asked, kind)]


async def test_a_platform_that_sends_no_messages_is_not(sqlite_database: Database) -> None:
    mute = {**PLATFORMS, "shopify": replace(PLATFORMS["shopify"], topics=frozenset())}
    assert await _asked(replace(_desk(sqlite_database), platforms=mute), "shopify") == []
