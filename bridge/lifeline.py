"""Workers and rounds: they last as long as the service. Where one ends untold the service is over, and says so."""

from __future__ import annotations

import asyncio

from bridge.mistakes import told
from bridge.sync.desk import log
from bridge.sync.rounds import Rounds
from bridge.sync.workers import Workers


class Lifeline:
    def __init__(self, workers: Workers, rounds: Rounds) -> None:
        self._workers = workers
        self._rounds = rounds
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False
        self.over = asyncio.Event()
        """Set where one ended though nobody told it to: messages are still taken in, and nothing is done about them."""

    def start(self) -> None:
        self._tasks = {asyncio.create_task(self._workers.run(), name="workers"), self._rounds.start()}
        for task in self._tasks:
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if self._stopping:
            return
        problem = None if task.cancelled() else task.exception()
        while isinstance(problem, BaseExceptionGroup):
            problem = problem.exceptions[0]
        log.error("service.broke", part=task.get_name(), **(told(problem) if problem is not None else {}))
        self.over.set()

    async def stop(self, seconds: float) -> None:
        """Nothing new is taken; what is in hand may finish; the rest is taken up again by its lease."""
        self._stopping = True
        self._workers.stop()
        self._rounds.stop()
        _done, late = await asyncio.wait(self._tasks, timeout=seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
