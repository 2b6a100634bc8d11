"""What a cancellation does: it opens, is accepted, finished or closed, and time decides what nobody answered.

Up to three messages for one cancellation: the order's CANCEL, then SUCCESS and COMPLETE of the cancellation
(Partner Center, "Order status change" and "Cancellation status change"). A request that is closed is spelled
CANCELLATION_REQUEST_CANCELLED in the message and CANCELLATION_REQUEST_CANCEL in the API; the order lives on.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from bridge.sandbox.tiktok import placing
from bridge.sandbox.tiktok.errors import Json
from bridge.sandbox.tiktok.model import CLOSED, COMPLETE, FLOW, PENDING, SUCCESS, Cancellation, Order, Shop
from bridge.sandbox.tiktok.reasons import is_after_dispatch, text_of
from bridge.sandbox.tiktok.sandbox import TikTokSandbox

ZERO = Decimal(0)


def refund_for(shop: Shop, order: Order, lines: Sequence[Json], *, whole: bool) -> tuple[Json, dict[str, Json]]:
    """What the buyer gets back, in all and by line; shipping and fees only with the last living unit."""
    money, currency = shop.facts.money, shop.facts.currency
    payment = order.body["payment"]
    by_line: dict[str, Json] = {}
    subtotal = tax = ZERO
    for line in lines:
        price = Decimal(str(line["sale_price"]))
        line_tax = sum((Decimal(str(item["tax_amount"])) for item in line.get("item_tax", [])), ZERO)
        subtotal += price
        tax += line_tax
        by_line[line["id"]] = {
            "currency": currency,
            "refund_total": money(price + line_tax),
            "refund_subtotal": money(price),
            "refund_shipping_fee": money(ZERO),
            "refund_tax": money(line_tax),
        }
    total: dict[str, Decimal] = {"refund_subtotal": subtotal, "refund_shipping_fee": ZERO, "refund_tax": tax}
    others = ZERO
    if whole:
        total["refund_shipping_fee"] = Decimal(payment["shipping_fee"])
        total["refund_tax"] += Decimal(payment.get("shipping_fee_tax", "0"))
        for fee in ("retail_delivery_fee", "buyer_service_fee"):
            if fee in payment:
                total[fee] = Decimal(payment[fee])
        others = sum(
            (Decimal(payment.get(fee, "0")) for fee in placing.FEES if fee not in total),
            ZERO,
        )
    refund: Json = {"currency": currency, "refund_total": money(sum(total.values(), ZERO) + others)}
    refund.update({name: money(amount) for name, amount in total.items()})
    return refund, by_line


def open_cancellation(
    box: TikTokSandbox,
    order: Order,
    lines: Sequence[Json],
    *,
    role: str,
    kind: str,
    reason: str,
    replenish: bool | str | None = "auto",
    deadline: int | None = None,
) -> Cancellation:
    """A record in PENDING with nothing done yet; accept it at once where no answer is awaited.

    `replenish` True or False goes into `should_replenish_stock`, None leaves it out, "auto" follows the settings.
    """
    whole = len(lines) == len(order.living())
    now = box.now()
    cancellation = Cancellation(
        id=box.new_id("cancel"),
        order=order,
        type=kind,
        status=PENDING,
        role=role,
        reason=reason,
        line_ids={line["id"]: box.new_id("cancel_line") for line in lines},
        create_time=now,
        update_time=now,
        whole=whole,
        deadline=deadline,
        replenish=replenish if isinstance(replenish, bool | None) else _replenish(box, lines, reason),
    )
    if not order.body["is_cod"] and "paid_time" in order.body:
        # Absent for COD and unpaid orders (seen in live answers).
        cancellation.refund, cancellation.line_refunds = refund_for(order.shop, order, lines, whole=whole)
    box.cancellations[cancellation.id] = cancellation
    return cancellation


def _replenish(box: TikTokSandbox, lines: Sequence[Json], reason: str) -> bool | None:
    choice = box.settings.replenish
    if choice == "absent":
        return None
    if choice != "auto":
        return choice == "true"
    return not is_after_dispatch(reason) and not any("rts_time" in line for line in lines)


def request(box: TikTokSandbox, cancellation: Cancellation) -> None:
    """Tell that a cancellation waits; a buyer's request marks the order, though its status stays."""
    order = cancellation.order
    if cancellation.role == "BUYER":
        order.body["is_buyer_request_cancel"] = True
        order.body["request_cancel_time"] = box.now()
    _announce(box, cancellation)


