"""The check after a restore from a backup: effects are paused, every order is looked at, and what was found is kept."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, Select, and_, delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage import meta
from bridge.storage.columns import db_now_ms
from bridge.storage.ids import new_id
from bridge.storage.orders import ALIVE, SETTLED_ALIVE, OrderState, work_key
from bridge.storage.tables import meta as meta_table
from bridge.storage.tables import orders, work
from bridge.storage.tables import restore_findings as table
from bridge.storage.upserts import upsert

PAUSED = "effects.paused"
"""Names the check for which effects are paused; not there: nothing is paused."""
CHECK = "restore_check"
LEFT_ALONE_FOR = timedelta(days=30)
"""Orders left alone are looked at again for so long after they came: what a backup says of them may be old."""
RUNNING = frozenset({"sweeping", "marking", "looking"})


@dataclass(frozen=True, slots=True)
class Check:
    id: str
    state: str
    """`sweeping`, `marking`, `looking`, `ready`, `resumed`."""
    who: str
    began_at: datetime
    since: datetime | None = None
    """Look for changes from then on; None: from where the restored database had read to."""
    not_swept: Mapping[str, str] = field(default_factory=dict)
    """Connections that could not be read yet, and why."""
    swept: Sequence[str] = ()
    """Connections that were read: they are not read again while others are waited for."""
    after: str | None = None
    """The last order that was marked."""
    marked: int = 0
    looking_since: datetime | None = None
    ready_at: datetime | None = None
    resumed_at: datetime | None = None

    @property
    def is_running(self) -> bool:
        return self.state in RUNNING


_TIMES = ("began_at", "since", "looking_since", "ready_at", "resumed_at")


def _load(text: str) -> Check:
    values = json.loads(text)
    for name in _TIMES:
        values[name] = datetime.fromisoformat(values[name]) if values[name] else None
    return Check(**values)


async def save(conn: AsyncConnection, check: Check) -> None:
    values: dict[str, Any] = asdict(check)
    for name in _TIMES:
        values[name] = values[name].isoformat() if values[name] else None
    await meta.put(conn, CHECK, json.dumps(values))


async def get(conn: AsyncConnection) -> Check | None:
    """The check that runs, or the last one."""
    text = await meta.get(conn, CHECK)
    return None if text is None else _load(text)


def paused() -> ScalarSelect[Any]:
    """For a statement that is run anyway: the check's id while effects are paused, else NULL."""
    return select(meta_table.c.value).where(meta_table.c.name == PAUSED).scalar_subquery()


async def paused_for(conn: AsyncConnection) -> str | None:
    return await meta.get(conn, PAUSED)


async def begin(conn: AsyncConnection, who: str, now: datetime, since: datetime | None = None) -> Check:
    """Pause all effects, in every process, and ask for the check. One that runs goes on."""
    running = await get(conn)
    if running is not None and running.is_running:
        return running
    check = Check(id=new_id("chk"), state="sweeping", who=who, began_at=now, since=since)
    await conn.execute(delete(table))
    await meta.put(conn, PAUSED, check.id)
    await save(conn, check)
    return check


async def resume(conn: AsyncConnection, check: Check, now: datetime) -> list[str]:
    """Effects go on. Answers the work keys of the orders whose effect was withheld."""
    await conn.execute(delete(meta_table).where(meta_table.c.name == PAUSED))
    await save(conn, replace(check, state="resumed", resumed_at=now))
    rows = await conn.execute(
        select(orders.c.shop_id, orders.c.channel_order_id)
        .join(table, table.c.order_id == orders.c.id)
        .where(table.c.check_id == check.id, table.c.effect.is_not(None))
    )
    return [work_key(row.shop_id, row.channel_order_id) for row in rows]


# --- what was found ------------------------------------------------------------------------------------------------


async def note(
    conn: AsyncConnection, check_id: str, order_id: str, verdict: str, because: str, *, effect: str | None = None
) -> None:
    """What the newest look at an order says."""
    says = {"check_id": check_id, "verdict": verdict, "effect": effect, "because": because, "at": db_now_ms()}
    await upsert(conn, table, says | {"order_id": order_id, "adopted": False}, keys=["order_id"], update=says)


