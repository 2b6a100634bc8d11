"""How long to wait while a remote is down: longer each time it stays so, up to a ceiling, then anew.

Many orders that fail in the same minute are one outage, not many. Kept in memory: after a restart the first try is made
at once, which is what an operator expects.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

FIRST_SECONDS = 5.0


@dataclass(slots=True)
class _Outage:
    wait: float
    told_at: float


@dataclass(slots=True)
class Outages:
    monotonic: Callable[[], float] = time.monotonic
    _known: dict[str, _Outage] = field(default_factory=dict)

    def failed(self, remote: str, ceiling: timedelta) -> timedelta:
        """This remote failed: how long to wait before the next try, twice as long after each wait in vain."""
        now = self.monotonic()
        outage = self._known.get(remote)
        if outage is None:
            outage = self._known[remote] = _Outage(FIRST_SECONDS, now)
        elif now - outage.told_at >= outage.wait:
            outage.wait = min(outage.wait * 2, ceiling.total_seconds())
            outage.told_at = now
        return timedelta(seconds=min(outage.wait, ceiling.total_seconds()))

    def works(self, remote: str) -> None:
        self._known.pop(remote, None)
