"""Amazon's token bucket: so many calls a second, so many at once, for each pair of account and application.

Source: the usage plan in each operation of both models (2 requests a second, burst 30), and developer-docs.amazon.com,
"Usage Plans and Rate Limits in the Selling Partner API".
"""

from __future__ import annotations

import time
from collections import Counter

from bridge.sandbox.amazon.settings import Settings


class Rates:
    """Counts in real seconds: the clock that control routes move has no part in it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._held: dict[str, tuple[float, float]] = {}
        self._unused: tuple[float, float] | None = None
        """What buckets hold that were not used yet, and since when; full when None."""
        self.calls: Counter[str] = Counter()
        """Calls that were let through, by operation."""
        self.refused: Counter[str] = Counter()

    def let_through(self, operation: str) -> bool:
        settings = self._settings
        is_let = not self._forced() and (not settings.rate_enforced or self._take(operation))
        (self.calls if is_let else self.refused)[operation] += 1
        return is_let

    def _forced(self) -> bool:
        if self._settings.throttle_next <= 0:
            return False
        self._settings.throttle_next -= 1
        return True

    def _take(self, operation: str) -> bool:
        bucket = operation if self._settings.rate_scope == "operation" else ""
        now = time.monotonic()
        held, at = self._held.get(bucket) or self._unused or (float(self._settings.burst), now)
        held = min(float(self._settings.burst), held + (now - at) * self._settings.rate)
        is_enough = held >= 1
        self._held[bucket] = (held - 1 if is_enough else held, now)
        return is_enough

    def set(self, held: float) -> None:
        """So many calls are left in every bucket."""
        self._held.clear()
        self._unused = (held, time.monotonic())

    def forget(self) -> None:
        self.calls.clear()
        self.refused.clear()
        self._held.clear()
        self._unused = None

    def told(self) -> dict[str, object]:
        return {
            "calls": sum(self.calls.values()),
            "refused": sum(self.refused.values()),
            "by_operation": {name: self.calls[name] for name in sorted(self.calls)},
            "refused_by_operation": {name: self.refused[name] for name in sorted(self.refused)},
        }
