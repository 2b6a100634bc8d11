"""What changed at Amazon: its list of orders by the time of their last change."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from bridge.connectors.amazon import listing
from bridge.connectors.amazon.client import Client
from bridge.connectors.amazon.finding import OVERLAP
from bridge.connectors.amazon.protocol import Version
from bridge.connectors.amazon.reading import FulfilmentOrder, channel_order_id
from bridge.ports import Changed, ChangedPage, Stream

STREAMS: Final = (Stream("orders", OVERLAP),)
_A_LOOK: Final = timedelta(minutes=1)


def _only_orders(stream: str) -> None:
    if stream != "orders":
        raise ValueError(f"an Amazon seller has no stream {stream!r}")


async def newest(client: Client, version: Version, stream: str, now: datetime) -> datetime | None:
    """Amazon's own time now: the list cannot be read from its end, and nothing in it is younger. Raises
    `RemoteProblem`.
    """
    _only_orders(stream)
    await client.read(version.listing(now - _A_LOOK, None))
    return client.their_time


async def changed(
    client: Client, version: Version, stream: str, since: datetime, page: str | None, now: datetime
) -> ChangedPage:
    """`page` holds Amazon's token for the next page. One that is no longer good is refused, and the list read again
    from its start. Raises `RemoteProblem`.
    """
    _only_orders(stream)
    rows, following = await listing.page(client, version, since, page, now)
    return ChangedPage(tuple(_changed(row) for row in rows), following)


def _changed(order: FulfilmentOrder) -> Changed:
    return Changed(order.id, order.updated_at, channel_order_id(order), order.id, order.comment)
