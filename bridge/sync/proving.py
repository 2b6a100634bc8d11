"""The money proof of an order that is settled: written with the verdict, when something in it changed."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.effects import Verdict
from bridge.domain.money_proof import MoneyProof, ProofState, prove
from bridge.storage import money_proofs
from bridge.sync.desk import log
from bridge.sync.sheet import Sheet, Sides, by_row_ids


async def write(conn: AsyncConnection, sheet: Sheet, sides: Sides, verdict: Verdict) -> str | None:
    """Part of the transaction that records the verdict. Answers the fingerprint of the order's proof as it stands."""
    record = sheet.record
    before: str | None = (record.reading or {}).get("money")
    if verdict is not Verdict.SETTLED:
        return before
    proof = _prove(sheet, sides)
    if proof is None or proof.fingerprint == before:
        return before
    await money_proofs.put(conn, record.id, sheet.shop.id, proof)
    return proof.fingerprint


def _prove(sheet: Sheet, sides: Sides) -> MoneyProof | None:
    """A proof that cannot be made says so, and never stands in the way of the order."""
    store, plan = sides.store, sheet.record.plan
    if store is None or not store.refunds or not store.keeps_money:
        return None
    try:
        return prove(
            sides.channel,
            store,
            by_row_ids(plan.unit_map, sheet.record.row_ids) if plan else {},
            booked_total=plan.total if plan else None,
            tolerance=sheet.shop.settings.money_tolerance,
        )
    except (ArithmeticError, LookupError, ValueError) as problem:
        log.exception("money.unproven", order=sheet.record.channel_order_id)
        because = f"the amounts cannot be held against each other ({type(problem).__name__}): report this order"
        return MoneyProof(ProofState.UNKNOWN, sides.channel.currency, None, None, None, (), because)
