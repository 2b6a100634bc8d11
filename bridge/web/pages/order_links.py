"""Where an order is found in the admins of both sides."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage import shops
from bridge.storage.connections import Connection
from bridge.web.api.models import OrderOut
from bridge.web.desk import WebDesk


async def order_links(desk: WebDesk, order: OrderOut) -> list[tuple[str, str]]:
    """Pairs of name and address; a side that cannot be linked is left out: its number is there to copy."""

    async def read(conn: AsyncConnection) -> list[tuple[Connection, str, str]]:
        shop = await shops.get(conn, order.shop)
        channel = await desk.connections.get(conn, shop.connection_id) if shop else None
        store = await desk.connections.get(conn, order.store_connection) if order.store_connection else None
        found = [(channel, shop.region, order.channel_order_id)] if shop and channel else []
        return found + ([(store, store.url, order.store_order_id)] if store and order.store_order_id else [])

    links: list[tuple[str, str]] = []
    for connection, place, order_id in await desk.db.read(read):
        platform = desk.platforms.get(connection.kind)
        if place and platform and platform.order_link:
            links.append((platform.name, platform.order_link(place, order_id)))
    return links
