"""What doctor says of alerts: whether anybody is told, and whether it arrives. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from bridge.ports import Finding


class Target(Protocol):
    """Somebody to be told, as the API shows them."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def because(self) -> str: ...


def findings(targets: Iterable[Target]) -> list[Finding]:
    told: list[Finding] = []
    for target in targets:
        name = f"{target.name} ({target.kind}, {target.id})"
        match target.state:
            case "failing":
                text = f"Alerts do not reach {name}: {target.because}. Mend it, then: bridge alerts test {target.id}"
                told.append(Finding("error", "alerts_fail", text))
            case "untried":
                text = f"Nothing was sent to {name} yet. Try it: bridge alerts test {target.id}"
                told.append(Finding("warning", "alerts_untried", text))
            case "works":
                told.append(Finding("ok", "alerts_work", f"Alerts reach {name}."))
    if not told:
        text = "Nobody is told when something needs attention: bridge alerts add email ADDRESS"
        told.append(Finding("warning", "nobody_told", text))
    return told
