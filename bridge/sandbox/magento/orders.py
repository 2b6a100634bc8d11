"""Orders: the raw save of `POST /V1/orders`, and orders placed in the storefront."""

from __future__ import annotations

import secrets
from decimal import Decimal
from typing import Any

from bridge.sandbox.magento import events, rules
from bridge.sandbox.magento.state import MagentoSandbox, Order, Store
from bridge.sandbox.magento.stock import CONFIGURABLE, Product
from bridge.sandbox.magento.wire import RestError, Row, amount, not_found, number, php_json, required

NESTED = {"items", "billing_address", "payment", "status_histories", "extension_attributes"}


def behaviours(header: str | None) -> list[str]:
    """The values of `as-inventory-behaviour`: split at commas, not trimmed, case kept."""
    return (header or "").split(",")


def reserve(box: MagentoSandbox, order: Order, header: str | None, *, named: Any) -> dict[str, str]:
    """Reserve if the header asks for it, and say so in the plugin's response header; {} where it has none."""
    if box.plugin is None:
        return {}
    report: Row = {"order_id": named, "status": "not_executed", "method": "", "message": "OK"}
    if "decrement" in behaviours(header):
        result = box.stock.reserve(order.items)
        report |= {"status": result.status, "method": "sendSalesEvent", "message": result.message}
    if not box.plugin.reservation_header:
        return {}
    return {"X-AS-Inventory-Reservation-Result": php_json(report)}


def find(box: MagentoSandbox, order_id: object) -> Order:
    """Raises `RestError` 404."""
    order = box.orders.get(int(str(order_id))) if str(order_id).isdigit() else None
    if order is None:
        raise not_found()
    return order


def touch(box: MagentoSandbox, order: Order, *items: Row) -> None:
    now = box.stamp()
    order.row["updated_at"] = now
    for item in items:
        item["updated_at"] = now


def save(box: MagentoSandbox, body: Any, header: str | None, store: Store) -> tuple[Order, dict[str, str]]:
    """`POST /V1/orders`: whatever columns are sent are stored; nothing is computed and nothing is checked.

    Returns the order and the response headers. Raises `RestError`.
    """
    entity = body.get("entity") if isinstance(body, dict) else None
    if not isinstance(entity, dict):
        raise required("entity")
    if entity.get("entity_id") is not None:
        return _update(box, entity, header)
    if not isinstance(entity.get("payment"), dict):
        raise RestError(400, "Please provide payment for the order.")
    view = box.store(entity["store_id"]) if entity.get("store_id") is not None else store
    number_sent = entity.get("increment_id")
    wanted = (number_sent, view.id)
    if any((order.row["increment_id"], order.row["store_id"]) == wanted for order in box.orders.values()):
        raise RestError(400, "Unique constraint violation found")
    order = _store(box, entity, view)
    answer = reserve(box, order, header, named=order.row["increment_id"])
    box.effects["orders_created"] += 1
    events.order_saved(box, order)
    return order, answer


def _update(box: MagentoSandbox, entity: Row, header: str | None) -> tuple[Order, dict[str, str]]:
    order = find(box, entity["entity_id"])
    order.row |= {key: value for key, value in entity.items() if key not in NESTED and key != "entity_id"}
    touch(box, order)
    answer = reserve(box, order, header, named=entity.get("increment_id"))
    events.order_saved(box, order)
    return order, answer


