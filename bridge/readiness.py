"""Whether the service can do its work: workers, rounds, disk. The database is asked by the route itself."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass

from bridge.config import Config
from bridge.sync.rounds import Rounds
from bridge.sync.workers import Workers

LEAST_FREE_BYTES = 100 * 1024 * 1024
"""Below this an embedded database may soon not be able to write."""


@dataclass(frozen=True, slots=True)
class Readiness:
    config: Config
    workers: Workers
    rounds: Rounds

    async def problems(self) -> list[str]:
        """In sentences that say what to do; empty when all is well."""
        found = self.rounds.problems()
        if not found and not self.workers.is_running:
            found.append("The workers are not running; the log says why. Restart the service.")
        if self.config.is_embedded:
            free = (await asyncio.to_thread(shutil.disk_usage, self.config.data_dir)).free
            if free < LEAST_FREE_BYTES:
                found.append(f"Only {free // 1024 // 1024} MB are free where the database lives; make room there.")
        return found
