"""One offline credit memo in the store, found again by the token in its comment, verified against what was read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from bridge.domain.attention import AttentionKind, Hold
from bridge.domain.effects import RefundOrder
from bridge.domain.outcomes import Done, Outcome, RemoteProblem
from bridge.domain.plans import RefundRequest
from bridge.domain.store_order import StoreOrder
from bridge.domain.tokens import mark
from bridge.domain.verification import BookState, differences, memo_of
from bridge.killpoints import KillPoint
from bridge.ports import Progress
from bridge.storage.ledger import Claim
from bridge.sync.desk import Desk
from bridge.sync.effect import Handler, Look, Points, Prepared, Step
from bridge.sync.reading import read_store
from bridge.sync.sheet import RemoteDown, Sheet, Sides


async def prepare(_desk: Desk, _sheet: Sheet, sides: Sides, effect: RefundOrder) -> Prepared | Step:
    if sides.store is None:
        raise RuntimeError("a refund was decided without a store order")
    return Prepared(
        {
            "quantities": dict(effect.quantities),
            "everything": effect.everything,
            "restock_rows": sorted(effect.restock_rows),
            "restock_because": effect.restock_because,
            "cancellation": effect.cancellation_id,
            "reason": effect.reason,
            "before": BookState.of(sides.store).to_json(),
            "concerns": [[hold.kind.value, hold.because, dict(hold.facts)] for hold in effect.concerns],
        }
    )


async def call(_desk: Desk, _sheet: Sheet, sides: Sides, claim: Claim) -> Outcome:
    if sides.store is None or sides.store_port is None:
        raise RuntimeError("a refund was claimed without a store order")
    payload = claim.payload
    what = f"TikTok cancellation {payload['cancellation']}" if payload["cancellation"] else "Cancelled on TikTok Shop"
    # A claim that an earlier release wrote down has no reason in it.
    why = f": {' '.join(payload['reason'].replace('[', '(').split())[:120]}" if payload.get("reason") else ""
    request = RefundRequest(
        token=claim.token,
        comment=f"{what}{why} {mark(claim.token)}",
        quantities=payload["quantities"],
        everything=payload["everything"],
        restock_rows=frozenset(payload["restock_rows"]),
    )
    return await sides.store_port.refund_order(sides.store, request)


async def look(desk: Desk, sheet: Sheet, claim: Claim, answer: Done | None) -> Look:
    order = await read_store(desk, sheet)
    if order is not None and not order.keeps_marks and _is_gone(order, claim):
        return _landed_unmarked(claim, order)
    memo = memo_of(order, claim.token) if order else None
    if order is None or memo is None:
        working = await _progress(desk, sheet, answer.reference if answer else claim.reference)
        if working is not None and order is not None and _is_gone(order, claim):
            # An attempt that was given up for lost came through after all, or somebody did the same by hand.
            because = f"the store order {order.number} shows the units as gone already, and not by this call"
            return Look("refused", because)
        if working is not None:
            state: Literal["pending", "refused"] = "pending" if working.state == "working" else "refused"
            return Look(state, working.because)
        word = order.refund_word if order else "refund"
        return Look("absent", f"no {word} with mark {claim.token} on the store order {sheet.record.store_number}")
    payload = claim.payload
    holds = [Hold(AttentionKind(kind), because, facts) for kind, because, facts in payload["concerns"]]
    moved = differences(BookState.from_json(payload["before"]), order, claim.token, payload["quantities"])
    block = "; ".join(moved)
    if moved:
        # Said again in the same words by each look, while the order is blocked.
        facts, because = {"blocked": block}, f"after {order.refund_word} {memo.number or memo.id}: {block}"
        holds.append(Hold(AttentionKind.BOOKS_MOVED, because, facts))
    restock = payload["restock_because"]
    kept = {row: memo.kept[row] for row in payload["restock_rows"] if memo.kept.get(row)}
    if kept:
        restock, hold = _not_put_back(order, kept, payload)
        holds.append(hold)
    return Look(
        "landed",
        f"{order.refund_word} {memo.number or memo.id} over {memo.total} is there; {restock}",
        reference=memo.id,
        facts={
            "memo": memo.number or memo.id,
            "total": str(memo.total),
            "quantities": dict(memo.quantities),
            "restock_rows": payload["restock_rows"],
            "restock": restock,
        },
        block=block,
        holds=tuple(holds),
    )


def _not_put_back(order: StoreOrder, kept: Mapping[str, int], payload: Mapping[str, Any]) -> tuple[str, Hold]:
    """What is said where units were to go back to stock and the refund shows that they did not, and who is asked."""
    named = ", ".join(f"{count} of {row.sku}" for row in order.rows if (count := kept.get(row.id)))
    because = f"the store order {order.number} does not tell where {named} were to be sent from"
    whole = all(kept.get(row) == payload["quantities"].get(row) for row in payload["restock_rows"])
    hold = Hold(
        AttentionKind.RESTOCK_UNCERTAIN,
        f"refunded without restock: {because}",
        {"skus": sorted(row.sku for row in order.rows if row.id in kept)},
    )
    return f"{'not restocked' if whole else 'restocked in part'}: {because}", hold


async def _progress(desk: Desk, sheet: Sheet, reference: str) -> Progress | None:
    """Asked only where an answer named what the store works on. Raises `RemoteDown`."""
    if not reference or not sheet.record.store_order_id:
        return None
    connection = sheet.store_connection_id or ""
    try:
        store = await desk.gateways.store(connection)
        return await store.progress(sheet.record.store_order_id, reference)
    except RemoteProblem as problem:
        raise RemoteDown(connection, problem) from problem


def _is_gone(order: StoreOrder, claim: Claim) -> bool:
    before = BookState.from_json(claim.payload["before"]).refunded
    return all(
        (row := order.row(row_id)) is not None and row.refunded + row.cancelled >= before.get(row_id, 0) + quantity
        for row_id, quantity in claim.payload["quantities"].items()
    )


def _landed_unmarked(claim: Claim, order: StoreOrder) -> Look:
    """The store shows no mark of ours: that the units are gone is all that can be seen."""
    payload = claim.payload
    holds = tuple(Hold(AttentionKind(kind), because, facts) for kind, because, facts in payload["concerns"])
    return Look(
        "landed",
        f"the store order {order.number} shows its units as cancelled; {payload['restock_because']}",
        reference=order.id,
        facts={"quantities": payload["quantities"], "restock": payload["restock_because"]},
        holds=holds,
    )


def partial(claim: Claim) -> bool:
    return not claim.payload["everything"]


HANDLER = Handler(
    points=Points(
        KillPoint.REFUND_CLAIMED, KillPoint.REFUND_ANSWERED, KillPoint.REFUND_CONFIRMED, KillPoint.REFUND_RECORDED
    ),
    prepare=prepare,
    call=call,
    look=look,
    partial=partial,
)
