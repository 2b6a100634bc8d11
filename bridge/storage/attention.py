"""Attention: what a person should look at. One row for each scope and kind; dismissed until its facts change.

The same facts coming again soon after they were closed are the same trouble, not news: an outage that comes and goes,
an order that something else stood before for a moment. A dismissed item is then dismissed still, and nobody is told
twice. Coming again later, it is news: another *episode*.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage import alerts
from bridge.storage.columns import db_now_ms, from_millis, to_millis
from bridge.storage.ids import new_id
from bridge.storage.rows import BadCursor, pack_cursor, short_fingerprint, unpack_cursor
from bridge.storage.tables import attention as table
from bridge.storage.tables import orders
from bridge.storage.upserts import upsert

FLAP = timedelta(hours=1)
"""Closed for less than this, the same facts are the same trouble."""
_SHOWN = 160


@dataclass(frozen=True, slots=True)
class Item:
    id: str
    order_id: str | None
    shop_id: str | None
    connection_id: str | None
    kind: str
    fingerprint: str
    """Of the facts: as long as it is the same, nothing new is to be said."""
    title: str
    because: str
    what_to_do: str
    facts: dict[str, Any]
    state: str
    """`open`, `dismissed` or `closed`."""
    note: str
    """What the person wrote who dismissed it."""
    deadline_at: datetime | None
    """Until when an answer counts; None where nothing runs out."""
    opened_at: datetime | None
    """Since when it stands open this time."""
    dismissed_at: datetime | None
    """When a person put it away; None where nobody did, since its facts last changed."""
    reopened: str | None
    """Why it is here again; None where it never was before."""
    created_at: datetime
    updated_at: datetime


def _scope(order_id: str | None, shop_id: str | None, connection_id: str | None) -> str:
    """The narrowest of what is named."""
    for name, value in (("order", order_id), ("shop", shop_id), ("connection", connection_id)):
        if value is not None:
            return f"{name}:{value}"
    raise ValueError("attention needs an order, a shop or a connection")


def _record(row: Row[Any]) -> Item:
    values = dict(row._mapping)
    del values["scope"], values["episode"]
    return Item(**values)


async def raise_item(
    conn: AsyncConnection,
    *,
    kind: str,
    fingerprint: str,
    title: str,
    because: str,
    what_to_do: str,
    facts: Mapping[str, Any],
    order_id: str | None = None,
    shop_id: str | None = None,
    connection_id: str | None = None,
    deadline_at: datetime | None = None,
) -> bool:
    """Ask for attention. True where that is news: newly open, or open again because its facts changed or came again.

    The scope is the order, else the shop, else the connection; further ids are kept to be shown. Who is to be told is
    written in the same transaction.
    """
    scope = _scope(order_id, shop_id, connection_id)
    fingerprint = short_fingerprint(fingerprint)
    where = (table.c.scope == scope, table.c.kind == kind)
    of_order = select(orders.c.shop_id).where(orders.c.id == order_id).scalar_subquery()
    saying: dict[str, Any] = {
        "fingerprint": fingerprint,
        "title": title,
        "because": because,
        "what_to_do": what_to_do,
        "facts": dict(facts),
        "order_id": order_id,
        "shop_id": of_order if order_id is not None and shop_id is None else shop_id,
        "connection_id": connection_id,
        "state": "open",
        "note": "",
        "deadline_at": deadline_at,
        "opened_at": db_now_ms(),
        "dismissed_at": None,
        "updated_at": db_now_ms(),
    }
    item_id = new_id("att")
    fresh = {"id": item_id, "scope": scope, "kind": kind, "episode": 1, "created_at": db_now_ms()}
    await upsert(conn, table, saying | fresh, keys=["scope", "kind"])
    stored = (await conn.execute(select(table, db_now_ms().label("now")).where(*where).with_for_update())).one()
    if stored.id == item_id:
        await alerts.tell(conn, stored._mapping)
        return True
    same = stored.fingerprint == fingerprint
    if same and stored.state in {"open", "dismissed"}:
        return False
    soon = stored.state != "closed" or stored.now - stored.updated_at < FLAP
    if same and soon:
        back = "dismissed" if stored.dismissed_at is not None else "open"
        again = await _changed(conn, where, state=back, because=because, deadline_at=deadline_at)
        if back == "open":
            await alerts.tell(conn, again._mapping)
        return False
    saying["episode"] = (stored.episode or 1) + (0 if soon else 1)
    saying["reopened"] = _why(stored, facts, same=same)
    again = await _changed(conn, where, **saying)
    await alerts.tell(conn, again._mapping)
    return True


async def _changed(conn: AsyncConnection, where: tuple[ColumnElement[bool], ...], **values: Any) -> Row[Any]:
    await conn.execute(update(table).where(*where).values(**(values | {"updated_at": db_now_ms()})))
    return (await conn.execute(select(table).where(*where))).one()


def _why(stored: Row[Any], facts: Mapping[str, Any], *, same: bool) -> str:
    """Why something that was here before is here again, in words."""
    before = f"dismissed before ({stored.note})" if stored.note else "here before"
    if same:
        return f"{before}; it was settled on {stored.updated_at:%Y-%m-%d %H:%M} UTC and has come again"
    names = sorted(
        name for name in stored.facts.keys() | facts.keys() if stored.facts.get(name) != _plain(facts).get(name)
    )
    changes = [f"{name} was {_short(stored.facts.get(name))}, is {_short(facts.get(name))}" for name in names]
    return f"{before}, and its facts changed: {'; '.join(changes) or 'its reason is another'}"


def _plain(facts: Mapping[str, Any]) -> dict[str, Any]:
    """As they read back from the database."""
    plain: dict[str, Any] = json.loads(json.dumps(dict(facts)))
    return plain


def _short(value: Any) -> str:
    text = "nothing" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


async def refresh(conn: AsyncConnection, *, kind: str, shop_id: str, because: str, facts: Mapping[str, Any]) -> None:
    """What a shop's item shows moved, without being news: numbers that grow while a person is asked already."""
    where = (table.c.scope == _scope(None, shop_id, None), table.c.kind == kind, table.c.state != "closed")
    await conn.execute(update(table).where(*where).values(because=because, facts=dict(facts)))


