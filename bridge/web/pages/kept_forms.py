"""A form that came when its session had ended: it stays in the browser until somebody signs in, and is sent again on a
click. Nothing of it is stored here, and nothing is done by it before.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Final

from bridge.web.pages.forms import CSRF_FIELD, Form

KEPT_FIELD: Final = "kept"
"""Carries it through the sign-in."""
_LONGEST: Final = 20_000
_SECRET: Final = re.compile(r"password|secret|token|key\b|^current$|^again$|credentials", re.IGNORECASE)
"""Fields that no page ever shows again."""


@dataclass(frozen=True, slots=True)
class KeptForm:
    action: str
    """Where it was sent to."""
    back: str
    """The page that it was on."""
    fields: tuple[tuple[str, str], ...] = field(repr=False)

    @property
    def shown(self) -> list[tuple[str, str]]:
        """What was typed and chosen, in words."""
        return [(name.replace("/", " › ").replace("_", " "), value) for name, value in self.fields if value]


def keep(action: str, back: str, form: Form) -> str:
    """As the sign-in page carries it; empty where it must not or cannot be kept."""
    fields = [[name, value] for name, value in form.fields if name != CSRF_FIELD]
    if any(_SECRET.search(name) for name, _ in fields):
        return ""
    text = json.dumps([action, back, fields], ensure_ascii=False)
    return text if len(text) <= _LONGEST else ""


def kept(text: str) -> KeptForm | None:
    """None where there is none, or somebody changed it on its way."""
    if not text or len(text) > _LONGEST:
        return None
    try:
        action, back, fields = json.loads(text)
        pairs = tuple((name, value) for name, value in fields)
    except (ValueError, TypeError):
        return None
    if not all(isinstance(one, str) for one in (action, back, *(part for pair in pairs for part in pair))):
        return None
    return KeptForm(action, back, pairs)
