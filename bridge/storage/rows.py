"""Small helps for the books: fingerprints, and paging cursors that callers pass back without reading them."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

FINGERPRINT = 64
"""Characters of a fingerprint's column."""


def short_fingerprint(text: str) -> str:
    """A fingerprint that fits its column: itself, or its hash where it is a whole sentence."""
    return text if len(text) <= FINGERPRINT else hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class BadCursor(ValueError):
    """A paging cursor that was not handed out by us."""


def pack_cursor(place: list[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(place, separators=(",", ":")).encode()).decode("ascii").rstrip("=")


def unpack_cursor(cursor: str, length: int) -> list[str]:
    """Raises `BadCursor`."""
    try:
        place = json.loads(base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError):
        raise bad_cursor(cursor) from None
    if not isinstance(place, list) or len(place) != length or not all(_is_text(part) for part in place):
        raise bad_cursor(cursor)
    return place


def bad_cursor(cursor: str) -> BadCursor:
    return BadCursor(f"{cursor[:40]!r} is not a cursor of this list")


def _is_text(part: object) -> bool:
    """Half a surrogate pair can be written in JSON, and no driver takes it."""
    return isinstance(part, str) and not any("\ud800" <= one <= "\udfff" for one in part)
