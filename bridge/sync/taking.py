"""Take what is due, and what our books say of it, in one transaction: nothing lies between a lease and what is read."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.keys import OrderKey, parse_key
from bridge.storage import work
from bridge.storage.work import Claimed
from bridge.sync.desk import Desk
from bridge.sync.hints import Found, look_up
from bridge.sync.sheet import Sheet, load_or_begin


@dataclass(slots=True)
class Hand:
    """What a worker holds: a hint's lease, which becomes its order's."""

    claimed: Claimed
    first: Sheet | Found | None
    """What our books said when it was taken; None: to be read on its own, for what that tells then."""


async def take(desk: Desk, owner: str, *, newest: bool = False) -> Hand | None:
    """Lease what is due the longest, or what became due last. None: nothing is."""
    last: Claimed | None = None

    async def claim(conn: AsyncConnection) -> Hand | None:
        nonlocal last
        # Run again after a commit that nobody heard of: what it took may be ours, and would wait for its lease to end.
        claimed = await work.took(conn, last) if last is not None else None
        if claimed is None:
            found = await work.take(conn, owner, desk.settings.lease.total_seconds(), 1, newest=newest)
            claimed = found[0] if found else None
        last = claimed
        return Hand(claimed, await _first_look(conn, desk, claimed)) if claimed else None

    return await desk.db.write(claim, idempotent=True)


async def _first_look(conn: AsyncConnection, desk: Desk, claimed: Claimed) -> Sheet | Found | None:
    if claimed.is_poison:
        return None
    try:
        key = parse_key(claimed.key)
        if isinstance(key, OrderKey):
            return await load_or_begin(conn, desk, key)
        return await look_up(conn, desk, key)
    except SQLAlchemyError:
        raise
    except Exception:  # noqa: BLE001 -- see below
        # What cannot be understood must not undo the lease: whoever reads it again under it counts the failure.
        return None