async def close(
    conn: AsyncConnection,
    *,
    order_id: str | None = None,
    shop_id: str | None = None,
    connection_id: str | None = None,
    kinds: Collection[str] | None = None,
    keep: Collection[str] = (),
    dismissed: bool = True,
) -> int:
    """What was asked is settled: close the scope's items of these kinds (None: all), less those to keep.

    `dismissed` False leaves those alone that a person put away: something else stands before them for now, which
    settles nothing. Returns how many were closed.
    """
    where: list[ColumnElement[bool]] = [
        table.c.scope == _scope(order_id, shop_id, connection_id),
        table.c.state != "closed" if dismissed else table.c.state == "open",
    ]
    if kinds is not None:
        where.append(table.c.kind.in_(sorted(kinds)))
    if keep:
        where.append(table.c.kind.not_in(sorted(keep)))
    closed = await conn.execute(update(table).where(*where).values(state="closed", updated_at=db_now_ms()))
    return closed.rowcount


async def dismiss(conn: AsyncConnection, item_id: str, note: str) -> bool:
    """A person has seen it; it stays away until its facts change. False where it is not open."""
    changed = await conn.execute(
        update(table)
        .where(table.c.id == item_id, table.c.state == "open")
        .values(state="dismissed", note=note, dismissed_at=db_now_ms(), updated_at=db_now_ms())
    )
    return changed.rowcount > 0


async def get(conn: AsyncConnection, item_id: str) -> Item | None:
    row = (await conn.execute(select(table).where(table.c.id == item_id))).one_or_none()
    return None if row is None else _record(row)


async def titles(conn: AsyncConnection, ids: Collection[str]) -> dict[str, str]:
    """Item → its title. One that is forgotten is left out."""
    if not ids:
        return {}
    rows = await conn.execute(select(table.c.id, table.c.title).where(table.c.id.in_(sorted(ids))))
    return {row.id: row.title for row in rows}


