"""The lease a worker holds on one piece of work while it reads and acts."""

from __future__ import annotations

from datetime import timedelta

from bridge.storage import work
from bridge.storage.fence import LeaseLost
from bridge.storage.work import Claimed
from bridge.sync.desk import Desk

WRITING = timedelta(seconds=10)
"""So much of a lease is left when what was decided is written: else whoever was slow would find it run out, and nobody
had taken it.
"""


class Lease:
    def __init__(self, desk: Desk, claimed: Claimed) -> None:
        self._desk = desk
        self.claimed = claimed

    async def at_least(self, needed: timedelta) -> None:
        """Make sure that so much lease is left, or give up. Raises `LeaseLost`."""
        if self.claimed.remaining() > needed.total_seconds():
            return
        extended = await work.extend(self._desk.db, self.claimed, self._desk.settings.lease.total_seconds())
        if extended is None:
            raise LeaseLost(self.claimed.key)
        self.claimed = extended
