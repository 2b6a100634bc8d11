"""How fast a remote is called, counted for every process: one row per name, one small transaction per call.

Times are the database's. What a vendor's limit means is `bridge.domain.pacing`.
"""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.pacing import Rate, Turn, turn
from bridge.storage.columns import db_now_ms
from bridge.storage.engine import Database
from bridge.storage.tables import rates
from bridge.storage.upserts import upsert


async def take(conn: AsyncConnection, name: str, rate: Rate, longest: float) -> Turn:
    """Count one call, unless it would have to wait for longer than so many seconds."""
    if await conn.scalar(select(rates.c.name).where(rates.c.name == name)) is None:
        # Another process may be faster by a moment: then its row is the one that counts.
        await upsert(conn, rates, {"name": name, "full_at": db_now_ms()}, keys=["name"])
    # Locked: on a server, whoever comes meanwhile counts after us.
    looked = select(db_now_ms().label("now"), rates.c.full_at).where(rates.c.name == name).with_for_update()
    row = (await conn.execute(looked)).one()
    taken, full_at = turn(row.now, row.full_at, rate, longest)
    if taken.is_taken:
        await conn.execute(update(rates).where(rates.c.name == name).values(full_at=full_at))
    return taken


class SharedPace:
    """`ports.Pace` over the database that all processes share."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def take(self, name: str, rate: Rate, longest: float) -> Turn:
        return await self._db.write(lambda conn: take(conn, name, rate, longest))
