"""A machine that slept knows that its leases ran out."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime

import pytest

from bridge import clocks
from bridge.storage import work
from bridge.storage.work import Claimed


def test_what_is_left_of_a_lease_is_measured_by_the_lasting_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    claimed = Claimed("key", "owner", 1, 1, datetime.now(UTC), clocks.lasting(), 240.0)
    assert 239 < claimed.remaining() <= 240
    monkeypatch.setattr(work, "lasting", lambda: clocks.lasting() + 3600)
    assert claimed.remaining() < -3000


@pytest.mark.skipif(sys.platform != "linux", reason="the clock is Linux's")
def test_the_lasting_clock_counts_the_time_asleep() -> None:
    assert abs(clocks.lasting() - time.clock_gettime(time.CLOCK_BOOTTIME)) < 5


def test_where_there_is_no_such_clock_the_monotonic_one_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_clock: int) -> float:
        raise OSError("not in this kernel")

    monkeypatch.setattr(time, "clock_gettime", refused)
    assert clocks._lasting() is time.monotonic
