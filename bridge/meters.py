"""What the core and the connectors count, for Prometheus. Labels come from closed sets; no id is ever one."""

from __future__ import annotations

import asyncio
import time

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.process_collector import ProcessCollector

_CALL_SECONDS = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 90.0)
_LOOK_SECONDS = (0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 240.0)
_LAG_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_ROWS = (1, 2, 5, 10, 25, 50, 100, 250, 500)
LAG_EVERY = 1.0


class Meters:
    """Implements `ports.Meter`. One a process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._effects = Counter(
            "bridge_effects", "Effects by kind, and what became of them", ["kind", "outcome"], registry=registry
        )
        self._looks = Counter("bridge_looks", "Looks at work, by how they ended", ["outcome"], registry=registry)
        self._look_seconds = Histogram(
            "bridge_look_seconds", "From the lease to its release", buckets=_LOOK_SECONDS, registry=registry
        )
        self._calls = Counter(
            "bridge_remote_calls",
            "Calls to shops, stores and alert targets, by what they were answered",
            ["kind", "endpoint", "outcome"],
            registry=registry,
        )
        self._call_seconds = Histogram(
            "bridge_remote_call_seconds",
            "Until the answer's headers",
            ["kind"],
            buckets=_CALL_SECONDS,
            registry=registry,
        )
        self._batch = Histogram(
            "bridge_inbox_batch_rows", "Deliveries that shared one commit", buckets=_ROWS, registry=registry
        )
        self._lag = Histogram(
            "bridge_loop_lag_seconds",
            "How much later than asked for the event loop came back, asked once a second",
            buckets=_LAG_SECONDS,
            registry=registry,
        )
        self._retries = Counter(
            "bridge_database_retries",
            "Transactions run again, by why: again (deadlock, lock wait) or lost (the connection)",
            ["why"],
            registry=registry,
        )
        for why in ("again", "lost"):
            self._retries.labels(why)
        ProcessCollector(registry=registry)

    def effect(self, kind: str, outcome: str) -> None:
        self._effects.labels(kind, outcome).inc()

    def look(self, outcome: str, seconds: float) -> None:
        self._looks.labels(outcome).inc()
        self._look_seconds.observe(seconds)

    def call(self, kind: str, endpoint: str, outcome: str, seconds: float) -> None:
        self._calls.labels(kind, endpoint, outcome).inc()
        self._call_seconds.labels(kind).observe(seconds)

    def batch(self, rows: int) -> None:
        self._batch.observe(rows)

    def retried(self, why: str) -> None:
        self._retries.labels(why).inc()

    async def watch_the_loop(self) -> None:
        """Until cancelled."""
        while True:
            asked = time.monotonic()
            await asyncio.sleep(LAG_EVERY)
            self._lag.observe(max(0.0, time.monotonic() - asked - LAG_EVERY))
