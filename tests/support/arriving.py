"""A process that takes arrivals in until it is killed, and prints each one that was answered."""

from __future__ import annotations

import asyncio
import itertools
import sys

from bridge.storage.engine import Database
from bridge.storage.inbox import Arrival
from bridge.storage.inbox_writer import InboxWriter


async def main(url: str) -> None:
    writer = InboxWriter(await Database.open(url), lambda keys: None)
    writer.start()
    numbers = itertools.count()

    async def put() -> None:
        while True:
            subject = str(next(numbers))
            await writer.put(Arrival("con_1", f"memo {subject}", "creditmemos/update", subject, "", f"hint:{subject}"))
            print(subject, flush=True)

    await asyncio.gather(*[put() for _ in range(16)])


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