async def note_adopted(conn: AsyncConnection, check_id: str, order_id: str, because: str) -> None:
    says = {"check_id": check_id, "adopted": True, "because": because, "at": db_now_ms()}
    # Not a verdict yet: it is read again at once, and that look says how it stands.
    fresh = {"order_id": order_id, "verdict": "found", "effect": None}
    await upsert(conn, table, says | fresh, keys=["order_id"], update=says)


@dataclass(frozen=True, slots=True)
class Finding:
    order_id: str
    channel_order_id: str
    store_number: str | None
    verdict: str
    effect: str | None
    because: str


async def findings(
    conn: AsyncConnection,
    check_id: str,
    *,
    verdict: str | None = None,
    withheld: bool = False,
    adopted: bool = False,
    limit: int = 100,
) -> list[Finding]:
    """Of one verdict, or with an effect that was withheld, or adopted."""
    query = _found(check_id).order_by(table.c.order_id).limit(limit)
    if verdict is not None:
        query = query.where(table.c.verdict == verdict)
    if withheld:
        query = query.where(table.c.effect.is_not(None))
    if adopted:
        query = query.where(table.c.adopted.is_(True))
    return [Finding(**row._mapping) for row in await conn.execute(query)]


def _found(check_id: str) -> Select[Any]:
    return (
        select(
            orders.c.id.label("order_id"),
            orders.c.channel_order_id,
            orders.c.store_number,
            table.c.verdict,
            table.c.effect,
            table.c.because,
        )
        .join(orders, orders.c.id == table.c.order_id)
        .where(table.c.check_id == check_id)
    )


async def counts(conn: AsyncConnection, check_id: str) -> dict[str, int]:
    """Orders by verdict, `adopted`, and each withheld effect as `effect:<kind>`."""
    found: dict[str, int] = {"adopted": 0}
    rows = await conn.execute(
        select(table.c.verdict, table.c.effect, table.c.adopted, func.count().label("orders"))
        .where(table.c.check_id == check_id)
        .group_by(table.c.verdict, table.c.effect, table.c.adopted)
    )
    for row in rows:
        name = row.verdict if row.effect is None else f"effect:{row.effect}"
        found[name] = found.get(name, 0) + int(row.orders)
        found["adopted"] += int(row.orders) if row.adopted else 0
    return found


# --- what is still to be looked at ---------------------------------------------------------------------------------


def _to_look_at() -> ColumnElement[bool]:
    """Alive; and left alone not long ago, because the backup may be older than what was decided since."""
    young = orders.c.created_at > db_now_ms(-SETTLED_ALIVE.total_seconds())
    younger = orders.c.created_at > db_now_ms(-LEFT_ALONE_FOR.total_seconds())
    state = func.coalesce(orders.c.state, "")
    return or_(
        state.in_([one.value for one in ALIVE]),
        and_(state == OrderState.SETTLED.value, young),
        and_(state.in_([OrderState.IGNORED.value, OrderState.NOT_IMPORTED.value]), younger),
    )


async def to_mark(conn: AsyncConnection, after: str | None, limit: int = 500) -> list[tuple[str, str]]:
    """A page of orders to look at: id and work key."""
    query = select(orders.c.id, orders.c.shop_id, orders.c.channel_order_id).where(_to_look_at())
    if after is not None:
        query = query.where(orders.c.id > after)
    rows = await conn.execute(query.order_by(orders.c.id).limit(limit))
    return [(row.id, work_key(row.shop_id, row.channel_order_id)) for row in rows]


async def left(conn: AsyncConnection, check: Check) -> int:
    """Orders not yet looked at, and work that was due before the last of them was marked."""
    seen = select(table.c.order_id).where(table.c.order_id == orders.c.id, table.c.check_id == check.id)
    unseen = await conn.scalar(select(func.count()).select_from(orders).where(_to_look_at(), ~seen.exists()))
    if check.looking_since is None:
        return int(unseen or 0)
    due = await conn.scalar(select(func.count()).select_from(work).where(work.c.due_at <= check.looking_since))
    return int(unseen or 0) + int(due or 0)


async def now(conn: AsyncConnection) -> datetime:
    """By the database's clock."""
    moment: datetime = (await conn.execute(select(db_now_ms().label("now")))).scalar_one()
    return moment
