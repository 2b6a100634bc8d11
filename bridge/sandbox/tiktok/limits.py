"""Too many calls: HTTP 429 with code 36009002, per endpoint and shop, in real time.

Source: Partner Center "Rate limits" (50 calls a second per API, app and shop; 429 is quota, 503 is overload).
"""

from __future__ import annotations

import time
from collections import deque

from bridge.sandbox.tiktok.errors import Refusal
from bridge.sandbox.tiktok.settings import Settings


class Limits:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._recent: dict[tuple[str, str], deque[float]] = {}

    def check(self, endpoint: str, shop_id: str) -> None:
        """Count a call; Refusal when it is one too many."""
        settings = self._settings
        if settings.refuse_next > 0:
            settings.refuse_next -= 1
            raise self._refusal()
        if settings.calls_per_second is None:
            return
        now = time.monotonic()
        recent = self._recent.setdefault((endpoint, shop_id), deque())
        while recent and recent[0] <= now - 1.0:
            recent.popleft()
        if len(recent) >= settings.calls_per_second:
            raise self._refusal()
        recent.append(now)

    def _refusal(self) -> Refusal:
        wait = self._settings.retry_after
        return Refusal(36009002, "Too many requests", 429, {} if wait is None else {"Retry-After": str(wait)})
