"""Work: which keys are worth a look, since when, and who looks now. Rows exist only while something is due.

Lease times are the database's; what is left of a lease is measured by a local clock from before the claim.
The statements that stand between a delivery and its effect are built once: building one takes longer than running it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Row,
    bindparam,
    case,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.clocks import lasting
from bridge.storage.columns import MYSQL_NOW, SQLITE_NOW, Instant, db_now_ms, seconds, to_millis
from bridge.storage.engine import Database
from bridge.storage.tables import work as table

POISON_ATTEMPTS = 5
"""So many claims in a row that never came back, and the next one is parked instead of looked at."""
NO_WORD = "nobody wrote down why: the process ended, or the lease ran out, each time"
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Claimed:
    key: str
    owner: str
    generation: int
    """The row's generation when it was claimed: what was known of it then."""
    attempts: int
    """Claims since the last release, this one included."""
    lease_until: datetime
    """By the database's clock."""
    claimed_monotonic: float
    """Local lasting time (`bridge.clocks`) from before the claim was asked for."""
    lease_seconds: float

    def remaining(self) -> float:
        """Seconds of the lease left, never more than the database grants."""
        return self.lease_seconds - (lasting() - self.claimed_monotonic)

    @property
    def is_poison(self) -> bool:
        """Enough claims before this one never came back: park it, do not look."""
        return self.attempts > POISON_ATTEMPTS


def mark_sql(dialect: str, due_ms: int | None, rows: int) -> str:
    """One statement that marks so many keys; its parameters are the keys. `due_ms` None: now."""
    due = str(int(due_ms)) if due_ms is not None else SQLITE_NOW if dialect == "sqlite" else MYSQL_NOW
    mark = "?" if dialect == "sqlite" else "%s"
    conflict = "ON CONFLICT (work_key) DO UPDATE SET" if dialect == "sqlite" else "ON DUPLICATE KEY UPDATE"
    # Only constants, and numbers made here, are put into the text. A row taken up from parking gets one more try.
    values = ", ".join([f"({mark}, {due}, 1, 0)"] * rows)
    return (
        f"INSERT INTO work (work_key, due_at, generation, attempts) VALUES {values} {conflict} "  # noqa: S608 -- see above
        f"generation = work.generation + 1, "
        f"attempts = CASE WHEN work.parked_at IS NULL THEN work.attempts ELSE {POISON_ATTEMPTS - 1} END, "
        f"due_at = CASE WHEN work.due_at IS NULL OR work.due_at > {due} THEN {due} ELSE work.due_at END, "
        "parked_because = NULL, parked_at = NULL"
    )


async def mark(conn: AsyncConnection, keys: Iterable[str], due_at: datetime | None = None) -> None:
    """These keys are worth a look, now or at `due_at` if nothing earlier is known. Takes up what was parked, once."""
    # Sorted: two processes that mark the same keys take the rows' locks in one order.
    ordered = sorted(set(keys))
    due = None if due_at is None else to_millis(due_at)
    for start in range(0, len(ordered), _CHUNK):
        chunk = ordered[start : start + _CHUNK]
        await conn.exec_driver_sql(mark_sql(conn.dialect.name, due, len(chunk)), tuple(chunk))


def _free() -> ColumnElement[bool]:
    return or_(table.c.lease_until.is_(None), table.c.lease_until <= db_now_ms())


_OURS = (table.c.work_key == bindparam("key")) & (table.c.lease_owner == bindparam("owner"))
_UNMOVED = table.c.generation == bindparam("seen", type_=BigInteger())


def _ours(claimed: Claimed) -> dict[str, Any]:
    """Values for `_OURS`."""
    return {"key": claimed.key, "owner": claimed.owner}


