"""What was decided under a lease is written only while the lease is held, and nobody takes it before that is committed.

Asked last in a transaction: the work's row is locked after all others, as by everybody who marks it, and for a moment.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage.columns import db_now_ms
from bridge.storage.tables import work as table
from bridge.storage.work import Claimed


class LeaseLost(Exception):
    """Another process took the work over: nothing more is done here."""


def held(*columns: ColumnElement[Any]) -> Select[Any]:
    """One row of these where the lease is held, else none. `values` names the lease."""
    return (
        select(*columns)
        .where(
            table.c.work_key == bindparam("leased_key"),
            table.c.lease_owner == bindparam("leased_by"),
            table.c.lease_until > db_now_ms(),
        )
        .with_for_update()
    )


def values(claimed: Claimed) -> dict[str, Any]:
    return {"leased_key": claimed.key, "leased_by": claimed.owner}


_HELD = held(table.c.work_key)


async def keep(conn: AsyncConnection, claimed: Claimed) -> None:
    """Nothing of this transaction is to stand where the lease is gone. Raises `LeaseLost`."""
    if await conn.scalar(_HELD, values(claimed)) is None:
        raise LeaseLost(claimed.key)
