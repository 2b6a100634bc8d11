"""Amazon's list of orders, page by page, with nothing left out while it moves.

What a page's token stands for is not told [not confirmed]. Where it counts rows, an order that changes in the middle
moves to the end, and another slips over a page's edge unseen. So a list of several pages is read again when something
changed since it was begun.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bridge.connectors.amazon.client import Client
from bridge.connectors.amazon.protocol import Version
from bridge.connectors.amazon.reading import FulfilmentOrder, read_time
from bridge.connectors.amazon.wire import odd

MOST_READINGS: Final = 3
"""A seller whose list never stands still is not read for ever: the next sweep reads back, and the audit asks each."""
_SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Place:
    """Where to go on: a page's token, when the list was begun by Amazon's clock, and how often that was."""

    token: str = ""
    began: str = ""
    reading: int = 1

    def __str__(self) -> str:
        return json.dumps([self.token, self.began, self.reading])

    @classmethod
    def of(cls, text: str | None) -> Place:
        """Raises `RemoteProblem` for what is none."""
        if text is None:
            return cls()
        try:
            token, began, reading = json.loads(text)
        except (TypeError, ValueError):
            raise odd("the place where a list was left") from None
        return cls(str(token), str(began), int(reading))


async def page(
    client: Client, version: Version, since: datetime, place: str | None, now: datetime
) -> tuple[Sequence[FulfilmentOrder], str | None]:
    """One page of the orders that changed at or after `since`, and the place of the next. Raises `RemoteProblem`."""
    here = Place.of(place)
    rows, following = version.page(await client.read(version.listing(since, here.token or None)))
    began = here.began or ((client.their_time or now) - _SECOND).isoformat()
    if following:
        return rows, str(Place(following, began, here.reading))
    if not here.token or here.reading >= MOST_READINGS:
        return rows, None
    moved_since = max(since, read_time(began) or since)
    moved, _ = version.page(await client.read(version.listing(moved_since, None)))
    return rows, str(Place(reading=here.reading + 1)) if moved else None