_DUE = (
    select(table.c.work_key, table.c.generation, table.c.attempts, db_now_ms(seconds("lease")).label("until"))
    .where(table.c.due_at <= db_now_ms(), _free())
    .limit(bindparam("most", type_=Integer()))
    .with_for_update(skip_locked=True)
    # Left to itself the server locks all rows of a crowd, to sort them, and the next worker finds nothing free.
    .with_hint(table, "FORCE INDEX (work_due_at)", "mysql")
)
_LONGEST_DUE, _LAST_DUE = _DUE.order_by(table.c.due_at), _DUE.order_by(table.c.due_at.desc())
_LEASE = (
    update(table)
    .where(table.c.work_key.in_(bindparam("keys", expanding=True)))
    .values(lease_owner=bindparam("owner"), lease_until=db_now_ms(seconds("lease")), attempts=table.c.attempts + 1)
)


async def take(
    conn: AsyncConnection, owner: str, lease_seconds: float, limit: int = 1, *, newest: bool = False
) -> list[Claimed]:
    """Lease up to `limit` due keys for `owner`, the longest due first. No network call belongs in the transaction.

    `owner` names one worker, not a process: it is what tells a lease from the lease taken over. Parked keys are not
    handed out; keys whose lease ran out are. `newest`: what became due last goes first, so that one message
    need not wait behind thousands.
    """
    asked = lasting()
    rows = (await conn.execute(_LAST_DUE if newest else _LONGEST_DUE, {"lease": lease_seconds, "most": limit})).all()
    if not rows:
        return []
    keys = [row.work_key for row in rows]
    await conn.execute(_LEASE, {"keys": keys, "owner": owner, "lease": lease_seconds})
    return [
        Claimed(row.work_key, owner, row.generation, row.attempts + 1, row.until, asked, lease_seconds) for row in rows
    ]


_TOOK = select(table.c.lease_until).where(_OURS, table.c.attempts == bindparam("attempts"))


async def took(conn: AsyncConnection, claimed: Claimed) -> Claimed | None:
    """What was taken in a transaction whose end nobody heard of, where it holds after all."""
    until = await conn.scalar(_TOOK, _ours(claimed) | {"attempts": claimed.attempts})
    return None if until is None else replace(claimed, lease_until=until)


async def claim(db: Database, owner: str, lease_seconds: float, limit: int = 1) -> list[Claimed]:
    """`take` in a transaction of its own."""
    # Run again after a lost commit, it takes other rows; the first ones come back when their lease runs out.
    return await db.write(lambda conn: take(conn, owner, lease_seconds, limit), idempotent=True)


_LOCKED = (
    select(table, _free().label("free"), db_now_ms().label("now"))
    .where(table.c.work_key.in_(bindparam("keys", expanding=True)))
    .order_by(table.c.work_key)
    .with_for_update()
)


async def _locked(conn: AsyncConnection, keys: list[str]) -> dict[str, Row[Any]]:
    return {row.work_key: row for row in await conn.execute(_LOCKED, {"keys": keys})}


_GONE = delete(table).where(_OURS, _UNMOVED)
# MySQL assigns from left to right, and nothing that is assigned here is read here.
_LET_GO = (
    update(table)
    .where(_OURS)
    .values(due_at=db_now_ms(), lease_owner=None, lease_until=None, attempts=0, parked_because=None)
)
_PUT_OFF = _LET_GO.values(due_at=case((_UNMOVED, bindparam("next", type_=Instant())), else_=db_now_ms()))


async def _end(conn: AsyncConnection, claimed: Claimed, next_due: datetime | None) -> bool:
    """Finish our own leased row; False where it is not ours any more."""
    ours, seen = _ours(claimed), {"seen": claimed.generation}
    if next_due is not None:
        return (await conn.execute(_PUT_OFF, ours | seen | {"next": next_due})).rowcount > 0
    if (await conn.execute(_GONE, ours | seen)).rowcount:
        return True
    return (await conn.execute(_LET_GO, ours)).rowcount > 0


async def release(conn: AsyncConnection, claimed: Claimed, next_due: datetime | None) -> bool:
    """Looked at. Due at once where something came in meanwhile, else at `next_due`; gone where that is None.

    False where the lease was lost to another worker, which will see to it.
    """
    return await _end(conn, claimed, next_due)


