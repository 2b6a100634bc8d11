"""Products and their variations, webhooks, the system status, settings."""

from __future__ import annotations

import re
import secrets

from aiohttp import web

from bridge.sandbox.woocommerce import views
from bridge.sandbox.woocommerce.model import Json, Product, Webhook, WpError, invalid
from bridge.sandbox.woocommerce.rest_orders import Shown
from bridge.sandbox.woocommerce.state import WooCommerceSandbox
from bridge.sandbox.woocommerce.wire import only, page_of, whole

_TOPIC = re.compile(r"(coupon|customer|order|product)\.(created|updated|deleted|restored)|action\.\w+")
_HOOK_STATUSES = ("active", "paused", "disabled")


async def list_products(box: WooCommerceSandbox, request: web.Request, _body: Json) -> Shown:
    """With `sku`, which takes several, variations come too; else only what is no variation."""
    asked = request.query.get("sku")
    if asked:
        wanted = {*asked.split(","), asked}
        found = [one for one in box.products.values() if one.sku in wanted]
    else:
        found = [one for one in box.products.values() if one.parent is None]
    rows, headers = page_of(sorted(found, key=lambda one: -one.id), request)
    return 200, [only(views.product(box, one), request) for one in rows], headers


async def get_product(box: WooCommerceSandbox, request: web.Request, _body: Json) -> Shown:
    return 200, only(views.product(box, _product(box, request.match_info["product"])), request), {}


async def update_product(box: WooCommerceSandbox, request: web.Request, body: Json) -> Shown:
    one = _product(box, request.match_info["product"])
    _set_stock(box, one, body)
    return 200, only(views.product(box, one), request), {}


async def list_variations(box: WooCommerceSandbox, request: web.Request, _body: Json) -> Shown:
    parent = _product(box, request.match_info["product"])
    found = [one for one in box.products.values() if one.parent is parent]
    rows, headers = page_of(sorted(found, key=lambda one: -one.id), request)
    return 200, [only(views.product(box, one), request) for one in rows], headers


async def get_variation(box: WooCommerceSandbox, request: web.Request, _body: Json) -> Shown:
    return 200, only(views.product(box, _variation(box, request)), request), {}


async def update_variation(box: WooCommerceSandbox, request: web.Request, body: Json) -> Shown:
    one = _variation(box, request)
    _set_stock(box, one, body)
    return 200, only(views.product(box, one), request), {}


async def list_webhooks(box: WooCommerceSandbox, request: web.Request, _body: Json) -> Shown:
    wanted = request.query.get("status", "all")
    if wanted not in {*_HOOK_STATUSES, "all"}:
        raise invalid("status", f"status is not one of all, {', '.join(_HOOK_STATUSES)}.")
    found = [one for one in box.webhooks.values() if wanted in {"all", one.status}]
    rows, headers = page_of(sorted(found, key=lambda one: -one.id), request)
    return 200, [only(views.webhook(box, one), request) for one in rows], headers


async def get_webhook(box: WooCommerceSandbox, request: web.Request, _body: Json) -> Shown:
    return 200, only(views.webhook(box, _webhook(box, request, 404)), request), {}


async def create_webhook(box: WooCommerceSandbox, request: web.Request, body: Json) -> Shown:
    """Made active whatever its ping is answered; the ping only shows in the books."""
    if not body.get("topic") or not _TOPIC.fullmatch(str(body["topic"]).lower()):
        raise WpError(
            "woocommerce_rest_shop_webhook_invalid_topic", "Webhook topic is required and must be valid.", 400
        )
    _check_url(body)
    one = Webhook(
        id=box.next_id(),
        name=str(body.get("name") or f"Webhook created on {box.now():%b %d, %Y}"),
        topic=str(body["topic"]),
        url=str(body["delivery_url"]),
        secret=str(body.get("secret") or secrets.token_urlsafe(37)),
        status="active",
        created_at=box.now(),
    )
    box.webhooks[one.id] = one
    made = views.webhook(box, one)
    await box.deliveries.ping(one)
    return 201, only(made, request), {}


