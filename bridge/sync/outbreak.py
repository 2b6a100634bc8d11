"""When a connection fails: who waits how long, and what a person is told. And how holds reach the attention list."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.attention import TEXTS, AttentionKind, Hold, steady
from bridge.domain.outcomes import Failure, Reauth, Rejected, Retry
from bridge.storage import attention
from bridge.sync.desk import Desk, log

AUTH_LOOK = timedelta(minutes=5)
"""A connection that needs a person is tried again this often, besides at once when it is mended."""
REFUSED_LOOK = timedelta(hours=1)
STICKY = frozenset({AttentionKind.GOODS_UNDER_WAY, AttentionKind.RESTOCK_UNCERTAIN, AttentionKind.NOT_RESERVED})
"""About the goods, not the books: equal books do not answer them, a person does."""
CONNECTED, REAUTH = "connected", "reauth"
"""States of a connection that works, and of one that needs a person."""


async def wait_for(desk: Desk, connection_id: str, outcome: Failure) -> datetime:
    """When to come back after a remote failed; tells everybody where everybody must wait."""
    now = desk.clock.now()
    match outcome:
        case Retry(because, after, throttled, needs_person):
            backoff = desk.outages.failed(connection_id, desk.settings.outage_ceiling)
            until = now + (timedelta(seconds=after) if after is not None else backoff)
            if throttled:

                async def block(conn: AsyncConnection) -> None:
                    await desk.connections.block(conn, connection_id, until)

                await desk.db.write(block)
            if needs_person:
                await _needs_person(desk, connection_id, because, state=None)
            log.warning("remote.retry", connection=connection_id, because=because, until=until.isoformat())
            return until
        case Reauth(because):
            await _needs_person(desk, connection_id, because, state=REAUTH)
            return now + AUTH_LOOK
        case Rejected(because):
            await _needs_person(desk, connection_id, because, state=None)
            return now + REFUSED_LOOK


async def _needs_person(desk: Desk, connection_id: str, because: str, *, state: str | None) -> None:
    async def write(conn: AsyncConnection) -> bool:
        connection = await desk.connections.get(conn, connection_id)
        if connection is None:
            return False
        state_now = state or connection.state
        if connection.state != state_now or steady(connection.because) != steady(because):
            await desk.connections.update(conn, connection_id, state=state_now, because=because)
        text = TEXTS[AttentionKind.CONNECTION]
        return await attention.raise_item(
            conn,
            kind=AttentionKind.CONNECTION.value,
            # Whatever the words: it needs to be authorized again. One order asks for this, the next for that.
            fingerprint=state or steady(because),
            title=f"{text.title}: {connection.name}",
            because=because,
            what_to_do=text.what_to_do,
            facts={},
            connection_id=connection_id,
        )

    if await desk.db.write(write):
        log.error("connection.needs_person", connection=connection_id, because=because)


async def works_again(desk: Desk, connection_id: str) -> None:
    """A connection that needed a person was read: its state says so, and the person need not look any more."""

    async def write(conn: AsyncConnection) -> None:
        await desk.connections.update(conn, connection_id, state=CONNECTED, because="")
        await attention.close(conn, connection_id=connection_id, kinds=[AttentionKind.CONNECTION.value])

    await desk.db.write(write)
    log.info("connection.works", connection=connection_id)


async def raise_holds(conn: AsyncConnection, order_id: str, holds: Iterable[Hold]) -> None:
    for hold in [await _with_those_before(conn, order_id, hold) for hold in holds]:
        await attention.raise_item(
            conn,
            kind=hold.kind.value,
            fingerprint=hold.fingerprint,
            title=hold.text.title,
            because=hold.because,
            what_to_do=hold.text.what_to_do,
            facts=dict(hold.facts),
            order_id=order_id,
            deadline_at=hold.deadline_at,
        )


async def _with_those_before(conn: AsyncConnection, order_id: str, hold: Hold) -> Hold:
    """What is about the goods is about those of each refund: a second one must not hide the first one's."""
    if hold.kind not in STICKY:
        return hold
    open_now, _ = await attention.search(conn, kind=hold.kind.value, order_id=order_id)
    if not open_now or open_now[0].because == hold.because:
        return hold
    facts = dict(hold.facts)
    for name, before in open_now[0].facts.items():
        now = facts.get(name, [])
        if isinstance(before, list) and isinstance(now, list):
            facts[name] = sorted({*before, *now})
    because = hold.because if hold.because in open_now[0].because else f"{open_now[0].because}; {hold.because}"
    return replace(hold, because=because, facts=facts)