_BECOME = (
    update(table)
    .where(_OURS)
    .values(work_key=bindparam("order"), generation=1, attempts=1, lease_until=bindparam("until", type_=Instant()))
)


async def _begun(conn: AsyncConnection, claimed: Claimed, key: str, hint: Row[Any], until: datetime) -> bool:
    """Work on `key` under the hint's lease, in a row of its own, where there was none; ends the hint's row.

    False, with nothing changed, where another worker was faster by a moment: of two, one waits here for the other.
    """
    try:
        if hint.generation == claimed.generation:
            await conn.execute(_BECOME, _ours(claimed) | {"order": key, "until": until})
            return True
        fresh = {"work_key": key, "generation": 1, "attempts": 1, "lease_until": until}
        await conn.execute(insert(table).values(**fresh, due_at=hint.now, lease_owner=claimed.owner))
    except IntegrityError:
        return False
    await _end(conn, claimed, None)
    return True


async def swap(conn: AsyncConnection, claimed: Claimed, key: str) -> Claimed | None:
    """A hint turned out to be about `key`: finish the hint's row and lease `key` for the same worker, in one go.

    None where another worker holds `key`: its generation is raised, so that it is looked at again. None also where the
    hint's own lease was lost. Takes up what was parked, once.
    """
    if key == claimed.key:
        return claimed
    asked = lasting()
    rows = await _locked(conn, sorted([claimed.key, key]))
    hint = rows.get(claimed.key)
    if hint is None or hint.lease_owner != claimed.owner:
        return None
    until: datetime = hint.now + timedelta(seconds=claimed.lease_seconds)
    if (held := rows.get(key)) is None:
        if await _begun(conn, claimed, key, hint, until):
            return Claimed(key, claimed.owner, 1, 1, until, asked, claimed.lease_seconds)
        held = (await _locked(conn, [key]))[key]
    await _end(conn, claimed, None)
    if not held.free:
        await mark(conn, [key])
        return None
    before = POISON_ATTEMPTS - 1 if held.parked_at is not None else held.attempts
    await conn.execute(
        update(table)
        .where(table.c.work_key == key)
        .values(
            lease_owner=claimed.owner,
            lease_until=until,
            attempts=before + 1,
            due_at=case(
                (or_(table.c.due_at.is_(None), table.c.due_at > db_now_ms()), db_now_ms()), else_=table.c.due_at
            ),
            parked_because=None,
            parked_at=None,
        )
    )
    return Claimed(key, claimed.owner, held.generation, before + 1, until, asked, claimed.lease_seconds)


_EXTEND = update(table).where(_OURS).values(lease_until=db_now_ms(seconds("lease")))
_LEASED_UNTIL = select(table.c.lease_until).where(_OURS)


async def extend(db: Database, claimed: Claimed, lease_seconds: float) -> Claimed | None:
    """The same lease, so many seconds from now; None where it was lost."""

    async def prolong(conn: AsyncConnection) -> Claimed | None:
        asked = lasting()
        kept = await conn.execute(_EXTEND, _ours(claimed) | {"lease": lease_seconds})
        if not kept.rowcount:
            return None
        until = (await conn.execute(_LEASED_UNTIL, _ours(claimed))).scalar_one()
        return replace(claimed, lease_until=until, claimed_monotonic=asked, lease_seconds=lease_seconds)

    return await db.write(prolong, idempotent=True)


async def give_back(db: Database, claimed: Claimed) -> bool:
    """The look was broken off from outside (the storage went, a stop): due again, not counted. False: lease lost."""

    async def free(conn: AsyncConnection) -> bool:
        fewer = case((table.c.attempts > 0, table.c.attempts - 1), else_=0)
        given = update(table).where(_OURS).values(lease_owner=None, lease_until=None, attempts=fewer)
        return (await conn.execute(given, _ours(claimed))).rowcount > 0

    return await db.write(free, idempotent=True)


