"""Whether messages come: a table of what changed against what arrived."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bridge.connectors.magento.platform import PLATFORM as MAGENTO
from bridge.ports import AddressField, Asks, Platform
from bridge.storage.heard import Heard
from bridge.web.doctor.hearing import judge

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PLAIN = Platform("other", "Other", "store", lambda _: (), frozenset(), Asks(AddressField("Address"), ()))


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("changed", "heard", "since", "level", "code"),
    [
        (None, None, 600, "ok", "deliveries_quiet"),
        (90, None, 60, "ok", "deliveries_quiet"),  # changed before we were told of changes
        (30, 29, 600, "ok", "deliveries"),
        (30, 31, 600, "ok", "deliveries"),  # within what clocks and commits may differ
        (5, None, 600, "ok", "deliveries"),  # cron may be a little late
        (30, 45, 600, "warning", "deliveries_late"),
        (30, None, 600, "warning", "deliveries_late"),
        (61, 120, 600, "error", "deliveries_late"),
    ],
)
def test_what_changed_is_held_against_what_arrived(
    changed: float | None, heard: float | None, since: float, level: str, code: str
) -> None:
    told = Heard(NOW, None if heard is None else ago(heard), 0)
    found = judge(MAGENTO, told, None if changed is None else ago(changed), ago(since))
    assert (found.level, found.code) == (level, code)


def test_a_platform_without_advice_gives_none() -> None:
    late = judge(PLAIN, Heard(NOW, None, 0), ago(30), ago(600))
    assert "do not reach us. Until then" in late.text
    lost = judge(PLAIN, Heard(NOW, ago(1), 4), ago(30), ago(600))
    assert lost.code == "deliveries_lost"
    assert lost.text.endswith("while we were down.")
