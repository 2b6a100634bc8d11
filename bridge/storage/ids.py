"""Identifiers: a prefix that names the kind, then 26 characters that sort by time (the ULID layout, lower case)."""

from __future__ import annotations

import secrets
import threading
import time
from datetime import datetime, timedelta
from typing import Final

CLOCKS: Final = timedelta(hours=1)
"""Ids carry their maker's time, times are the database's: so far apart they are never."""
_NO_TIME: Final = timedelta(0)
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_lock = threading.Lock()
_last = 0


def new_id(prefix: str) -> str:
    """`new_id("ord")` → `ord_01k…`. Within one process, a later one always sorts after an earlier one."""
    global _last  # noqa: PLW0603 -- one counter a process is what keeps ids of one millisecond in order
    with _lock:
        number = (time.time_ns() // 1_000_000 << 80) | secrets.randbits(79)
        if number <= _last:
            number = _last + 1
        _last = number
    return f"{prefix}_{_spelled(number)}"


def id_floor(prefix: str, moment: datetime, apart: timedelta = _NO_TIME) -> str:
    """No id made at `moment` or later, by its maker's clock, sorts before this one. `apart` comes on
    top, also where that lies beyond the calendar.
    """
    millis = int((moment.timestamp() + apart.total_seconds()) * 1000)
    return f"{prefix}_{_spelled(max(0, millis) << 80)}"


def _spelled(number: int) -> str:
    characters = []
    for _ in range(26):
        characters.append(_ALPHABET[number & 31])
        number >>= 5
    return "".join(reversed(characters))
