"""Facts and values as people read them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def in_words(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is empty is left out."""
    return [(name, said(value)) for name, value in facts.items() if value not in (None, "", [], {})]


def said(value: object) -> str:
    """A value as people read it; what is nested is shown as JSON."""
    match value:
        case None | "":
            return "none"
        case True:
            return "yes"
        case False:
            return "no"
        case str():
            return value
        case list() if all(isinstance(one, (str, int)) for one in value):
            return ", ".join(map(str, value)) or "none"
        case dict() if value and all(isinstance(one, (str, int)) for one in value.values()):
            return ", ".join(f"{name}: {one}" for name, one in value.items())
        case _:
            return json.dumps(value, ensure_ascii=False)
