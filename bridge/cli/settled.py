"""Process settings for a command, with mistakes in them told as a sentence."""

from __future__ import annotations

from pydantic import ValidationError

from bridge.cli.failing import Failed
from bridge.config import Config


def config() -> Config:
    """Raises `Failed` (2) that names the variable."""
    try:
        return Config()
    except ValidationError as problem:
        found = problem.errors(include_url=False, include_context=False, include_input=False)
        names = [f"BRIDGE_{'_'.join(str(part) for part in one['loc']).upper()}" for one in found]
        told = "; ".join(f"{name}: {one['msg']}" for name, one in zip(names, found, strict=True))
        raise Failed(f"settings cannot be used: {told}. docs/reference/settings.md lists them.", 2) from None
    except ValueError as problem:  # a settings file that is not there, or is no TOML
        raise Failed(f"settings cannot be used: {problem}", 2) from None
