"""How fast a remote may be called, counted for all processes together."""

from __future__ import annotations

from typing import Protocol

from bridge.domain.pacing import Rate, Turn


class Pace(Protocol):
    """Counts calls by name. Every process asks the same counter."""

    async def take(self, name: str, rate: Rate, longest: float) -> Turn:
        """Count one call of `name`, unless it would have to wait for longer than so many seconds."""
        ...
