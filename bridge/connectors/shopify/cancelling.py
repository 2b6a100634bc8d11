"""Cancelling a Shopify order, or some of its units, as the core asks for it: what is sent, and what its answer means.

`orderCancel` runs in the background, cannot be undone and knows no idempotency key: it is sent once, its job is asked
for its end, and what the order shows is believed. `refundCreate` has a key, made from our token.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from bridge.connectors.shopify import answers
from bridge.connectors.shopify.client import Client
from bridge.connectors.shopify.documents import (
    CANCEL,
    CANCEL_OLD,
    JOB,
    JOB_RESULT,
    REFUND,
    SUGGESTED,
    WITHOUT_JOB_RESULT,
)
from bridge.connectors.shopify.placing import Shelves, lines_of
from bridge.connectors.shopify.reading import amount, gid, number_of, rows_in, text
from bridge.domain.outcomes import AlreadyDone, Done, Outcome, RemoteProblem, Unknown
from bridge.domain.plans import RefundRequest
from bridge.domain.store_order import StoreOrder
from bridge.domain.tokens import mark
from bridge.ports import Progress

NOTE_LENGTH: Final = 255
"""Of a staff note (`orderCancel(staffNote:)`)."""
_KEYS: Final = uuid.UUID("6f0f3f0e-6f0b-5a53-9c0e-7f7b8f4a5c11")
"""Namespace of our idempotency keys: the same token makes the same key in every process."""
_MOVES_MONEY: Final = frozenset({"SALE", "CAPTURE", "AUTHORIZATION"})


def note_of(request: RefundRequest) -> str:
    """What is told of the cancellation, cut to length with the mark whole at its end."""
    end = mark(request.token)
    said = " ".join(request.comment.replace(end, " ").split())
    room = NOTE_LENGTH - len(end) - 1
    return f"{said if len(said) <= room else said[: room - 1].rstrip() + '…'} {end}"


def key_of(token: str) -> str:
    return str(uuid.uuid5(_KEYS, token))


def is_manual(transactions: Sequence[Mapping[str, Any]]) -> bool:
    """Whether all that was paid went by manual gateways, so that a refund moves no real money."""
    paid = [one for one in transactions if text(one.get("kind")) in _MOVES_MONEY and one.get("status") == "SUCCESS"]
    return bool(paid) and all(one.get("manualPaymentGateway") is True for one in transactions)


def cancels_whole(order: StoreOrder, request: RefundRequest) -> bool:
    """One cancel puts all back to stock or nothing; where rows differ, their units are taken out row by row."""
    wanted = {row.id for row in order.rows if row.left}
    return request.everything and (not request.restock_rows or wanted <= request.restock_rows)


async def cancel(client: Client, order_id: str, request: RefundRequest, *, manual: bool) -> Outcome:
    """`Done.reference` names the job, for `progress`."""
    variables: dict[str, Any] = {
        "orderId": gid("Order", order_id),
        "restock": bool(request.restock_rows),
        "reason": "OTHER",
        "notify": False,
        "note": note_of(request),
    }
    if manual:
        # Bookkeeping alone: by a manual gateway no money moves.
        variables["refundMethod"] = {"originalPaymentMethodsRefund": True}
    document = CANCEL_OLD if client.version <= WITHOUT_JOB_RESULT else CANCEL
    answer = await client.write(document, variables, "orderCancel")
    if not isinstance(answer, Mapping):
        return answer
    errors = rows_in(answer.get("orderCancelUserErrors"), "errors")
    if errors:
        return answers.cancel_refused(errors)
    result, job = answer.get("jobResult"), answer.get("job")
    named = [str(one.get("id")) for one in (result, job) if isinstance(one, dict) and one.get("id")]
    return Done(" ".join(named)) if named else Unknown("Shopify took the cancellation and named no job")


async def progress(client: Client, order_id: str, reference: str) -> Progress | None:
    """How far the job of a cancellation is; None for a refund, which is made at once. Raises `RemoteProblem`."""
    jobs = [one for one in reference.split() if one.startswith("gid://shopify/")]
    result = next((one for one in jobs if "/OrderCancelJobResult/" in one), None)
    job = next((one for one in jobs if "/Job/" in one), None)
    if result is not None:
        node = (await client.read(JOB_RESULT, {"id": result})).get("node")
        if isinstance(node, dict):
            return _of_result(node)
    if job is None:
        return None
    data = await client.read(JOB, {"id": job, "order": gid("Order", order_id)})
    known, order = data.get("job"), data.get("order")
    is_cancelled = isinstance(order, dict) and bool(order.get("cancelledAt"))
    return _stands(done=not isinstance(known, dict) or known.get("done") is True, is_cancelled=is_cancelled)


def _of_result(node: Mapping[str, Any]) -> Progress:
    status = text(node.get("status"))
    if status == "FAILED":
        told = answers.told_errors(rows_in(node.get("errors"), "errors")) or "no reason given"
        return Progress("failed", f"Shopify took the cancellation and could not make it: {told}")
    order = node.get("order")
    is_cancelled = isinstance(order, dict) and bool(order.get("cancelledAt"))
    return _stands(done=node.get("done") is True, is_cancelled=is_cancelled)


def _stands(*, done: bool, is_cancelled: bool) -> Progress:
    if done and not is_cancelled:
        return Progress("failed", "Shopify's cancellation came to its end, and the order is not cancelled")
    return Progress("working", "Shopify took the cancellation and is working on it")


async def refund(
    client: Client, order: StoreOrder, request: RefundRequest, shelves: Shelves, *, manual: bool
) -> Outcome:
    """Units of named rows, or all that is left row by row. `shelves`: where unfulfilled units go back to.

    Those that are at no location are refunded and not put back; the refund shows it.
    """
    quantities = {row.id: row.left for row in order.rows} if request.everything else request.quantities
    quantities = {row_id: quantity for row_id, quantity in quantities.items() if quantity > 0}
    lines = [
        line
        for row_id, quantity in quantities.items()
        for line in lines_of(row_id, quantity, shelves.get(row_id, {}) if row_id in request.restock_rows else {})
    ]
    short = [row.sku for row in order.rows if quantities.get(row.id, 0) > row.left]
    if short:
        return AlreadyDone(f"Less is left of {', '.join(short)} than was asked for")
    body: dict[str, Any] = {
        "orderId": gid("Order", order.id),
        "note": note_of(request),
        "notify": False,
        "refundLineItems": lines,
        "shipping": {"fullRefund": request.everything},
    }
    if manual:
        try:
            body["transactions"] = await _transactions(client, order, quantities, shipping=request.everything)
        except RemoteProblem as problem:
            return problem.outcome
    answer = await client.write(REFUND, {"input": body, "key": key_of(request.token)}, "refundCreate")
    if not isinstance(answer, Mapping):
        return answer
    errors = rows_in(answer.get("userErrors"), "errors")
    if errors:
        return answers.refund_refused(errors)
    made = answer.get("refund")
    number = number_of(made.get("id")) if isinstance(made, dict) else ""
    return Done(number) if number else Unknown("Shopify answered the refund without its id")


async def _transactions(
    client: Client, order: StoreOrder, quantities: Mapping[str, int], *, shipping: bool
) -> list[dict[str, Any]]:
    """What Shopify itself computes for these rows, to the cent, wherever they go. Raises `RemoteProblem`."""
    order_gid = gid("Order", order.id)
    lines = [line for row_id, quantity in quantities.items() for line in lines_of(row_id, quantity, {})]
    data = await client.read(SUGGESTED, {"id": order_gid, "lines": lines, "shipping": shipping})
    found = data.get("order")
    suggested = found.get("suggestedRefund") if isinstance(found, dict) else None
    made: list[dict[str, Any]] = []
    for one in rows_in(suggested.get("suggestedTransactions") if isinstance(suggested, dict) else None, "transactions"):
        worth, parent = amount(one.get("amountSet"), order.currency), one.get("parentTransaction")
        if worth > Decimal(0) and isinstance(parent, dict):
            made.append(
                {
                    "orderId": order_gid,
                    "gateway": text(one.get("gateway")),
                    "kind": "REFUND",
                    "amount": f"{worth:.2f}",
                    "parentId": parent.get("id"),
                }
            )
    return made
