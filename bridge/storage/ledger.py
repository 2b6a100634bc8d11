"""The ledger: units claimed before the act. One open claim an order; it ends done or void, and is never deleted."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage.columns import db_now_ms
from bridge.storage.errors import AlreadyOpen, NotFound
from bridge.storage.ids import new_id
from bridge.storage.tables import ledger as table
from bridge.storage.tables import orders


@dataclass(frozen=True, slots=True)
class Claim:
    id: str
    order_id: str
    side: str
    """Where the effect happens: `store` or `channel`."""
    kind: str
    """`create`, `invoice`, `refund`, `cancel`, `approve` or `reject`."""
    units: tuple[str, ...]
    attempt: int
    token: str
    """What the other side shows again."""
    state: str
    """`open`, `done` or `void`."""
    payload: dict[str, Any]
    """What is asked of the other side, as a repeat will ask it."""
    claimed_at: datetime
    acted_at: datetime | None
    """When the call went out; None: it never did."""
    quiet_until: datetime | None
    """After an unknown outcome: nothing is looked at or repeated before then."""
    ended_at: datetime | None
    reference: str
    """The remote's id of what was made."""
    because: str


def _units_key(units: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(units)).encode()).hexdigest()


def _record(row: Row[Any]) -> Claim:
    values = dict(row._mapping)
    for name in ("shop_id", "units_key", "open_for"):
        del values[name]
    return Claim(**(values | {"units": tuple(values["units"])}))


async def get(conn: AsyncConnection, claim_id: str) -> Claim | None:
    row = (await conn.execute(select(table).where(table.c.id == claim_id))).one_or_none()
    return None if row is None else _record(row)


async def _stored(conn: AsyncConnection, claim_id: str) -> Claim:
    stored = await get(conn, claim_id)
    if stored is None:
        raise NotFound(f"there is no claim {claim_id}")
    return stored


async def current(conn: AsyncConnection, order_id: str) -> Claim | None:
    """The order's open claim."""
    row = (await conn.execute(select(table).where(table.c.open_for == order_id))).one_or_none()
    return None if row is None else _record(row)


async def is_open(conn: AsyncConnection, claim_id: str) -> bool:
    """Whether the claim has not ended, and cannot end before this transaction does."""
    state = await conn.scalar(select(table.c.state).where(table.c.id == claim_id).with_for_update())
    return state == "open"


async def open_claim(
    conn: AsyncConnection,
    *,
    order_id: str,
    side: str,
    kind: str,
    units: Iterable[str],
    token: str,
    attempt: int,
    payload: Mapping[str, Any],
) -> Claim:
    """Claim the units; commit before acting. Raises `AlreadyOpen` where the order has an open claim, `NotFound`."""
    shop_id = await conn.scalar(select(orders.c.shop_id).where(orders.c.id == order_id))
    if shop_id is None:
        raise NotFound(f"there is no order {order_id}")
    ordered = tuple(sorted(units))
    claim_id = new_id("clm")
    values = {
        "id": claim_id,
        "order_id": order_id,
        "shop_id": shop_id,
        "side": side,
        "kind": kind,
        "units": list(ordered),
        "units_key": _units_key(ordered),
        "attempt": attempt,
        "token": token,
        "state": "open",
        "open_for": order_id,
        "payload": dict(payload),
        "claimed_at": db_now_ms(),
        "reference": "",
        "because": "",
    }
    try:
        await conn.execute(insert(table).values(**values))
    except IntegrityError as problem:
        if await current(conn, order_id) is None:
            raise
        raise AlreadyOpen(f"the order {order_id} has an open claim: it ends before the next begins") from problem
    return await _stored(conn, claim_id)


async def _change(conn: AsyncConnection, claim_id: str, **values: Any) -> Claim:
    """Change an open claim; one that has ended stays as it ended."""
    await conn.execute(update(table).where(table.c.id == claim_id, table.c.state == "open").values(**values))
    return await _stored(conn, claim_id)


async def acting(conn: AsyncConnection, claim_id: str) -> Claim:
    """The call goes out now; commit before it does."""
    return await _change(conn, claim_id, acted_at=db_now_ms())


async def unknown(conn: AsyncConnection, claim_id: str, quiet_until: datetime, because: str) -> Claim:
    """Nobody knows whether it was done."""
    return await _change(conn, claim_id, quiet_until=quiet_until, because=because)


async def done(conn: AsyncConnection, claim_id: str, reference: str, because: str) -> Claim:
    return await _change(
        conn, claim_id, state="done", open_for=None, ended_at=db_now_ms(), reference=reference, because=because
    )


async def void(conn: AsyncConnection, claim_id: str, because: str) -> Claim:
    """Refused, or proven to be without effect: its units may be claimed again under the next attempt."""
    return await _change(conn, claim_id, state="void", open_for=None, ended_at=db_now_ms(), because=because)


async def history(conn: AsyncConnection, order_id: str) -> list[Claim]:
    """All claims of an order, the oldest first."""
    rows = await conn.execute(select(table).where(table.c.order_id == order_id).order_by(table.c.id))
    return [_record(row) for row in rows]


async def next_attempt(conn: AsyncConnection, order_id: str, side: str, kind: str, units: Iterable[str]) -> int:
    """1, and one more for each void claim of the same kind, side and units."""
    voided = await conn.scalar(
        select(func.count()).where(
            table.c.order_id == order_id,
            table.c.side == side,
            table.c.kind == kind,
            table.c.units_key == _units_key(units),
            table.c.state == "void",
        )
    )
    return 1 + int(voided or 0)


async def effects_since(conn: AsyncConnection, shop_id: str, kind: str, since: datetime) -> int:
    """How many effects of this kind the shop saw, done or under way: what the brake counts."""
    number = await conn.scalar(
        select(func.count()).where(
            table.c.shop_id == shop_id, table.c.kind == kind, table.c.claimed_at >= since, table.c.state != "void"
        )
    )
    return int(number or 0)
