"""`GET /api/v1/money-proofs`: credit memos held against TikTok's own amounts."""

from __future__ import annotations

from typing import cast

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage import money_proofs
from bridge.storage.money_proofs import StoredProof
from bridge.web.api.money_models import ProofPage, ProofQuery
from bridge.web.api.proof_models import ProofLineOut, ProofOut, State
from bridge.web.bodies import read_query
from bridge.web.desk import DESK
from bridge.web.routes import ok


async def list_money_proofs(request: web.Request) -> web.Response:
    """The newest order first."""
    asked = read_query(request, ProofQuery)

    async def read(conn: AsyncConnection) -> ProofPage:
        found, following = await money_proofs.search(
            conn, state=asked.state, shop_id=asked.shop, cursor=asked.cursor, limit=asked.limit
        )
        counts = await money_proofs.counts(conn, asked.shop)
        return ProofPage(proofs=[proof_out(one) for one in found], counts=counts, next=following)

    return ok(await request.app[DESK].db.read(read))


def proof_out(one: StoredProof) -> ProofOut:
    return ProofOut(
        order=one.order_id,
        channel_order_id=one.channel_order_id,
        store_number=one.store_number,
        shop=one.shop_id,
        state=cast("State", one.state),
        currency=one.currency,
        tiktok=one.channel_amount,
        store=one.store_amount,
        difference=one.difference,
        because=one.because,
        lines=[ProofLineOut(**line) for line in one.lines],
        updated_at=one.updated_at,
    )
