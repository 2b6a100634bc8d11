"""An order's two sides: where it is found in their admins, and what a refund is called there."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage.connections import Connection
from bridge.storage.shops import Shop
from bridge.web.api.models import OrderOut
from bridge.web.desk import WebDesk

Sides = tuple[Connection | None, Connection | None]
"""The connections of an order's channel and of its store."""


async def order_sides(conn: AsyncConnection, desk: WebDesk, order: OrderOut, shop: Shop | None) -> Sides:
    channel = await desk.connections.get(conn, shop.connection_id) if shop else None
    store = await desk.connections.get(conn, order.store_connection) if order.store_connection else None
    return channel, store


def refund_word(desk: WebDesk, store: Connection | None) -> str:
    platform = desk.platforms.get(store.kind) if store else None
    return platform.refund_word if platform else "refund"


def order_links(
    desk: WebDesk, order: OrderOut, shop: Shop | None, channel: Connection | None, store: Connection | None
) -> list[tuple[str, str]]:
    """Pairs of name and address; a side that cannot be linked is left out: its number is there to copy."""
    links: list[tuple[str, str]] = []
    for connection, place, order_id in (
        (channel, shop.region if shop else "", order.channel_order_id),
        (store, _admin(desk, store) if store else "", order.store_order_id),
    ):
        platform = desk.platforms.get(connection.kind) if connection else None
        if place and order_id and platform and platform.order_link:
            links.append((platform.name, platform.order_link(place, order_id)))
    return links


def _admin(desk: WebDesk, store: Connection) -> str:
    """What its platform makes addresses from; empty where nobody said."""
    platform = desk.platforms.get(store.kind)
    return (store.admin_url or "") if platform and platform.admin_is_told else store.url
