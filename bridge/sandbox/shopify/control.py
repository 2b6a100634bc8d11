"""The control API, first part: settings, clock, goods, tokens, webhooks, and the summary of everything.

Nothing here exists at Shopify. Bodies and answers are JSON; a bad body is answered with 422, what cannot be
done with 409.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any, Literal, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from bridge.sandbox.faults import CONTROL_PREFIX
from bridge.sandbox.shopify import cancelling, changes, report
from bridge.sandbox.shopify.control_orders import ORDER_ROUTES
from bridge.sandbox.shopify.settings import Settings
from bridge.sandbox.shopify.state import ShopifySandbox

Model = TypeVar("Model", bound=BaseModel)
Work = Callable[[ShopifySandbox, Any, web.Request], Awaitable[Any]]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Empty(_Strict):
    pass


class ClockSpec(_Strict):
    advance: float = Field(description="seconds to add to the store's clock")


class VariantSpec(_Strict):
    sku: str
    price: Decimal | None = Field(None, ge=0)
    available: int = 0
    title: str = ""
    tracked: bool = True
    continue_selling: bool = False
    location: int | None = None


class LocationSpec(_Strict):
    id: int | None = Field(None, description="an existing one, to change it")
    name: str = "Second warehouse"
    active: bool = True
    fulfillment_service: bool = False


class TokenSpec(_Strict):
    kind: Literal["legacy", "client_credentials"] = "legacy"


class ExpireSpec(_Strict):
    legacy_too: bool = False


class ScopesSpec(_Strict):
    scopes: list[str]


class SecretSpec(_Strict):
    secret: str | None = None
    sign_with: Literal["new", "old"] = Field("old", description="whose signature deliveries carry from now on")
    forget_old: bool = Field(default=False, description="true: end the rotation instead; only the newest stays good")


class BucketSpec(_Strict):
    available: float = Field(ge=0, description="points left")


class DeliverySpec(_Strict):
    """A delivery made by hand; `signature` spoils the header."""

    topic: str = "ORDERS_CANCELLED"
    address: str
    body: str
    signature: Literal["right", "wrong", "none"] = "right"


class ReleaseSpec(_Strict):
    newest_first: bool = False


_VARIANTS: TypeAdapter[list[VariantSpec]] = TypeAdapter(list[VariantSpec])


async def _state(box: ShopifySandbox, _body: Empty, _request: web.Request) -> Any:
    return report.everything(box)


async def _settings(box: ShopifySandbox, _body: Empty, _request: web.Request) -> Any:
    return box.settings.model_dump()


async def _patch_settings(box: ShopifySandbox, body: Settings, _request: web.Request) -> Any:
    for name in body.model_fields_set:
        setattr(box.settings, name, getattr(body, name))
    box.deliveries.poke()
    return box.settings.model_dump()


async def _clock(box: ShopifySandbox, body: ClockSpec, _request: web.Request) -> Any:
    box.clock_offset += timedelta(seconds=body.advance)
    return {"now": box.now().isoformat()}


async def _stock(box: ShopifySandbox, _body: Empty, request: web.Request) -> Any:
    found = box.by_sku(request.match_info["sku"])
    if found is None:
        raise ValueError(f"no variant {request.match_info['sku']!r}")
    return report.variant(box, found)


async def _location(box: ShopifySandbox, body: LocationSpec, _request: web.Request) -> Any:
    if body.id is None:
        place = box.add_location(body.name, is_fulfillment_service=body.fulfillment_service)
    elif body.id in box.locations:
        place = box.locations[body.id]
    else:
        raise ValueError(f"no location {body.id}")
    place.is_active = body.active
    return {"id": str(place.id), "name": place.name, "active": place.is_active}


async def _token(box: ShopifySandbox, body: TokenSpec, _request: web.Request) -> Any:
    made = box.tokens.legacy() if body.kind == "legacy" else box.tokens.grant()
    return {"access_token": made.value, "scope": ",".join(made.scopes)}


async def _expire(box: ShopifySandbox, body: ExpireSpec, _request: web.Request) -> Any:
    return {"expired": box.tokens.revoke(legacy_too=body.legacy_too)}


async def _scopes(box: ShopifySandbox, body: ScopesSpec, _request: web.Request) -> Any:
    box.tokens.scopes = tuple(body.scopes)
    return {"scopes": body.scopes}


async def _secret(box: ShopifySandbox, body: SecretSpec, _request: web.Request) -> Any:
    if body.forget_old:
        box.tokens.forget_old()
    else:
        box.tokens.rotate(body.secret, sign_with_newest=body.sign_with == "new")
    return {"client_secret": box.tokens.secrets[0], "signs_with": box.tokens.signing_secret}


async def _uninstall(box: ShopifySandbox, _body: Empty, _request: web.Request) -> Any:
    """Tell of it, then end every token and subscription."""
    changes.tell_uninstalled(box)
    box.subscriptions.clear()
    box.tokens.installed = False
    return {}


async def _install(box: ShopifySandbox, _body: Empty, _request: web.Request) -> Any:
    box.tokens.installed = True
    return {}


async def _bucket(box: ShopifySandbox, body: BucketSpec, _request: web.Request) -> Any:
    box.bucket.set(body.available)
    return box.bucket.status()


async def _run_jobs(box: ShopifySandbox, _body: Empty, _request: web.Request) -> Any:
    return {"ended": cancelling.run_due(box, by_hand=True)}


async def _deliveries(box: ShopifySandbox, _body: Empty, _request: web.Request) -> Any:
    return {"deliveries": [one.model_dump(exclude={"due"}) for one in box.deliveries.messages]}


async def _deliver(box: ShopifySandbox, body: DeliverySpec, _request: web.Request) -> Any:
    spoilt = {"right": None, "wrong": "d3Jvbmc=", "none": ""}[body.signature]
    return {"id": box.deliveries.send(body.topic, body.body, body.address, signature=spoilt).id}


async def _retry(box: ShopifySandbox, _body: Empty, request: web.Request) -> Any:
    return {"due": box.deliveries.retry_now(request.query.get("id"))}


async def _resend(box: ShopifySandbox, _body: Empty, request: web.Request) -> Any:
    if not box.deliveries.resend(request.match_info["id"]):
        raise ValueError("no such delivery")
    return {}


async def _release(box: ShopifySandbox, body: ReleaseSpec, _request: web.Request) -> Any:
    box.deliveries.release(newest_first=body.newest_first)
    return {}


async def _drained(box: ShopifySandbox, _body: Empty, request: web.Request) -> Any:
    done = await box.deliveries.drained(min(float(request.query.get("wait", "10")), 60.0))
    return {"drained": done}


async def _forget_subscriptions(box: ShopifySandbox, _body: Empty, _request: web.Request) -> Any:
    count = len(box.subscriptions)
    box.subscriptions.clear()
    return {"deleted": count}


ROUTES: tuple[tuple[str, str, type[BaseModel], Work], ...] = (
    ("GET", "state", Empty, _state),
    ("GET", "settings", Empty, _settings),
    ("PATCH", "settings", Settings, _patch_settings),
    ("POST", "clock", ClockSpec, _clock),
    ("GET", "stock/{sku}", Empty, _stock),
    ("POST", "locations", LocationSpec, _location),
    ("POST", "tokens", TokenSpec, _token),
    ("POST", "tokens/expire", ExpireSpec, _expire),
    ("POST", "scopes", ScopesSpec, _scopes),
    ("POST", "secret", SecretSpec, _secret),
    ("POST", "uninstall", Empty, _uninstall),
    ("POST", "install", Empty, _install),
    ("POST", "bucket", BucketSpec, _bucket),
    ("POST", "jobs/run", Empty, _run_jobs),
    ("GET", "webhooks", Empty, _deliveries),
    ("POST", "webhooks", DeliverySpec, _deliver),
    ("POST", "webhooks/retry", Empty, _retry),
    ("POST", "webhooks/release", ReleaseSpec, _release),
    ("GET", "webhooks/drained", Empty, _drained),
    ("POST", "webhooks/{id}/resend", Empty, _resend),
    ("DELETE", "subscriptions", Empty, _forget_subscriptions),
    *ORDER_ROUTES,
)


def _bound(box: ShopifySandbox, model: type[BaseModel], work: Work) -> Any:
    async def handler(request: web.Request) -> web.Response:
        try:
            body = model.model_validate_json(await request.read() or b"{}")
            return web.json_response(await work(box, body, request))
        except ValidationError as problem:
            return web.Response(status=422, text=problem.json(), content_type="application/json")
        except ValueError as problem:
            return web.json_response({"error": str(problem)}, status=409)

    return handler


def control_routes(box: ShopifySandbox) -> list[web.RouteDef]:
    async def variants(request: web.Request) -> web.Response:
        """One variant or a list of them."""
        raw = (await request.read()).strip()
        try:
            given = _VARIANTS.validate_json(raw if raw.startswith(b"[") else b"[" + raw + b"]")
        except ValidationError as problem:
            return web.Response(status=422, text=problem.json(), content_type="application/json")
        made = [
            box.add_variant(
                one.sku,
                price=one.price,
                available=one.available,
                title=one.title,
                tracked=one.tracked,
                continue_selling=one.continue_selling,
                location_id=one.location,
            )
            for one in given
        ]
        return web.json_response({"variants": [report.variant(box, one) for one in made]})

    bound = [
        web.route(method, f"{CONTROL_PREFIX}/{path}", _bound(box, model, work)) for method, path, model, work in ROUTES
    ]
    return [web.post(f"{CONTROL_PREFIX}/variants", variants), *bound]
