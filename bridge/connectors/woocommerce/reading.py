"""WooCommerce's order JSON read as the core's `StoreOrder`. No I/O.

WooCommerce has no invoices: an order counts as invoiced. Its refunds are the store's refunds; the status `cancelled`,
which makes none, stands for one more `StoreRefund` of all that is left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from bridge.connectors.woocommerce.answers import odd
from bridge.domain.money import Money, NotMoney, cents, decimal_of
from bridge.domain.store_order import Barrier, StoreOrder, StoreRefund, StoreRow
from bridge.domain.tokens import tokens_in

META_KEY: Final = "_bridge_tiktok_order_id"
"""The order field of our own that keeps TikTok's order id."""
REFUNDED_ITEM: Final = "_refunded_item_id"
CANCELLATION: Final = "cancellation"
"""Id of the `StoreRefund` that the order's status stands for."""
TRASH: Final = "trash"
_ZERO: Final = Decimal(0)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_BY_STATUS: Final = "order fully refunded"
"""Reason of the refund that WooCommerce itself makes when the status is set to `refunded` by hand
(`wc_order_fully_refunded`). A store in another language has it in its own words, which are not known here."""
_ROUNDS_TO_NOTHING: Final = Decimal("0.5")
"""A rest that WooCommerce takes for none, in a store that shows its prices without decimals."""
_BEFORE_DISPATCH: Final = frozenset({"pending", "on-hold", "processing", "checkout-draft", "auto-draft", "failed"})
Json = Mapping[str, Any]


def text(value: object) -> str:
    return value if isinstance(value, str) else ""


def number_of(value: object) -> str:
    """An id, which WooCommerce writes as a number, and meta fields as a text. Empty for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return ""
    told = str(value).strip()
    return told if told.isascii() and told.isdigit() and told.strip("0") and len(told) <= 20 else ""


def read_time(value: object) -> datetime | None:
    """`date_…_gmt`: UTC without saying so."""
    try:
        when = datetime.fromisoformat(text(value))
    except ValueError:
        return None
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)


def rows_in(owner: Json, name: str) -> list[Json]:
    """A list of objects; an absent one is empty (older versions leave lists out)."""
    value = owner.get(name)
    if value is None:
        return []
    if isinstance(value, list) and all(isinstance(row, dict) for row in value):
        return value
    raise odd(f"{name} is no list of objects")


def amount(owner: Json, name: str) -> Decimal:
    """As WooCommerce writes it, a text; zero where it is absent or empty."""
    value = owner.get(name)
    if value is None or value == "":
        return _ZERO
    try:
        return decimal_of(value)
    except NotMoney:
        raise odd(f"{name} is no amount") from None


def units(row: Json) -> int:
    """The quantity without its sign. Shops that sell by weight have fractions: no unit can be told from another."""
    value = row.get("quantity")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise odd("a quantity is no whole number")
    return abs(value)


def meta(owner: Json, key: str) -> str:
    """The value of a meta field, if it is a text or a number."""
    value = next((one.get("value") for one in rows_in(owner, "meta_data") if one.get("key") == key), None)
    return str(value).strip() if isinstance(value, (str, int)) and not isinstance(value, bool) else ""


def worth(row: Json) -> Decimal:
    """What a row of an order or a refund comes to with its tax, without its sign."""
    return abs(cents(amount(row, "total"))) + abs(cents(amount(row, "total_tax")))


def channel_order_id(order: Json, keys: Sequence[str] = ()) -> str:
    """TikTok's order id as our own field keeps it, else the field of another connector."""
    return next((found for key in (META_KEY, *keys) if (found := meta(order, key))), "")


def refunded_row(item: Json, lines: Sequence[Json]) -> str:
    """Which row of the order a row of a refund takes back."""
    named = number_of(meta(item, REFUNDED_ITEM))
    if named:
        return named
    same = [
        number_of(line.get("id"))
        for line in lines
        if (line.get("product_id"), line.get("variation_id")) == (item.get("product_id"), item.get("variation_id"))
    ]
    return same[0] if len(same) == 1 else ""


def read_refund(refund: Json, lines: Sequence[Json], currency: str) -> StoreRefund:
    quantities: dict[str, int] = {}
    amounts: dict[str, Decimal] = {}
    for item in rows_in(refund, "line_items"):
        row_id, count = refunded_row(item, lines), units(item)
        if not row_id:
            if count:
                raise odd("a refund does not say which row it takes back")
            continue
        quantities[row_id] = quantities.get(row_id, 0) + count
        amounts[row_id] = amounts.get(row_id, _ZERO) + worth(item)
    others = [row for name in ("shipping_lines", "fee_lines") for row in rows_in(refund, name)]
    created = read_time(refund.get("date_created_gmt")) or _EPOCH
    return StoreRefund(
        id=number_of(refund.get("id")),
        created_at=created,
        updated_at=created,
        quantities={row_id: count for row_id, count in quantities.items() if count},
        total=Money(cents(amount(refund, "amount")), currency),
        tokens=tokens_in(text(refund.get("reason"))),
        amounts=amounts,
        shipping=sum((worth(row) for row in others), _ZERO),
    )


