"""Finding the fulfilment order of a sale: by the ids it may have, else by the number shown on its papers.

Whoever made it chose its id, so each id that the shop's patterns give is asked for. Only then is the list read, which
knows no search: bounded, and once a minute for everybody.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from bridge.connectors.amazon import listing
from bridge.connectors.amazon.client import Client
from bridge.connectors.amazon.protocol import Version, is_id
from bridge.connectors.amazon.reading import FulfilmentOrder
from bridge.domain.linking import stands_in
from bridge.domain.outcomes import Rejected, RemoteProblem

MOST_PAGES: Final = 20
KEPT: Final = timedelta(minutes=1)
"""How long what was listed counts as all there is."""
OVERLAP: Final = timedelta(minutes=30)
"""Amazon's list may follow its orders with some delay [not confirmed]."""


class Listed:
    """The orders that Amazon listed since some time, read again from where the last reading ended."""

    def __init__(self, client: Client, version: Version, now: Callable[[], datetime]) -> None:
        self._client = client
        self._version = version
        self._now = now
        self._from: datetime | None = None
        self._read_at: datetime | None = None
        self._orders: dict[str, FulfilmentOrder] = {}

    async def since(self, begin: datetime) -> Sequence[FulfilmentOrder]:
        """Raises `RemoteProblem`, also where there are more than can be read through for one sale."""
        now = self._now()
        if self._from is None or self._read_at is None or begin < self._from:
            self._orders, self._from, begun = {}, None, begin
        elif now - self._read_at < KEPT:
            return tuple(self._orders.values())
        else:
            begun = max(begin, self._read_at - OVERLAP)
        self._orders |= {order.id: order for order in await self._read(begun)}
        self._from, self._read_at = min(self._from or begin, begin), now
        return tuple(self._orders.values())

    async def _read(self, begin: datetime) -> list[FulfilmentOrder]:
        found: list[FulfilmentOrder] = []
        place: str | None = None
        for _ in range(MOST_PAGES):
            rows, place = await listing.page(self._client, self._version, begin, place, self._now())
            found += rows
            if place is None:
                return found
        text = (
            f"Amazon lists more than {MOST_PAGES} pages of orders since {begin:%Y-%m-%d %H:%M} UTC, too many to look "
            "through for one sale: say in the shop's link_patterns how the other program names them, and connect "
            "Amazon again with scan set to no"
        )
        raise RemoteProblem(Rejected(text, "too_many"))


def ids_to_ask(channel_order_id: str, numbers: Sequence[str]) -> tuple[str, ...]:
    """The ids under which the sale may stand, each once."""
    return tuple(dict.fromkeys(one for one in (*numbers, channel_order_id) if is_id(one)))


def names(order: FulfilmentOrder, channel_order_id: str, numbers: Sequence[str], notes: Sequence[str]) -> bool:
    """Whether a listed order says that it stands for the sale."""
    if order.displayed_id and order.displayed_id in {channel_order_id, *numbers}:
        return True
    return any(stands_in(note, order.comment) for note in notes)
