"""An order with all there is to show about one, hostile words from both remotes included."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.attention import AttentionKind
from bridge.storage import attention, changelog, ledger, orders
from tests.integration.web.house import House

HOSTILE = '<script>alert("x")</script> it\'s'
UNIT = {
    "unit_id": "11",
    "seller_sku": "SKU-A",
    "name": HOSTILE,
    "price": "9.99",
    "channel": "living",
    "store": "refunded",
    "because": "",
}


FACTS = {
    "requests": [
        {"cancellation": "c1", "units": ["11"], "shipped": "no", "respond_by": "2026-06-01T10:00:00+00:00"},
        {"cancellation": "c2", "units": ["12"], "shipped": "no", "respond_by": None},
    ]
}


async def an_order(house: House, kind: AttentionKind | None = None, **fields: Any) -> str:
    return await order_of(house, *await house.tied_shop(), kind, **fields)


async def order_of(house: House, shop_id: str, store_id: str, kind: AttentionKind | None = None, **fields: Any) -> str:
    """With everything on it, and an open item of this kind."""

    async def write(conn: AsyncConnection) -> str:
        record = await orders.ensure(conn, shop_id, "576")
        given = {
            "state": "held",
            "because": f"the store says {HOSTILE}",
            "store_connection_id": store_id,
            "store_order_id": "42",
            "store_number": "TT-576",
            "reading": {"units": [UNIT], "channel": {"status": "AWAITING_SHIPMENT"}, "store": {"state": "processing"}},
        }
        await orders.update(conn, record.id, **{**given, **fields})
        claim = await ledger.open_claim(
            conn, order_id=record.id, side="channel", kind="cancel", units=["11"], token="t", attempt=1, payload={}
        )
        await ledger.done(conn, claim.id, "c9", f"cancelled {HOSTILE}")
        for number in range(45):
            await changelog.write(conn, record.id, "cancelled", f"entry {number}.", {"said": HOSTILE, "list": [1, 2]})
        if kind:
            await attention.raise_item(
                conn,
                kind=kind.value,
                fingerprint="f",
                title="A question",
                because=HOSTILE,
                what_to_do="look",
                facts=FACTS,
                order_id=record.id,
            )
        return record.id

    return await house.db.write(write)
