"""Credit memos: building one from an order, and booking one on order and stock."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from decimal import Decimal

from bridge.sandbox.magento import money, orders, rules
from bridge.sandbox.magento.state import Document, MagentoSandbox, Order
from bridge.sandbox.magento.wire import ApplicationError, RestError, Row, amount, price_text

CURRENCIES = ("base_currency_code", "order_currency_code", "store_currency_code", "global_currency_code")


@dataclass(frozen=True)
class Asked:
    """What a refund is asked for. `quantities` None: every unit that is left. `shipping` None: all that is left."""

    quantities: dict[int, Decimal] | None = None
    shipping: Decimal | None = None
    positive: Decimal | None = None
    negative: Decimal | None = None


def draft(order: Order, asked: Asked) -> Document:
    """The memo Magento computes, not yet numbered. Rows without a unit are not in it; a child follows its parent.

    Raises `RestError` 400 where more units or more shipping are asked than are left.
    """
    items: list[Row] = []
    takes_all = True
    for item in rules.own_rows(order):
        left = rules.to_refund(item)
        quantity = left if asked.quantities is None else asked.quantities.get(item["item_id"], Decimal(0))
        if quantity > left:
            raise RestError(400, 'We found an invalid quantity to refund item "%1".', [item.get("name") or ""])
        takes_all = takes_all and quantity == left
        if quantity > 0:
            items.append(_item(item, quantity))
            items += [_item(child, quantity) for child in order.children(item)]
    row: Row = {"order_id": order.id, "store_id": order.row["store_id"], "state": 2, "adjustment": Decimal(0)}
    row |= {key: order.row.get(key) for key in (*CURRENCIES, "base_to_order_rate", "base_to_global_rate")}
    row["billing_address_id"] = order.billing["entity_id"] if order.billing else None
    row["shipping_address_id"] = order.shipping["entity_id"] if order.shipping else None
    own = [item for item in items if not item.get("follows")]
    for prefix in money.PREFIXES:
        totals = money.memo_totals(
            order,
            own,
            prefix,
            shipping=asked.shipping,
            positive=asked.positive or Decimal(0),
            negative=asked.negative or Decimal(0),
            takes_all=takes_all,
        )
        row |= {
            f"{prefix}adjustment": totals["positive"] - totals["negative"],
            f"{prefix}adjustment_positive": None if asked.positive is None else totals["positive"],
            f"{prefix}adjustment_negative": None if asked.negative is None else totals["negative"],
            f"{prefix}subtotal": totals["subtotal"],
            f"{prefix}subtotal_incl_tax": sum((amount(i, f"{prefix}row_total_incl_tax") for i in own), Decimal(0)),
            f"{prefix}discount_amount": -totals["discount"],
            f"{prefix}discount_tax_compensation_amount": Decimal(0),
            f"{prefix}shipping_amount": totals["shipping"],
            f"{prefix}shipping_incl_tax": totals["shipping"] + totals["shipping_tax"],
            f"{prefix}shipping_tax_amount": totals["shipping_tax"],
            f"{prefix}tax_amount": totals["tax"],
            f"{prefix}grand_total": totals["grand_total"],
        }
    for item in items:
        item.pop("follows", None)
    return Document(row, items)


def _item(item: Row, quantity: Decimal) -> Row:
    made: Row = {"order_item_id": item["item_id"], "qty": quantity, "follows": rules.is_child(item)}
    made |= {key: item.get(key) for key in ("sku", "name", "product_id")}
    made |= {"base_cost": 0, "weee_tax_applied": "[]", "weee_tax_applied_row_amount": 0}
    for prefix in money.PREFIXES:
        made |= {prefix + key: value for key, value in money.memo_item(item, quantity, prefix).items()}
        made |= {prefix + key: item.get(prefix + key) for key in ("price", "price_incl_tax")}
        made |= {f"{prefix}discount_tax_compensation_amount": 0, f"{prefix}weee_tax_row_disposition": 0}
        if not made[f"{prefix}discount_amount"]:
            made[f"{prefix}discount_amount"] = None
    return made


def book(box: MagentoSandbox, order: Order, memo: Document, back: Container[int], *, online: bool = False) -> int:
    """Number the memo and book it: rows, order totals, payment, stock, state. `back`: order rows put back to stock.

    Raises `RestError` 400 for an order whose rows Magento cannot refund and `ApplicationError` with plugin 1.0.25;
    nothing is booked then.
    """
    if rules.is_crippled(order):
        raise RestError(400, "Could not save a Creditmemo, see error log for details")
    if box.plugin is not None and not box.plugin.refunds_work:
        raise ApplicationError
    memo_id = box.next_id("memo")
    now = box.stamp()
    row = memo.row
    row |= {"entity_id": memo_id, "increment_id": f"{memo_id:09d}", "created_at": now, "updated_at": now}
    for line in memo.items:
        line |= {"entity_id": box.next_id("memo_item"), "parent_id": memo_id}
        item = order.item(int(line["order_item_id"]))
        if item is None:
            continue
        quantity = amount(line, "qty")
        free = rules.unshipped(order, item)
        box.stock.refund(item, quantity, free, back=item["item_id"] in back)
        item["qty_refunded"] = amount(item, "qty_refunded") + quantity
        for prefix in money.PREFIXES:
            for column, part in (
                ("amount_refunded", "row_total"),
                ("tax_refunded", "tax_amount"),
                ("discount_refunded", "discount_amount"),
            ):
                item[prefix + column] = amount(item, prefix + column) + amount(line, prefix + part)
            item[f"{prefix}discount_tax_compensation_refunded"] = 0
        item["updated_at"] = now
    box.memos[memo_id] = memo
    _book_totals(box, order, row, online=online)
    box.effects["credit_memos"] += 1
    return memo_id


def _book_totals(box: MagentoSandbox, order: Order, memo: Row, *, online: bool) -> None:
    row, payment = order.row, order.payment
    for prefix in money.PREFIXES:
        for column, part in (
            ("subtotal_refunded", "subtotal"),
            ("tax_refunded", "tax_amount"),
            ("discount_refunded", "discount_amount"),
            ("shipping_refunded", "shipping_amount"),
            ("shipping_tax_refunded", "shipping_tax_amount"),
            ("discount_tax_compensation_refunded", "discount_tax_compensation_amount"),
            ("adjustment_positive", "adjustment_positive"),
            ("adjustment_negative", "adjustment_negative"),
            ("total_refunded", "grand_total"),
            ("total_online_refunded" if online else "total_offline_refunded", "grand_total"),
        ):
            row[prefix + column] = amount(row, prefix + column) + amount(memo, prefix + part)
        payment[f"{prefix}amount_refunded"] = amount(payment, f"{prefix}amount_refunded") + amount(
            memo, f"{prefix}grand_total"
        )
        payment[f"{prefix}shipping_refunded"] = row[f"{prefix}shipping_refunded"]
    row["customer_note_notify"] = 0
    orders.touch(box, order)
    rules.check_state(order)
    value = price_text(amount(memo, "base_grand_total"), str(row.get("base_currency_code") or "USD"))
    if amount(memo, "base_grand_total"):
        orders.history(box, order, f"We refunded {value} {'online' if online else 'offline'}.", "creditmemo")


def add_comment(box: MagentoSandbox, memo: Document, sent: Row) -> Row:
    line = {
        "comment": str(sent.get("comment") or ""),
        "created_at": box.stamp(),
        "entity_id": box.next_id("memo_comment"),
        "is_customer_notified": int(sent.get("is_customer_notified") or 0),
        "is_visible_on_front": int(sent.get("is_visible_on_front") or 0),
        "parent_id": memo.id,
    }
    memo.comments.append(line)
    return line
