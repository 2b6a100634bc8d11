"""What an order stands on, read in one query, is what its parts say one by one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.settings import ShopSettings, Tie
from bridge.ports import FoundShop
from bridge.storage import footing, ledger, orders, shops
from bridge.storage.connections import Connection, Connections
from bridge.storage.engine import Database
from bridge.storage.footing import Footing
from bridge.storage.secrets import Vault, generate_key
from bridge.storage.shops import Shop


@pytest.fixture
def connections() -> Connections:
    return Connections(Vault([generate_key()]))


async def _connection(database: Database, connections: Connections, kind: str, identity: str) -> Connection:
    async def write(conn: AsyncConnection) -> Connection:
        return await connections.upsert(
            conn,
            kind=kind,
            name=identity,
            url="u",
            identity=identity,
            credentials={"secret": identity},
            facts={"of": identity},
            state="connected",
            because="",
        )

    return await database.write(write)


async def _shop(database: Database, channel: Connection, tie: Connection | None) -> Shop:
    async def write(conn: AsyncConnection) -> Shop:
        shop = await shops.upsert_found(conn, channel.id, FoundShop("7", "S", "US", "c"))
        return await shops.save_settings(conn, shop.id, ShopSettings(store=Tie(connection=tie.id) if tie else None))

    return await database.write(write)


async def _read(
    database: Database, connections: Connections, shop_id: str, since: datetime | None = None
) -> Footing | None:
    since = since or datetime.now(UTC) - timedelta(hours=1)
    return await database.read(lambda conn: footing.of_order(conn, connections, shop_id, "576", since))


async def test_every_part_is_what_it_is_alone(database: Database, connections: Connections) -> None:
    channel = await _connection(database, connections, "tiktok", "t")
    tied = await _connection(database, connections, "magento", "tied")
    pinned = await _connection(database, connections, "magento", "pinned")
    assert await _read(database, connections, "shp_none") is None
    shop = await _shop(database, channel, None)
    assert await _read(database, connections, shop.id) == Footing(shop, None, channel, None, 0)
    shop = await _shop(database, channel, tied)
    assert await _read(database, connections, shop.id) == Footing(shop, None, channel, tied, 0)
    record = await database.write(lambda conn: orders.ensure(conn, shop.id, "576"))
    await database.write(lambda conn: orders.ensure(conn, shop.id, "577"))
    assert await _read(database, connections, shop.id) == Footing(shop, record, channel, tied, 0)
    record = await database.write(
        lambda conn: orders.update(conn, record.id, store_connection_id=pinned.id, reading={"a": 1})
    )
    assert await _read(database, connections, shop.id) == Footing(shop, record, channel, pinned, 0)


async def test_cancels_and_approvals_of_the_shop_are_counted(database: Database, connections: Connections) -> None:
    shop = await _shop(database, await _connection(database, connections, "tiktok", "t"), None)

    async def claim(conn: AsyncConnection) -> None:
        claims = [
            await ledger.open_claim(
                conn,
                order_id=(await orders.ensure(conn, shop.id, str(number))).id,
                side="channel",
                kind=kind,
                units=("u1",),
                token="t",
                attempt=1,
                payload={},
            )
            for number, kind in enumerate(("cancel", "approve", "refund", "cancel"))
        ]
        await ledger.void(conn, claims[-1].id, "refused")

    await database.write(claim)
    found = await _read(database, connections, shop.id)
    assert found is not None
    assert found.cancels == 2
    later = await _read(database, connections, shop.id, datetime.now(UTC) + timedelta(hours=1))
    assert later is not None
    assert later.cancels == 0
