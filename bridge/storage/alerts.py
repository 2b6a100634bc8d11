"""Alerts: what is to be told to whom, written with the attention item itself, and what became of it.

One row per target and cause. A message is a set of rows with one `message_id`, written before it is sent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, case, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.alerting import told, told_kinds
from bridge.storage.columns import db_now_ms
from bridge.storage.ids import new_id
from bridge.storage.rows import pack_cursor, unpack_cursor
from bridge.storage.tables import alert_targets, attention, orders
from bridge.storage.tables import alerts as table
from bridge.storage.upserts import upsert

WAITING, SENT, FAILED, DROPPED = "waiting", "sent", "failed", "dropped"
STATES = (WAITING, SENT, FAILED, DROPPED)
GATHER_SECONDS = 2.0
"""What comes up within so long of the first goes out with it."""
PAUSE_SECONDS = 60.0
"""At most one message to a target in so long: what comes up meanwhile goes out together."""


@dataclass(frozen=True, slots=True)
class Alert:
    id: str
    target_id: str
    cause: str
    attention_id: str | None
    message_id: str | None
    body: dict[str, Any]
    state: str
    """`waiting`, `sent`, `failed`, or `dropped` where it was settled, or its target went, before it was sent."""
    attempts: int
    due_at: datetime | None
    because: str
    created_at: datetime
    ended_at: datetime | None


def _record(row: Row[Any]) -> Alert:
    return Alert(**row._mapping)


def cause_of(item_id: str, fingerprint: str, episode: int) -> str:
    """What may be told once: these facts, of this item (one scope and kind), this time.

    By the item's id, not its scope: an item that was forgotten after a while and comes up again is another.
    """
    return hashlib.sha256("\n".join([item_id, fingerprint, str(episode)]).encode()).hexdigest()


async def tell(conn: AsyncConnection, item: Mapping[Any, Any]) -> None:
    """The item (a row of the attention table) stands open: each target that wants its kind is to be told, once.

    In the transaction that opens the item, so that neither exists without the other. What was dropped because the item
    had been settled before it was sent is taken up again.
    """
    targets = await conn.execute(select(alert_targets.c.id, alert_targets.c.options).where(alert_targets.c.enabled))
    wanting = [row.id for row in targets if item["kind"] in told_kinds(row.options.get("kinds"))]
    if not wanting:
        return
    order_id = item["order_id"]
    number = await conn.scalar(select(orders.c.channel_order_id).where(orders.c.id == order_id)) if order_id else None
    body = told(
        item_id=item["id"],
        kind=item["kind"],
        title=item["title"],
        because=item["because"],
        what_to_do=item["what_to_do"],
        order_id=order_id,
        channel_order_id=number,
        shop_id=item["shop_id"],
        connection_id=item["connection_id"],
        deadline_at=item["deadline_at"],
    )
    cause = cause_of(item["id"], item["fingerprint"], item["episode"] or 1)
    dropped = table.c.state == DROPPED
    again: dict[str, Any] = {
        "message_id": case((dropped & (table.c.attempts == 0), None), else_=table.c.message_id),
        "ended_at": case((dropped, None), else_=table.c.ended_at),
        "state": case((dropped, WAITING), else_=table.c.state),
    }
    for target_id in sorted(wanting):
        fresh = {
            "id": new_id("alr"),
            "target_id": target_id,
            "cause": cause,
            "attention_id": item["id"],
            "body": body,
            "state": WAITING,
            "attempts": 0,
            "because": "",
            "created_at": db_now_ms(),
        }
        await upsert(conn, table, fresh, keys=["target_id", "cause"], update=again)


async def waiting_targets(conn: AsyncConnection) -> list[str]:
    """Targets with something to be told."""
    rows = await conn.execute(select(table.c.target_id).where(table.c.state == WAITING).distinct())
    return sorted(row.target_id for row in rows)


async def next_message(conn: AsyncConnection, target_id: str) -> list[Alert]:
    """The rows of the message that is to be sent to this target now; none: not yet, or nothing.

    One begun is repeated as it was, until it is sent or given up; else everything that waits becomes one. What was
    settled meanwhile is dropped.
    """
    settled = table.c.attention_id.not_in(select(attention.c.id).where(attention.c.state == "open"))
    mine = (table.c.target_id == target_id) & (table.c.state == WAITING)
    begun = await _begun(conn, mine)
    while begun is not None:
        of_message = (table.c.message_id == begun) & (table.c.target_id == target_id)
        rows = [_record(row) for row in await conn.execute(select(table).where(of_message).order_by(table.c.id))]
        still = select(table.c.id).where(of_message, table.c.state == WAITING, ~settled)
        if (await conn.execute(still.limit(1))).first() is not None:
            due = await conn.scalar(
                select(table.c.id).where(of_message, or_(table.c.due_at.is_(None), table.c.due_at <= db_now_ms()))
            )
            return rows if due is not None else []
        await _end(conn, of_message & mine, DROPPED, "settled before it could be sent")
        begun = await _begun(conn, mine)
    may = select(alert_targets.c.id).where(
        alert_targets.c.id == target_id,
        or_(alert_targets.c.next_at.is_(None), alert_targets.c.next_at <= db_now_ms()),
    )
    gathered = select(table.c.id).where(mine, table.c.created_at <= db_now_ms(-GATHER_SECONDS)).limit(1)
    if (await conn.execute(may)).first() is None or (await conn.execute(gathered)).first() is None:
        return []
    await _end(conn, mine & settled, DROPPED, "settled before it was sent")
    message_id = new_id("msg")
    await conn.execute(update(table).where(mine).values(message_id=message_id, due_at=db_now_ms()))
    taken = select(table).where(table.c.message_id == message_id).order_by(table.c.id)
    return [_record(row) for row in await conn.execute(taken)]


async def _begun(conn: AsyncConnection, mine: ColumnElement[bool]) -> str | None:
    query = select(table.c.message_id).where(mine, table.c.message_id.is_not(None)).order_by(table.c.message_id)
    found: str | None = await conn.scalar(query.limit(1))
    return found


async def _end(conn: AsyncConnection, which: ColumnElement[bool], state: str, because: str) -> None:
    await conn.execute(update(table).where(which).values(state=state, because=because, ended_at=db_now_ms()))


async def sent(conn: AsyncConnection, target_id: str, message_id: str, because: str) -> None:
    """It went out: the next message to this target waits a while."""
    await _end(conn, _of(target_id, message_id), SENT, because)
    await conn.execute(
        update(alert_targets)
        .where(alert_targets.c.id == target_id)
        .values(because="", failing_since=None, sent_at=db_now_ms(), next_at=db_now_ms(PAUSE_SECONDS))
    )


async def not_sent(
    conn: AsyncConnection, target_id: str, message_id: str, because: str, *, again_in: float | None
) -> None:
    """It did not go out, or nobody knows. `again_in`: seconds until the same is tried again; None: given up."""
    which = _of(target_id, message_id)
    await conn.execute(
        update(table)
        .where(which)
        .values(
            attempts=table.c.attempts + 1, because=because, due_at=None if again_in is None else db_now_ms(again_in)
        )
    )
    if again_in is None:
        await _end(conn, which, FAILED, because)
    await conn.execute(
        update(alert_targets)
        .where(alert_targets.c.id == target_id)
        .values(because=because, failing_since=func.coalesce(alert_targets.c.failing_since, db_now_ms()))
    )


async def works(conn: AsyncConnection, target_id: str) -> None:
    """A test got through: what waited for the target goes out at once."""
    await conn.execute(
        update(alert_targets)
        .where(alert_targets.c.id == target_id)
        .values(because="", failing_since=None, sent_at=db_now_ms())
    )
    waits = (table.c.target_id == target_id) & (table.c.state == WAITING) & table.c.message_id.is_not(None)
    await conn.execute(update(table).where(waits).values(due_at=db_now_ms()))


def _of(target_id: str, message_id: str) -> ColumnElement[bool]:
    return (table.c.target_id == target_id) & (table.c.message_id == message_id) & (table.c.state == WAITING)


async def drop_of_target(conn: AsyncConnection, target_id: str, because: str) -> None:
    """The target goes, or is switched off: nothing more is told to it."""
    await _end(conn, (table.c.target_id == target_id) & (table.c.state == WAITING), DROPPED, because)


async def counts(conn: AsyncConnection, target_ids: Collection[str]) -> dict[str, dict[str, int]]:
    """Target → state → how many."""
    rows = await conn.execute(
        select(table.c.target_id, table.c.state, func.count().label("number"))
        .where(table.c.target_id.in_(sorted(target_ids)))
        .group_by(table.c.target_id, table.c.state)
    )
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        found.setdefault(row.target_id, {})[row.state] = int(row.number)
    return found


async def search(
    conn: AsyncConnection,
    *,
    state: str | None = None,
    target_id: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> tuple[list[Alert], str | None]:
    """A page of the outbox, the newest first, and the next page's cursor. Raises `BadCursor`."""
    where: list[ColumnElement[bool]] = []
    if state is not None:
        where.append(table.c.state == state)
    if target_id is not None:
        where.append(table.c.target_id == target_id)
    if cursor:
        where.append(table.c.id < unpack_cursor(cursor, 1)[0])
    rows = list(await conn.execute(select(table).where(*where).order_by(table.c.id.desc()).limit(limit + 1)))
    following = pack_cursor([rows[limit - 1].id]) if len(rows) > limit else None
    return [_record(row) for row in rows[:limit]], following
