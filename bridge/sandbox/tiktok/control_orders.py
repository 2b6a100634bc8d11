"""The control API, second part: what buyers, couriers, the platform and a person in Seller Center do to an order."""

from __future__ import annotations

from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from bridge.sandbox.faults import CONTROL_PREFIX
from bridge.sandbox.tiktok import cancelling, placing, returns
from bridge.sandbox.tiktok.cancellations import render
from bridge.sandbox.tiktok.control import read, refuse, summary
from bridge.sandbox.tiktok.model import Cancellation, Order
from bridge.sandbox.tiktok.placing import OrderSpec
from bridge.sandbox.tiktok.reasons import default_reason
from bridge.sandbox.tiktok.regions import SEA
from bridge.sandbox.tiktok.returns import ReturnSpec
from bridge.sandbox.tiktok.sandbox import TikTokSandbox


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AdvanceSpec(_Strict):
    status: str | None = Field(None, description="any status; the next one when absent")


class ShipSpec(_Strict):
    tracking_number: str | None = None
    lines: list[str] | None = Field(None, description="order line item ids; all living ones when absent")
    collected: bool = Field(default=False, description="the courier has it already: IN_TRANSIT")


class CancelSpec(_Strict):
    role: Literal["BUYER", "SELLER", "SYSTEM", "OPERATOR"] = "BUYER"
    lines: list[str] | None = Field(None, description="order line item ids; all living ones when absent")
    reason: str | None = None
    pending: bool | None = Field(None, description="null: as the platform decides by role and status")
    should_replenish_stock: Literal["auto", "absent"] | bool = "auto"
    deadline: int | None = Field(None, description="Unix seconds; null takes the market's response time")
    record: bool = Field(default=True, description="false: the order dies without a cancellation record")
    force: bool = Field(default=False, description="past the state matrix")


class MoveSpec(_Strict):
    return_status: str


class EditSpec(_Strict):
    overrides: dict[str, Any]
    touch: bool = Field(default=True, description="whether update_time moves")


async def place(box: TikTokSandbox, request: web.Request) -> web.Response:
    spec = await read(request, OrderSpec)
    try:
        order = box.place_order(spec)
    except (KeyError, ValueError) as problem:
        return refuse(422, str(problem))
    return web.json_response(order.body, status=201)


async def get_order(box: TikTokSandbox, request: web.Request) -> web.Response:
    """The order as the API shows it, with its cancellations, returns and counted effects."""
    order = _order(box, request)
    return web.json_response(
        {
            "order": order.body,
            "cancellations": [render(one) for one in box.cancellations_of(order)],
            "returns": [one.body for one in box.returns.values() if one.order is order],
            "summary": summary(box, order),
        }
    )


async def edit(box: TikTokSandbox, request: web.Request) -> web.Response:
    order = _order(box, request)
    spec = await read(request, EditSpec)
    placing.merge(order.body, spec.overrides)
    if spec.touch:
        box.touch(order)
    return web.json_response(order.body)


async def advance(box: TikTokSandbox, request: web.Request) -> web.Response:
    order = _order(box, request)
    spec = await read(request, AdvanceSpec)
    try:
        cancelling.advance(box, order, spec.status)
    except ValueError as problem:
        return refuse(409, str(problem))
    return web.json_response(order.body)


async def ship(box: TikTokSandbox, request: web.Request) -> web.Response:
    """Label and package. A waiting request of the buyer forbids it (21011007), but in the US shipping rejects it."""
    order = _order(box, request)
    spec = await read(request, ShipSpec)
    if order.status == "ON_HOLD":
        return refuse(409, "21011044 the order is on hold")
    if order.status not in {"AWAITING_SHIPMENT", "PARTIALLY_SHIPPING", "AWAITING_COLLECTION"}:
        return refuse(409, f"an order that is {order.status} is not shipped")
    waiting = box.open_cancellation_of(order)
    if waiting is not None:
        if order.shop.facts.market != "US":
            return refuse(409, "21011007 Package item has after-sale request")
        cancelling.close(box, waiting)
    ready = [line for line in order.living() if "rts_time" not in line]
    chosen = [line for line in ready if spec.lines is None or line["id"] in spec.lines]
    placing.pack(order, chosen, box.now(), box.new_id, spec.tracking_number)
    if len(chosen) == len(ready):
        cancelling.advance(box, order, "IN_TRANSIT" if spec.collected else "AWAITING_COLLECTION")
    else:
        order.body["status"] = "PARTIALLY_SHIPPING"
        for line in chosen:
            line["display_status"] = "IN_TRANSIT" if spec.collected else "AWAITING_COLLECTION"
        box.touch(order)
        box.announce_order(order)
    return web.json_response(order.body)


async def cancel(box: TikTokSandbox, request: web.Request) -> web.Response:
    """A cancellation that comes from the other side: buyer, platform, or a person in Seller Center."""
    order = _order(box, request)
    spec = await read(request, CancelSpec)
    if not spec.force and (problem := _why_not(box, order, spec)):
        return refuse(409, problem)
    living = order.living()
    lines = living if spec.lines is None else [line for line in living if line["id"] in spec.lines]
    if not lines or (spec.lines is not None and len(lines) != len(spec.lines)):
        return refuse(422, "no living unit, or a line that is not one")
    reason = spec.reason or default_reason(order.shop.facts.market, spec.role, order.status)
    if not spec.record:
        cancelling.kill_lines(box, order, [line["id"] for line in lines], spec.role, reason)
        return web.json_response({"order": order.body, "cancellation": None}, status=201)
    # A buyer on hold or unpaid needs nobody; later the seller is asked (after-sales overview).
    asks = spec.role == "BUYER" and order.status not in {"UNPAID", "ON_HOLD"}
    pending = asks if spec.pending is None else spec.pending
    replenish = spec.should_replenish_stock
    cancellation = cancelling.open_cancellation(
        box,
        order,
        lines,
        role=spec.role,
        kind="BUYER_CANCEL" if asks else "CANCEL",
        reason=reason,
        replenish=None if replenish == "absent" else replenish,
        deadline=_deadline(box, order, spec) if pending and asks else None,
    )
    if pending:
        cancelling.request(box, cancellation)
    else:
        cancelling.accept(box, cancellation)
    return web.json_response({"order": order.body, "cancellation": render(cancellation)}, status=201)


