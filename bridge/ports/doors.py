"""What comes in: deliveries, verified and read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


class HookRefused(Exception):
    """A delivery that is not taken in. `status` is the HTTP answer; `reason` a stable word for logs and metrics."""

    def __init__(self, status: int, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Hint:
    """A verified delivery: something is worth a look. Nothing in it is trusted but its arrival."""

    dedupe: str
    """What makes it the same message: TikTok's notification id, or topic and id for the plugin."""
    topic: str
    subject: str
    """The remote id it names: a credit memo, an order; empty for messages about the account itself."""
    shop: str = ""
    """The channel's shop id, where the message names one."""
    note: str = ""
    """A few words for the changelog: what it said. Never acted on."""


class Door(Protocol):
    """Verifies and reads deliveries of one kind of platform. Pure: no I/O."""

    def read(self, topic: str, headers: Mapping[str, str], raw: bytes, keys: Sequence[str]) -> Hint:
        """`topic` is the path's event (TikTok) or empty. Raises `HookRefused`."""
        ...

    def is_for(self, connection_id: str, headers: Mapping[str, str]) -> bool:
        """Whether a verified delivery means the connection in its address: one key may sign for several."""
        ...
