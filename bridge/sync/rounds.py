"""What the service does by the clock: the sweep, the daily audit, tokens renewed early, old arrivals forgotten."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import timedelta

from bridge.domain.outcomes import RemoteProblem
from bridge.storage import inbox
from bridge.storage.errors import StorageDown
from bridge.sync import asked, history, restoring, retention, upkeep, waiting
from bridge.sync.auditing import daily
from bridge.sync.desk import Desk, log
from bridge.sync.sweep import sweep_all

AUDIT_LOOK = timedelta(minutes=10)
"""How often it is looked whether the day's audit is due, or was broken off."""
TOKENS_EVERY = timedelta(minutes=10)
ALERTS_EVERY = timedelta(seconds=2)
FORGET_EVERY = timedelta(hours=1)
RETENTION_LOOK = timedelta(minutes=10)
"""How often it is looked whether the day's round is due, or has more to do."""
UPKEEP_EVERY = timedelta(hours=1)
RESTORE_EVERY = timedelta(seconds=2)
WAITING_EVERY = timedelta(minutes=1)
HISTORY_EVERY = timedelta(seconds=10)
"""A run over the past that was broken off is gone on with after this, once its lease has run out."""
LOST_EVERY = timedelta(seconds=15)
"""How often it is looked for a person's sweep that nobody makes any more."""
ARRIVALS_KEPT = timedelta(days=30)
"""Longer than any remote repeats a message (TikTok: 16 hours)."""
SWEEP_LATE = timedelta(minutes=30)
"""A first sweep of a large shop takes its time; more than this beyond the interval is told."""


class Rounds:
    def __init__(
        self, desk: Desk, renew_tokens: Callable[[], Awaitable[None]], send_alerts: Callable[[], Awaitable[None]]
    ) -> None:
        self._desk = desk
        self._renew_tokens = renew_tokens
        self._send_alerts = send_alerts
        self._stopping = asyncio.Event()
        self._rests: restoring.Rests = {}
        self._swept_at = desk.clock.now()
        self._turning: asyncio.Task[None] | None = None

    def start(self) -> asyncio.Task[None]:
        self._turning = asyncio.create_task(self._run(), name="rounds")
        return self._turning

    def stop(self) -> None:
        self._stopping.set()

    async def _run(self) -> None:
        settings = self._desk.settings
        async with asyncio.TaskGroup() as group:
            group.create_task(self._every(settings.sweep_interval, "sweep", self._sweep))
            group.create_task(self._every(AUDIT_LOOK, "audit", self._audit))
            group.create_task(self._every(TOKENS_EVERY, "tokens", self._renew_tokens))
            group.create_task(self._every(ALERTS_EVERY, "alerts", self._send_alerts))
            group.create_task(self._every(FORGET_EVERY, "forget", self._forget))
            group.create_task(self._every(RETENTION_LOOK, "retention", self._retention))
            group.create_task(self._every(UPKEEP_EVERY, "upkeep", lambda: upkeep.look(self._desk)))
            group.create_task(self._every(RESTORE_EVERY, "restore", lambda: restoring.advance(self._desk, self._rests)))
            group.create_task(self._every(WAITING_EVERY, "waiting", lambda: waiting.show(self._desk)))
            group.create_task(self._every(HISTORY_EVERY, "history", self._history))
            group.create_task(self._every(LOST_EVERY, "asked", lambda: asked.end_lost(self._desk)))

    async def _every(self, pause: timedelta, name: str, round_: Callable[[], Awaitable[None]]) -> None:
        """One round after another; a failed one is logged and the next one comes."""
        while not self._stopping.is_set():
            try:
                await round_()
            except (StorageDown, RemoteProblem) as problem:
                log.warning("round.failed", round=name, because=str(problem))
            except Exception:  # noqa: BLE001 -- a round nobody foresaw failing must not end the others; logged whole
                log.exception("round.broke", round=name)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause.total_seconds()):
                    await self._stopping.wait()

    async def _sweep(self) -> None:
        await sweep_all(self._desk)
        self._swept_at = self._desk.clock.now()

    async def _audit(self) -> None:
        await daily(self._desk)

    async def _history(self) -> None:
        await history.take_up(self._desk, self._stopping.is_set)

    async def _retention(self) -> None:
        await retention.turn(self._desk)

    async def _forget(self) -> None:
        before = self._desk.clock.now() - ARRIVALS_KEPT
        gone = 1
        while gone and not self._stopping.is_set():
            gone = await self._desk.db.write(lambda conn: inbox.forget(conn, before))

    def problems(self) -> list[str]:
        """What keeps the rounds from being made, in sentences."""
        if self._stopping.is_set():
            return ["The service is stopping."]
        if self._turning is not None and self._turning.done():
            return ["Nothing is done by the clock any more; the log says why. Restart the service."]
        late = self._desk.clock.now() - self._swept_at - self._desk.settings.sweep_interval
        if late > SWEEP_LATE:
            return [f"No sweep was finished for {late.total_seconds() / 60:.0f} minutes longer than it should take."]
        return []
