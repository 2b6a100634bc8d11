"""Invoices and shipments."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from bridge.sandbox.magento import events, money, rules
from bridge.sandbox.magento.orders import reserve, touch
from bridge.sandbox.magento.state import Document, MagentoSandbox, Order
from bridge.sandbox.magento.wire import RestError, Row, amount


def asked_quantities(body: Any, order: Order, left: dict[int, Decimal]) -> dict[int, Decimal]:
    """Units per row id: those named, or all that are left where none is named."""
    named = body.get("items") if isinstance(body, dict) else None
    if not named:
        return left
    asked = dict.fromkeys(left, Decimal(0))
    for line in named:
        item_id = int(line.get("order_item_id") or 0)
        if order.item(item_id) is not None:
            asked[item_id] = amount(line, "qty")
    return asked


def invoice(box: MagentoSandbox, order: Order, body: Any, header: str | None) -> tuple[int, dict[str, str]]:
    """`POST /V1/order/:id/invoice`. Offline methods are paid at once.

    Raises `RestError` 400 where nothing can be invoiced.
    """
    left = {item["item_id"]: rules.to_invoice(item) for item in rules.own_rows(order)}
    asked = asked_quantities(body, order, left)
    quantities = {item_id: min(quantity, left.get(item_id, Decimal(0))) for item_id, quantity in asked.items()}
    problems = []
    if not any(quantity > 0 for quantity in quantities.values()):
        problems.append("The invoice can't be created without products. Add products and try again.")
    if not rules.can_invoice(order):
        problems.append("The order does not allow an invoice to be created.")
    if problems:
        raise RestError(400, "\n".join(["Invoice Document Validation Error(s):", *problems]))
    row = order.row
    now = box.stamp()
    invoice_id = box.next_id("invoice")
    made: Row = {"entity_id": invoice_id, "increment_id": f"{invoice_id:09d}", "order_id": order.id, "state": 2}
    made |= {"store_id": row["store_id"], "created_at": now, "updated_at": now, "total_qty": sum(quantities.values())}
    for column in ("base_currency_code", "order_currency_code", "store_currency_code", "global_currency_code"):
        made[column] = row.get(column)
    last = all(quantities.get(item_id, Decimal(0)) == quantity for item_id, quantity in left.items())
    for prefix in money.PREFIXES:
        totals = money.invoice_totals(order, quantities, prefix, last=last)
        _book_totals(order, totals, prefix)
        made |= {
            f"{prefix}subtotal": totals["subtotal"],
            f"{prefix}tax_amount": totals["tax"],
            f"{prefix}discount_amount": -totals["discount"],
            f"{prefix}shipping_amount": totals["shipping"],
            f"{prefix}grand_total": totals["grand_total"],
        }
    items = [_book_item(box, item, quantities, invoice_id) for item in order.items]
    if row.get("state") in {"new", "pending_payment"}:
        row["state"] = row["status"] = "processing"
    box.invoices[invoice_id] = Document(made, [item for item in items if item["qty"] > 0])
    touch(box, order)
    answer = reserve(box, order, header, named=row["increment_id"])
    rules.check_state(order)
    box.effects["invoices"] += 1
    events.order_saved(box, order)
    return invoice_id, answer


def _book_totals(order: Order, totals: Row, prefix: str) -> None:
    row, payment = order.row, order.payment
    for column, value in (
        ("subtotal_invoiced", totals["subtotal"]),
        ("tax_invoiced", totals["tax"]),
        ("discount_invoiced", -totals["discount"]),
        ("shipping_invoiced", totals["shipping"]),
        ("total_invoiced", totals["grand_total"]),
        ("total_paid", totals["grand_total"]),
        ("discount_tax_compensation_invoiced", Decimal(0)),
    ):
        row[prefix + column] = amount(row, prefix + column) + value
    row["base_total_invoiced_cost"] = 0
    row[f"{prefix}total_due"] = amount(row, f"{prefix}grand_total") - amount(row, f"{prefix}total_paid")
    payment[f"{prefix}amount_paid"] = row[f"{prefix}total_paid"]
    payment[f"{prefix}shipping_captured"] = row[f"{prefix}shipping_invoiced"]


def _book_item(box: MagentoSandbox, item: Row, quantities: dict[int, Decimal], invoice_id: int) -> Row:
    quantity = quantities.get(int(item.get("parent_item_id") or item["item_id"]), Decimal(0))
    item["qty_invoiced"] = amount(item, "qty_invoiced") + quantity
    made: Row = {"entity_id": box.next_id("invoice_item"), "parent_id": invoice_id, "order_item_id": item["item_id"]}
    made |= {"sku": item.get("sku"), "name": item.get("name"), "product_id": item.get("product_id"), "qty": quantity}
    last = amount(item, "qty_invoiced") >= amount(item, "qty_ordered") - amount(item, "qty_canceled")
    for prefix in money.PREFIXES:
        for column, whole in (
            ("row_invoiced", "row_total"),
            ("tax_invoiced", "tax_amount"),
            ("discount_invoiced", "discount_amount"),
        ):
            total, done = amount(item, prefix + whole), amount(item, prefix + column)
            part = money.share(total, quantity, amount(item, "qty_ordered"))
            if last and not amount(item, "qty_canceled"):
                part = total - done
            item[prefix + column] = done + part
            made[prefix + whole] = part
        made[f"{prefix}price"] = item.get(f"{prefix}price")
        item[f"{prefix}discount_tax_compensation_invoiced"] = 0
    item["weee_tax_applied"] = "[]"
    return made


def ship(box: MagentoSandbox, order: Order, body: Any, header: str | None) -> tuple[int, dict[str, str]]:
    """`POST /V1/order/:id/ship`: takes the units from the source and ends their reservation.

    Raises `RestError` 400 where nothing can be shipped.
    """
    left = {item["item_id"]: rules.to_ship(item) for item in rules.own_rows(order)}
    asked = asked_quantities(body, order, left)
    problems = []
    if not rules.can_ship(order):
        problems.append("A shipment cannot be created when an order has a status of " + str(order.row.get("status")))
    if not any(quantity > 0 for quantity in asked.values()):
        problems.append("You can't create a shipment without products.")
    if any(quantity > left.get(item_id, Decimal(0)) for item_id, quantity in asked.items()):
        problems.append('The quantity to ship must not be greater than the unshipped quantity for product SKU "%1".')
    if problems:
        raise RestError(400, "\n".join(["Shipment Document Validation Error(s):", *problems]))
    if rules.is_crippled(order):
        raise RestError(400, "Could not save a shipment, see error log for details")
    now = box.stamp()
    shipment_id = box.next_id("shipment")
    made: Row = {"entity_id": shipment_id, "increment_id": f"{shipment_id:09d}", "order_id": order.id}
    made |= {"store_id": order.row["store_id"], "created_at": now, "updated_at": now, "total_qty": sum(asked.values())}
    items = []
    for item in rules.own_rows(order):
        quantity = asked.get(item["item_id"], Decimal(0))
        if quantity <= 0:
            continue
        item["qty_shipped"] = amount(item, "qty_shipped") + quantity
        for moved in [item, *order.children(item)]:
            box.stock.ship(moved, quantity)
        line: Row = {"entity_id": box.next_id("shipment_item"), "parent_id": shipment_id, "qty": quantity}
        items.append(line | {key: item.get(key) for key in ("sku", "name", "product_id", "price", "weight")})
        items[-1]["order_item_id"] = item["item_id"]
    tracks = [
        dict(track) | {"entity_id": box.next_id("track"), "order_id": order.id, "parent_id": shipment_id}
        for track in (body.get("tracks") if isinstance(body, dict) else None) or []
    ]
    box.shipments[shipment_id] = Document(made, items, tracks=tracks)
    touch(box, order)
    answer = reserve(box, order, header, named=order.row["increment_id"])
    rules.check_state(order)
    box.effects["shipments"] += 1
    events.shipped(box, order)
    return shipment_id, answer
