"""Shopify's order JSON read as the core's `StoreOrder`. No I/O.

Shopify has no invoices and no credit memos: an order counts as invoiced, and each refund, and the cancellation as a
whole, is one `StoreRefund`. What the cancellation itself refunded is a part of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from bridge.domain.money import Money, NotMoney, decimal_of
from bridge.domain.outcomes import Rejected, RemoteProblem
from bridge.domain.store_order import Barrier, StoreOrder, StoreRefund, StoreRow
from bridge.domain.tokens import tokens_in

CANCELLATION: Final = "cancellation"
"""Id of the `StoreRefund` that the order's cancellation stands for."""
NO_RESTOCK: Final = "NO_RESTOCK"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_BEFORE: Final = timedelta(seconds=5)
_AFTER: Final = timedelta(minutes=10)
"""Refunds made so close around the cancellation were made by it, unless their note has another mark of ours."""
_NO_RETURN: Final = frozenset({"NO_RETURN", "RETURNED", "RETURN_FAILED"})
_UNDONE: Final = frozenset({"CANCELLED", "ERROR", "FAILURE"})
AT_SERVICE: Final = frozenset({"SUBMITTED", "ACCEPTED", "CANCELLATION_REQUESTED", "CANCELLATION_REJECTED"})
_TAG: Final = "TikTokOrderID:"
"""A tag that some connector writes; which one is not known."""


def number_of(gid: object) -> str:
    """`gid://shopify/Order/5324790137142` → `5324790137142`. Empty for anything else."""
    tail = str(gid or "").rpartition("/")[2].partition("?")[0]
    return tail if tail.isascii() and tail.isdigit() else ""


def gid(kind: str, number: str) -> str:
    return f"gid://shopify/{kind}/{number}"


def text(value: object) -> str:
    return value if isinstance(value, str) else ""


def read_time(value: object) -> datetime | None:
    try:
        when = datetime.fromisoformat(text(value))
    except ValueError:
        return None
    return when.astimezone(UTC) if when.tzinfo else None


def rows_in(value: object, what: str) -> list[Mapping[str, Any]]:
    nodes = value.get("nodes") if isinstance(value, dict) else value
    if nodes is None:
        return []
    if isinstance(nodes, list) and all(isinstance(row, dict) for row in nodes):
        return nodes
    raise odd(f"{what} is not a list of objects")


def odd(what: str) -> RemoteProblem:
    return RemoteProblem(Rejected(f"The Shopify order cannot be read: {what}", code="shape"))


def amount(bag: object, currency: str) -> Decimal:
    """The shop's own money of a MoneyBag; zero where it is absent. Raises `RemoteProblem`."""
    money = bag.get("shopMoney") if isinstance(bag, dict) else None
    if not isinstance(money, dict):
        return Decimal(0)
    if text(money.get("currencyCode")) not in {"", currency}:
        raise odd(f"an amount in {money.get('currencyCode')} in an order in {currency}")
    try:
        return decimal_of(money.get("amount"))
    except NotMoney as problem:
        raise odd(str(problem)) from None


def units(row: Mapping[str, Any], name: str) -> int:
    value = row.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise odd(f"{name} is {value!r}")
    return value


def line_id(row: Mapping[str, Any]) -> str:
    item = row.get("lineItem")
    return number_of(item.get("id")) if isinstance(item, dict) else ""


