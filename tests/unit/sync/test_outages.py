from __future__ import annotations

from datetime import timedelta

from bridge.sync.outages import Outages

CEILING = timedelta(seconds=60)


class Time:
    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


def test_the_wait_doubles_after_each_wait_in_vain_up_to_the_ceiling() -> None:
    clock = Time()
    outages = Outages(clock)
    waits = []
    for _ in range(6):
        wait = outages.failed("a", CEILING)
        waits.append(wait.total_seconds())
        clock.at += wait.total_seconds()
    assert waits == [5, 10, 20, 40, 60, 60]


def test_many_orders_failing_at_once_are_one_outage() -> None:
    outages = Outages(Time())
    assert {outages.failed("a", CEILING).total_seconds() for _ in range(50)} == {5.0}


def test_a_remote_that_works_again_starts_anew_and_remotes_do_not_share() -> None:
    clock = Time()
    outages = Outages(clock)
    outages.failed("a", CEILING)
    clock.at = 10
    assert outages.failed("a", CEILING) == timedelta(seconds=10)
    assert outages.failed("b", CEILING) == timedelta(seconds=5)
    outages.works("a")
    assert outages.failed("a", CEILING) == timedelta(seconds=5)