async def update_webhook(box: WooCommerceSandbox, request: web.Request, body: Json) -> Shown:
    """The count of failures stays as it was."""
    one = _webhook(box, request, 400)
    if body.get("topic") and not _TOPIC.fullmatch(str(body["topic"]).lower()):
        raise WpError("woocommerce_rest_shop_webhook_invalid_topic", "Webhook topic must be valid.", 400)
    if body.get("delivery_url"):
        _check_url(body)
    if body.get("status") and body["status"] not in _HOOK_STATUSES:
        raise invalid("status", f"status is not one of {', '.join(_HOOK_STATUSES)}.")
    for name, held in (
        ("topic", "topic"),
        ("delivery_url", "url"),
        ("secret", "secret"),
        ("status", "status"),
        ("name", "name"),
    ):
        if body.get(name):
            setattr(one, held, str(body[name]))
    return 200, only(views.webhook(box, one), request), {}


async def delete_webhook(box: WooCommerceSandbox, request: web.Request, _body: Json) -> Shown:
    if request.query.get("force") != "true":
        raise WpError("woocommerce_rest_trash_not_supported", "Webhooks do not support trashing.", 501)
    one = _webhook(box, request, 404)
    del box.webhooks[one.id]
    return 200, views.webhook(box, one), {}


async def system_status(box: WooCommerceSandbox, request: web.Request, _body: Json) -> Shown:
    return 200, only(views.system_status(box, f"{request.scheme}://{request.host}"), request), {}


async def list_settings(box: WooCommerceSandbox, request: web.Request, _body: Json) -> Shown:
    group = views.setting_groups(box).get(request.match_info["group"])
    if group is None:
        raise WpError("rest_setting_setting_group_invalid", "Invalid setting group.", 404)
    return 200, [only({"id": name, "value": value}, request) for name, value in group.items()], {}


async def get_setting(box: WooCommerceSandbox, request: web.Request, _body: Json) -> Shown:
    group = views.setting_groups(box).get(request.match_info["group"])
    name = request.match_info["setting"]
    if group is None or name not in group:
        raise WpError("rest_setting_setting_invalid", "Invalid setting.", 404)
    return 200, only({"id": name, "value": group[name]}, request), {}


def _product(box: WooCommerceSandbox, named: str) -> Product:
    found = box.products.get(int(named))
    if found is None:
        raise WpError("woocommerce_rest_product_invalid_id", "Invalid ID.", 404)
    return found


def _variation(box: WooCommerceSandbox, request: web.Request) -> Product:
    found = box.products.get(int(request.match_info["variation"]))
    if found is None or found.parent is None or found.parent.id != int(request.match_info["product"]):
        raise WpError("woocommerce_rest_product_variation_invalid_id", "Invalid ID.", 404)
    return found


def _set_stock(box: WooCommerceSandbox, one: Product, body: Json) -> None:
    if isinstance(body.get("manage_stock"), bool):
        one.manages_stock = body["manage_stock"]
    if body.get("stock_quantity") is not None and one.manages_stock:
        box.stock_changed(one, whole(body, "stock_quantity", 0, -(10**9)))


def _check_url(body: Json) -> None:
    if not re.match(r"https?://[^/\s]+", str(body.get("delivery_url") or "")):
        told = "Webhook delivery URL must be a valid URL starting with http:// or https://."
        raise WpError("woocommerce_rest_shop_webhook_invalid_delivery_url", told, 400)


def _webhook(box: WooCommerceSandbox, request: web.Request, status: int) -> Webhook:
    found = box.webhooks.get(int(request.match_info["webhook"]))
    if found is None:
        raise WpError("woocommerce_rest_shop_webhook_invalid_id", "Invalid ID.", status)
    return found
