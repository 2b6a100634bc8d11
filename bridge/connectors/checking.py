"""A row of checks of one remote: each has its time, one that fails keeps none of the others from being made."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, TypeVar

import structlog

from bridge.domain.outcomes import Reauth, RemoteProblem
from bridge.ports import Finding

log: structlog.stdlib.BoundLogger = structlog.get_logger("bridge.doctor")

SECONDS: Final = 20.0
"""For all checks of one remote: a person waits."""
Found = TypeVar("Found")


class Checks:
    """What was found so far, and how much time is left. Each check says by its `what` which thing it is about."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self.findings: list[Finding] = []
        self._deadline = asyncio.get_running_loop().time() + seconds

    def say(self, *findings: Finding) -> None:
        self.findings += findings

    def not_checked(self, what: Iterable[str], because: str) -> None:
        """Named, so that nobody takes silence for health."""
        text = f"Not checked, because {because}: {', '.join(what)}."
        self.say(Finding("warning", "not_checked", text))

    async def make(self, what: str, check: Callable[[], Awaitable[Found]], seconds: float = 12.0) -> Found | None:
        """What the check answers; None where it could not be made, and then a finding says why."""
        end = min(self._deadline, asyncio.get_running_loop().time() + seconds)
        try:
            async with asyncio.timeout_at(end):
                return await check()
        except RemoteProblem as problem:
            if isinstance(problem.outcome, Reauth):
                self.say(Finding("error", "read_refused", f"{what}: {problem.outcome.because}"))
            else:
                self.say(Finding("warning", "not_checked", f"Not checked: {what}. {problem.outcome.because}"))
        except TimeoutError:
            text = f"Not checked: {what}. The other side took too long; run doctor again, and see whether it is slow."
            self.say(Finding("warning", "not_checked", text))
        except Exception as problem:
            # Nobody foresaw it; it must not take the other checks along.
            log.exception("doctor.check_broke", check=what)
            text = f"Not checked: {what}. The check itself failed ({type(problem).__name__}); the log says where."
            self.say(Finding("error", "check_broke", text))
        return None
