"""How long to wait while a remote is down: longer each time it fails in a row, up to a ceiling, then anew.

Kept in memory: after a restart the first try is made at once, which is what an operator expects.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

FIRST_SECONDS = 5.0


@dataclass(slots=True)
class Outages:
    _failures: dict[str, int] = field(default_factory=dict)

    def failed(self, remote: str, ceiling: timedelta) -> timedelta:
        """One more failure of this remote: how long to wait before the next try."""
        count = self._failures.get(remote, 0)
        self._failures[remote] = count + 1
        return min(ceiling, timedelta(seconds=FIRST_SECONDS * float(2 ** min(count, 16))))

    def works(self, remote: str) -> None:
        self._failures.pop(remote, None)
