"""All commands of the program by their names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from bridge.cli import app


def _commands() -> Iterator[tuple[str, Any]]:
    def below(command: Any, path: str) -> Iterator[tuple[str, Any]]:
        for name, child in getattr(command, "commands", {}).items():
            yield f"{path} {name}", child
            yield from below(child, f"{path} {name}")

    yield from below(typer.main.get_command(app), "bridge")


COMMANDS = dict(_commands())
