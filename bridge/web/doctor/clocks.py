"""Whose clock is wrong, and what that does. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bridge.ports import ClockRule, Finding

ALIKE: Final = 30.0
"""Seconds: two clocks this close count as one."""


def is_fine(rule: ClockRule, offset: float) -> bool:
    low, high = rule.fine
    return low <= offset <= high


def judge(rule: ClockRule, offset: float | None, others: Mapping[str, float]) -> Finding:
    """`offset`: our clock less theirs in seconds. `others`: the same of clocks that were asked besides, by name."""
    if offset is None:
        text = "The other side sends no Date header, so the clocks were not compared."
        return Finding("warning", "clock_unknown", text)
    if is_fine(rule, offset):
        return Finding("ok", "clock", f"The clocks agree within {max(1, round(abs(offset)))} s.")
    low, high = rule.works
    says = f"; {rule.says}" if rule.says else ""
    side = "ahead of" if offset > 0 else "behind"
    level = "warning" if low <= offset <= high else "error"
    text = f"This machine's clock is {abs(offset):.0f} s {side} theirs{says}. {_whose(offset, others)}"
    return Finding(level, "clock", text)


def _whose(offset: float, others: Mapping[str, float]) -> str:
    ours = [name for name, other in others.items() if abs(other - offset) <= ALIKE]
    theirs = [name for name, other in others.items() if abs(other) <= ALIKE]
    if ours and not theirs:
        verb = "differ" if len(ours) > 1 else "differs"
        return f"{_list(ours)} {verb} alike, so it is this machine's clock that is wrong: set it by NTP."
    if theirs and not ours:
        verb = "agree" if len(theirs) > 1 else "agrees"
        return f"{_list(theirs)} {verb} with us, so it is their server's clock that is wrong: have it set by NTP."
    return "Whose it is could not be told: compare both with a watch, and set the wrong one by NTP."


def _list(names: list[str]) -> str:
    return " and ".join(sorted(names))