def read_refund(refund: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], currency: str) -> StoreRefund:
    quantities: dict[str, int] = {}
    amounts: dict[str, Decimal] = {}
    kept: dict[str, int] = {}
    for row in rows:
        row_id = line_id(row)
        if row_id:
            quantities[row_id] = quantities.get(row_id, 0) + units(row, "quantity")
            if row.get("restockType") == NO_RESTOCK:
                kept[row_id] = kept.get(row_id, 0) + units(row, "quantity")
            worth = amount(row.get("subtotalSet"), currency) + amount(row.get("totalTaxSet"), currency)
            amounts[row_id] = amounts.get(row_id, Decimal(0)) + worth
    total = Money(amount(refund.get("totalRefundedSet"), currency), currency)
    created = read_time(refund.get("createdAt"))
    updated = read_time(refund.get("updatedAt"))
    return StoreRefund(
        id=number_of(refund.get("id")),
        created_at=created or updated or _EPOCH,
        updated_at=updated or created or _EPOCH,
        quantities={row_id: count for row_id, count in quantities.items() if count},
        total=total,
        tokens=tokens_in(text(refund.get("note"))),
        kept=kept,
        # A refund that only takes units out moved no money: its rows are worth nothing then.
        amounts=amounts if total.amount else {},
        shipping=max(Decimal(0), total.amount - sum(amounts.values(), Decimal(0))) if total.amount else Decimal(0),
    )


def read_order(
    order: Mapping[str, Any],
    lines: Sequence[Mapping[str, Any]],
    refund_rows: Mapping[str, Sequence[Mapping[str, Any]]],
) -> StoreOrder:
    """One order. `refund_rows`: rows by refund gid.

    Raises `RemoteProblem` where what decides about units or money cannot be read.
    """
    order_id, currency = number_of(order.get("id")), text(order.get("currencyCode"))
    if not order_id or not currency:
        raise odd("it has no id or no currency")
    cancelled_at = read_time(order.get("cancelledAt"))
    refunds = [
        read_refund(refund, refund_rows.get(str(refund.get("id")), ()), currency)
        for refund in rows_in(order.get("refunds"), "refunds")
    ]
    ordered = {number_of(line.get("id")): units(line, "quantity") for line in lines}
    if cancelled_at is not None:
        refunds = _with_cancellation(order, cancelled_at, refunds, ordered, currency)
    taken: dict[str, int] = {}
    for refund in refunds:
        for row_id, count in refund.quantities.items():
            taken[row_id] = taken.get(row_id, 0) + count
    rows = tuple(_row(line, taken, currency, is_cancelled=cancelled_at is not None) for line in lines)
    created, updated = read_time(order.get("createdAt")), read_time(order.get("updatedAt"))
    total = Money(amount(order.get("totalPriceSet"), currency), currency)
    return StoreOrder(
        id=order_id,
        number=text(order.get("name")),
        view="",
        channel_order_id=channel_order_id(order),
        state="cancelled" if cancelled_at is not None else "closed" if order.get("closed") else "open",
        status="/".join(
            filter(None, (text(order.get("displayFinancialStatus")), text(order.get("displayFulfillmentStatus"))))
        ).lower(),
        created_at=created or updated or _EPOCH,
        updated_at=updated or created or _EPOCH,
        currency=currency,
        grand_total=total,
        total_paid=Money(amount(order.get("totalReceivedSet"), currency), currency),
        total_refunded=Money(amount(order.get("totalRefundedSet"), currency), currency),
        total_invoiced=total,
        rows=rows,
        refunds=tuple(sorted(refunds, key=lambda one: (one.created_at, len(one.id), one.id))),
        barrier=None if cancelled_at is not None else barrier(order),
        customer_note=notes_of(order),
    )


def _row(line: Mapping[str, Any], taken: Mapping[str, int], currency: str, *, is_cancelled: bool) -> StoreRow:
    row_id, count = number_of(line.get("id")), units(line, "quantity")
    refunded = min(count, taken.get(row_id, 0))
    # What is neither there any more nor in a refund was taken out by editing the order.
    edited = 0 if is_cancelled else max(0, count - units(line, "currentQuantity") - refunded)
    return StoreRow(
        id=row_id,
        sku=text(line.get("sku")),
        price=amount(line.get("originalUnitPriceSet"), currency),
        ordered=count,
        invoiced=count,
        # Units that came back count as refunded, no longer as shipped.
        shipped=max(0, units(line, "currentQuantity") - units(line, "unfulfilledQuantity")),
        refunded=refunded,
        cancelled=edited,
        restock_id=row_id,
    )