def _deadline(box: TikTokSandbox, order: Order, spec: CancelSpec) -> int:
    if spec.deadline is not None:
        return spec.deadline
    hours = box.settings.response_hours
    return box.now() + int((order.shop.facts.response_hours if hours is None else hours) * 3600)


def _why_not(box: TikTokSandbox, order: Order, spec: CancelSpec) -> str | None:
    """The state matrix of the after-sales overview. System and operator may end an order after dispatch too."""
    status = order.status
    if status in {"CANCELLED", "COMPLETED"}:
        return f"the order is {status}"
    if box.open_cancellation_of(order) is not None and spec.role in {"BUYER", "SELLER"}:
        return "a request is waiting already"
    if spec.role == "BUYER":
        allowed = {"UNPAID", "ON_HOLD", "AWAITING_SHIPMENT"}
        if order.shop.region in SEA:
            allowed.add("AWAITING_COLLECTION")
        return None if status in allowed else f"a buyer can not cancel an order that is {status}"
    if spec.role == "SELLER":
        allowed = {"ON_HOLD", "AWAITING_SHIPMENT", "AWAITING_COLLECTION"}
        return None if status in allowed else f"a seller can not cancel an order that is {status}"
    return None


async def withdraw(box: TikTokSandbox, request: web.Request) -> web.Response:
    """The buyer takes the request back, or a pending seller cancel fails: the order lives on."""
    return _decide(box, request, "close")


async def accept(box: TikTokSandbox, request: web.Request) -> web.Response:
    """A waiting cancellation goes through: the seller in Seller Center, the platform's rule, or time."""
    return _decide(box, request, "accept")


async def complete(box: TikTokSandbox, request: web.Request) -> web.Response:
    """The refund is issued: SUCCESS becomes COMPLETE."""
    return _decide(box, request, "complete")


def _decide(box: TikTokSandbox, request: web.Request, what: Literal["close", "accept", "complete"]) -> web.Response:
    one = box.cancellations.get(request.match_info["id"])
    if one is None:
        return refuse(404, "no such cancellation")
    wanted = "CANCELLATION_REQUEST_SUCCESS" if what == "complete" else "CANCELLATION_REQUEST_PENDING"
    if one.status != wanted:
        return refuse(409, f"the cancellation is {one.status}")
    acts = {"close": cancelling.close, "accept": cancelling.accept, "complete": cancelling.complete}
    acts[what](box, one)
    return web.json_response(render(one))


async def time_out(box: TikTokSandbox, request: web.Request) -> web.Response:
    """Let the deadline pass for this request alone: it is approved without the seller."""
    one: Cancellation | None = box.cancellations.get(request.match_info["id"])
    if one is None:
        return refuse(404, "no such cancellation")
    if not one.is_open or one.deadline is None:
        return refuse(409, "nothing waits for an answer here")
    one.deadline = box.now() - 1
    cancelling.settle_time(box)
    return web.json_response(render(one))


async def post_return(box: TikTokSandbox, request: web.Request) -> web.Response:
    order = _order(box, request)
    spec = await read(request, ReturnSpec)
    try:
        found = returns.add_return(box, order, spec)
    except KeyError as problem:
        return refuse(422, f"no such line {problem}")
    return web.json_response(found.body, status=201)


async def patch_return(box: TikTokSandbox, request: web.Request) -> web.Response:
    found = box.returns.get(request.match_info["id"])
    if found is None:
        return refuse(404, "no such return")
    spec = await read(request, MoveSpec)
    returns.move(box, found, spec.return_status)
    return web.json_response(found.body)


def _order(box: TikTokSandbox, request: web.Request) -> Order:
    cancelling.settle_time(box)
    order = box.orders.get(request.match_info["id"])
    if order is None:
        raise web.HTTPNotFound(text='{"error": "no such order"}', content_type="application/json")
    return order


_P = CONTROL_PREFIX
ROUTES = (
    ("POST", f"{_P}/orders", place),
    ("GET", f"{_P}/orders/{{id}}", get_order),
    ("PATCH", f"{_P}/orders/{{id}}", edit),
    ("POST", f"{_P}/orders/{{id}}/advance", advance),
    ("POST", f"{_P}/orders/{{id}}/ship", ship),
    ("POST", f"{_P}/orders/{{id}}/cancel", cancel),
    ("POST", f"{_P}/orders/{{id}}/returns", post_return),
    ("POST", f"{_P}/cancellations/{{id}}/withdraw", withdraw),
    ("POST", f"{_P}/cancellations/{{id}}/accept", accept),
    ("POST", f"{_P}/cancellations/{{id}}/complete", complete),
    ("POST", f"{_P}/cancellations/{{id}}/time-out", time_out),
    ("PATCH", f"{_P}/returns/{{id}}", patch_return),
)
