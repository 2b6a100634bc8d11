"""What `bridge doctor` says of alerts: whether anybody is told, and whether it arrives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def findings(targets: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """`targets` as `GET /api/v1/alert-targets` shows them."""
    told: list[dict[str, str]] = []
    for target in targets:
        name = f"{target['name']} ({target['kind']}, {target['id']})"
        match target["state"]:
            case "failing":
                text = (
                    f"Alerts do not reach {name}: {target['because']}. Mend it, then: bridge alerts test {target['id']}"
                )
                told.append({"level": "error", "code": "alerts_fail", "text": text})
            case "untried":
                text = f"Nothing was sent to {name} yet. Try it: bridge alerts test {target['id']}"
                told.append({"level": "warning", "code": "alerts_untried", "text": text})
            case "works":
                told.append({"level": "ok", "code": "alerts_work", "text": f"Alerts reach {name}."})
    if not told:
        text = "Nobody is told when something needs attention: bridge alerts add email ADDRESS"
        told.append({"level": "warning", "code": "nobody_told", "text": text})
    return told