async def search(
    conn: AsyncConnection,
    *,
    state: str | None = "open",
    kind: str | None = None,
    order_id: str | None = None,
    shop_id: str | None = None,
    connection_id: str | None = None,
    by_deadline: bool = False,
    cursor: str | None = None,
    limit: int = 50,
) -> tuple[list[Item], str | None]:
    """A page of items, the newest first, and the next page's cursor. `state` None: all. Raises `BadCursor`.

    `by_deadline`: only those with a time until which an answer counts, what runs out first at the front.
    """
    where = matching(state=state, kind=kind, order_id=order_id, shop_id=shop_id, connection_id=connection_id)
    query = select(table)
    if by_deadline:
        where.append(table.c.deadline_at.is_not(None))
        query = query.order_by(table.c.deadline_at, table.c.id)
        if cursor:
            at, after = unpack_cursor(cursor, 2)
            place = _instant(at, cursor)
            where.append(
                (table.c.deadline_at > place) | ((table.c.deadline_at == place) & (table.c.id > after)),
            )
    else:
        query = query.order_by(table.c.id.desc())
        if cursor:
            where.append(table.c.id < unpack_cursor(cursor, 1)[0])
    rows = list(await conn.execute(query.where(*where).limit(limit + 1)))
    following = None
    if len(rows) > limit:
        last = rows[limit - 1]
        following = pack_cursor([str(to_millis(last.deadline_at)), last.id] if by_deadline else [last.id])
    return [_record(row) for row in rows[:limit]], following


def _instant(millis: str, cursor: str) -> datetime:
    try:
        return from_millis(int(millis))
    except (ValueError, OverflowError):
        raise BadCursor(f"{cursor[:40]!r} is not a cursor of this list") from None


def matching(
    *,
    state: str | None,
    kind: str | None = None,
    order_id: str | None = None,
    shop_id: str | None = None,
    connection_id: str | None = None,
    until: datetime | None = None,
) -> list[ColumnElement[bool]]:
    """Conditions on the attention table; None: any. `until`: what stands open since then at the latest."""
    wanted = {
        table.c.state: state,
        table.c.kind: kind,
        table.c.order_id: order_id,
        table.c.shop_id: shop_id,
        table.c.connection_id: connection_id,
    }
    found = [column == value for column, value in wanted.items() if value is not None]
    return found if until is None else [*found, func.coalesce(table.c.opened_at, table.c.created_at) <= until]


async def oldest(
    conn: AsyncConnection,
    *,
    kind: str,
    shop_id: str | None,
    connection_id: str | None,
    after: str,
    limit: int,
    until: datetime | None = None,
) -> list[Item]:
    """Open items of a kind after this id, the oldest first."""
    where = matching(state="open", kind=kind, shop_id=shop_id, connection_id=connection_id, until=until)
    rows = await conn.execute(select(table).where(*where, table.c.id > after).order_by(table.c.id).limit(limit))
    return [_record(row) for row in rows]


async def count(
    conn: AsyncConnection,
    *,
    kind: str,
    shop_id: str | None,
    connection_id: str | None,
    after: str,
    until: datetime | None = None,
) -> int:
    """How many open items of a kind come after this id."""
    where = matching(state="open", kind=kind, shop_id=shop_id, connection_id=connection_id, until=until)
    return int(await conn.scalar(select(func.count()).select_from(table).where(*where, table.c.id > after)) or 0)


async def orders_with(conn: AsyncConnection, kind: str, shop_id: str, limit: int = 10_000) -> list[str]:
    """Channel order ids of a shop's orders that a person is asked this about, dismissed or not."""
    query = (
        select(orders.c.channel_order_id)
        .join(table, table.c.order_id == orders.c.id)
        .where(orders.c.shop_id == shop_id, table.c.kind == kind, table.c.state.in_(["open", "dismissed"]))
    )
    return list(await conn.scalars(query.limit(limit)))


async def counts(conn: AsyncConnection) -> dict[str, int]:
    """Open items of each kind."""
    rows = await conn.execute(
        select(table.c.kind, func.count()).where(table.c.state == "open").group_by(table.c.kind).order_by(table.c.kind)
    )
    return {kind: int(number) for kind, number in rows}


async def count_open(conn: AsyncConnection, *, at_most: int) -> int:
    """How many items are open; counting stops at a bound, so that it costs the same whatever is there."""
    some = select(table.c.id).where(table.c.state == "open").limit(at_most).subquery()
    return int(await conn.scalar(select(func.count()).select_from(some)) or 0)
