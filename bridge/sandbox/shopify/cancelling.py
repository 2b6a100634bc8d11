"""`orderCancel`: checked at once or in its job, done in the background.

Source: the schema's text on `orderCancel`. Not confirmed live: what is refused by the call and what only by its job,
and the messages; the codes are the schema's.
"""

from __future__ import annotations

import time
import uuid

from bridge.sandbox.shopify import changes, refunding, stock, totals
from bridge.sandbox.shopify.model import CancelJob, Order, Refund
from bridge.sandbox.shopify.state import ShopifySandbox
from bridge.sandbox.shopify.wire import Json, number_in, user_error

NOTE_LENGTH = 255
RETURNING = frozenset({"IN_PROGRESS", "RETURN_REQUESTED", "INSPECTION_COMPLETE"})


def fault_of(box: ShopifySandbox, order: Order, *, restock: bool) -> str | None:
    """Why this order cannot be cancelled."""
    if order.cancelled_at is not None:
        return "Order has already been cancelled"
    if any(line.fulfilled for line in order.lines):
        return "Cannot cancel an order that has been fulfilled"
    if order.return_status in RETURNING:
        return "Cannot cancel an order with an active return"
    if totals.is_authorizing(order):
        return "Cannot cancel an order with a pending payment authorization"
    if any(one.status == "IN_PROGRESS" for one in order.fulfillment_orders):
        return "Cannot cancel an order with a fulfillment in progress"
    if restock and totals.received(order) and not box.locations[order.location_id].is_active:
        return "Cannot restock to a deactivated location"
    return None


def ask(box: ShopifySandbox, args: Json) -> tuple[CancelJob | None, list[Json]]:
    """`orderCancel`: the job it started, or what kept it from being started."""
    order = box.orders.get(number_in(args["orderId"], "Order") or 0)
    if order is None:
        return None, [user_error("Order does not exist", "orderId", code="NOT_FOUND")]
    note = args.get("staffNote")
    if note is not None and len(note) > NOTE_LENGTH:
        error = f"Staff note is too long (maximum is {NOTE_LENGTH} characters)"
        return None, [user_error(error, "staffNote", code="INVALID")]
    method = args.get("refundMethod") or {}
    if method and args.get("refund") is not None:
        return None, [user_error("Only one of refund and refundMethod may be given", "refund", code="INVALID")]
    if method.get("storeCreditRefund"):
        code = "STORE_CREDIT_REFUND_MISSING_CUSTOMER"
        return None, [user_error("The order has no customer to give store credit to", "refundMethod", code=code)]
    refund = bool(method.get("originalPaymentMethodsRefund") or args.get("refund"))
    if refund and not box.settings.may_refund:
        error = "You do not have permission to refund orders"
        return None, [user_error(error, "refundMethod", code="NO_REFUND_PERMISSION")]
    fault = fault_of(box, order, restock=args["restock"])
    if fault is not None and box.settings.cancel_checked == "call":
        return None, [user_error(fault, "orderId", code="INVALID")]
    seconds = box.settings.cancel_seconds
    job = CancelJob(
        str(uuid.uuid4()),
        order,
        args["reason"],
        args["restock"],
        refund,
        note,
        None if seconds is None else time.monotonic() + seconds,
    )
    box.jobs[job.id] = job
    if args.get("notifyCustomer"):
        box.mails["cancel"] += 1
    return job, []


def run_due(box: ShopifySandbox, *, by_hand: bool = False) -> int:
    """End the jobs whose time has come, with `by_hand` all of them; how many."""
    now = time.monotonic()
    due = [job for job in box.jobs.values() if not job.done and (by_hand or (job.due is not None and job.due <= now))]
    for job in due:
        _run(box, job)
    return len(due)


def _run(box: ShopifySandbox, job: CancelJob) -> None:
    fault = fault_of(box, job.order, restock=job.restock)
    if box.settings.cancel_fails_next > 0:
        box.settings.cancel_fails_next -= 1
        job.status = "FAILED"
        job.errors = [user_error("Something went wrong, please try again", code="INTERNAL_ERROR")]
    elif fault is not None:
        job.status, job.errors = "FAILED", [user_error(fault, "orderId", code="INVALID")]
    else:
        cancel(box, job.order, job.reason, restock=job.restock, refund=job.refund, staff_note=job.staff_note)
        job.status = "SUCCEEDED"


def cancel(
    box: ShopifySandbox,
    order: Order,
    reason: str,
    *,
    restock: bool,
    refund: bool,
    staff_note: str | None = None,
) -> None:
    """Cancel an order that may be cancelled, as the call and the merchant in the admin area do."""
    place = box.locations[order.location_id]
    made: Refund | None = None
    unpaid_elsewhere = not place.is_active and not totals.received(order)
    if restock or refund:
        lines = refunding.value_of(
            refunding.everything(order, order.location_id if restock and not unpaid_elsewhere else None)
        )
        left = totals.received(order) - totals.refunded(order)
        money = [refunding.refund_transaction(*one) for one in refunding.spread(order, left)] if refund else []
        shipping = totals.shipping(order) - totals.refunded_shipping(order) if money else totals.ZERO
        if lines or money:
            made = refunding.book(box, order, lines, money, shipping=shipping)
    for line in order.lines:
        gone = line.unfulfilled
        if gone:
            for home, count in stock.leave(order, line, gone):
                stock.take_off(line, count, home, None)
            line.removed += gone
    order.cancelled_at = order.closed_at = box.now()
    order.cancel_reason, order.staff_note = reason, staff_note
    refunding.close_finished(box, order)
    box.effects["cancel"] += 1
    changes.tell(box, order, "ORDERS_CANCELLED", refund=made)
