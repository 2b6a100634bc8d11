"""The ledger: units claimed before the act. One open claim an order; it ends done or void, and is never deleted."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Row, Select, Update, bindparam, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage import fence, restore
from bridge.storage.columns import db_now_ms
from bridge.storage.errors import AlreadyOpen, NotFound
from bridge.storage.fence import LeaseLost
from bridge.storage.ids import new_id
from bridge.storage.tables import ledger as table
from bridge.storage.tables import orders, shops
from bridge.storage.work import Claimed


@dataclass(frozen=True, slots=True)
class Claim:
    id: str
    order_id: str
    side: str
    """Where the effect happens: `store` or `channel`."""
    kind: str
    """`create`, `invoice`, `refund`, `cancel`, `cancel_lines`, `approve`, `reject`, `hold` or `release`."""
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
    """The remote's id of what was made; while the claim is open, of what it works on."""
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


@dataclass(frozen=True, slots=True)
class Ground:
    """What a claim is made on, of one moment."""

    attempt: int
    """The number this attempt would have: 1, and one more for each void claim of the same kind, side and units."""
    settings_version: int | None
    """The shop's version now; None: there is no such shop."""
    now: datetime
    """By the database's clock."""
    paused: str | None = None
    """The check after a restore for which nothing is claimed; None: effects go on."""


async def current(conn: AsyncConnection, order_id: str) -> Claim | None:
    """The order's open claim."""
    row = (await conn.execute(select(table).where(table.c.open_for == order_id))).one_or_none()
    return None if row is None else _record(row)


_STANDING = (
    select(table)
    .where(
        table.c.order_id == bindparam("order"),
        or_(table.c.state == "open", (table.c.state == "done") & (table.c.kind == "refund")),
    )
    .order_by(table.c.id)
)


async def standing(conn: AsyncConnection, order_id: str) -> list[Claim]:
    """The order's open claim, and its refunds that were done: what the next decision needs to know."""
    return [_record(row) for row in await conn.execute(_STANDING, {"order": order_id})]


_VOIDED = select(func.count()).where(
    table.c.order_id == bindparam("order"),
    table.c.side == bindparam("side"),
    table.c.kind == bindparam("kind"),
    table.c.units_key == bindparam("units"),
    table.c.state == "void",
)
_GROUND = select(
    _VOIDED.scalar_subquery().label("voided"),
    select(shops.c.version).where(shops.c.id == bindparam("shop")).scalar_subquery().label("version"),
    db_now_ms().label("now"),
    restore.paused().label("paused"),
)


async def ground(
    conn: AsyncConnection, *, order_id: str, shop_id: str, side: str, kind: str, units: Iterable[str]
) -> Ground:
    """Attempt number, settings and time that a claim is made on."""
    values = {"order": order_id, "side": side, "kind": kind, "units": _units_key(units), "shop": shop_id}
    row = (await conn.execute(_GROUND, values)).one()
    return Ground(1 + int(row.voided), row.version, row.now, row.paused)


def _prefixed(row: Mapping[str, Any]) -> dict[str, Any]:
    """A parameter of an INSERT must not be called like a column."""
    return {f"new_{name}": value for name, value in row.items()}


_UNDER_LEASE = (
    insert(table)
    .from_select(
        [column.name for column in table.c],
        fence.held(*[bindparam(f"new_{column.name}", type_=column.type) for column in table.c]),
    )
    .execution_options(preserve_rowcount=True)
)


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
    acting: bool = False,
    shop_id: str | None = None,
    now: datetime | None = None,
    under: Claimed | None = None,
) -> Claim:
    """Claim the units; commit before acting. Raises `AlreadyOpen` where the order has an open claim, `NotFound`.

    `acting`: the call goes out as soon as this is committed. A caller who has just read the order's shop and the
    database's time in this transaction hands them in. `under`: the lease under which this was decided, which is to
    be held still. Raises `LeaseLost`.
    """
    if shop_id is None or now is None:
        found = (
            await conn.execute(select(orders.c.shop_id, db_now_ms().label("now")).where(orders.c.id == order_id))
        ).one_or_none()
        if found is None:
            raise NotFound(f"there is no order {order_id}")
        shop_id, now = found.shop_id, found.now
    ordered = tuple(sorted(units))
    claim_id = new_id("clm")
    claim = Claim(
        id=claim_id,
        order_id=order_id,
        side=side,
        kind=kind,
        units=ordered,
        attempt=attempt,
        token=token,
        state="open",
        payload=dict(payload),
        claimed_at=now,
        acted_at=now if acting else None,
        quiet_until=None,
        ended_at=None,
        reference="",
        because="",
    )
    keys = {"shop_id": shop_id, "units": list(ordered), "units_key": _units_key(ordered), "open_for": order_id}
    row = {field.name: getattr(claim, field.name) for field in fields(claim)} | keys
    try:
        if under is None:
            await conn.execute(insert(table), row)
        elif not (await conn.execute(_UNDER_LEASE, _prefixed(row) | fence.values(under))).rowcount:
            raise LeaseLost(under.key)
    except IntegrityError as problem:
        if await current(conn, order_id) is None:
            raise
        raise AlreadyOpen(f"the order {order_id} has an open claim: it ends before the next begins") from problem
    return claim


_OPEN = update(table).where(table.c.id == bindparam("claim"), table.c.state == "open")
_ENDED = _OPEN.values(open_for=None, ended_at=db_now_ms())


async def _change(conn: AsyncConnection, change: Update, claim_id: str, **values: Any) -> bool:
    return (await conn.execute(change, {"claim": claim_id, **values})).rowcount > 0


async def unknown(
    conn: AsyncConnection, claim_id: str, quiet_until: datetime, because: str, reference: str = ""
) -> bool:
    """Nobody knows whether it was done. False where the claim has ended already: it stays as it ended.

    `reference`: what the remote's answer named, by which it can be asked how far it is.
    """
    named = {"reference": reference} if reference else {}
    return await _change(conn, _OPEN, claim_id, quiet_until=quiet_until, because=because, **named)


async def done(conn: AsyncConnection, claim_id: str, reference: str, because: str) -> bool:
    """It took effect. False where the claim has ended already: it stays as it ended."""
    return await _change(conn, _ENDED, claim_id, state="done", reference=reference, because=because)


async def void(conn: AsyncConnection, claim_id: str, because: str) -> bool:
    """Refused, or proven to be without effect: its units may be claimed again under the next attempt.

    False where the claim has ended already: it stays as it ended.
    """
    return await _change(conn, _ENDED, claim_id, state="void", because=because)


async def history(conn: AsyncConnection, order_id: str) -> list[Claim]:
    """All claims of an order, the oldest first."""
    rows = await conn.execute(select(table).where(table.c.order_id == order_id).order_by(table.c.id))
    return [_record(row) for row in rows]


def effects_since(
    shop_id: str | BindParameter[str], kinds: Iterable[str], since: datetime | BindParameter[datetime]
) -> Select[int]:
    """How many effects of these kinds the shop saw, done or under way: what the brake counts."""
    return select(func.count()).where(
        table.c.shop_id == shop_id,
        # Not `IN`: its list would be put into the text anew for each run.
        or_(*[table.c.kind == kind for kind in sorted(kinds)]),
        table.c.claimed_at >= since,
        table.c.state != "void",
    )
