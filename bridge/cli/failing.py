"""How a command ends when it cannot do what was asked: one text on stderr, and an exit code."""

from __future__ import annotations


class Failed(Exception):
    """The text says what, where, and what to do. `code` is 1 (failed) or 2 (asked in a wrong way)."""

    def __init__(self, text: str, code: int = 1) -> None:
        super().__init__(text)
        self.code = code
