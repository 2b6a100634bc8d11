"""A run over the past with what it found, hostile words included."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage import history, jobs
from tests.integration.pages.seeding import HOSTILE
from tests.integration.web.house import House

REFUND: dict[str, Any] = {
    "units": ["1", "2"],
    "rows": [{"row": "7", "sku": "MUG", "quantity": 2, "restock": False}],
    "everything": True,
    "value": "20.00 USD",
    "total": "23.00 USD",
    "changed_at": "2026-05-20T10:00:00+00:00",
}
CANCEL = {**REFUND, "rows": None, "units": ["1"], "value": "10.50 USD"}
ON = {
    "store_to_channel": {"enabled": True, "default_reason": "out_of_stock"},
    "channel_to_store": {"enabled": True},
}


async def ran(
    house: House, shop_id: str, *rows: tuple[str, str | None, str, dict[str, Any]], state: str = "done"
) -> str:
    """A run that found these: TikTok order id, effect, verdict and facts."""

    async def write(conn: AsyncConnection) -> str:
        progress = {
            "shop": shop_id,
            "days": 30,
            "since": "2026-05-02T00:00:00+00:00",
            "directions": ["store_to_channel", "channel_to_store"],
            "who": f"user {HOSTILE}",
            "read": 12,
            "of_about": 40,
            "orders": 5,
            "found": 2,
            "held": 1,
            "waiting": "",
        }
        job = await jobs.create(conn, "history", state=state, progress=progress)
        for order_id, effect, verdict, facts in rows:
            await history.add(
                conn,
                job_id=job.id,
                shop_id=shop_id,
                channel_order_id=order_id,
                store_order_id="9",
                store_number=f"TT-{order_id}",
                effect=effect,
                verdict=verdict,
                because=f"because of {order_id} {HOSTILE}",
                facts=facts,
            )
        return job.id

    return await house.db.write(write)