def accept(box: TikTokSandbox, cancellation: Cancellation) -> None:
    """The lines are cancelled from here on; COMPLETE follows as the settings say."""
    order = cancellation.order
    cancellation.status = SUCCESS
    cancellation.deadline = None
    cancellation.update_time = max(box.now(), cancellation.update_time)
    kill_lines(box, order, list(cancellation.line_ids), cancellation.role, cancellation.reason)
    order.effects[f"cancelled_by_{cancellation.role.lower()}"] += 1
    _announce(box, cancellation)
    if box.settings.completion == "at_once":
        complete(box, cancellation)
    for other in box.cancellations_of(order):
        if other.is_open and not any(line["id"] in other.line_ids for line in order.living()):
            # What it asked for has happened by another hand.
            close(box, other)


def complete(box: TikTokSandbox, cancellation: Cancellation) -> None:
    """The refund is issued."""
    cancellation.status = COMPLETE
    cancellation.update_time = max(box.now(), cancellation.update_time)
    _announce(box, cancellation)


def close(box: TikTokSandbox, cancellation: Cancellation) -> None:
    """The request is withdrawn, rejected or failed. The order lives on."""
    cancellation.status = CLOSED
    cancellation.deadline = None
    cancellation.update_time = max(box.now(), cancellation.update_time)
    cancellation.order.body["is_buyer_request_cancel"] = False
    _announce(box, cancellation)


def kill_lines(box: TikTokSandbox, order: Order, line_ids: Sequence[str], role: str, reason: str) -> None:
    """Cancel these units; the order too when no unit lives on."""
    for line in order.lines:
        if line["id"] in line_ids and line["display_status"] != "CANCELLED":
            line["display_status"] = "CANCELLED"
            line["package_status"] = "CANCELLED"
            line["cancel_user"] = role
            line["cancel_reason"] = text_of(reason)
            order.effects[f"line:{line['id']}"] += 1
    if not order.living():
        order.body["status"] = "CANCELLED"
        order.body["is_on_hold_order"] = False
        order.body["cancellation_initiator"] = "SYSTEM" if role == "OPERATOR" else role
        order.body["cancel_reason"] = text_of(reason)
        order.body["cancel_time"] = box.now()
        box.touch(order)
        box.announce_order(order)
    elif box.settings.partial_moves_update_time:
        box.touch(order)


def settle_time(box: TikTokSandbox) -> None:
    """Do what has come due by the shop's clock: an unanswered request is approved, the hour on hold ends."""
    now = box.now()
    for cancellation in list(box.cancellations.values()):
        if cancellation.is_open and cancellation.deadline is not None and cancellation.deadline < now:
            accept(box, cancellation)
    for order in list(box.orders.values()):
        if order.status == "ON_HOLD" and int(order.body["paid_time"]) + box.settings.on_hold_seconds <= now:
            advance(box, order, "AWAITING_SHIPMENT")


def advance(box: TikTokSandbox, order: Order, status: str | None = None) -> None:
    """To `status`, or to the next one on the way. ValueError at the end of the way."""
    if status is None:
        if order.status not in FLOW[:-1]:
            raise ValueError(f"nothing follows {order.status}")
        status = FLOW[FLOW.index(order.status) + 1]
    placing.move_to(order, status, box.now(), box.new_id)
    box.touch(order)
    box.announce_order(order)


def _announce(box: TikTokSandbox, cancellation: Cancellation) -> None:
    status = "CANCELLATION_REQUEST_CANCELLED" if cancellation.status == CLOSED else cancellation.status
    box.announce(
        "CANCELLATION_STATUS_CHANGE",
        cancellation.order.shop,
        {
            "order_id": cancellation.order.id,
            "cancellations_role": cancellation.role,
            "cancel_status": status,
            "cancel_id": cancellation.id,
            "create_time": cancellation.create_time,
        },
    )
