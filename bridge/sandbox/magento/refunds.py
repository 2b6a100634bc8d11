"""The three refund routes, the admin area's refund, and saving a memo again.

- `POST /V1/order/:id/refund` computes and checks everything.
- `POST /V1/creditmemo/refund` believes what it is sent.
- `POST /V1/invoice/:id/refund` refuses every offline payment method.
- The admin area computes like the first and books like the second.
"""

from __future__ import annotations

from collections.abc import Container
from copy import deepcopy
from decimal import Decimal
from typing import Any

from bridge.sandbox.magento import events, rules
from bridge.sandbox.magento.memos import Asked, add_comment, book, draft
from bridge.sandbox.magento.orders import behaviours, find, reserve
from bridge.sandbox.magento.state import Document, MagentoSandbox, Order
from bridge.sandbox.magento.wire import (
    ApplicationError,
    RestError,
    Row,
    amount,
    cents,
    not_found,
    number,
    price_text,
    required,
)

INVALID = "Creditmemo Document Validation Error(s):"


def _asked(body: Row) -> tuple[Asked, list[int]]:
    arguments = body.get("arguments") or {}
    named = body.get("items")
    quantities = {int(line.get("order_item_id") or 0): amount(line, "qty") for line in named} if named else None
    money = {
        name: None if arguments.get(column) is None else amount(arguments, column)
        for name, column in (
            ("shipping", "shipping_amount"),
            ("positive", "adjustment_positive"),
            ("negative", "adjustment_negative"),
        )
    }
    attributes = arguments.get("extension_attributes") or {}
    back = [int(item) for item in attributes.get("return_to_stock_items") or []]
    return Asked(quantities, **money), back


def _check(box: MagentoSandbox, order: Order, asked: Asked, memo: Document, back: list[int]) -> None:
    problems = []
    state = order.row.get("state")
    if state in {"payment_review", "holded", "canceled", "closed"}:
        status = order.row.get("status")
        problems.append(f"A creditmemo can not be created when an order has a status of {status}")
    elif amount(order.row, "total_paid") and abs(rules.refundable(order, "")) < rules.NOTHING:
        problems.append("The order does not allow a creditmemo to be created.")
    for item_id in asked.quantities or {}:
        item = order.item(item_id)
        if item is None:
            problems.append("The creditmemo contains product item that is not part of the original order.")
        elif rules.is_child(item):
            problems.append("The creditmemo contains incorrect product items.")
    given = amount(memo.row, "base_grand_total")
    if given < 0:
        problems.append("The credit memo's total must be positive.")
    paid, refunded = amount(order.row, "base_total_paid"), amount(order.row, "base_total_refunded")
    if cents(refunded + given) > cents(paid):
        problems.append(f"The most money available to refund is {number(paid - refunded)}.")
    # Magento keeps the rows of quantity 0 in the memo until it is saved, so they may be named too
    included = {item["item_id"] for item in order.items if rules.to_refund(item) > 0}
    strangers = [_sku(box, item_id) for item_id in back if item_id not in included]
    problems += [f'The "{sku}" product is not part of the current creditmemo.' for sku in strangers]
    if problems:
        raise RestError(400, "\n".join([INVALID, *problems]))


def _sku(box: MagentoSandbox, item_id: int) -> str:
    for order in box.orders.values():
        item = order.item(item_id)
        if item is not None:
            return str(item.get("sku"))
    raise not_found()


def by_order(box: MagentoSandbox, order_id: str, body: Any, header: str | None) -> tuple[int, dict[str, str]]:
    """`POST /V1/order/:id/refund`: the memo's id and the response headers.

    Raises `RestError`; nothing is booked then. `increment` has no effect here; `decrement` reserves the order again.
    """
    order = find(box, order_id)
    asked, back = _asked(body if isinstance(body, dict) else {})
    memo = draft(order, asked)
    _check(box, order, asked, memo, back)
    if order.id in box.beside:
        box.beside.discard(order.id)
        _book_beside(box, order, memo, back)
    named = order.row.get("increment_id")
    try:
        memo_id = book(box, order, memo, back)
    except RestError as refused:
        refused.headers = reserve(box, order, None, named=named)
        raise
    comment = body.get("comment") if isinstance(body, dict) else None
    if isinstance(comment, dict) and comment.get("comment"):
        add_comment(box, box.memos[memo_id], comment)
    answer = reserve(box, order, header, named=named)
    events.refunded_by_order(box, order, memo_id)
    return memo_id, answer