def read_order(order: Json, refund_rows: Sequence[Json], keys: Sequence[str] = ()) -> StoreOrder:
    """One order with its refunds. `keys`: fields in which other connectors keep TikTok's order id.

    Raises `RemoteProblem` where what decides about units or money cannot be read.
    """
    order_id, currency, status = number_of(order.get("id")), text(order.get("currency")), text(order.get("status"))
    if not order_id or not currency or not status:
        raise odd("it is no order: its id, currency or status is missing")
    lines = rows_in(order, "line_items")
    ordered = {number_of(line.get("id")): units(line) for line in lines}
    refunds = [read_refund(refund, lines, currency) for refund in refund_rows]
    created, updated = read_time(order.get("date_created_gmt")), read_time(order.get("date_modified_gmt"))
    at = updated or created or _EPOCH
    total = cents(amount(order, "total"))
    if is_over(status, refund_rows, refunds, total):
        refunds += _rest(ordered, refunds, at, currency)
    rows = tuple(_row(line, refunds, is_completed=is_completed(order, status)) for line in lines)
    paid = total if order.get("date_paid_gmt") or status in {"processing", "completed", "refunded"} else _ZERO
    return StoreOrder(
        id=order_id,
        number=str(order.get("number") or order_id),
        view="",
        channel_order_id=channel_order_id(order, keys),
        state=status,
        status=status,
        created_at=created or at,
        updated_at=at,
        currency=currency,
        grand_total=Money(total, currency),
        total_paid=Money(paid, currency),
        total_refunded=Money(sum((one.total.amount for one in refunds), _ZERO), currency),
        total_invoiced=Money(total, currency),
        rows=rows,
        refunds=tuple(sorted(refunds, key=lambda one: (one.created_at, len(one.id), one.id))),
        barrier=barrier(status),
        customer_note=text(order.get("customer_note")),
        whereabouts=whereabouts(order, status, rows),
    )


def is_over(status: str, refund_rows: Sequence[Json], refunds: Sequence[StoreRefund], total: Decimal) -> bool:
    """Whether the status alone says that all that is left of the order is gone.

    `cancelled` does, and so does `refunded` set by hand: WooCommerce then makes a refund of the money alone, with a
    reason of its own. But it sets `refunded` too when refunds have given back all the money, whatever units they took,
    and ours among them: then what they took is what they say.
    """
    if status != "refunded":
        return status == "cancelled"
    if not refunds or any(map(_is_by_status, refund_rows)):
        return True
    if all(one.is_ours for one in refunds):
        return False
    left = total - sum((one.total.amount for one in refunds), _ZERO)
    return not total or left >= _ROUNDS_TO_NOTHING


def _is_by_status(refund: Json) -> bool:
    reason = " ".join(text(refund.get("reason")).split()).rstrip(".").casefold()
    return reason == _BY_STATUS and not rows_in(refund, "line_items")


def _rest(ordered: Mapping[str, int], refunds: Sequence[StoreRefund], at: datetime, currency: str) -> list[StoreRefund]:
    left = dict(ordered)
    for one in refunds:
        for row_id, count in one.quantities.items():
            left[row_id] = max(0, left.get(row_id, 0) - count)
    taken = {row_id: count for row_id, count in left.items() if count}
    return [StoreRefund(CANCELLATION, at, at, taken, Money.zero(currency), number=CANCELLATION)] if taken else []


def is_completed(order: Json, status: str) -> bool:
    """Sent: core WooCommerce keeps no shipments, and `completed` is what its orders become when they are.

    The date stays when the order is refunded afterwards.
    """
    return status == "completed" or (bool(order.get("date_completed_gmt")) and status not in _BEFORE_DISPATCH)


def whereabouts(order: Json, status: str, rows: Sequence[StoreRow]) -> str:
    """Why what is left of the order may have been sent, though it was never completed; empty where that is told.

    Plugins have statuses of their own (`shipped`, `delivered`, `awaiting-pickup`), which leave no date behind; what an
    order was before it became `refunded`, or went to the trash, WooCommerce does not tell.
    """
    if status in _BEFORE_DISPATCH or is_completed(order, status) or not any(row.left for row in rows):
        return ""
    return f"its status in WooCommerce is “{status}”, which does not say whether the goods left"


def barrier(status: str) -> Barrier | None:
    if status == TRASH:
        because = "it is in WooCommerce's trash, where nothing can be refunded"
        return Barrier(f"{because}: restore it there, then choose settle now", passes=False)
    return None


def _row(line: Json, refunds: Sequence[StoreRefund], *, is_completed: bool) -> StoreRow:
    row_id, count = number_of(line.get("id")), units(line)
    subtotal = amount(line, "subtotal")
    return StoreRow(
        id=row_id,
        sku=text(line.get("sku")),
        price=cents(subtotal / count) if count else subtotal,
        ordered=count,
        invoiced=count,
        shipped=count if is_completed else 0,
        refunded=min(count, sum(one.quantities.get(row_id, 0) for one in refunds)),
        restock_id=row_id,
    )
