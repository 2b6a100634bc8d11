"""The page of log events is what the code writes."""

from __future__ import annotations

import re

from tests.unit.docs.pages import ROOT, read, rows, section

_CALL = re.compile(r"\b_?log(?:\.(debug|info|warning|error|exception)|, level\))\(\s*\"([a-z_.]+)\"")
PAGE = read("docs/reference/logs.md")


def written() -> dict[str, set[str]]:
    """Event → its levels, as the service's code writes them."""
    found: dict[str, set[str]] = {}
    for path in sorted((ROOT / "bridge").rglob("*.py")):
        if path.is_relative_to(ROOT / "bridge" / "sandbox"):
            continue
        for level, event in _CALL.findall(path.read_text()):
            found.setdefault(event, set()).add(level)
    return found


def test_every_event_is_listed_with_its_level() -> None:
    listed = rows(section(PAGE, "## Events"))
    events = written()
    assert len(events) > 40
    assert set(listed) == set(events)
    for event, levels in events.items():
        for level in levels:
            # Chosen by what it came to: the page says both.
            words = {"info", "debug"} if not level else {"error" if level == "exception" else level}
            assert set(re.findall(r"\w+", listed[event][0])) - {"or"} >= words, event
