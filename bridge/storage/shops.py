"""Shops of the channel: what they are, their settings, and their SKU mappings."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Row, Select, bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.settings import ShopSettings
from bridge.storage.columns import db_now_ms
from bridge.storage.errors import NotFound
from bridge.storage.ids import new_id
from bridge.storage.tables import shops as table
from bridge.storage.tables import sku_mappings
from bridge.storage.upserts import upsert


@dataclass(frozen=True, slots=True)
class Shop:
    id: str
    connection_id: str
    channel_shop_id: str
    """The channel's own id."""
    name: str
    region: str
    cipher: str
    seller_type: str
    settings: ShopSettings
    brake: dict[str, Any] | None
    """Since when and why refunds are not carried to the channel until a person answers; None: they are."""
    created_at: datetime
    updated_at: datetime
    version: int


class Found(Protocol):
    """A shop as connecting found it."""

    @property
    def channel_shop_id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def region(self) -> str: ...
    @property
    def cipher(self) -> str: ...
    @property
    def seller_type(self) -> str: ...


def record(stored: Mapping[Any, Any]) -> Shop:
    """A shop from its columns' values."""
    values = dict(stored)
    del values["tied_to"]
    return Shop(**(values | {"settings": ShopSettings.model_validate(values["settings"])}))


def _record(row: Row[Any]) -> Shop:
    return record(row._mapping)


async def _one(conn: AsyncConnection, query: Select[Any]) -> Shop | None:
    row = (await conn.execute(query)).one_or_none()
    return None if row is None else _record(row)


_BY_ID = select(table).where(table.c.id == bindparam("shop"))
_LOCKED = _BY_ID.with_for_update()


async def get(conn: AsyncConnection, shop_id: str) -> Shop | None:
    row = (await conn.execute(_BY_ID, {"shop": shop_id})).one_or_none()
    return None if row is None else _record(row)


async def locked(conn: AsyncConnection, shop_id: str) -> Shop | None:
    """The shop, which nobody else changes before this transaction ends."""
    row = (await conn.execute(_LOCKED, {"shop": shop_id})).one_or_none()
    return None if row is None else _record(row)


async def all(conn: AsyncConnection) -> list[Shop]:  # noqa: A001 -- read as shops.all
    return [_record(row) for row in await conn.execute(select(table).order_by(table.c.id))]


async def of_connection(conn: AsyncConnection, connection_id: str) -> list[Shop]:
    found = await conn.execute(select(table).where(table.c.connection_id == connection_id).order_by(table.c.id))
    return [_record(row) for row in found]


async def tied_to(conn: AsyncConnection, connection_id: str) -> list[Shop]:
    """Shops whose orders this store takes."""
    found = await conn.execute(select(table).where(table.c.tied_to == connection_id).order_by(table.c.id))
    return [_record(row) for row in found]


async def by_channel_id(conn: AsyncConnection, connection_id: str, channel_shop_id: str) -> Shop | None:
    return await _one(
        conn,
        select(table).where(table.c.connection_id == connection_id, table.c.channel_shop_id == channel_shop_id),
    )


async def upsert_found(conn: AsyncConnection, connection_id: str, found: Found) -> Shop:
    """Keep a shop that connecting found; one known already keeps its id and settings."""
    seen = {
        "name": found.name,
        "region": found.region,
        "cipher": found.cipher,
        "seller_type": found.seller_type,
        "updated_at": db_now_ms(),
    }
    fresh = {
        "id": new_id("shp"),
        "connection_id": connection_id,
        "channel_shop_id": found.channel_shop_id,
        "settings": ShopSettings().model_dump(mode="json"),
        "version": 1,
        "created_at": db_now_ms(),
    }
    await upsert(
        conn,
        table,
        seen | fresh,
        keys=["connection_id", "channel_shop_id"],
        update=seen | {"version": table.c.version + 1},
    )
    stored = await by_channel_id(conn, connection_id, found.channel_shop_id)
    assert stored is not None
    return stored


async def save_settings(conn: AsyncConnection, shop_id: str, settings: ShopSettings) -> Shop:
    """Raises `NotFound`."""
    changed = await conn.execute(
        update(table)
        .where(table.c.id == shop_id)
        .values(
            settings=settings.model_dump(mode="json"),
            tied_to=settings.store.connection if settings.store else None,
            version=table.c.version + 1,
            updated_at=db_now_ms(),
        )
    )
    stored = await get(conn, shop_id) if changed.rowcount else None
    if stored is None:
        raise NotFound(f"there is no shop {shop_id}")
    return stored


async def sku_map(conn: AsyncConnection, shop_id: str) -> dict[str, str]:
    """Seller SKU → store SKU, where they differ."""
    rows = await conn.execute(
        select(sku_mappings.c.seller_sku, sku_mappings.c.store_sku)
        .where(sku_mappings.c.shop_id == shop_id)
        .order_by(sku_mappings.c.sku_key)
    )
    return {row.seller_sku: row.store_sku for row in rows}


def sku_key(seller_sku: str) -> str:
    """What tells one seller SKU from another in the database, whatever its collation holds for equal."""
    return hashlib.sha256(seller_sku.encode("utf-8", "surrogatepass")).hexdigest()


async def set_sku_map(conn: AsyncConnection, shop_id: str, mapping: Mapping[str, str]) -> None:
    """Replace the whole mapping."""
    await conn.execute(delete(sku_mappings).where(sku_mappings.c.shop_id == shop_id))
    rows = [
        {
            "shop_id": shop_id,
            "sku_key": sku_key(seller_sku),
            "seller_sku": seller_sku,
            "store_sku": store_sku,
        }
        for seller_sku, store_sku in mapping.items()
    ]
    if rows:
        await conn.execute(insert(sku_mappings), rows)
