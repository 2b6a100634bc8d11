"""The shop's clock: real time plus an offset the control API can move, or a time that stands still."""

from __future__ import annotations

import time


class Clock:
    def __init__(self) -> None:
        self._offset = 0.0
        self._frozen: float | None = None

    def now(self) -> float:
        """Unix seconds as this shop sees them."""
        return self._frozen if self._frozen is not None else time.time() + self._offset

    def seconds(self) -> int:
        return int(self.now())

    def set(self, at: float, *, frozen: bool = False) -> None:
        """Let it be `at` (Unix seconds) now; a frozen clock stays there until it is set or advanced."""
        self._offset = at - time.time()
        self._frozen = at if frozen else None

    def advance(self, seconds: float) -> None:
        self._offset += seconds
        if self._frozen is not None:
            self._frozen += seconds

    def reset(self) -> None:
        self._offset = 0.0
        self._frozen = None
