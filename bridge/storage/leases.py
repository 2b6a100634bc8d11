"""Leases by name: one process at a time refreshes a token or sweeps a list. Times are the database's."""

from __future__ import annotations

from sqlalchemy import delete, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage.columns import db_now_ms
from bridge.storage.tables import leases, work


async def try_lease(conn: AsyncConnection, name: str, owner: str, seconds: float, *, again: bool) -> bool:
    """Whether `owner` holds the lease now, for so many seconds. `again`: the holder may prolong its own."""
    free = leases.c.lease_until <= db_now_ms()
    taken = await conn.execute(
        update(leases)
        .where(leases.c.name == name, or_(free, leases.c.owner == owner) if again else free)
        .values(owner=owner, lease_until=db_now_ms(seconds))
    )
    if taken.rowcount:
        return True
    if await conn.scalar(select(leases.c.name).where(leases.c.name == name)) is not None:
        return False
    try:
        await conn.execute(leases.insert().values(name=name, owner=owner, lease_until=db_now_ms(seconds)))
    except IntegrityError:
        return False  # another process was faster by a moment
    return True


async def release(conn: AsyncConnection, name: str, owner: str) -> bool:
    """Give the lease back; False where it was no longer ours."""
    gone = await conn.execute(delete(leases).where(leases.c.name == name, leases.c.owner == owner))
    return gone.rowcount > 0


async def end_all(conn: AsyncConnection) -> int:
    """For the embedded database only, at the start of the one process that may serve it: whoever held a lease is dead.

    What they had in hand is due at once; that a claim of theirs did not come back stays counted. How many orders.
    """
    await conn.execute(delete(leases))
    held = await conn.execute(
        update(work).where(work.c.lease_until.is_not(None)).values(lease_owner=None, lease_until=None)
    )
    return held.rowcount
