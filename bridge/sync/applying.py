"""*Apply these*: a person picks orders out of a run over the past. Never a stored command.

Each order chosen is marked with what the person allows, and looked at: the store order is found and linked, both sides
are compared as they are then, and that comparison decides. What the run had found only says what there is to pick from.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.past import why_not_now
from bridge.domain.settings import ShopSettings
from bridge.ports import ActionRefused, Applied
from bridge.storage import audit, changelog, history, orders, shops, work
from bridge.storage.history import Entry
from bridge.storage.shops import Shop
from bridge.sync.bulk import A_SECOND
from bridge.sync.desk import Desk

ALLOWS = frozenset({"past", "link"})


async def apply(desk: Desk, shop_id: str, job_id: str, order_ids: Sequence[str], who: str) -> tuple[Applied, ...]:
    """An answer for each order, in their order. Repeating it is harmless. Raises `ActionRefused` where nothing of it
    can be done.
    """
    wanted = list(dict.fromkeys(order_ids))

    async def write(conn: AsyncConnection) -> tuple[Applied, ...]:
        shop = await shops.get(conn, shop_id)
        if shop is None:
            raise ActionRefused("there is no such shop")
        found = await history.of_orders(conn, job_id, wanted)
        answers: list[Applied] = []
        for number, order_id in enumerate(wanted):
            due = desk.clock.now() + timedelta(seconds=number // A_SECOND)
            answers.append(await _one(conn, shop, order_id, found.get(order_id), who, due))
        taken = [answer.order for answer in answers if answer.is_taken]
        if taken:
            await audit.write(conn, who, f"shop {shop.id} history applied", None, {"job": job_id, "orders": taken})
        return tuple(answers)

    answers = await desk.db.write(write)
    desk.wake()
    return answers


async def _one(
    conn: AsyncConnection, shop: Shop, order_id: str, entry: Entry | None, who: str, due: datetime
) -> Applied:
    why_not = _why_not(shop.settings, entry)
    if why_not is not None:
        return Applied(order_id, is_taken=False, says=why_not)
    assert entry is not None
    made = await orders.ensure(conn, shop.id, order_id)
    record = await orders.locked(conn, made.id) or made
    allowed = sorted({*record.forced.get("allowed", []), *ALLOWS})
    forced: dict[str, Any] = {**record.forced, "allowed": allowed}
    await orders.set_fields(conn, record.id, forced=forced, searched_for=None)
    words = f"{who} picked it out of a run over the past: settle now, {' and '.join(sorted(ALLOWS))} allowed"
    await changelog.write(conn, record.id, "person", words, {"who": who, "allow": sorted(ALLOWS), "run": entry.job_id})
    await work.mark(conn, [orders.work_key(shop.id, order_id)], due)
    await history.mark_applied(conn, entry.id)
    again = " again" if entry.state == history.APPLIED else ""
    return Applied(order_id, is_taken=True, says=f"looked at{again} now; what both sides say then decides")


def _why_not(settings: ShopSettings, entry: Entry | None) -> str | None:
    if entry is None:
        return "the run has nothing about this order"
    if entry.effect is None:
        return f"nothing would have been done: {entry.because}"
    return why_not_now(settings, entry.effect)
