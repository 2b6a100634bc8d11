"""The control API: stock, orders of other programs, what the warehouse does, tokens, the rate, settings, the clock.

Nothing here exists at Amazon. Bodies and answers are JSON; a bad body is answered with 422, what cannot be done with
409.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bridge.sandbox.amazon import life, placing, report
from bridge.sandbox.amazon.model import Item, Json, Order, Refused, Status
from bridge.sandbox.amazon.settings import Settings
from bridge.sandbox.amazon.state import AmazonSandbox
from bridge.sandbox.faults import CONTROL_PREFIX

Work = Callable[[AmazonSandbox, Any, web.Request], Awaitable[Any]]
ADDRESS: Json = {
    "name": "Sample Buyer",
    "addressLine1": "1 Sample Street",
    "city": "Phoenix",
    "stateOrRegion": "AZ",
    "postalCode": "85001",
    "countryCode": "US",
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Empty(_Strict):
    pass


class ClockSpec(_Strict):
    advance: float = Field(description="seconds to add to Amazon's clock")


class StockSpec(_Strict):
    sku: str = Field(min_length=1, max_length=placing.SKU_LENGTH)
    quantity: int = Field(ge=0, description="sellable units that no order holds")


class ItemSpec(_Strict):
    sku: str
    quantity: int = Field(1, ge=1)
    id: str | None = Field(None, description="the seller's id of the item; its place in the order unless given")


class OrderSpec(_Strict):
    """An order that another program made, or a person in Seller Central."""

    items: list[ItemSpec] = Field(min_length=1)
    id: str | None = Field(None, max_length=placing.ID_LENGTH)
    displayed_id: str | None = Field(None, max_length=placing.ID_LENGTH)
    comment: str = "Thank you for your order!"
    status: Status | None = Field(None, description="`first_status` unless given")
    channel: str = ""


class StatusSpec(_Strict):
    status: Status


class QuantitiesSpec(_Strict):
    quantities: dict[str, int] = Field(default={}, description="by item id; all that is left unless given")


class AuthorizationSpec(_Strict):
    authorized: bool | None = Field(None, description="false: the seller withdraws the app's authorization")
    role_granted: bool | None = Field(None, description="false: the app lacks the role Amazon Fulfillment")
    new_refresh_token: bool = Field(default=False, description="the old one is good no more")
    new_secret: bool = Field(default=False, description="the old client secret is good no more")
    renews_refresh_token: bool | None = Field(None, description="whether each refresh gives another refresh token")


class RateSpec(_Strict):
    held: float = Field(ge=0, description="calls left in every bucket")


async def _state(box: AmazonSandbox, _body: Empty, _request: web.Request) -> Any:
    life.run_due(box)
    return report.everything(box)


async def _settings(box: AmazonSandbox, _body: Empty, _request: web.Request) -> Any:
    return box.settings.model_dump(mode="json")


async def _patch_settings(box: AmazonSandbox, body: Settings, _request: web.Request) -> Any:
    for name in body.model_fields_set:
        setattr(box.settings, name, getattr(body, name))
    return box.settings.model_dump(mode="json")


async def _clock(box: AmazonSandbox, body: ClockSpec, _request: web.Request) -> Any:
    box.clock_offset += timedelta(seconds=body.advance)
    life.run_due(box)
    return {"now": box.now().isoformat()}


async def _stock(box: AmazonSandbox, body: StockSpec, _request: web.Request) -> Any:
    box.stock[body.sku] = body.quantity
    return {"sku": body.sku, "quantity": body.quantity}


async def _get_stock(box: AmazonSandbox, _body: Empty, request: web.Request) -> Any:
    sku = request.match_info["sku"]
    if sku not in box.stock:
        raise ValueError(f"no SKU {sku!r}")
    return {"sku": sku, "quantity": box.stock[sku]}


async def _place(box: AmazonSandbox, body: OrderSpec, _request: web.Request) -> Any:
    now = box.now()
    order_id = body.id or f"APP-{box.next_id():06d}"
    order = Order(
        id=order_id,
        displayed_id=body.displayed_id or order_id,
        ordered_at=now,
        comment=body.comment,
        speed="Standard",
        action="Ship",
        policy="FillAllAvailable",
        marketplace_id=box.marketplace_id,
        address=dict(ADDRESS),
        items=[Item(one.id or str(place), one.sku, one.quantity) for place, one in enumerate(body.items, start=1)],
        received_at=now,
        updated_at=now,
        status=Status.NEW,
        channel=body.channel,
    )
    try:
        placing.place(box, order)
    except Refused as problem:
        raise ValueError(problem.message) from None
    if body.status is not None:
        life.move(box, order, body.status)
    return report.order(order)


def _named(box: AmazonSandbox, request: web.Request) -> Order:
    life.run_due(box)
    found = box.orders.get(request.match_info["order"])
    if found is None:
        raise ValueError(f"no order {request.match_info['order']!r}")
    return found


async def _order(box: AmazonSandbox, _body: Empty, request: web.Request) -> Any:
    return report.order(_named(box, request))


async def _move(box: AmazonSandbox, body: StatusSpec, request: web.Request) -> Any:
    order = _named(box, request)
    life.move(box, order, body.status)
    return report.order(order)


async def _ship(box: AmazonSandbox, body: QuantitiesSpec, request: web.Request) -> Any:
    order = _named(box, request)
    life.ship(box, order, body.quantities)
    return report.order(order)


async def _lose(box: AmazonSandbox, body: QuantitiesSpec, request: web.Request) -> Any:
    order = _named(box, request)
    life.lose(box, order, body.quantities or {item.id: item.rest for item in order.items if item.rest})
    return report.order(order)


async def _refulfil(box: AmazonSandbox, _body: Empty, request: web.Request) -> Any:
    order = _named(box, request)
    life.refulfil(box, order)
    return report.order(order)


async def _cancel(box: AmazonSandbox, _body: Empty, request: web.Request) -> Any:
    """The seller cancels in Seller Central: at once, or not at all."""
    order = _named(box, request)
    if order.status not in {Status.RECEIVED, Status.PLANNING}:
        raise ValueError(f"{order.id} is {order.status}; it can be cancelled in Received and Planning")
    life.stop(box, order, Status.CANCELLED)
    return report.order(order)


async def _run_cancels(box: AmazonSandbox, _body: Empty, _request: web.Request) -> Any:
    return {"ended": life.run_due(box, by_hand=True)}


async def _token(box: AmazonSandbox, _body: Empty, _request: web.Request) -> Any:
    return {"access_token": box.tokens.give().value}


async def _expire(box: AmazonSandbox, _body: Empty, _request: web.Request) -> Any:
    return {"ended": box.tokens.end_all()}


async def _authorization(box: AmazonSandbox, body: AuthorizationSpec, _request: web.Request) -> Any:
    tokens = box.tokens
    for name in ("authorized", "role_granted", "renews_refresh_token"):
        value = getattr(body, name)
        if value is not None:
            setattr(tokens, name, value)
    if body.new_refresh_token:
        tokens.refresh_token = f"Atzr|{secrets.token_urlsafe(48)}"
    if body.new_secret:
        tokens.client_secret = f"amzn1.oa2-cs.v1.{secrets.token_hex(32)}"
    return {"refresh_token": tokens.refresh_token, "client_secret": tokens.client_secret}


async def _rate(box: AmazonSandbox, _body: Empty, _request: web.Request) -> Any:
    return box.rates.told()


async def _set_rate(box: AmazonSandbox, body: RateSpec, _request: web.Request) -> Any:
    box.rates.set(body.held)
    return box.rates.told()


async def _forget_rate(box: AmazonSandbox, _body: Empty, _request: web.Request) -> Any:
    box.rates.forget()
    return box.rates.told()


async def _forget_pages(box: AmazonSandbox, _body: Empty, _request: web.Request) -> Any:
    return {"forgotten": box.forget_pages()}


ROUTES: tuple[tuple[str, str, type[BaseModel], Work], ...] = (
    ("GET", "state", Empty, _state),
    ("GET", "settings", Empty, _settings),
    ("PATCH", "settings", Settings, _patch_settings),
    ("POST", "clock", ClockSpec, _clock),
    ("POST", "stock", StockSpec, _stock),
    ("GET", "stock/{sku}", Empty, _get_stock),
    ("POST", "orders", OrderSpec, _place),
    ("GET", "orders/{order}", Empty, _order),
    ("POST", "orders/{order}/status", StatusSpec, _move),
    ("POST", "orders/{order}/ship", QuantitiesSpec, _ship),
    ("POST", "orders/{order}/lose", QuantitiesSpec, _lose),
    ("POST", "orders/{order}/refulfil", Empty, _refulfil),
    ("POST", "orders/{order}/cancel", Empty, _cancel),
    ("POST", "cancel/run", Empty, _run_cancels),
    ("POST", "tokens", Empty, _token),
    ("POST", "tokens/expire", Empty, _expire),
    ("POST", "authorization", AuthorizationSpec, _authorization),
    ("GET", "rate", Empty, _rate),
    ("POST", "rate", RateSpec, _set_rate),
    ("DELETE", "rate", Empty, _forget_rate),
    ("DELETE", "pages", Empty, _forget_pages),
)


def _bound(box: AmazonSandbox, model: type[BaseModel], work: Work) -> Any:
    async def handler(request: web.Request) -> web.Response:
        try:
            body = model.model_validate_json(await request.read() or b"{}")
            return web.json_response(await work(box, body, request))
        except ValidationError as problem:
            return web.Response(status=422, text=problem.json(), content_type="application/json")
        except ValueError as problem:
            return web.json_response({"error": str(problem)}, status=409)

    return handler


def control_routes(box: AmazonSandbox) -> list[web.RouteDef]:
    return [
        web.route(method, f"{CONTROL_PREFIX}/{path}", _bound(box, model, work)) for method, path, model, work in ROUTES
    ]
