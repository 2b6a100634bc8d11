"""A token bucket kept as one time: against a plain one that counts tokens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.pacing import Rate, turn

BEGIN = datetime(2026, 11, 26, tzinfo=UTC)
RATES = st.builds(Rate, per_second=st.sampled_from([0.5, 1.0, 2.0, 5.0]), burst=st.integers(1, 30))
PAUSES = st.lists(st.integers(0, 3000), max_size=120)


@given(rate=RATES, pauses=PAUSES)
def test_it_grants_exactly_what_a_bucket_of_tokens_grants(rate: Rate, pauses: list[int]) -> None:
    now, full_at = BEGIN, BEGIN
    tokens = float(rate.burst)
    for pause in pauses:
        now += timedelta(milliseconds=pause)
        tokens = min(float(rate.burst), tokens + pause / 1000 * rate.per_second)
        taken, later = turn(now, full_at, rate, 0)
        assert taken.is_taken == (tokens >= 1 - 1e-9)
        if taken.is_taken:
            tokens -= 1
            full_at = later
        else:
            assert abs(taken.wait - (1 - tokens) / rate.per_second) < 1e-6


@given(rate=RATES, pauses=PAUSES, longest=st.floats(0, 20))
def test_those_who_wait_are_never_let_through_faster_than_the_rate(
    rate: Rate, pauses: list[int], longest: float
) -> None:
    now, full_at = BEGIN, BEGIN
    made: list[float] = []
    for pause in pauses:
        now += timedelta(milliseconds=pause)
        taken, later = turn(now, full_at, rate, longest)
        if taken.is_taken:
            assert taken.wait <= longest
            full_at = later
            made.append((now - BEGIN).total_seconds() + taken.wait)
    for first, begun in enumerate(made):
        for last in range(first, len(made)):
            assert last - first + 1 <= rate.burst + (made[last] - begun) * rate.per_second + 1e-3


def test_a_clock_that_was_set_back_empties_the_bucket_and_no_more() -> None:
    rate = Rate(2, 30)
    taken, full_at = turn(BEGIN, BEGIN + timedelta(hours=3), rate, 10)
    assert not taken.is_taken
    assert taken.wait == 10.5
    taken, _ = turn(BEGIN + timedelta(seconds=1), BEGIN + timedelta(hours=3), rate, 10)
    assert taken.wait == 10.5
    del full_at
