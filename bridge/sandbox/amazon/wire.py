"""Forms of the wire: times, and what a call answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from aiohttp import web

from bridge.sandbox.amazon.model import Json
from bridge.sandbox.amazon.state import AmazonSandbox

Answer = tuple[int, Json | None]
"""Status and body; None is no body at all."""
Call = Callable[[AmazonSandbox, web.Request, Json], Awaitable[Answer]]


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