def _store(box: MagentoSandbox, entity: Row, view: Store) -> Order:
    now = box.stamp()
    order_id = box.next_id("order")
    row = {key: value for key, value in entity.items() if key not in NESTED}
    items = [dict(item) for item in entity.get("items") or []]
    row |= {"entity_id": order_id, "store_id": view.id, "protect_code": secrets.token_hex(16)}
    row["store_name"] = f"{view.website.name}\nMain Website Store\n{view.name}"
    row["total_item_count"] = len(items)
    for column in ("base_currency_code", "order_currency_code", "global_currency_code", "store_currency_code"):
        if not row.get(column):
            row[column] = view.currency
    row.setdefault("created_at", now)
    row["updated_at"] = now
    if row.get("increment_id") is None:
        row["increment_id"] = f"{box.next_id('increment'):09d}"
    for item in items:
        # a nested parent_item is accepted and ignored: parent_item_id stays NULL (measured)
        item.pop("parent_item", None)
        item.pop("parent_item_id", None)
        item |= {"item_id": box.next_id("item"), "order_id": order_id, "created_at": now, "updated_at": now}
        item.setdefault("store_id", view.id)
    billing = _address(box, entity.get("billing_address"), order_id)
    if billing is not None:
        row["billing_address_id"] = billing["entity_id"]
    assignment = ((entity.get("extension_attributes") or {}).get("shipping_assignments") or [{}])[0]
    shipping = assignment.get("shipping") or {}
    payment: Row = {"account_status": None, "additional_information": [], "cc_last4": None}
    payment |= entity["payment"] | {"entity_id": box.next_id("payment"), "parent_id": order_id}
    order = Order(row, items, payment, billing, _address(box, shipping.get("address"), order_id))
    order.shipping_method = shipping.get("method")
    box.orders[order_id] = order
    return order


def _address(box: MagentoSandbox, sent: Any, order_id: int) -> Row | None:
    if not isinstance(sent, dict):
        return None
    return dict(sent) | {"entity_id": box.next_id("address"), "parent_id": order_id}


def place(
    box: MagentoSandbox,
    lines: list[tuple[Product, Decimal]],
    *,
    shipping: Decimal,
    store: Store,
    columns: Row | None = None,
) -> Order:
    """An order placed in the storefront, or by another program through Magento's own services: reserved by Magento
    itself; a variant comes as parent and child row. `columns`: what that program writes besides.

    Raises ValueError when there is not enough to sell, or an order of that number is there.
    """
    wanted_number = ((columns or {}).get("increment_id"), store.id)
    if any((order.row["increment_id"], order.row["store_id"]) == wanted_number for order in box.orders.values()):
        raise ValueError(f"there is an order {wanted_number[0]} already")
    rows: list[Row] = []
    subtotal = Decimal(0)
    for product, quantity in lines:
        total = product.price * quantity
        subtotal += total
        base: Row = {"sku": product.sku, "name": product.name, "qty_ordered": quantity, "is_virtual": 0}
        prices = {
            f"{prefix}{column}": value
            for prefix in ("", "base_")
            for column, value in (
                ("price", product.price),
                ("original_price", product.price),
                ("price_incl_tax", product.price),
                ("row_total", total),
                ("row_total_incl_tax", total),
            )
        }
        own = {"product_id": product.id, "product_type": product.type_id}
        if product.parent_ids:
            rows.append(base | prices | {"product_id": product.parent_ids[0], "product_type": CONFIGURABLE})
            rows.append(base | own | {"price": 0, "row_total": 0, "child": True})
        else:
            rows.append(base | prices | own)
    wanted = box.stock.reserve([row for row in rows if row.get("product_type") != CONFIGURABLE])
    if wanted.status != "success":
        raise ValueError(wanted.message)
    entity: Row = {"state": "new", "status": "pending", "items": rows, "payment": {"method": "checkmo"}}
    entity |= {"is_virtual": 0, "shipping_description": "Flat Rate - Fixed"}
    quantities = sum((quantity for _, quantity in lines), Decimal(0))
    entity |= {"total_qty_ordered": number(quantities), "base_to_global_rate": 1, "base_to_order_rate": 1}
    for prefix in ("", "base_"):
        entity |= {
            f"{prefix}subtotal": subtotal,
            f"{prefix}shipping_amount": shipping,
            f"{prefix}grand_total": subtotal + shipping,
            f"{prefix}total_due": subtotal + shipping,
            f"{prefix}tax_amount": 0,
            f"{prefix}discount_amount": 0,
        }
    order = _store(box, entity | (columns or {}), store)
    parent: Row | None = None
    for item in order.items:
        if item.pop("child", False) and parent is not None:
            item["parent_item_id"] = parent["item_id"]
        parent = item
    box.effects["orders_placed"] += 1
    events.order_saved(box, order)
    return order


