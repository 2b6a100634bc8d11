"""Facts as names and texts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def in_words(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is empty is left out; what is nested is shown as JSON."""
    return [
        (name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for name, value in facts.items()
        if value not in (None, "", [], {})
    ]
