"""Drifts on their way through the books: found with a claim, told of late, healed when the books are equal again."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.drift import Change, behind, told_since
from bridge.domain.effects import Effect, EffectKind
from bridge.domain.settings import is_before
from bridge.storage import audit_runs, drifts, orders
from bridge.storage.changelog import Line
from bridge.storage.connections import Connection
from bridge.sync import auditing
from bridge.sync.sheet import Sheet, Sides

REMEMBERED = timedelta(days=30)
"""Arrivals are kept so long: of what changed before, nobody can say whether it was told."""
_FOUND = {
    "sweep": "found by the sweep",
    "audit": "found by the daily audit, which the sweep had missed",
    "look": "found by a look that was due for another reason",
}


async def found(conn: AsyncConnection, sheet: Sheet, sides: Sides, effect: Effect, now: datetime) -> list[Line]:
    """Part of the claim's transaction: written down where no message had told of what the effect answers.

    Costs no statement where an arrival that this look is about tells. Answers the changelog's line.
    """
    change = behind(effect, sides.channel, sides.store)
    connection = _connection(sheet, change)
    if change is None or connection is None or not _could_be_told(change, connection, now):
        return []
    is_create = effect.kind is EffectKind.CREATE
    since = None if is_create else told_since(change, sheet.record.reading)
    if any(row.connection_id == connection.id and (since is None or row.last_at > since) for row in sheet.arrivals):
        return []
    key = orders.work_key(sheet.shop.id, sheet.record.channel_order_id)
    if await drifts.any_since(conn, key, connection.id, since):
        return []
    by = await _found_by(conn, sheet, now)
    because = f"{_FOUND[by]}: no message had told of {change.what}"
    is_new = await drifts.found(
        conn,
        order_id=sheet.record.id,
        shop_id=sheet.shop.id,
        side=change.side,
        connection_id=connection.id,
        effect=effect.kind.value,
        found_by=by,
        because=because,
        changed_at=change.at,
        now=now,
    )
    if not is_new:
        return []
    await orders.set_fields(conn, sheet.record.id, drifted_at=now)
    facts = {"side": change.side, "connection": connection.id, "found_by": by, "changed_at": change.at.isoformat()}
    return [Line("drift", because, facts)]


def _connection(sheet: Sheet, change: Change | None) -> Connection | None:
    if change is None:
        return None
    return sheet.channel_connection if change.side == "channel" else sheet.store_connection


def _could_be_told(change: Change, connection: Connection, now: datetime) -> bool:
    """What changed before the connection was made was nobody's to tell."""
    return not is_before(change.at, max(connection.created_at, now - REMEMBERED))


async def _found_by(conn: AsyncConnection, sheet: Sheet, now: datetime) -> str:
    """Who had the order looked at since its last reading."""
    record = sheet.record
    last = datetime.fromisoformat(record.reading["read_at"]) if record.reading else None
    if last is None or (record.swept_at is not None and record.swept_at > last):
        return "sweep"
    run = await audit_runs.last(conn)
    if run is not None and last < run.began and now - run.began < 2 * auditing.LONGEST and run.marked:
        return "audit"
    return "look"


async def told(conn: AsyncConnection, sheet: Sheet) -> list[Line]:
    """What arrived may be the message of a drift that was found before. Costs nothing for orders without one."""
    if sheet.record.drifted_at is None:
        return []
    late = 0
    for row in sheet.arrivals:
        late += await drifts.told(conn, sheet.record.id, row.connection_id, row.last_at)
    if not late:
        return []
    because = f"the message of what was found without one came after all, {_ago(sheet)}"
    return [Line("drift", because, {"told_late": late})]


def _ago(sheet: Sheet) -> str:
    at = max(row.last_at for row in sheet.arrivals)
    minutes = (at - (sheet.record.drifted_at or at)).total_seconds() / 60
    return f"{minutes:.0f} minutes later" if minutes < 120 else f"{minutes / 60:.0f} hours later"


async def healed(conn: AsyncConnection, sheet: Sheet) -> None:
    """The books are equal. Costs nothing for orders without a drift."""
    if sheet.record.drifted_at is not None:
        await drifts.healed(conn, sheet.record.id)