def cancel(box: MagentoSandbox, order: Order, header: str | None) -> tuple[bool, dict[str, str]]:
    """`POST /V1/orders/:id/cancel`: False, not an error, where nothing can be cancelled.

    Gives every cancelled unit back to stock, reserved or not: there is no cancel without restock.
    """
    if not rules.can_cancel(order):
        return False, {}
    row = order.row
    state = "canceled"
    for item in rules.own_rows(order):
        quantity = min(rules.to_invoice(item), rules.to_ship(item))
        if row.get("state") == "processing" and rules.to_refund(item) > 0:
            state = "processing" if rules.to_ship(item) > quantity or state == "processing" else "complete"
    for item in rules.own_rows(order):
        quantity = min(rules.to_invoice(item), rules.to_ship(item))
        for cancelled in [item, *order.children(item)]:
            cancelled["qty_canceled"] = amount(cancelled, "qty_canceled") + quantity
            box.stock.give_back_cancelled(cancelled, quantity)
    for prefix in ("", "base_"):
        for column, whole, done in (
            ("subtotal_canceled", "subtotal", "subtotal_invoiced"),
            ("tax_canceled", "tax_amount", "tax_invoiced"),
            ("shipping_canceled", "shipping_amount", "shipping_invoiced"),
            ("total_canceled", "grand_total", "total_paid"),
        ):
            row[prefix + column] = amount(row, prefix + whole) - amount(row, prefix + done)
    row["state"] = row["status"] = state
    touch(box, order, *order.items)
    answer = reserve(box, order, header, named=row["increment_id"])
    rules.check_state(order)
    box.effects["cancels"] += 1
    events.order_saved(box, order)
    return True, answer


def comment(box: MagentoSandbox, order: Order, body: Any, header: str | None) -> dict[str, str]:
    """`POST /V1/orders/:id/comments`."""
    sent = body.get("statusHistory", body.get("status_history")) if isinstance(body, dict) else None
    if not isinstance(sent, dict):
        raise required("statusHistory")
    order.row["status"] = sent.get("status") or order.row.get("status")
    history(box, order, str(sent.get("comment") or ""), "order", visible=int(sent.get("is_visible_on_front") or 0))
    touch(box, order)
    answer = reserve(box, order, header, named=order.row["increment_id"])
    events.commented(box, order)
    return answer


def history(box: MagentoSandbox, order: Order, text: str, about: str, visible: int = 0) -> None:
    """A line of the status history; the newest comes first."""
    line = {
        "comment": text,
        "created_at": box.stamp(),
        "entity_id": box.next_id("history"),
        "entity_name": about,
        "is_customer_notified": 0,
        "is_visible_on_front": visible,
        "parent_id": order.id,
        "status": order.row.get("status"),
    }
    order.histories.insert(0, line)


def hold(box: MagentoSandbox, order: Order, header: str | None, *, release: bool) -> dict[str, str]:
    """`POST /V1/orders/:id/hold` and `/unhold`."""
    row = order.row
    if release:
        if row.get("state") != "holded":
            raise RestError(400, "You cannot remove the hold.")
        row["state"], row["status"] = row.pop("hold_before_state"), row.pop("hold_before_status")
    else:
        if row.get("state") in {"holded", "canceled", "complete", "closed", "payment_review"}:
            raise RestError(400, "A hold action is not available.")
        row["hold_before_state"], row["hold_before_status"] = row.get("state"), row.get("status")
        row["state"] = row["status"] = "holded"
    touch(box, order)
    answer = reserve(box, order, header, named=row["increment_id"])
    events.order_saved(box, order)
    return answer