async def put_off(db: Database, claimed: Claimed, wait_seconds: float, *, because: str | None) -> bool:
    """The look failed: taken up again when so many seconds are over. False: lease lost.

    `because`: what failed, kept for the case that the next ones fail too. None: no fault of this look, not counted.
    """
    counted = {"attempts": claimed.attempts - 1} if because is None else {"parked_because": because}

    async def wait(conn: AsyncConnection) -> bool:
        later = update(table).where(_OURS).values(lease_until=db_now_ms(wait_seconds), **counted)
        return (await conn.execute(later, _ours(claimed))).rowcount > 0

    return await db.write(wait, idempotent=True)


async def came_back_late(conn: AsyncConnection, claimed: Claimed) -> None:
    """Whoever lost the lease says so: that claim came back after all, and counts no more for who holds it now."""
    await conn.execute(
        update(table)
        .where(
            table.c.work_key == claimed.key,
            or_(table.c.lease_owner.is_(None), table.c.lease_owner != claimed.owner),
            table.c.attempts > 1,
            table.c.parked_at.is_(None),
        )
        .values(attempts=table.c.attempts - 1)
    )


async def park(conn: AsyncConnection, claimed: Claimed) -> str | None:
    """Not handed out until it is marked. Answers why, as it is kept.

    None where nothing is parked: something came in meanwhile (it is due at once), or the lease was lost.
    """
    row = (await _locked(conn, [claimed.key])).get(claimed.key)
    if row is None or row.lease_owner != claimed.owner:
        return None
    free: dict[str, Any] = {"lease_owner": None, "lease_until": None}
    last = f"the last one failed: {row.parked_because}" if row.parked_because else NO_WORD
    because = f"{POISON_ATTEMPTS} claims in a row never came back; {last}"
    if row.generation != claimed.generation:
        free |= {"due_at": db_now_ms(), "attempts": POISON_ATTEMPTS - 1}
    else:
        free |= {"due_at": None, "parked_because": because, "parked_at": db_now_ms()}
    await conn.execute(update(table).where(_OURS).values(**free), _ours(claimed))
    return because if row.generation == claimed.generation else None


async def take_up_parked(conn: AsyncConnection, prefix: str = "") -> int:
    """Everything parked whose key begins so gets one more try. How many."""
    taken = await conn.execute(
        update(table)
        .where(table.c.parked_at.is_not(None), table.c.work_key.startswith(prefix, autoescape=True))
        .values(
            due_at=db_now_ms(),
            generation=table.c.generation + 1,
            attempts=POISON_ATTEMPTS - 1,
            parked_because=None,
            parked_at=None,
        )
    )
    return taken.rowcount


async def counts(conn: AsyncConnection) -> dict[str, float]:
    """`due`, `waiting`, `leased`, `parked`: rows of each; `oldest_due_age`: seconds the longest due one is waiting."""
    now = db_now_ms()
    due = table.c.due_at <= now

    def number(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)

    row = (
        await conn.execute(
            select(
                number(due & _free()).label("due"),
                number((table.c.due_at > now) & _free()).label("waiting"),
                number(~_free()).label("leased"),
                number(table.c.parked_at.is_not(None)).label("parked"),
                func.min(case((due & _free(), table.c.due_at)), type_=Instant()).label("oldest"),
                now.label("now"),
            )
        )
    ).one()
    age = 0.0 if row.oldest is None else max(0.0, (row.now - row.oldest).total_seconds())
    return {
        "due": int(row.due),
        "waiting": int(row.waiting),
        "leased": int(row.leased),
        "parked": int(row.parked),
        "oldest_due_age": age,
    }


async def parked(conn: AsyncConnection, limit: int = 100, prefix: str = "") -> dict[str, str]:
    """Parked keys that begin so, and why."""
    query = (
        select(table.c.work_key, table.c.parked_because)
        .where(table.c.parked_at.is_not(None), table.c.work_key.startswith(prefix, autoescape=True))
        .limit(limit)
    )
    return {row.work_key: row.parked_because for row in await conn.execute(query)}
