"""The mark an effect leaves on the other side, so that a later look can find it again."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

_MARK = re.compile(r"\[bridge:([0-9a-f]{16})\]")


def effect_token(shop: str, order: str, side: str, units: Iterable[str], attempt: int) -> str:
    """Hash of shop, order, side, units and attempt: the same effect has the same token in every process."""
    text = "\n".join([shop, order, side, ",".join(sorted(units)), str(attempt)])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def mark(token: str) -> str:
    """How a token is written into a credit memo's comment or a staff note."""
    return f"[bridge:{token}]"


def tokens_in(text: str | None) -> frozenset[str]:
    """Our tokens found in a comment of the other side."""
    return frozenset(_MARK.findall(text or ""))
