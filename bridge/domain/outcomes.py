"""What a remote call came to: one of a few named outcomes, and nothing else.

A connector maps every answer, error and silence of a remote to one of these; the core knows no status code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Done:
    """The remote did it and said so. `reference` is the remote's id of what was made."""

    reference: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AlreadyDone:
    """The remote says that it was done before: look, and believe what the look shows."""

    because: str


@dataclass(frozen=True, slots=True)
class Retry:
    """Nothing was done; the same may work later. `after` is in seconds, None where the remote did not say."""

    because: str
    after: float | None = None
    throttled: bool = False
    """The remote asked all callers to slow down: every process waits, not only this one."""
    needs_person: bool = False
    """It will not pass by itself: somebody has to mend something, after which it goes on by itself."""


@dataclass(frozen=True, slots=True)
class Reauth:
    """Nothing was done; the credentials or permissions must be mended by a person."""

    because: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """Nothing was done and it will not work again as it was asked. `code` is the remote's own."""

    because: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody knows whether it was done: nothing is repeated before a quiet period and a look."""

    because: str


Outcome = Done | AlreadyDone | Retry | Reauth | Rejected | Unknown
Failure = Retry | Reauth | Rejected


class RemoteProblem(Exception):
    """A read that failed, with its outcome. Reads change nothing, so there is no `Unknown` among them."""

    def __init__(self, outcome: Failure) -> None:
        super().__init__(outcome.because)
        self.outcome = outcome
