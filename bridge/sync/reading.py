"""Reading one side anew, to confirm what was done."""

from __future__ import annotations

from bridge.domain.channel_order import ChannelOrder
from bridge.domain.outcomes import RemoteProblem
from bridge.domain.store_order import StoreOrder
from bridge.sync.desk import Desk
from bridge.sync.sheet import RemoteDown, Sheet


async def read_store(desk: Desk, sheet: Sheet) -> StoreOrder | None:
    """The store order now. Raises `RemoteDown`."""
    connection = sheet.store_connection_id or ""
    if not sheet.record.store_order_id:
        return None
    try:
        store = await desk.gateways.store(connection)
        return await store.read_order(sheet.record.store_order_id)
    except RemoteProblem as problem:
        raise RemoteDown(connection, problem) from problem


async def read_channel(desk: Desk, sheet: Sheet) -> ChannelOrder | None:
    """The channel order now. Raises `RemoteDown`."""
    try:
        channel = await desk.gateways.channel(sheet.shop.id)
        return await channel.read_order(sheet.record.channel_order_id)
    except RemoteProblem as problem:
        raise RemoteDown(sheet.shop.connection_id, problem) from problem
