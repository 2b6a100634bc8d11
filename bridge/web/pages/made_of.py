"""What a form was made of: who saves it must not undo, unseen, what somebody else saved since."""

from __future__ import annotations

import hashlib
from typing import Final

from pydantic import BaseModel

from bridge.web.problems import Problem

MADE_OF: Final = "made_of"
"""The hidden field."""


def made_of(*shown: object) -> str:
    """Another one whenever one of these is another."""
    words = [one.model_dump_json() if isinstance(one, BaseModel) else repr(one) for one in shown]
    return hashlib.sha256("\n".join(words).encode("utf-8", "surrogatepass")).hexdigest()[:24]


def check_made_of(known: str, *stored: object) -> None:
    """`known`: what was shown; empty where nobody says. `stored`: the same, as it is now. Raises `Problem` 409."""
    if known not in {"", made_of(*stored)}:
        raise Problem(
            "conflict",
            "Somebody saved other settings here since this page was opened; Audit tells who, and what they were. Below "
            "is what you chose: look whether it is still right, then save it again.",
        )