def _with_cancellation(
    order: Mapping[str, Any],
    cancelled_at: datetime,
    refunds: Sequence[StoreRefund],
    ordered: Mapping[str, int],
    currency: str,
) -> list[StoreRefund]:
    """The refunds that stand for themselves, and the cancellation: all that is left, with what it refunded itself."""
    note = order.get("cancellation")
    tokens = tokens_in(text(note.get("staffNote"))) if isinstance(note, dict) else frozenset()
    its = [
        one
        for one in refunds
        if not one.tokens - tokens and cancelled_at - _BEFORE <= one.created_at <= cancelled_at + _AFTER
    ]
    others = [one for one in refunds if one not in its]
    left = dict(ordered)
    for one in others:
        for row_id, count in one.quantities.items():
            left[row_id] = max(0, left.get(row_id, 0) - count)
    amounts: dict[str, Decimal] = {}
    for one in its:
        for row_id, worth in one.amounts.items():
            amounts[row_id] = amounts.get(row_id, Decimal(0)) + worth
    whole = StoreRefund(
        id=CANCELLATION,
        created_at=cancelled_at,
        updated_at=max([cancelled_at, *(one.updated_at for one in its)]),
        quantities={row_id: count for row_id, count in left.items() if count},
        total=Money(sum((one.total.amount for one in its), Decimal(0)), currency),
        tokens=tokens,
        number=CANCELLATION,
        amounts=amounts,
        shipping=sum((one.shipping for one in its), Decimal(0)),
    )
    return [*others, whole]


def is_standing(fulfillment: Mapping[str, Any]) -> bool:
    return text(fulfillment.get("status")) not in _UNDONE


def barrier(order: Mapping[str, Any]) -> Barrier | None:
    """Why nothing of the order may be cancelled by us now. It is looked at before each call, since Shopify itself is
    said to have cancelled fulfilled orders by its API. Values that are not known stand in the way too.
    """
    returned = text(order.get("returnStatus"))
    if returned and returned not in _NO_RETURN:
        return Barrier(f"a return is under way in Shopify ({returned.lower()}): finish it there first", passes=False)
    if any(is_standing(one) for one in rows_in(order.get("fulfillments"), "fulfillments")):
        because = "it is fulfilled in Shopify, in whole or in part, and a fulfilled order is never cancelled by itself"
        return Barrier(
            f"{because}: stop the parcel or wait for its return, then cancel or refund by hand", passes=False
        )
    for one in rows_in(order.get("fulfillmentOrders"), "fulfillmentOrders"):
        if text(one.get("status")) == "IN_PROGRESS" or text(one.get("requestStatus")) in AT_SERVICE:
            because = "its fulfilment is in progress at the warehouse or fulfilment service"
            return Barrier(f"{because}: ask it to cancel, then choose settle now", passes=False)
    return None


def channel_order_id(order: Mapping[str, Any]) -> str:
    """TikTok's order id as the order keeps it: our metafield, the id at its source, or a tag."""
    field = order.get("metafield")
    if isinstance(field, dict) and text(field.get("value")):
        return text(field.get("value"))
    source = text(order.get("sourceIdentifier"))
    if source:
        return source
    tagged = {tag.removeprefix(_TAG).strip() for tag in tags_of(order) if tag.startswith(_TAG)}
    return tagged.pop() if len(tagged) == 1 else ""


def tags_of(order: Mapping[str, Any]) -> tuple[str, ...]:
    tags = order.get("tags")
    return tuple(str(tag) for tag in tags) if isinstance(tags, list) else ()


def notes_of(order: Mapping[str, Any]) -> str:
    """All texts in which another connector may name the sale: the note, the additional details, the tags."""
    details = [
        f"{text(one.get('key'))}: {text(one.get('value'))}"
        for one in rows_in(order.get("customAttributes"), "customAttributes")
    ]
    return "\n".join(filter(None, (text(order.get("note")), *details, *tags_of(order))))