def _book_beside(box: MagentoSandbox, order: Order, memo: Document, back: Container[int]) -> None:
    """The merchant's own click at the same moment: a second memo and the stock twice, while the order counts one."""
    before = deepcopy((order.row, order.items, order.payment, order.histories))
    memo_id = book(box, order, deepcopy(memo), back)
    events.refunded_by_memo(box, order, memo_id, order_changed=True)
    order.row, order.items, order.payment, order.histories = before


def by_invoice(box: MagentoSandbox, invoice_id: str) -> None:
    """`POST /V1/invoice/:id/refund`: always refused, the sandbox knows offline methods only."""
    if not invoice_id.isdigit() or int(invoice_id) not in box.invoices:
        raise not_found()
    raise RestError(400, f"{INVALID}\nWe can't create creditmemo for the invoice.")


def by_memo(box: MagentoSandbox, body: Any, header: str | None) -> tuple[Document, dict[str, str]]:
    """`POST /V1/creditmemo/refund`: books the totals as sent; only `base_grand_total` is checked.

    Raises `RestError`, or `ApplicationError` for a row of another order.
    """
    sent = body.get("creditmemo") if isinstance(body, dict) else None
    if not isinstance(sent, dict):
        raise required("creditmemo")
    order = find(box, sent.get("order_id"))
    items = [dict(item) for item in sent.get("items") or []]
    if any(order.item(int(item.get("order_item_id") or 0)) is None for item in items):
        raise ApplicationError
    left = rules.refundable(order)
    if cents(amount(sent, "base_grand_total")) > max(cents(left), Decimal(0)):
        currency = str(order.row.get("base_currency_code") or "USD")
        raise RestError(400, "The most money available to refund is %1.", [price_text(max(left, Decimal(0)), currency)])
    comments = sent.get("comments") or []
    parents = [box.memos.get(int(comment.get("parent_id") or 0)) for comment in comments]
    if any(parent is None for parent in parents):
        raise RestError(400, "Cannot save comment:\nParent Creditmemo Id can not be empty")
    lines: list[Row] = [{"base_cost": None, "base_price": None} | item for item in items if amount(item, "qty") > 0]
    row = {key: value for key, value in sent.items() if key not in {"items", "comments", "extension_attributes"}}
    memo = Document(row | {"state": 2}, lines)
    increment = box.plugin is not None and box.plugin.increment_restocks and "increment" in behaviours(header)
    back = {int(line["order_item_id"]) for line in lines} if increment else set()
    online = body.get("offlineRequested", body.get("offline_requested")) is not True
    memo_id = book(box, order, memo, back, online=online)
    for comment, parent in zip(comments, parents, strict=True):
        if parent is not None:
            add_comment(box, parent, comment)
    answer = reserve(box, order, header, named=order.row.get("increment_id"))
    changed = amount(sent, "base_grand_total") != 0 or amount(sent, "grand_total") != 0
    events.refunded_by_memo(box, order, memo_id, order_changed=changed)
    return memo, answer


def in_admin(box: MagentoSandbox, order: Order, asked: Asked, *, back: bool, comment: str = "") -> int:
    """A refund in the admin area: computed, then booked memo first. A child row shares its parent's flag.

    Raises `RestError` or `ApplicationError`.
    """
    if not rules.can_refund(order):
        raise RestError(400, "Cannot create credit memo for the order.")
    memo = draft(order, asked)
    if cents(amount(memo.row, "base_grand_total")) > cents(rules.refundable(order)):
        raise RestError(400, f"The most money available to refund is {number(rules.refundable(order))}.")
    memo_id = book(box, order, memo, {line["order_item_id"] for line in memo.items} if back else ())
    if comment:
        add_comment(box, box.memos[memo_id], {"comment": comment})
    events.refunded_by_memo(box, order, memo_id, order_changed=True)
    return memo_id


def save_again(box: MagentoSandbox, body: Any) -> Document:
    """`POST /V1/creditmemo`: persists the columns sent, books nothing, and tells about it once more."""
    sent = body.get("entity") if isinstance(body, dict) else None
    if not isinstance(sent, dict):
        raise required("entity")
    memo = box.memos.get(int(sent.get("entity_id") or 0))
    if memo is None:
        raise not_found()
    memo.row |= {key: value for key, value in sent.items() if key not in {"items", "comments", "entity_id"}}
    memo.row["updated_at"] = box.stamp()
    events.memo_saved(box, memo.id)
    return memo
