"""Sends requests made beforehand over many connections and counts the answers. A process of its own:

    python load.py FILE PORT CONNECTIONS SECONDS WARM

FILE has one request after the other, each behind its length (4 bytes). Every request is sent once; a connection sends
its next one when the answer to the last is there. What is answered in the first WARM seconds is not counted.
The answer, as JSON on standard output: how many, how long each waited, and the processor time this took itself.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import uvloop

UNANSWERED = 15.0
"""Seconds after the end in which what is under way must be answered."""


def read(path: Path) -> Iterator[bytes]:
    data = path.read_bytes()
    at = 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        yield data[at + 4 : at + 4 + length]
        at += 4 + length


class Run:
    def __init__(self, requests: list[bytes], seconds: float, warm: float) -> None:
        self.requests = iter(requests)
        self.counted_from = time.monotonic() + warm
        self.end = time.monotonic() + seconds
        self.waits: list[float] = []
        self.statuses: Counter[int] = Counter()
        self.answered = 0
        self.last = 0.0
        self.open = 0
        self.exhausted = False
        self.done = asyncio.Event()


class Connection(asyncio.Protocol):
    """Answers of the hook route fit one segment and have no body: the head's end is the answer's end."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._sent = 0.0
        self._got = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclass of asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        self._run.open += 1
        self._next()

    def _next(self) -> None:
        run = self._run
        request = next(run.requests, None) if time.monotonic() < run.end else b""
        if not request:
            run.exhausted |= request is None
            self._transport.close()
            return
        self._sent = time.monotonic()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, mark, rest = self._got.partition(b"\r\n\r\n")
        if not mark:
            return
        run, now = self._run, time.monotonic()
        status = int(head[9:12])
        if status != 200:
            # A problem has a body: this connection is not used again.
            run.statuses[status] += 1
            self._transport.close()
            return
        assert not rest, rest
        self._got = b""
        run.statuses[200] += 1
        if run.counted_from <= now <= run.end:
            run.answered += 1
            run.waits.append(now - self._sent)
            run.last = now
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._run.open -= 1
        if not self._run.open:
            self._run.done.set()


async def send(path: Path, port: int, connections: int, seconds: float, warm: float) -> dict[str, object]:
    requests = list(read(path))
    loop = asyncio.get_running_loop()
    run = Run(requests, seconds, warm)
    cpu = time.process_time()
    for _ in range(connections):
        await loop.create_connection(lambda: Connection(run), "127.0.0.1", port)
    async with asyncio.timeout(seconds + UNANSWERED):
        await run.done.wait()
    run.waits.sort()
    counted = (run.last if run.exhausted else run.end) - run.counted_from
    return {
        "per_second": run.answered / counted if counted > 0 else 0.0,
        "answered": sum(run.statuses.values()),
        "refused": {str(status): number for status, number in run.statuses.items() if status != 200},
        "median_ms": run.waits[len(run.waits) // 2] * 1000 if run.waits else None,
        "p99_ms": run.waits[int(len(run.waits) * 0.99)] * 1000 if run.waits else None,
        "exhausted": run.exhausted,
        "own_cpu": (time.process_time() - cpu) / max(seconds, 0.001),
    }


if __name__ == "__main__":
    file, port, connections, seconds, warm = sys.argv[1:]
    print(json.dumps(uvloop.run(send(Path(file), int(port), int(connections), float(seconds), float(warm)))))
