"""The control API, first part: settings, clock, consent and tokens, shops, and the summary of everything.

Nothing here exists on the real platform. Bodies and answers are JSON; a bad body is answered with 422.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bridge.sandbox.faults import CONTROL_PREFIX
from bridge.sandbox.tiktok import cancelling
from bridge.sandbox.tiktok.auth import token_data
from bridge.sandbox.tiktok.model import SCOPES, Order, Shop
from bridge.sandbox.tiktok.sandbox import TikTokSandbox
from bridge.sandbox.tiktok.settings import Settings

Model = TypeVar("Model", bound=BaseModel)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ClockSpec(_Strict):
    set: float | None = Field(None, description="Unix seconds it shall be now")
    advance: float | None = Field(None, description="seconds to add")
    frozen: bool = False
    reset: bool = False


class GrantSpec(_Strict):
    shop_ids: list[str] | None = None
    scopes: list[str] | None = None


class AppSpec(_Strict):
    redirect_url: str | None = None
    webhook_url: str | None = None


class ShopSpec(_Strict):
    id: str
    name: str
    region: str
    cipher: str
    seller_type: str = "LOCAL"


async def read(request: web.Request, model: type[Model]) -> Model:
    """The body as `model`; an empty body is an empty object. 422 with the reasons otherwise."""
    try:
        return model.model_validate_json(await request.read() or b"{}")
    except ValidationError as problem:
        raise web.HTTPUnprocessableEntity(text=problem.json(), content_type="application/json") from None


def refuse(status: int, message: str) -> web.Response:
    return web.json_response({"error": message}, status=status)


async def get_settings(box: TikTokSandbox, _request: web.Request) -> web.Response:
    return web.json_response(box.settings.model_dump())


async def patch_settings(box: TikTokSandbox, request: web.Request) -> web.Response:
    change = await read(request, Settings)
    for name in change.model_fields_set:
        setattr(box.settings, name, getattr(change, name))
    box.deliveries.poke()
    return web.json_response(box.settings.model_dump())


async def post_clock(box: TikTokSandbox, request: web.Request) -> web.Response:
    spec = await read(request, ClockSpec)
    if spec.reset:
        box.clock.reset()
    if spec.set is not None or spec.frozen:
        box.clock.set(box.clock.now() if spec.set is None else spec.set, frozen=spec.frozen)
    if spec.advance is not None:
        box.clock.advance(spec.advance)
    cancelling.settle_time(box)
    return web.json_response({"now": box.clock.now()})


async def patch_app(box: TikTokSandbox, request: web.Request) -> web.Response:
    spec = await read(request, AppSpec)
    if spec.redirect_url is not None:
        box.app.redirect_url = spec.redirect_url
    if "webhook_url" in spec.model_fields_set:
        box.app.webhook_url = spec.webhook_url
    return web.json_response(
        {
            "app_key": box.app.key,
            "service_id": box.app.service_id,
            "redirect_url": box.app.redirect_url,
            "webhook_url": box.app.webhook_url,
        }
    )


async def post_token(box: TikTokSandbox, request: web.Request) -> web.Response:
    spec = await read(request, GrantSpec)
    wanted = list(box.shops) if spec.shop_ids is None else spec.shop_ids
    grant = box.tokens.grant(wanted, SCOPES if spec.scopes is None else spec.scopes)
    return web.json_response(token_data(box, grant), status=201)


async def post_scopes(box: TikTokSandbox, request: web.Request) -> web.Response:
    spec = await read(request, GrantSpec)
    box.tokens.set_scopes(SCOPES if spec.scopes is None else spec.scopes)
    return web.json_response({})


async def expire_access(box: TikTokSandbox, _request: web.Request) -> web.Response:
    box.tokens.expire_access()
    return web.json_response({})


async def expire_refresh(box: TikTokSandbox, _request: web.Request) -> web.Response:
    box.tokens.expire_refresh()
    return web.json_response({})


async def revoke(box: TikTokSandbox, _request: web.Request) -> web.Response:
    shop_ids = box.tokens.revoke()
    for shop_id in shop_ids:
        if shop_id in box.shops:
            box.announce("SELLER_DEAUTHORIZATION", box.shops[shop_id], {"message": "Seller deauthorized the app"})
    return web.json_response({"shops": shop_ids})


async def warn_expiry(box: TikTokSandbox, _request: web.Request) -> web.Response:
    """The daily warning of the last 30 days before the authorization ends."""
    warned: list[str] = []
    for grant in box.tokens.grants():
        for shop_id in grant.shop_ids:
            if shop_id in box.shops and shop_id not in warned and not grant.revoked:
                warned.append(shop_id)
                box.announce(
                    "UPCOMING_AUTHORIZATION_EXPIRATION",
                    box.shops[shop_id],
                    {"message": "Authorization will expire", "expiration_time": str(int(grant.refresh_expires))},
                )
    return web.json_response({"shops": warned})


async def post_shop(box: TikTokSandbox, request: web.Request) -> web.Response:
    spec = await read(request, ShopSpec)
    shop = Shop(**spec.model_dump())
    try:
        box.add_shop(shop)
    except KeyError:
        return refuse(422, f"no TikTok Shop in region {spec.region}")
    return web.json_response(shop.render(), status=201)


async def get_state(box: TikTokSandbox, _request: web.Request) -> web.Response:
    """Everything in short: orders with their lines, cancellations, returns, and the effects that landed."""
    cancelling.settle_time(box)
    return web.json_response(
        {
            "now": box.clock.now(),
            "app_key": box.app.key,
            "shops": [shop.render() for shop in box.shops.values()],
            "orders": {order.id: summary(box, order) for order in box.orders.values()},
            "cancellations": {
                one.id: {
                    "order_id": one.order.id,
                    "type": one.type,
                    "status": one.status,
                    "role": one.role,
                    "reason": one.reason,
                    "lines": list(one.line_ids),
                }
                for one in box.cancellations.values()
            },
            "returns": {
                one.id: {"order_id": one.order.id, "status": one.body["return_status"]} for one in box.returns.values()
            },
            "webhooks": message_states(box),
            "subscriptions": subscriptions(box),
        }
    )


def summary(box: TikTokSandbox, order: Order) -> dict[str, Any]:
    """`effects` counts what landed; `line_cancels` how often each unit was cancelled, which must never pass 1."""
    return {
        "shop_id": order.shop.id,
        "status": order.status,
        "total_amount": order.body["payment"]["total_amount"],
        "lines": {
            line["id"]: {"seller_sku": line["seller_sku"], "status": line["display_status"]} for line in order.lines
        },
        "cancellations": [one.id for one in box.cancellations_of(order)],
        "effects": {name: count for name, count in order.effects.items() if not name.startswith("line:")},
        "line_cancels": {line["id"]: order.effects[f"line:{line['id']}"] for line in order.lines},
    }


def message_states(box: TikTokSandbox) -> dict[str, int]:
    return dict(Counter(message.state for message in box.deliveries.messages))


def subscriptions(box: TikTokSandbox) -> list[dict[str, Any]]:
    return [{"shop_id": shop_id, **row} for (shop_id, _), row in box.webhooks.items()]


_P = CONTROL_PREFIX
ROUTES = (
    ("GET", f"{_P}/settings", get_settings),
    ("PATCH", f"{_P}/settings", patch_settings),
    ("POST", f"{_P}/clock", post_clock),
    ("PATCH", f"{_P}/app", patch_app),
    ("POST", f"{_P}/shops", post_shop),
    ("POST", f"{_P}/tokens", post_token),
    ("POST", f"{_P}/tokens/scopes", post_scopes),
    ("POST", f"{_P}/tokens/expire", expire_access),
    ("POST", f"{_P}/tokens/expire-refresh", expire_refresh),
    ("POST", f"{_P}/tokens/revoke", revoke),
    ("POST", f"{_P}/tokens/warn", warn_expiry),
    ("GET", f"{_P}/state", get_state),
)
