from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.settings import ShopSettings, Tie
from bridge.storage import orders, shops
from bridge.storage.connections import Connection, Connections
from bridge.storage.engine import Database
from bridge.storage.errors import InUse, NotFound
from bridge.storage.secrets import Vault, generate_key
from bridge.storage.shops import Shop

BOOK = Connections(Vault([generate_key()]))
NOW = datetime(2026, 11, 1, 12, 0, 0, 123000, tzinfo=UTC)


@dataclass(frozen=True)
class Found:
    channel_shop_id: str = "7495"
    name: str = "Shop"
    region: str = "US"
    cipher: str = "cph"
    seller_type: str = "LOCAL"


async def _connect(database: Database, kind: str = "magento", name: str = "Shop", token: str = "one") -> Connection:
    async def run(conn: AsyncConnection) -> Connection:
        return await BOOK.upsert(
            conn,
            kind=kind,
            name=name,
            url="https://a.example",
            identity="https://a.example",
            credentials={"token": token},
            facts={"version": "1.0.20"},
            state="active",
            because="connected",
        )

    return await database.write(run)


async def test_connecting_again_continues_the_old_one(database: Database) -> None:
    first = await _connect(database)
    again = await _connect(database, name="New name", token="two")
    other = await _connect(database, kind="shopify")
    assert (again.id, again.version, again.name) == (first.id, first.version + 1, "New name")
    assert again.credentials == {"token": "two"}
    assert again.created_at == first.created_at
    assert other.id != first.id
    assert {one.id for one in await database.read(BOOK.all)} == {first.id, other.id}
    assert await database.read(BOOK.versions) == {first.id: 2, other.id: 1}


async def test_update_and_tokens_raise_the_version(database: Database) -> None:
    made = await _connect(database)
    changed = await database.write(lambda conn: BOOK.update(conn, made.id, plugin_override="1.0.20", state="reauth"))
    assert (changed.version, changed.plugin_override, changed.state) == (2, "1.0.20", "reauth")
    stored = await database.write(lambda conn: BOOK.store_tokens(conn, made.id, {"token": "new"}, NOW))
    assert (stored.credentials, stored.token_expires_at, stored.version) == ({"token": "new"}, NOW, 3)
    with pytest.raises(NotFound):
        await database.write(lambda conn: BOOK.update(conn, "con_none", state="x"))


async def test_a_block_only_gets_later(database: Database) -> None:
    made = await _connect(database)
    soon, later = (datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=m) for m in (1, 9))
    for until in (soon, later, soon):
        await database.write(lambda conn, until=until: BOOK.block(conn, made.id, until))  # type: ignore[misc] # a default argument has no type in a lambda
    assert await database.read(BOOK.blocks) == {made.id: later}


async def test_one_process_refreshes_the_token(database: Database) -> None:
    async def lease(owner: str) -> bool:
        return await database.write(lambda conn: BOOK.try_lease_token(conn, "con_1", owner, 60))

    assert [await lease("p1"), await lease("p2"), await lease("p1")] == [True, False, False]
    assert not await database.write(lambda conn: BOOK.release_token_lease(conn, "con_1", "p2"))
    assert await database.write(lambda conn: BOOK.release_token_lease(conn, "con_1", "p1"))
    assert await lease("p2")


async def _shop(database: Database, connection_id: str, found: Found | None = None) -> Shop:
    return await database.write(lambda conn: shops.upsert_found(conn, connection_id, found or Found()))


async def test_a_shop_found_again_keeps_its_settings(database: Database) -> None:
    channel = await _connect(database, kind="tiktok")
    shop = await _shop(database, channel.id)
    settings = ShopSettings(store=Tie(connection="con_store"), orders_since=NOW)
    saved = await database.write(lambda conn: shops.save_settings(conn, shop.id, settings))
    again = await _shop(database, channel.id, Found(name="Renamed"))
    assert (again.id, again.name, again.settings) == (shop.id, "Renamed", settings)
    assert again.version > saved.version > shop.version
    assert await database.read(lambda conn: shops.of_connection(conn, channel.id)) == [again]
    assert await database.read(lambda conn: shops.by_channel_id(conn, channel.id, "7495")) == again
    assert await database.read(shops.all) == [again]


async def test_sku_mappings_are_replaced_as_a_whole(database: Database) -> None:
    mapping = {"A": "a", "A ": "b", "a": "c", "Ä" * 300: "d", "😀": "e"}
    await database.write(lambda conn: shops.set_sku_map(conn, "shp_1", mapping))
    assert await database.read(lambda conn: shops.sku_map(conn, "shp_1")) == mapping
    await database.write(lambda conn: shops.set_sku_map(conn, "shp_1", {"B": "b"}))
    assert await database.read(lambda conn: shops.sku_map(conn, "shp_1")) == {"B": "b"}


async def test_what_something_lives_on_is_not_deleted(database: Database) -> None:
    store = await _connect(database)
    channel = await _connect(database, kind="tiktok")
    shop = await _shop(database, channel.id)

    async def delete(connection_id: str) -> bool:
        return await database.write(lambda conn: BOOK.delete(conn, connection_id))

    tied = ShopSettings(store=Tie(connection=store.id))
    await database.write(lambda conn: shops.save_settings(conn, shop.id, tied))
    for connection in (store, channel):
        with pytest.raises(InUse, match="untie"):
            await delete(connection.id)
    await database.write(lambda conn: shops.save_settings(conn, shop.id, ShopSettings()))

    async def order(conn: AsyncConnection) -> None:
        made = await orders.ensure(conn, shop.id, "576")
        await orders.update(conn, made.id, store_connection_id=store.id)

    await database.write(order)
    for connection in (store, channel):
        with pytest.raises(InUse, match="orders live"):
            await delete(connection.id)
    unused = await _connect(database, kind="shopify")
    await _shop(database, unused.id, Found("1"))
    assert await delete(unused.id)
    assert not await delete(unused.id)
    assert len(await database.read(shops.all)) == 1
