"""Magento's order and credit memo JSON read as the core's `StoreOrder`. No I/O.

Keys that are null or zero in the database may be absent, numbers may come as text, and an empty list may be `null`
(measured on 2.4.6-p11); none of that is an error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from bridge.connectors.magento.search import read_time
from bridge.domain.money import Money, NotMoney, decimal_of
from bridge.domain.outcomes import Rejected, RemoteProblem
from bridge.domain.store_order import StoreOrder, StoreRefund, StoreRow
from bridge.domain.tokens import tokens_in

REFUND_WORD: Final = "credit memo"
"""What people there call a refund."""
_CHILD_CARRIES = frozenset({"bundle"})
"""Types whose parent row is an envelope: with dynamic prices the children are sold, refunded and shipped."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ZERO = Decimal(0)


def text(value: object) -> str:
    """An id or a name as text; empty where it is absent. Magento writes ids as numbers or as text."""
    if value is None or isinstance(value, (bool, dict, list)):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _number(row: Mapping[str, Any], name: str) -> Decimal:
    value = row.get(name)
    if value is None or value == "":
        return Decimal(0)
    try:
        return decimal_of(value)
    except NotMoney as problem:
        raise _odd(f"{name}: {problem}") from None


def _units(row: Mapping[str, Any], name: str) -> int:
    quantity = _number(row, name)
    if quantity != quantity.to_integral_value():
        raise _odd(f"{name} is {quantity}; only whole units can be compared with TikTok's")
    return int(quantity)


def _odd(what: str) -> RemoteProblem:
    return RemoteProblem(Rejected(f"The store's order cannot be read: {what}", code="shape"))


def _rows(value: object, what: str) -> list[Mapping[str, Any]]:
    if value is None:
        return []
    if isinstance(value, list) and all(isinstance(row, dict) for row in value):
        return value
    raise _odd(f"{what} is not a list of objects")


def read_rows(items: object) -> tuple[StoreRow, ...]:
    """The rows that count. Of a configurable bought in the storefront that is the parent row, and a restock names its
    child row; of a bundle with prices of its own parts, the child rows.
    """
    rows = _rows(items, "items")
    by_id = {text(row.get("item_id")): row for row in rows}
    children: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        parent = text(row.get("parent_item_id"))
        if parent in by_id:
            children.setdefault(parent, []).append(row)
    counted: list[StoreRow] = []
    for row in rows:
        row_id = text(row.get("item_id"))
        parent_row = by_id.get(text(row.get("parent_item_id")))
        if parent_row is not None and not _is_envelope(parent_row, children[text(parent_row.get("item_id"))]):
            continue
        mine = children.get(row_id, [])
        if mine and _is_envelope(row, mine):
            continue
        counted.append(
            StoreRow(
                id=row_id,
                sku=text(row.get("sku")),
                price=_number(row, "price"),
                ordered=_units(row, "qty_ordered"),
                invoiced=_units(row, "qty_invoiced"),
                shipped=_units(row, "qty_shipped"),
                refunded=_units(row, "qty_refunded"),
                cancelled=_units(row, "qty_canceled"),
                restock_id=text(mine[0].get("item_id")) if mine else row_id,
            )
        )
    return tuple(counted)


def _is_envelope(parent: Mapping[str, Any], children: Sequence[Mapping[str, Any]]) -> bool:
    return text(parent.get("product_type")) in _CHILD_CARRIES and any(_number(child, "price") for child in children)


def read_refund(memo: Mapping[str, Any], counted: frozenset[str], fallback_currency: str) -> StoreRefund:
    """One credit memo. Quantities are those of rows that count: a configurable's child row stands in the memo too."""
    items = _rows(memo.get("items"), "credit memo items")
    quantities: dict[str, int] = {}
    for item in items:
        row_id = text(item.get("order_item_id"))
        quantity = _units(item, "qty")
        if quantity and row_id in counted:
            quantities[row_id] = quantities.get(row_id, 0) + quantity
    tokens: frozenset[str] = frozenset()
    for comment in _rows(memo.get("comments"), "credit memo comments"):
        tokens |= tokens_in(text(comment.get("comment")))
    created = read_time(memo.get("created_at"))
    updated = read_time(memo.get("updated_at"))
    return StoreRefund(
        id=text(memo.get("entity_id")),
        created_at=created or updated or _EPOCH,
        updated_at=updated or created or _EPOCH,
        quantities=quantities,
        total=_money(memo, "grand_total", _currency(memo) or fallback_currency),
        tokens=tokens,
        number=text(memo.get("increment_id")),
        amounts=_row_amounts(memo, items, counted),
        shipping=_number(memo, "shipping_amount")
        + _number(memo, "shipping_tax_amount")
        - (abs(_number(memo, "discount_amount")) - sum((abs(_number(i, "discount_amount")) for i in items), _ZERO)),
        adjustment=_number(memo, "adjustment_positive") - _number(memo, "adjustment_negative"),
    )


