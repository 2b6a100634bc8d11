"""What Amazon is to everybody else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.ports import Platform


def keys(credentials: Mapping[str, Any]) -> tuple[str, ...]:
    """None: Amazon's notifications go to queues of Amazon's own, never to an address of ours."""
    del credentials
    return ()


PLATFORM = Platform(
    kind="amazon",
    name="Amazon",
    side="store",
    keys=keys,
    topics=frozenset(),
    one_way=True,
)
