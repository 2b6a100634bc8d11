"""A process that claims work until none is left, and prints each key it got."""

from __future__ import annotations

import asyncio
import sys

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage import work
from bridge.storage.engine import Database


async def main(url: str, owner: str) -> None:
    database = await Database.open(url)
    # Both processes are there before either begins.
    print("ready", flush=True)
    sys.stdin.readline()

    async def worker(name: str) -> None:
        while claimed := await work.claim(database, name, 60, 3):
            for one in claimed:
                print(one.key, flush=True)

                async def done(conn: AsyncConnection, one: work.Claimed = one) -> bool:
                    return await work.release(conn, one, None)

                assert await database.write(done)

    await asyncio.gather(*[worker(f"{owner}/{number}") for number in range(4)])
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
