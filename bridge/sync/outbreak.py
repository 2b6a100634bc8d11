"""When a connection fails: who waits how long, and what a person is told. And how holds reach the attention list."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.attention import TEXTS, AttentionKind, Hold
from bridge.domain.outcomes import Failure, Reauth, Rejected, Retry
from bridge.storage import attention
from bridge.sync.desk import Desk, log

AUTH_LOOK = timedelta(minutes=5)
"""A connection that needs a person is tried again this often, besides at once when it is mended."""
REFUSED_LOOK = timedelta(hours=1)
_CHANGING = re.compile(r"\b(?=\w*\d)[\w-]{8,}|\b\d+(?= s\b)")
CONNECTED, REAUTH = "connected", "reauth"
"""States of a connection that works, and of one that needs a person."""


def steady(because: str) -> str:
    """A remote's words without what differs at each call (its request id, a clock's seconds): the same trouble."""
    return _CHANGING.sub("#", because)


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
            fingerprint=steady(because),
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
    for hold in holds:
        await attention.raise_item(
            conn,
            kind=hold.kind.value,
            fingerprint=hold.fingerprint,
            title=hold.text.title,
            because=hold.because,
            what_to_do=hold.text.what_to_do,
            facts=dict(hold.facts),
            order_id=order_id,
        )
