"""The clock by which this process measures how long it was away."""

from __future__ import annotations

import time
from collections.abc import Callable


def _lasting() -> Callable[[], float]:
    try:
        clock: int = time.CLOCK_BOOTTIME
        time.clock_gettime(clock)
    except (AttributeError, OSError):
        return time.monotonic
    return lambda: time.clock_gettime(clock)


lasting = _lasting()
"""Seconds that only go forward, also while the machine sleeps, which `time.monotonic` passes over on Linux."""
