"""Arrivals per second, each durable before it is answered. Run: python tests/bench/bench_inbox.py [seconds]"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from bridge.storage.engine import Database
from bridge.storage.inbox import Arrival
from bridge.storage.inbox_writer import InboxWriter
from bridge.storage.migrate import migrate
from tests.support.mariadb import MariaDB, NoMariaDB

PUTTERS = 64


async def measure(name: str, url: str, seconds: float) -> None:
    database = await Database.open(url)
    await migrate(database)
    batches = 0

    def committed(_keys: frozenset[str]) -> None:
        nonlocal batches
        batches += 1

    writer = InboxWriter(database, committed)
    writer.start()
    end = time.monotonic() + seconds
    waits: list[float] = []

    async def putter(number: int) -> None:
        count = 0
        while (begun := time.monotonic()) < end:
            count += 1
            subject = f"{number}-{count}"
            await writer.put(
                Arrival(
                    "con_bench", f"creditmemos/update {subject}", "creditmemos/update", subject, "", f"hint:{subject}"
                )
            )
            waits.append(time.monotonic() - begun)

    begun = time.monotonic()
    await asyncio.gather(*[putter(number) for number in range(PUTTERS)])
    took = time.monotonic() - begun
    await writer.close()
    await database.close()
    waits.sort()
    print(
        f"{name}: {len(waits) / took:,.0f} arrivals/s, {batches / took:,.0f} commits/s, "
        f"{len(waits) / max(batches, 1):.0f} a commit; waited {waits[len(waits) // 2] * 1000:.1f} ms (median), "
        f"{waits[int(len(waits) * 0.99)] * 1000:.1f} ms (99 %); {PUTTERS} at once"
    )


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
    # On the disk, where a commit costs what it costs in production.
    with tempfile.TemporaryDirectory(prefix="bridge-bench-", dir="/var/tmp") as folder:
        asyncio.run(measure("SQLite, synchronous FULL", f"sqlite:///{folder}/bridge.db", seconds))
        try:
            server = MariaDB(Path(folder))
        except NoMariaDB as problem:
            print(problem)
            return
        try:
            server.start()
            asyncio.run(measure("MariaDB, flush at each commit", server.url(server.new_database()), seconds))
        finally:
            server.remove()


if __name__ == "__main__":
    main()
