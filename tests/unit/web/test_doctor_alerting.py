"""Doctor says whether anybody is told, and whether it arrives."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.web.doctor.alerting import findings


@dataclass(frozen=True)
class Told:
    state: str
    because: str = ""
    id: str = "tgt_1"
    name: str = "ops"
    kind: str = "email"


def target(state: str, because: str = "") -> Told:
    return Told(state, because)


def codes(*targets: Told) -> list[tuple[str, str]]:
    return [(one.level, one.code) for one in findings(targets)]


def test_each_target_is_told_of_by_its_state() -> None:
    assert codes(target("works"), target("untried"), target("failing", "550 no such user")) == [
        ("ok", "alerts_work"),
        ("warning", "alerts_untried"),
        ("error", "alerts_fail"),
    ]
    [failing] = findings([target("failing", "550 no such user")])
    assert "550 no such user" in failing.text
    assert "bridge alerts test tgt_1" in failing.text


def test_nobody_told_is_a_warning_that_says_what_to_do() -> None:
    assert codes() == codes(target("off")) == [("warning", "nobody_told")]
