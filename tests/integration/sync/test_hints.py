"""From a hint to its order: one transaction takes the order and reads what our books say of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.bootstrap import PLATFORMS
from bridge.domain.keys import HintKey, OrderKey
from bridge.domain.settings import ShopSettings, Tie
from bridge.ports import Channel, FoundShop, Store
from bridge.storage import inbox, orders, shops, work
from bridge.storage.connections import Connections
from bridge.storage.engine import Database
from bridge.storage.inbox import Arrival
from bridge.storage.inbox_writer import InboxWriter
from bridge.storage.secrets import Vault, generate_key
from bridge.sync.desk import Desk, SyncSettings, SystemClock
from bridge.sync.hints import Taken, resolve
from bridge.sync.sheet import read_sheet


class NoGateways:
    async def channel(self, shop_id: str) -> Channel:
        raise AssertionError(f"nobody asks the channel of {shop_id}")

    async def store(self, connection_id: str) -> Store:
        raise AssertionError(f"nobody asks the store {connection_id}")


@pytest.fixture
def desk(database: Database) -> Desk:
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


async def _arranged(desk: Desk, **fields: Any) -> tuple[HintKey, OrderKey]:
    """An order of the store 17, known, and a message about it; its key and the hint's."""

    async def write(conn: AsyncConnection) -> tuple[HintKey, OrderKey]:
        found = {
            kind: await desk.connections.upsert(
                conn,
                kind=kind,
                name=kind,
                url="u",
                identity="i",
                credentials={"a": "b"},
                facts={},
                state="connected",
                because="",
            )
            for kind in ("tiktok", "magento")
        }
        shop = await shops.upsert_found(conn, found["tiktok"].id, FoundShop("7", "S", "US", "c"))
        await shops.save_settings(conn, shop.id, ShopSettings(store=Tie(connection=found["magento"].id)))
        record = await orders.ensure(conn, shop.id, "577")
        await orders.set_fields(conn, record.id, store_connection_id=found["magento"].id, store_order_id="17", **fields)
        return HintKey(found["magento"].id, "orders/update", "17"), OrderKey(shop.id, "577")

    hint, order = await desk.db.write(write)
    await _arrive(desk, hint)
    return hint, order


async def _arrive(desk: Desk, hint: HintKey) -> None:
    writer = InboxWriter(desk.db, lambda keys: None)
    writer.start()
    await writer.put(Arrival(hint.connection_id, "orders/update 17", "orders/update", "17", "", str(hint)))
    await writer.close()


async def _resolved(desk: Desk, hint: HintKey) -> Taken:
    [claimed] = await work.claim(desk.db, "one", 60)
    assert claimed.key == str(hint)
    found = await resolve(desk, hint, claimed)
    assert isinstance(found, Taken)
    return found


async def test_the_order_is_taken_with_its_sheet_and_the_arrival_belongs_to_it(desk: Desk) -> None:
    hint, order = await _arranged(desk)
    found = await _resolved(desk, hint)
    assert found.claimed is not None
    assert (found.key, found.claimed.key) == (order, str(order))
    assert found.sheet is not None
    assert found.sheet == await read_sheet(desk, order)
    assert [row.topic for row in found.sheet.arrivals] == ["orders/update"]
    assert (await desk.db.read(work.counts))["leased"] == 1


async def test_an_order_in_other_hands_is_not_read(desk: Desk) -> None:
    hint, order = await _arranged(desk)
    await desk.db.write(lambda conn: work.mark(conn, [str(order)], datetime.now(UTC) - timedelta(hours=1)))
    [held] = await work.claim(desk.db, "other", 60)
    assert held.key == str(order)
    found = await _resolved(desk, hint)
    assert (found.claimed, found.sheet) == (None, None)
    arrived = await desk.db.read(lambda conn: inbox.arrived(conn, str(order)))
    assert [row.subject for row in arrived] == ["17"], "whoever holds the order finds it there"


async def test_books_that_cannot_be_understood_do_not_undo_the_lease(desk: Desk) -> None:
    hint, order = await _arranged(desk, plan={"of": "another age"})
    found = await _resolved(desk, hint)
    assert found.claimed is not None, "five failures in a row are counted on the order, and a person is told"
    assert (found.claimed.key, found.sheet) == (str(order), None)
