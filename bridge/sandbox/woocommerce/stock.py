"""Stock as orders take it and give it back.

Source: WooCommerce's wc-stock-functions.php and `wc_restock_refunded_items`. Each row remembers what it took; an order
remembers whether any was taken. A cancellation puts back what its rows still remember.
"""

from __future__ import annotations

from collections.abc import Mapping

from bridge.sandbox.woocommerce.model import REDUCED, RESTOCKED, Order, Row
from bridge.sandbox.woocommerce.state import WooCommerceSandbox


def _kept(row: Row) -> int:
    return int(row.metas.get(REDUCED) or 0)


def maybe_take(box: WooCommerceSandbox, order: Order) -> None:
    """On processing, on-hold, completed, and when paid: once for an order."""
    if order.stock_reduced:
        return
    if box.settings.manage_stock:
        for row in order.rows_of("line_item"):
            keeper = row.product.keeper if row.product else None
            if _kept(row) or keeper is None:
                continue
            box.stock_changed(keeper, keeper.stock - row.quantity)
            row.metas.set(box.next_id(), REDUCED, str(row.quantity))
    order.stock_reduced = True


def maybe_put_back(box: WooCommerceSandbox, order: Order) -> None:
    """On cancelled and pending."""
    if not order.stock_reduced:
        return
    if box.settings.manage_stock:
        for row in order.rows_of("line_item"):
            keeper = row.product.keeper if row.product else None
            if not _kept(row) or keeper is None:
                continue
            box.stock_changed(keeper, keeper.stock + _kept(row))
            row.metas.delete(REDUCED)
    order.stock_reduced = False


def restock(box: WooCommerceSandbox, order: Order, quantities: Mapping[int, int]) -> None:
    """What a refund puts back, by row id. A row that took nothing gets nothing; how many it took is not asked."""
    for row in order.rows_of("line_item"):
        count = quantities.get(row.id, 0)
        keeper = row.product.keeper if row.product else None
        if not count or not _kept(row) or keeper is None:
            continue
        box.stock_changed(keeper, keeper.stock + count)
        row.metas.set(box.next_id(), REDUCED, str(_kept(row) - count))
        row.metas.set(box.next_id(), RESTOCKED, str(int(row.metas.get(RESTOCKED) or 0) + count))
