"""How the lists of changed orders and cancellations are paged so that rows which move meanwhile are not lost. Pure.

Pages are not followed by token but by time: the next page begins where the last part of this one lay. A row that is
updated moves to the end and is met again; an offset inside TikTok's token could skip its neighbour. The docs warn that
a row may show a later update_time than the place it was found at, so the next page begins at the earliest time of the
page's last quarter, not at its last row. Only a page that lies within a single second goes on by token.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from bridge.connectors.tiktok.protocol import SEARCH_CANCELLATIONS, SEARCH_ORDERS, Call, Endpoint, call
from bridge.ports import Stream

OVERLAP = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Listing:
    """One list and how it is asked for. `page_size` is the vendor's maximum."""

    stream: Stream
    endpoint: Endpoint
    rows: str
    order_id: str
    page_size: int
    smallest_page: int
    """Cancellation search is reported to refuse fewer than 10."""

    def newest(self, cipher: str) -> Call:
        return self._call(cipher, {"page_size": str(self.smallest_page), "sort_order": "DESC"}, None)

    def page(self, cipher: str, place: Place) -> Call:
        query = {"page_size": str(self.page_size), "sort_order": "ASC"}
        if place.token:
            query["page_token"] = place.token
        return self._call(cipher, query, place.since)

    def _call(self, cipher: str, query: dict[str, str], since: int | None) -> Call:
        body = {} if since is None else {"update_time_ge": since}
        return call(self.endpoint, cipher=cipher, query={"sort_field": "update_time", **query}, body=body)


ORDERS = Listing(Stream("orders", OVERLAP), SEARCH_ORDERS, "orders", "id", 100, 1)
CANCELLATIONS = Listing(Stream("cancellations", OVERLAP), SEARCH_CANCELLATIONS, "cancellations", "order_id", 50, 10)
LISTINGS = {listing.stream.name: listing for listing in (ORDERS, CANCELLATIONS)}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a pass goes on: at this second, inside it by token."""

    since: int
    token: str = ""

    def __str__(self) -> str:
        return f"{self.since}|{self.token}" if self.token else str(self.since)

    @classmethod
    def read(cls, text: str) -> Place:
        """Raises ValueError for what is no place of ours."""
        since, _, token = text.partition("|")
        return cls(int(since), token)


def next_place(place: Place, times: Sequence[int], token: str) -> Place | None:
    """Where to go on after a page with these update times; None at the end (`token` empty)."""
    if not token:
        return None
    for tail in range(max(1, len(times) // 4), 0, -1):
        begin = min(times[-tail:], default=place.since)
        if begin > place.since:
            return Place(begin)
    return Place(place.since, token)
