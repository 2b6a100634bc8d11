"""What is told in time: a plugin that falls short, an authorization that ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bridge.connectors.magento.views import capabilities
from bridge.domain import upkeep
from bridge.domain.attention import Hold

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def told(reported: str | None, override: str | None = None, *, memos: bool = True, restock: bool = True) -> Hold | None:
    return upkeep.plugin(capabilities(reported, override, NOW), wants_memos=memos, wants_restock=restock)


@pytest.mark.parametrize(
    ("reported", "cannot"),
    [
        (None, ["memos", "missing", "restock"]),
        ("1.0.16", ["memos", "restock"]),
        ("1.0.17", ["memos", "restock"]),
        ("1.0.19", ["restock"]),
        ("1.0.21", []),
        ("1.0.25", ["refunds"]),
        ("1.0.26", []),
    ],
)
def test_a_plugin_is_told_of_for_what_it_cannot_do(reported: str | None, cannot: list[str]) -> None:
    hold = told(reported)
    assert (list(hold.facts["cannot"]) if hold else []) == cannot
    if hold is not None:
        assert "1.0.26" in hold.because or "sweep" in hold.because


def test_only_what_the_settings_ask_for_is_told() -> None:
    assert told("1.0.17", memos=False, restock=False) is None
    assert told("1.0.19", restock=False) is None
    assert told("1.0.19", "1.0.20") is None, "an operator stated that 1.0.20 is installed"
    broken = told("1.0.25", memos=False, restock=False)
    assert broken is not None
    assert "every refund" in broken.because


@pytest.mark.parametrize(
    ("left", "step"),
    [
        (timedelta(days=31), None),
        (timedelta(days=30), 30),
        (timedelta(days=8), 30),
        (timedelta(days=7), 7),
        (timedelta(hours=25), 7),
        (timedelta(hours=24), 1),
        (timedelta(seconds=1), 1),
        (timedelta(0), 0),
        (timedelta(days=-9), 0),
    ],
)
def test_an_authorization_is_told_of_at_30_7_and_1_day_and_when_it_has_ended(left: timedelta, step: int | None) -> None:
    hold = upkeep.authorization({"refresh_expires_at": (NOW + left).isoformat()}, NOW)
    assert (hold.cause or {}).get("step") == step if hold else step is None
    if hold is not None:
        assert hold.deadline_at == NOW + left
        later = upkeep.authorization({"refresh_expires_at": (NOW + left).isoformat()}, NOW + timedelta(seconds=0.1))
        assert later is not None
        if left > timedelta(seconds=1):
            assert later.fingerprint == hold.fingerprint, "the clock going on is no news"


def test_who_does_not_say_when_it_ends_is_not_told_of() -> None:
    assert upkeep.authorization({"refresh_token": "x"}, NOW) is None
