"""A vendor's limit on calls, as a token bucket kept as one time. Pure.

The time (the generic cell rate algorithm) is when all calls counted so far will have come back: it lies ahead of now by
one interval for each call that has not.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Rate:
    """A token bucket, as a vendor states it."""

    per_second: float
    """Calls that come back in a second."""
    burst: int
    """Calls that may be made at once after a pause."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What became of asking for a call."""

    is_taken: bool
    """The call is counted: make it after `wait`. Otherwise nothing was counted."""
    wait: float
    """Seconds until the call may be made."""


def turn(now: datetime, full_at: datetime, rate: Rate, longest: float) -> tuple[Turn, datetime]:
    """Whether a call is counted that may wait for so many seconds, and when all will have come back with it."""
    interval = timedelta(seconds=1) / rate.per_second
    # A clock that was set back must not leave a bucket that is empty for hours: it is never emptier than empty.
    emptiest = now + interval * rate.burst + timedelta(seconds=longest)
    full_at = min(max(full_at, now), emptiest) + interval
    wait = max(0.0, (full_at - now - interval * rate.burst).total_seconds())
    return Turn(wait <= longest, wait), full_at
