"""`bridge sweep` waits for a sweep that somebody makes, and no longer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from bridge.cli import sweeping
from bridge.cli.api import Api
from bridge.cli.failing import Failed

AT = "2026-11-23T12:00:{:02}+00:00"


class Told(Api):
    """Answers with one job, as it stands at each look."""

    looks: ClassVar[list[dict[str, Any]]] = []

    def get(self, _path: str, _query: Mapping[str, Any] | None = None) -> Any:
        return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]


def told(*looks: dict[str, Any]) -> Api:
    Told.looks = [*looks]
    return Told("")


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "POLL_SECONDS", 0.001)


def test_a_sweep_of_which_nothing_is_heard_ends_the_command_with_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "QUIET_SECONDS", 0.05)
    with pytest.raises(Failed, match=r"nothing was heard of the sweep since .*: job job_1") as ended:
        sweeping._ended(told({"state": "running", "updated_at": AT.format(0)}), "job_1")
    assert ended.value.code == 1


def test_a_sweep_that_gives_signs_of_life_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "QUIET_SECONDS", 0.0)
    looks = [{"state": "running", "updated_at": AT.format(second)} for second in range(20)]
    done = {"state": "done", "updated_at": AT.format(30)}
    assert sweeping._ended(told(*looks, done), "job_1") == done