def _row_amounts(
    memo: Mapping[str, Any], items: Sequence[Mapping[str, Any]], counted: frozenset[str]
) -> dict[str, Decimal]:
    """What the memo gives back by row: `row_total` less discount plus tax.

    Orders' `row_total` comes from REST after discount (measured on 2.4.6-p11); should a memo's do so too, its own
    subtotal tells, which is always before discount.
    """
    totals = sum((_number(item, "row_total") for item in items), _ZERO)
    discounts = sum((abs(_number(item, "discount_amount")) for item in items), _ZERO)
    after = bool(discounts) and totals == _number(memo, "subtotal") - discounts
    amounts: dict[str, Decimal] = {}
    for item in items:
        row_id = text(item.get("order_item_id"))
        amount = _number(item, "row_total") + _number(item, "tax_amount")
        amount += _number(item, "discount_tax_compensation_amount")
        amount -= _ZERO if after else abs(_number(item, "discount_amount"))
        if row_id in counted and amount:
            amounts[row_id] = amounts.get(row_id, _ZERO) + amount
    return amounts


def read_order(order: Mapping[str, Any], memos: Sequence[Mapping[str, Any]]) -> StoreOrder:
    """One order with its credit memos. Raises `RemoteProblem` where what decides about money cannot be read."""
    order_id = text(order.get("entity_id"))
    currency = _currency(order)
    if not order_id or not currency:
        raise _odd("it has no id or no currency")
    rows = read_rows(order.get("items"))
    counted = frozenset(row.id for row in rows)
    created = read_time(order.get("created_at"))
    updated = read_time(order.get("updated_at"))
    state = text(order.get("state"))
    refunds = [read_refund(memo, counted, currency) for memo in memos if text(memo.get("order_id")) == order_id]
    return StoreOrder(
        id=order_id,
        number=text(order.get("increment_id")),
        view=text(order.get("store_id")),
        channel_order_id=text(order.get("ext_order_id")),
        state=state,
        status=text(order.get("status")),
        created_at=created or updated or _EPOCH,
        updated_at=updated or created or _EPOCH,
        currency=currency,
        grand_total=_money(order, "grand_total", currency),
        total_paid=_money(order, "total_paid", currency),
        total_refunded=_money(order, "total_refunded", currency),
        total_invoiced=_money(order, "total_invoiced", currency),
        rows=rows,
        refunds=tuple(sorted(refunds, key=lambda refund: (len(refund.id), refund.id))),
        is_held=state == "holded",
        notes=_notes(order),
        customer_note=text(order.get("customer_note")),
        refund_word=REFUND_WORD,
    )


def agrees(order: StoreOrder) -> bool:
    """Whether the rows and the credit memos count the same refunded units."""
    counted: dict[str, int] = {}
    for refund in order.refunds:
        for row_id, quantity in refund.quantities.items():
            counted[row_id] = counted.get(row_id, 0) + quantity
    return all(counted.get(row.id, 0) == row.refunded for row in order.rows)


def _notes(order: Mapping[str, Any]) -> tuple[str, ...]:
    types = {text(row.get("product_type")) for row in _rows(order.get("items"), "items")}
    parents = {text(row.get("parent_item_id")) for row in _rows(order.get("items"), "items")}
    lone = [
        text(row.get("sku"))
        for row in _rows(order.get("items"), "items")
        if text(row.get("product_type")) == "configurable" and text(row.get("item_id")) not in parents
    ]
    found: list[str] = []
    if lone:
        found.append(
            f"{', '.join(lone)} is a configurable row without its variant, made by another program through REST. "
            "Magento can neither ship nor refund such an order: cancel or refund it by hand."
        )
    if types & _CHILD_CARRIES:
        found.append("The order has a bundle; look at its quantities after a refund (magento/magento2#39060).")
    return tuple(found)


def _currency(row: Mapping[str, Any]) -> str:
    for name in ("order_currency_code", "base_currency_code"):
        code = text(row.get(name))
        if len(code) == 3 and code.isascii() and code.isalpha() and code.isupper():
            return code
    return ""


def _money(row: Mapping[str, Any], name: str, currency: str) -> Money:
    return Money(_number(row, name), currency)
