"""Whose clock is wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.connectors.magento.platform import PLATFORM as MAGENTO
from bridge.connectors.tiktok.platform import PLATFORM as TIKTOK
from bridge.web.doctor.clocks import judge

OURS, THEIRS, NOBODYS = "this machine's clock that is wrong", "their server's clock that is wrong", "could not be told"


@pytest.mark.parametrize(
    ("offset", "level"),
    [
        (0, "ok"),
        (-60, "ok"),
        (5, "ok"),
        (6, "warning"),
        (-61, "warning"),
        (30, "warning"),
        (31, "error"),
        (-301, "error"),
    ],
)
def test_tiktoks_window(offset: float, level: str) -> None:
    assert judge(TIKTOK.clock, offset, {}).level == level


@pytest.mark.parametrize(
    ("offset", "level"), [(60, "ok"), (61, "warning"), (600, "warning"), (601, "error"), (-7200, "warning")]
)
def test_magento_takes_old_times_and_no_future_ones(offset: float, level: str) -> None:
    assert judge(MAGENTO.clock, offset, {}).level == level


@pytest.mark.parametrize(
    ("others", "whose"),
    [
        ({}, NOBODYS),
        ({"A": 1.0}, THEIRS),
        ({"A": 198.0}, OURS),
        ({"A": 198.0, "B": 203.0}, OURS),
        ({"A": 1.0, "B": 203.0}, NOBODYS),
        ({"A": 90.0}, NOBODYS),
    ],
)
def test_whose_it_is_follows_from_who_differs_alike(others: dict[str, float], whose: str) -> None:
    assert whose in judge(MAGENTO.clock, 200.0, others).text


def test_no_date_header_is_told() -> None:
    assert judge(MAGENTO.clock, None, {}).code == "clock_unknown"


@given(st.floats(-1e6, 1e6), st.dictionaries(st.sampled_from("ABC"), st.floats(-1e6, 1e6)))
def test_nobody_is_blamed_whose_clock_agrees_with_all_others(offset: float, others: dict[str, float]) -> None:
    text = judge(MAGENTO.clock, offset, others).text
    if OURS in text:
        assert any(abs(other - offset) <= 30 for other in others.values())
    if THEIRS in text:
        assert any(abs(other) <= 30 for other in others.values())
