"""Poison: work that never came back, time after time, is set aside with its reason, and other work goes on."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.attention import TEXTS, AttentionKind, Hold, fingerprint
from bridge.domain.keys import HintKey, OrderKey
from bridge.storage import attention, changelog, orders, restore, work
from bridge.storage.orders import OrderState
from bridge.storage.work import Claimed
from bridge.sync import outbreak


async def park(conn: AsyncConnection, claimed: Claimed, key: OrderKey | HintKey) -> str | None:
    """Set the work aside and tell a person, in one transaction. Answers why; None where it was not to be."""
    because = await work.park(conn, claimed)
    if because is None:
        return None
    if isinstance(key, HintKey):
        await _tell_of_hint(conn, key, because)
        return because
    record = await orders.ensure(conn, key.shop_id, key.channel_order_id)
    await orders.set_fields(conn, record.id, state=OrderState.POISONED, because=because)
    await changelog.write(conn, record.id, "parked", because)
    check = await restore.paused_for(conn)
    if check is not None:
        await restore.note(conn, check, record.id, "parked", because)
    await outbreak.raise_holds(conn, record.id, [Hold(AttentionKind.POISON, because, {"because": because})])
    return because


async def _tell_of_hint(conn: AsyncConnection, key: HintKey, because: str) -> None:
    """The order behind it is not known, so the connection it came by is what can be shown."""
    text = TEXTS[AttentionKind.POISON]
    facts = {"topic": key.topic, "subject": key.subject}
    await attention.raise_item(
        conn,
        kind=AttentionKind.POISON.value,
        fingerprint=fingerprint({**facts, "because": because}),
        title=text.title,
        because=f"{key.topic} {key.subject}: {because}",
        what_to_do=text.what_to_do,
        facts=facts,
        connection_id=key.connection_id,
    )


async def no_longer(conn: AsyncConnection, key: HintKey) -> None:
    """A hint that was parked came through: nothing is left to say where it was the connection's last."""
    others = await work.parked(conn, 1, f"hint:{key.connection_id}:")
    if not others:
        await attention.close(conn, connection_id=key.connection_id, kinds=[AttentionKind.POISON.value])
