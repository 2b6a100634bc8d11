"""States of a connection, and how what connecting brought to light is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from bridge.ports import Finding


class State(StrEnum):
    ANNOUNCED = "announced"
    """An operator named it; nothing has been proven, nothing is read or swept."""
    CONNECTED = "connected"
    REAUTH = "reauth"
    """A person has to authorize it again."""
    FAILED = "failed"
    """Authorized, but something else has to be mended first."""


def unauthorized(mark: str) -> str:
    """The identity of a channel that no seller has authorized yet."""
    return f"new:{mark}"


def is_private(name: str) -> bool:
    """Facts and credentials that begin with `_` are the bridge's own notes: kept over a new connect, never shown."""
    return name.startswith("_")


def private(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if is_private(name)}


def public(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if not is_private(name)}


def findings_json(findings: Iterable[Finding]) -> list[dict[str, str]]:
    return [{"level": one.level, "code": one.code, "text": one.text} for one in findings]
