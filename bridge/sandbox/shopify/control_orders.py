"""The control API, second part: what other connectors, the merchant and the warehouse do with orders.

An order is named in the path by its number id or its name without `#`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from bridge.sandbox.shopify import cancelling, changes, fulfilling, placing, refunding, report
from bridge.sandbox.shopify.model import FulfillmentOrder, Order
from bridge.sandbox.shopify.state import ShopifySandbox

Work = Callable[[ShopifySandbox, Any, web.Request], Awaitable[Any]]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class LineSpec(_Strict):
    sku: str
    quantity: int = Field(1, ge=1)
    price: Decimal | None = Field(None, ge=0, description="the variant's unless given")


class OrderSpec(_Strict):
    """An order of another connector, or of a buyer in the shop. An unknown SKU makes a line without a variant."""

    lines: list[LineSpec] = Field(min_length=1)
    shipping: Decimal = Field(Decimal(0), ge=0)
    name: str | None = None
    note: str | None = None
    tags: list[str] = []
    attributes: dict[str, str] = {}
    source_name: str = "tiktok"
    source_identifier: str | None = None
    gateway: str = "manual"
    paid: bool = True
    transaction_status: str = "SUCCESS"
    claim: bool = Field(default=True, description="take stock, as an order in the shop does")
    app_id: int = 4383523
    app_name: str = "TikTok"


class CancelSpec(_Strict):
    reason: str = "CUSTOMER"
    restock: bool = True
    refund: bool = True
    staff_note: str | None = None


class RefundLineSpec(_Strict):
    line: int | None = Field(None, description="line item id")
    sku: str | None = None
    quantity: int = Field(1, ge=1)
    restock: Literal["CANCEL", "RETURN", "NO_RESTOCK", "auto"] = Field(
        "auto", description="auto: CANCEL while enough units are unsent, else RETURN"
    )


class RefundSpec(_Strict):
    lines: list[RefundLineSpec] = []
    amount: Decimal | None = Field(None, ge=0, description="null: what Shopify suggests; 0 moves nothing")
    shipping: Decimal = Field(Decimal(0), ge=0)
    note: str | None = None


class UnitsSpec(_Strict):
    lines: list[RefundLineSpec] = []


class MoveSpec(_Strict):
    """Units that are to be sent from another location; all unless named."""

    location: int
    lines: list[RefundLineSpec] = []


class ReturnSpec(_Strict):
    status: Literal["NO_RETURN", "RETURN_REQUESTED", "IN_PROGRESS", "INSPECTION_COMPLETE", "RETURNED", "RETURN_FAILED"]


class WorkSpec(_Strict):
    """A fulfilment order at a fulfilment service."""

    status: Literal["OPEN", "IN_PROGRESS", "ON_HOLD", "SCHEDULED", "CLOSED", "CANCELLED", "INCOMPLETE"] = "IN_PROGRESS"
    request_status: Literal[
        "UNSUBMITTED",
        "SUBMITTED",
        "ACCEPTED",
        "REJECTED",
        "CANCELLATION_REQUESTED",
        "CANCELLATION_ACCEPTED",
        "CANCELLATION_REJECTED",
        "CLOSED",
    ] = "ACCEPTED"


class HoldSpec(_Strict):
    reason: str = "OTHER"
    handle: str | None = None


class AnswerSpec(_Strict):
    accept: bool = True


class EditSpec(_Strict):
    note: str | None = None
    tags: list[str] | None = None


def _order(box: ShopifySandbox, request: web.Request) -> Order:
    wanted = request.match_info["order"]
    for order in box.orders.values():
        if wanted in {str(order.id), order.name, order.name.removeprefix("#")}:
            return order
    raise ValueError(f"no order {wanted!r}")


def _work(order: Order) -> FulfillmentOrder:
    found = next((one for one in reversed(order.fulfillment_orders) if one.status not in {"CLOSED", "CANCELLED"}), None)
    if found is None:
        raise ValueError("no fulfilment order is open")
    return found


async def _place(box: ShopifySandbox, body: OrderSpec, _request: web.Request) -> Any:
    lines: list[dict[str, Any]] = []
    total = body.shipping
    for one in body.lines:
        variant = box.by_sku(one.sku)
        price = one.price if one.price is not None else variant.price if variant else Decimal(0)
        total += price * one.quantity
        money = {"shopMoney": {"amount": str(price), "currencyCode": box.currency}}
        line: dict[str, Any] = {"title": one.sku, "sku": one.sku, "quantity": one.quantity, "priceSet": money}
        if variant is not None:
            line["variantId"] = f"gid://shopify/ProductVariant/{variant.id}"
        lines.append(line)
    given: dict[str, Any] = {
        "lineItems": lines,
        "name": body.name,
        "note": body.note,
        "tags": body.tags,
        "customAttributes": [{"key": key, "value": value} for key, value in body.attributes.items()],
        "sourceName": body.source_name,
        "sourceIdentifier": body.source_identifier,
    }
    if body.shipping:
        amount = {"shopMoney": {"amount": str(body.shipping), "currencyCode": box.currency}}
        given["shippingLines"] = [{"title": "Shipping", "priceSet": amount}]
    if body.paid:
        amount = {"shopMoney": {"amount": str(total), "currencyCode": box.currency}}
        paid = {"kind": "SALE", "status": body.transaction_status, "gateway": body.gateway, "amountSet": amount}
        given["transactions"] = [paid]
    try:
        order = placing.read(box, given)
    except placing.Wrong as problem:
        raise ValueError(str(problem)) from None
    order.app_id, order.app_name = body.app_id, body.app_name
    placing.place(box, order, claim=body.claim)
    return report.order(order)


async def _show(box: ShopifySandbox, _body: BaseModel, request: web.Request) -> Any:
    return report.order(_order(box, request))


async def _cancel(box: ShopifySandbox, body: CancelSpec, request: web.Request) -> Any:
    order = _order(box, request)
    fault = cancelling.fault_of(box, order, restock=body.restock)
    if fault is not None:
        raise ValueError(fault)
    cancelling.cancel(box, order, body.reason, restock=body.restock, refund=body.refund, staff_note=body.staff_note)
    return report.order(order)


def _units(order: Order, given: list[RefundLineSpec]) -> list[tuple[RefundLineSpec, int]]:
    found = []
    for one in given:
        line = order.line(one.line) if one.line is not None else None
        if line is None:
            line = next((held for held in order.lines if one.sku is not None and held.sku == one.sku), None)
        if line is None:
            raise ValueError(f"no line {one.line or one.sku!r}")
        found.append((one, line.id))
    return found


async def _refund(box: ShopifySandbox, body: RefundSpec, request: web.Request) -> Any:
    order = _order(box, request)
    lines = []
    for one, line_id in _units(order, body.lines):
        line = order.line(line_id)
        assert line is not None
        kind = one.restock
        if kind == "auto":
            kind = "CANCEL" if line.unfulfilled >= one.quantity else "RETURN"
        place = None if kind == "NO_RESTOCK" else f"gid://shopify/Location/{order.location_id}"
        lines.append(
            {
                "lineItemId": f"gid://shopify/LineItem/{line_id}",
                "quantity": one.quantity,
                "restockType": kind,
                "locationId": place,
            }
        )
    asked = {"refundLineItems": lines, "shippingAmount": str(body.shipping)}
    amount = refunding.suggest(box, order, asked).amount if body.amount is None else body.amount
    given = {
        "orderId": f"gid://shopify/Order/{order.id}",
        "note": body.note,
        "refundLineItems": lines,
        "shipping": {"amount": str(body.shipping)},
        "transactions": [
            {
                "orderId": f"gid://shopify/Order/{order.id}",
                "parentId": f"gid://shopify/OrderTransaction/{parent.id}",
                "gateway": parent.gateway,
                "kind": "REFUND",
                "amount": str(part),
            }
            for parent, part in refunding.spread(order, amount)
        ],
    }
    _, _, errors = refunding.create(box, {"input": given}, f"admin {box.next_id()}")
    if errors:
        raise ValueError("; ".join(str(one["message"]) for one in errors))
    return report.order(order)


async def _fulfil(box: ShopifySandbox, body: UnitsSpec, request: web.Request) -> Any:
    order = _order(box, request)
    units = {line_id: one.quantity for one, line_id in _units(order, body.lines)} or None
    fulfilling.fulfil(box, order, units)
    return report.order(order)


async def _move(box: ShopifySandbox, body: MoveSpec, request: web.Request) -> Any:
    order = _order(box, request)
    units = {line_id: one.quantity for one, line_id in _units(order, body.lines)}
    fulfilling.move(box, order, units or {line.id: line.unfulfilled for line in order.lines}, body.location)
    return report.order(order)


async def _return(box: ShopifySandbox, body: ReturnSpec, request: web.Request) -> Any:
    order = _order(box, request)
    order.return_status = body.status
    changes.tell(box, order)
    return report.order(order)


async def _set_work(box: ShopifySandbox, body: WorkSpec, request: web.Request) -> Any:
    order = _order(box, request)
    one = _work(order)
    one.status, one.request_status, one.updated_at = body.status, body.request_status, box.now()
    changes.tell(box, order)
    return report.order(order)


async def _hold(box: ShopifySandbox, body: HoldSpec, request: web.Request) -> Any:
    order = _order(box, request)
    fulfilling.put_on_hold(box, order, _work(order), body.reason, body.handle, None, by_app=False)
    return report.order(order)


async def _answer(box: ShopifySandbox, body: AnswerSpec, request: web.Request) -> Any:
    order = _order(box, request)
    fulfilling.answer_cancellation(box, order, _work(order), accept=body.accept)
    return report.order(order)


async def _edit(box: ShopifySandbox, body: EditSpec, request: web.Request) -> Any:
    order = _order(box, request)
    order.note = body.note if body.note is not None else order.note
    order.tags = body.tags if body.tags is not None else order.tags
    changes.tell(box, order)
    return report.order(order)


ORDER_ROUTES: tuple[tuple[str, str, type[BaseModel], Work], ...] = (
    ("POST", "orders", OrderSpec, _place),
    ("GET", "orders/{order}", _Strict, _show),
    ("POST", "orders/{order}/cancel", CancelSpec, _cancel),
    ("POST", "orders/{order}/refund", RefundSpec, _refund),
    ("POST", "orders/{order}/fulfil", UnitsSpec, _fulfil),
    ("POST", "orders/{order}/move", MoveSpec, _move),
    ("POST", "orders/{order}/return", ReturnSpec, _return),
    ("POST", "orders/{order}/fulfillment-order", WorkSpec, _set_work),
    ("POST", "orders/{order}/hold", HoldSpec, _hold),
    ("POST", "orders/{order}/cancellation-request", AnswerSpec, _answer),
    ("POST", "orders/{order}/edit", EditSpec, _edit),
)
