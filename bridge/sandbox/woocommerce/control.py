"""The control API, first part: settings, clock, products and their stock, the key, webhooks, the summary.

Nothing here exists at WooCommerce. Bodies and answers are JSON; a bad body is answered with 422, what cannot be done
with 409.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bridge.sandbox.faults import CONTROL_PREFIX
from bridge.sandbox.woocommerce import report
from bridge.sandbox.woocommerce.control_orders import ORDER_ROUTES, by_sku
from bridge.sandbox.woocommerce.model import Product, WpError
from bridge.sandbox.woocommerce.settings import Settings
from bridge.sandbox.woocommerce.state import WooCommerceSandbox

Work = Callable[[WooCommerceSandbox, Any, web.Request], Awaitable[Any]]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Empty(_Strict):
    pass


class ClockSpec(_Strict):
    advance: float = Field(description="seconds to add to the store's clock")


class ProductSpec(_Strict):
    sku: str
    price: Decimal = Field(Decimal("10.00"), ge=0)
    stock: int = 0
    name: str = ""
    manages_stock: bool = True
    parent: str | None = Field(None, description="SKU of the product this is a variation of; made where it is not")


class StockSpec(_Strict):
    stock: int


class KeySpec(_Strict):
    permissions: Literal["read", "write", "read_write"] | None = None
    new: bool = Field(default=False, description="the old key and secret are good no more")


class DeliverySpec(_Strict):
    """A delivery made by hand, as by this webhook; `signature` spoils the header."""

    webhook: int
    topic: str = "order.updated"
    body: str
    signature: Literal["right", "wrong", "none"] = "right"


async def _state(box: WooCommerceSandbox, _body: Empty, _request: web.Request) -> Any:
    return report.everything(box)


async def _settings(box: WooCommerceSandbox, _body: Empty, _request: web.Request) -> Any:
    return box.settings.model_dump(mode="json")


async def _patch_settings(box: WooCommerceSandbox, body: Settings, _request: web.Request) -> Any:
    for name in body.model_fields_set:
        setattr(box.settings, name, getattr(body, name))
    box.deliveries.poke()
    return box.settings.model_dump(mode="json")


async def _clock(box: WooCommerceSandbox, body: ClockSpec, _request: web.Request) -> Any:
    box.clock_offset += timedelta(seconds=body.advance)
    return {"now": box.now().isoformat()}


async def _product(box: WooCommerceSandbox, body: ProductSpec, _request: web.Request) -> Any:
    """A product or variation, or new values for the one with this SKU."""
    parent = None
    if body.parent is not None:
        parent = box.by_sku(body.parent)
        if parent is None:
            parent = Product(box.next_id(), body.parent, body.parent, Decimal(0), kind="variable", manages_stock=False)
            box.products[parent.id] = parent
    one = box.by_sku(body.sku)
    if one is None:
        one = Product(box.next_id(), body.sku, body.name or body.sku, body.price)
        box.products[one.id] = one
    one.parent, one.kind = parent, "variation" if parent else "simple"
    one.price, one.manages_stock = body.price, body.manages_stock
    box.stock_changed(one, body.stock)
    return report.product(one)


async def _get_stock(box: WooCommerceSandbox, _body: Empty, request: web.Request) -> Any:
    return report.product(by_sku(box, request.match_info["sku"]))


async def _set_stock(box: WooCommerceSandbox, body: StockSpec, request: web.Request) -> Any:
    one = by_sku(box, request.match_info["sku"])
    if one.keeper is None:
        raise ValueError(f"nobody keeps the stock of {one.sku!r}")
    box.stock_changed(one.keeper, body.stock)
    return report.product(one)


async def _delete_product(box: WooCommerceSandbox, _body: Empty, request: web.Request) -> Any:
    """Orders keep their rows, which then name no product."""
    del box.products[by_sku(box, request.match_info["sku"]).id]
    return {}


async def _key(box: WooCommerceSandbox, body: KeySpec, _request: web.Request) -> Any:
    if body.permissions is not None:
        box.keys.permissions = body.permissions
    if body.new:
        box.keys.key, box.keys.secret = f"ck_{secrets.token_hex(20)}", f"cs_{secrets.token_hex(20)}"
    return {"consumer_key": box.keys.key, "consumer_secret": box.keys.secret, "permissions": box.keys.permissions}


async def _deliveries(box: WooCommerceSandbox, _body: Empty, _request: web.Request) -> Any:
    return {"deliveries": [one.model_dump() for one in box.deliveries.messages]}


async def _deliver(box: WooCommerceSandbox, body: DeliverySpec, _request: web.Request) -> Any:
    webhook = box.webhooks.get(body.webhook)
    if webhook is None:
        raise ValueError(f"no webhook {body.webhook}")
    spoilt = {"right": None, "wrong": "d3Jvbmc=", "none": ""}[body.signature]
    return {"number": box.deliveries.by_hand(body.topic, body.body, webhook.url, webhook.id, spoilt).number}


async def _resend(box: WooCommerceSandbox, _body: Empty, request: web.Request) -> Any:
    if not box.deliveries.resend(int(request.match_info["number"])):
        raise ValueError("no such delivery")
    return {}


async def _release(box: WooCommerceSandbox, _body: Empty, _request: web.Request) -> Any:
    box.deliveries.release()
    return {}


async def _drained(box: WooCommerceSandbox, _body: Empty, request: web.Request) -> Any:
    return {"drained": await box.deliveries.drained(min(float(request.query.get("wait", "10")), 60.0))}


ROUTES: tuple[tuple[str, str, type[BaseModel], Work], ...] = (
    ("GET", "state", Empty, _state),
    ("GET", "settings", Empty, _settings),
    ("PATCH", "settings", Settings, _patch_settings),
    ("POST", "clock", ClockSpec, _clock),
    ("POST", "products", ProductSpec, _product),
    ("DELETE", "products/{sku}", Empty, _delete_product),
    ("GET", "stock/{sku}", Empty, _get_stock),
    ("POST", "stock/{sku}", StockSpec, _set_stock),
    *ORDER_ROUTES,
    ("POST", "key", KeySpec, _key),
    ("GET", "webhooks", Empty, _deliveries),
    ("POST", "webhooks", DeliverySpec, _deliver),
    ("POST", "webhooks/release", Empty, _release),
    ("GET", "webhooks/drained", Empty, _drained),
    ("POST", r"webhooks/{number:\d+}/resend", Empty, _resend),
)


def _bound(box: WooCommerceSandbox, model: type[BaseModel], work: Work) -> Any:
    async def handler(request: web.Request) -> web.Response:
        try:
            body = model.model_validate_json(await request.read() or b"{}")
            return web.json_response(await work(box, body, request))
        except ValidationError as problem:
            return web.Response(status=422, text=problem.json(), content_type="application/json")
        except WpError as problem:
            return web.json_response({"error": problem.body["message"]}, status=409)
        except ValueError as problem:
            return web.json_response({"error": str(problem)}, status=409)
        finally:
            box.deliveries.end_call()

    return handler


def control_routes(box: WooCommerceSandbox) -> list[web.RouteDef]:
    return [
        web.route(method, f"{CONTROL_PREFIX}/{path}", _bound(box, model, work)) for method, path, model, work in ROUTES
    ]
