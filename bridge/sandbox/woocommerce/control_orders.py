"""The control API, second part: what buyers, other programs and the merchant do with orders.

An order is named in the path by its id or its number.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from bridge.sandbox.woocommerce import ordering, refunding, report
from bridge.sandbox.woocommerce.model import STATUSES, TRASH, Json, Order, Product
from bridge.sandbox.woocommerce.refunding import Asked
from bridge.sandbox.woocommerce.state import WooCommerceSandbox
from bridge.sandbox.woocommerce.wire import rounded

Work = Callable[[WooCommerceSandbox, Any, web.Request], Awaitable[Any]]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Empty(_Strict):
    pass


class LineSpec(_Strict):
    sku: str
    quantity: int = Field(1, ge=1)
    total: Decimal | None = Field(None, ge=0, description="of the whole row; its price unless given")


class OrderSpec(_Strict):
    """An order of a buyer in the shop, or of another program."""

    lines: list[LineSpec] = Field(min_length=1)
    shipping: Decimal = Field(Decimal(0), ge=0)
    status: str = "processing"
    number: str | None = Field(None, description="of a plugin that numbers orders")
    payment_method: str = "stripe"
    customer_note: str = ""
    email: str = ""
    meta: dict[str, Any] = {}
    created_via: str = "checkout"


class StatusSpec(_Strict):
    status: Literal["pending", "processing", "on-hold", "completed", "cancelled", "refunded", "failed"]


class RefundLineSpec(_Strict):
    sku: str
    quantity: int = Field(1, ge=1)


class RefundSpec(_Strict):
    """As the merchant in the admin area. Without `amount` what the units were sold for."""

    lines: list[RefundLineSpec] = []
    amount: Decimal | None = Field(None, ge=0)
    reason: str = ""
    restock: bool = True
    through_gateway: bool = False


class NoteSpec(_Strict):
    customer_note: str | None = None
    meta: dict[str, Any] = {}


def by_sku(box: WooCommerceSandbox, sku: str) -> Product:
    """Raises ValueError where there is none."""
    found = box.by_sku(sku)
    if found is None:
        raise ValueError(f"no product {sku!r}")
    return found


async def _place(box: WooCommerceSandbox, body: OrderSpec, _request: web.Request) -> Any:
    if body.status not in STATUSES:
        raise ValueError(f"no status {body.status!r}")
    asked: Json = {
        "status": body.status,
        "payment_method": body.payment_method,
        "customer_note": body.customer_note,
        "billing": {"first_name": "Sample", "last_name": "Buyer", "email": body.email},
        "meta_data": [{"key": key, "value": value} for key, value in body.meta.items()],
        "line_items": [
            {"product_id": by_sku(box, one.sku).id, "quantity": one.quantity}
            | ({"total": str(one.total)} if one.total is not None else {})
            for one in body.lines
        ],
    }
    if body.shipping:
        asked["shipping_lines"] = [{"method_id": "flat_rate", "method_title": "Post", "total": str(body.shipping)}]
    return report.order(ordering.create(box, asked, via=body.created_via, number=body.number))


def _named(box: WooCommerceSandbox, request: web.Request) -> Order:
    named = request.match_info["order"]
    found = next((one for one in box.orders.values() if named in {str(one.id), one.number}), None)
    if found is None:
        raise ValueError(f"no order {named!r}")
    return found


async def _order(box: WooCommerceSandbox, _body: Empty, request: web.Request) -> Any:
    return report.order(_named(box, request))


async def _move(box: WooCommerceSandbox, body: StatusSpec, request: web.Request) -> Any:
    order = _named(box, request)
    ordering.move(box, order, body.status)
    box.changed(order)
    return report.order(order)


async def _refund(box: WooCommerceSandbox, body: RefundSpec, request: web.Request) -> Any:
    order = _named(box, request)
    asked: dict[int, Asked] = {}
    for one in body.lines:
        row = next((row for row in order.rows_of("line_item") if row.product and row.product.sku == one.sku), None)
        if row is None:
            raise ValueError(f"the order has no row of {one.sku!r}")
        decimals, share = box.settings.number_of_decimals, Decimal(one.quantity) / row.quantity
        asked[row.id] = Asked(one.quantity, rounded(row.total * share, decimals), rounded(row.tax * share, decimals))
    amount = body.amount
    if amount is None:
        amount = sum(((one.total or Decimal(0)) + one.tax for one in asked.values()), Decimal(0))
    refunding.make(box, order, amount, body.reason, asked, pays_back=body.through_gateway, restocks=body.restock)
    return report.order(order)


async def _edit(box: WooCommerceSandbox, body: NoteSpec, request: web.Request) -> Any:
    order = _named(box, request)
    if body.customer_note is not None:
        order.customer_note = body.customer_note
    for key, value in body.meta.items():
        order.metas.set(box.next_id(), key, value)
    box.changed(order)
    return report.order(order)


async def _trash(box: WooCommerceSandbox, _body: Empty, request: web.Request) -> Any:
    order = _named(box, request)
    if order.status == TRASH:
        raise ValueError("it is in the trash already")
    ordering.trash(box, order)
    return report.order(order)


async def _restore(box: WooCommerceSandbox, _body: Empty, request: web.Request) -> Any:
    order = _named(box, request)
    if order.status != TRASH:
        raise ValueError("it is not in the trash")
    ordering.restore(box, order)
    return report.order(order)


async def _delete_order(box: WooCommerceSandbox, _body: Empty, request: web.Request) -> Any:
    """For good: nothing tells of it."""
    del box.orders[_named(box, request).id]
    return {}


ORDER_ROUTES: tuple[tuple[str, str, type[BaseModel], Work], ...] = (
    ("POST", "orders", OrderSpec, _place),
    ("GET", "orders/{order}", Empty, _order),
    ("DELETE", "orders/{order}", Empty, _delete_order),
    ("POST", "orders/{order}/status", StatusSpec, _move),
    ("POST", "orders/{order}/refund", RefundSpec, _refund),
    ("POST", "orders/{order}/edit", NoteSpec, _edit),
    ("POST", "orders/{order}/trash", Empty, _trash),
    ("POST", "orders/{order}/restore", Empty, _restore),
)
