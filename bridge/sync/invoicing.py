"""Invoicing a store order, and taking its stock on this call where its create said that it was not taken."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.domain.attention import AttentionKind, Hold
from bridge.domain.effects import InvoiceOrder
from bridge.domain.outcomes import Done, Outcome
from bridge.domain.plans import Reserved
from bridge.killpoints import KillPoint
from bridge.storage.ledger import Claim
from bridge.sync.desk import Desk
from bridge.sync.effect import Handler, Look, Points, Prepared, Step
from bridge.sync.reading import read_store
from bridge.sync.sheet import Sheet, Sides

TAKEN: Mapping[str, Any] = {"reserved": Reserved.YES, "reserved_because": "its stock was taken on the invoice call"}


async def prepare(_desk: Desk, _sheet: Sheet, _sides: Sides, effect: InvoiceOrder) -> Prepared | Step:
    record = {"repair_tried": True} if effect.reserve else {}
    return Prepared({"reserve": effect.reserve}, record)


async def call(_desk: Desk, sheet: Sheet, sides: Sides, claim: Claim) -> Outcome:
    if sides.store_port is None or not sheet.record.store_order_id:
        raise RuntimeError("an invoice was claimed without a store order")
    return await sides.store_port.invoice_order(sheet.record.store_order_id, reserve=bool(claim.payload["reserve"]))


async def look(desk: Desk, sheet: Sheet, claim: Claim, answer: Done | None) -> Look:
    order = await read_store(desk, sheet)
    if order is None or not order.is_invoiced:
        return Look("absent", f"the store order {sheet.record.store_number} is not invoiced")
    record: dict[str, Any] = {"state": "imported"}
    because = f"the store order {order.number} is invoiced, {order.total_invoiced}: it counts as paid"
    holds: tuple[Hold, ...] = ()
    if claim.payload["reserve"]:
        header = answer.facts.get("reserved") if answer else None
        if header == "yes" or (answer is None and sheet.record.reserved is Reserved.YES):
            record |= TAKEN
            because += "; its stock was taken on this call"
        else:
            known = Reserved.NO if header == "no" else Reserved.UNKNOWN
            why = (answer.facts.get("reservation_message", "") if answer else "") or "the answer of the call was lost"
            record |= {"reserved": known, "reserved_because": f"the repair on the invoice call failed: {why}"}
            text = f"the store order {order.number} did not take its stock, and the repair failed: {why}"
            skus = sorted(row.sku for row in order.rows)
            holds = (Hold(AttentionKind.NOT_RESERVED, text, {"skus": skus}),)
    elif sheet.record.repair_tried and sheet.record.reserved is Reserved.NO:
        # An earlier attempt was to take the stock and came to nothing; taking it twice would be worse than not at all.
        text = f"the store order {order.number} did not take its stock, and no effect of the repair was found"
        skus = sorted(row.sku for row in order.rows)
        holds = (Hold(AttentionKind.NOT_RESERVED, text, {"skus": skus}),)
    facts = {"number": order.number, "total": str(order.total_invoiced)}
    return Look(
        "landed", because, reference=answer.reference if answer else "", facts=facts, record=record, holds=holds
    )


def note(claim: Claim, answer: Done) -> Mapping[str, Any]:
    """The header of a repair comes once: a yes is kept even when the invoice itself could not be read back yet."""
    return TAKEN if claim.payload["reserve"] and answer.facts.get("reserved") == "yes" else {}


def take_back(claim: Claim) -> Mapping[str, Any]:
    """The store did nothing, so the stock was not taken either: the repair may be tried again."""
    return {"repair_tried": False} if claim.payload["reserve"] else {}


HANDLER = Handler(
    points=Points(
        KillPoint.INVOICE_CLAIMED, KillPoint.INVOICE_ANSWERED, KillPoint.INVOICE_CONFIRMED, KillPoint.INVOICE_RECORDED
    ),
    prepare=prepare,
    call=call,
    look=look,
    note=note,
    take_back=take_back,
)
