"""REST: orders, invoices, shipments and credit memos."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bridge.sandbox.magento import columns, documents, memos, orders, refunds, search, views
from bridge.sandbox.magento.routes import Answer, Call, Route, route
from bridge.sandbox.magento.state import Document, MagentoSandbox, Order
from bridge.sandbox.magento.wire import Row, not_found, required


def trimmed(call: Call, value: Any) -> Any:
    """The answer cut down to `fields=`, where the query has it."""
    fields = search.nested(call.query).get("fields")
    return search.trim(value, search.parse_fields(fields)) if isinstance(fields, str) and fields else value


def _create(call: Call) -> Answer:
    order, headers = orders.save(call.box, call.body, call.behaviour, call.store)
    return Answer(views.order(order, loaded=False), headers)


def _get_order(call: Call) -> Answer:
    return Answer(trimmed(call, views.order(orders.find(call.box, call.parts[0]))))


def listing(call: Call, rows: list[Any], row_of: Callable[[Any], Row], view: Callable[[Any], Row], of: set[str]) -> Row:
    """A search over `rows`, shown through `view` and trimmed."""
    read = search.criteria(call.query)
    found, total = search.select(rows, read, row_of, of, call.box.internal_error)
    return dict(
        trimmed(call, {"items": [view(one) for one in found], "search_criteria": read.echo, "total_count": total})
    )


def _order_row(order: Order) -> Row:
    return order.row


def _document_row(document: Document) -> Row:
    return document.row


def _list_orders(call: Call) -> Answer:
    return Answer(listing(call, list(call.box.orders.values()), _order_row, views.order, columns.ORDERS))


def _cancel(call: Call) -> Answer:
    done, headers = orders.cancel(call.box, orders.find(call.box, call.parts[0]), call.behaviour)
    return Answer(done, headers)


def _comment(call: Call) -> Answer:
    order = orders.find(call.box, call.parts[0])
    return Answer(True, orders.comment(call.box, order, call.body, call.behaviour))


def _hold(*, release: bool) -> Callable[[Call], Answer]:
    def handler(call: Call) -> Answer:
        order = orders.find(call.box, call.parts[0])
        return Answer(True, orders.hold(call.box, order, call.behaviour, release=release))

    return handler


def _invoice(call: Call) -> Answer:
    order = orders.find(call.box, call.parts[0])
    made, headers = documents.invoice(call.box, order, call.body, call.behaviour)
    return Answer(str(made), headers)


def _ship(call: Call) -> Answer:
    order = orders.find(call.box, call.parts[0])
    made, headers = documents.ship(call.box, order, call.body, call.behaviour)
    return Answer(str(made), headers)


def _refund_order(call: Call) -> Answer:
    made, headers = refunds.by_order(call.box, call.parts[0], call.body, call.behaviour)
    return Answer(str(made), headers)


def _refund_invoice(call: Call) -> Answer:
    refunds.by_invoice(call.box, call.parts[0])
    raise AssertionError("always refused")


def _refund_memo(call: Call) -> Answer:
    made, headers = refunds.by_memo(call.box, call.body, call.behaviour)
    return Answer(views.memo(made, loaded=False), headers)


def _save_memo(call: Call) -> Answer:
    return Answer(views.memo(refunds.save_again(call.box, call.body)))


def _find(table: dict[int, Document], wanted: str) -> Document:
    found = table.get(int(wanted)) if wanted.isdigit() else None
    if found is None:
        raise not_found()
    return found


def _get_memo(call: Call) -> Answer:
    return Answer(trimmed(call, views.memo(_find(call.box.memos, call.parts[0]))))


def _comment_memo(call: Call) -> Answer:
    memo = _find(call.box.memos, call.parts[0])
    sent = call.body.get("entity") if isinstance(call.body, dict) else None
    if not isinstance(sent, dict):
        raise required("entity")
    return Answer(memos.add_comment(call.box, memo, sent))


def _documents(
    table: Callable[[MagentoSandbox], dict[int, Document]], view: Callable[[Document], Row], of: set[str]
) -> Callable[[Call], Answer]:
    def handler(call: Call) -> Answer:
        return Answer(listing(call, list(table(call.box).values()), _document_row, view, of))

    return handler


SALES: list[Route] = [
    route("POST", "orders", "Magento_Sales::api_actions", _create),
    route("PUT", "orders/create", "Magento_Sales::create", _create),
    route("GET", "orders", "Magento_Sales::actions_view", _list_orders),
    route("GET", "orders/:id", "Magento_Sales::actions_view", _get_order),
    route("POST", "orders/:id/cancel", "Magento_Sales::cancel", _cancel),
    route("POST", "orders/:id/comments", "Magento_Sales::comment", _comment),
    route("POST", "orders/:id/hold", "Magento_Sales::hold", _hold(release=False)),
    route("POST", "orders/:id/unhold", "Magento_Sales::unhold", _hold(release=True)),
    route("POST", "order/:id/invoice", "Magento_Sales::invoice", _invoice),
    route("POST", "order/:id/ship", "Magento_Sales::ship", _ship),
    route("POST", "order/:id/refund", "Magento_Sales::creditmemo", _refund_order),
    route("POST", "invoice/:id/refund", "Magento_Sales::sales_invoice", _refund_invoice),
    route("POST", "creditmemo/refund", "Magento_Sales::sales_creditmemo", _refund_memo),
    route("POST", "creditmemo", "Magento_Sales::sales_creditmemo", _save_memo),
    route("GET", "creditmemo/:id", "Magento_Sales::sales_creditmemo", _get_memo),
    route("POST", "creditmemo/:id/comments", "Magento_Sales::sales_creditmemo", _comment_memo),
    route(
        "GET",
        "creditmemos",
        "Magento_Sales::sales_creditmemo",
        _documents(lambda box: box.memos, views.memo, columns.MEMOS),
    ),
    route(
        "GET",
        "invoices",
        "Magento_Sales::sales_invoice",
        _documents(lambda box: box.invoices, views.document, columns.INVOICES),
    ),
    route(
        "GET",
        "shipments",
        "Magento_Sales::shipment",
        _documents(lambda box: box.shipments, views.document, columns.SHIPMENTS),
    ),
]
