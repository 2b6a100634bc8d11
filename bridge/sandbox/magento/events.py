"""Which deliveries each action causes, in the measured order, per plugin release."""

from __future__ import annotations

from bridge.sandbox.magento.state import MagentoSandbox, Order
from bridge.sandbox.magento.stock import Product
from bridge.sandbox.magento.wire import Row

ORDERS = "orders/update"
MEMOS = "creditmemos/update"
PRODUCTS = "products/update"


def _order(box: MagentoSandbox, order: Order) -> None:
    if box.plugin is not None:
        box.deliveries.publish(ORDERS, {"id": str(order.id)})


def _memo(box: MagentoSandbox, memo_id: int) -> None:
    if box.plugin is not None and box.plugin.memo_events:
        box.deliveries.publish(MEMOS, {"id": str(memo_id)})


def _product(box: MagentoSandbox, product: Product, change: str) -> None:
    if box.plugin is None:
        return
    body: Row = {
        "id": str(product.id),
        "type_id": product.type_id,
        "sku": product.sku,
        "visibility": str(product.visibility),
        "parent_ids": [str(parent) for parent in product.parent_ids],
    }
    kind: Row = {"change_type": change} if box.plugin.change_type else {}
    box.deliveries.publish(PRODUCTS, body | kind)
    if kind and change == "stock":
        return
    for parent_id in product.parent_ids:
        parent = box.stock.products[parent_id]
        body = {
            "id": str(parent.id),
            "type_id": parent.type_id,
            "sku": parent.sku,
            "visibility": str(parent.visibility),
        }
        box.deliveries.publish(PRODUCTS, body | kind)


def _products(box: MagentoSandbox, order: Order) -> None:
    for item in order.items:
        product = box.stock.of_row(item)
        if product is not None:
            _product(box, product, "stock")


def order_saved(box: MagentoSandbox, order: Order) -> None:
    """Created, updated, invoiced, cancelled, held or released."""
    _order(box, order)
    _products(box, order)


def shipped(box: MagentoSandbox, order: Order) -> None:
    _order(box, order)
    _order(box, order)
    _products(box, order)


def commented(box: MagentoSandbox, order: Order) -> None:
    _order(box, order)
    _products(box, order)
    _order(box, order)


def refunded_by_order(box: MagentoSandbox, order: Order, memo_id: int) -> None:
    """`POST /V1/order/:id/refund`: the memo comes last."""
    _order(box, order)
    _products(box, order)
    _order(box, order)
    if box.plugin is not None and box.plugin.product_events_per_refund > 1:
        _products(box, order)
    _memo(box, memo_id)


def refunded_by_memo(box: MagentoSandbox, order: Order, memo_id: int, *, order_changed: bool) -> None:
    """`POST /V1/creditmemo/refund` and the admin area: the memo comes first; a memo of 0.00 leaves the order row."""
    _memo(box, memo_id)
    _order(box, order)
    if not order_changed:
        return
    _products(box, order)
    _order(box, order)
    if box.plugin is not None and box.plugin.product_events_per_refund > 1:
        _products(box, order)


def memo_saved(box: MagentoSandbox, memo_id: int) -> None:
    _memo(box, memo_id)


def product_saved(box: MagentoSandbox, product: Product) -> None:
    _product(box, product, "stock")
    _product(box, product, "stock")
    _product(box, product, "basic")
