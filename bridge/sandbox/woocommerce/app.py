"""The store as an aiohttp application: WordPress' REST server with WooCommerce's routes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
from aiohttp import web

from bridge.sandbox.faults import CONTROL_PREFIX, Handler
from bridge.sandbox.woocommerce import rest_orders, rest_store, views
from bridge.sandbox.woocommerce.control import control_routes
from bridge.sandbox.woocommerce.model import Json, WpError
from bridge.sandbox.woocommerce.rest_orders import Shown
from bridge.sandbox.woocommerce.state import WooCommerceSandbox
from bridge.sandbox.woocommerce.wire import body_of

API = "/wp-json/wc/v3"
Call = Callable[[WooCommerceSandbox, web.Request, Json], Awaitable[Shown]]
CALLS: tuple[tuple[str, str, Call], ...] = (
    ("GET", "/orders", rest_orders.list_orders),
    ("POST", "/orders", rest_orders.create_order),
    ("POST", "/orders/batch", rest_orders.batch),
    ("GET", r"/orders/{order:\d+}", rest_orders.get_order),
    ("PUT", r"/orders/{order:\d+}", rest_orders.update_order),
    ("DELETE", r"/orders/{order:\d+}", rest_orders.delete_order),
    ("GET", r"/orders/{order:\d+}/refunds", rest_orders.list_refunds),
    ("POST", r"/orders/{order:\d+}/refunds", rest_orders.create_refund),
    ("GET", r"/orders/{order:\d+}/refunds/{refund:\d+}", rest_orders.get_refund),
    ("GET", "/products", rest_store.list_products),
    ("GET", r"/products/{product:\d+}", rest_store.get_product),
    ("PUT", r"/products/{product:\d+}", rest_store.update_product),
    ("GET", r"/products/{product:\d+}/variations", rest_store.list_variations),
    ("GET", r"/products/{product:\d+}/variations/{variation:\d+}", rest_store.get_variation),
    ("PUT", r"/products/{product:\d+}/variations/{variation:\d+}", rest_store.update_variation),
    ("GET", "/webhooks", rest_store.list_webhooks),
    ("POST", "/webhooks", rest_store.create_webhook),
    ("GET", r"/webhooks/{webhook:\d+}", rest_store.get_webhook),
    ("PUT", r"/webhooks/{webhook:\d+}", rest_store.update_webhook),
    ("DELETE", r"/webhooks/{webhook:\d+}", rest_store.delete_webhook),
    ("GET", "/system_status", rest_store.system_status),
    ("GET", "/settings/{group}", rest_store.list_settings),
    ("GET", "/settings/{group}/{setting}", rest_store.get_setting),
)
_MAINTENANCE = (
    "<!DOCTYPE html><html><head><title>Maintenance</title></head><body><h1>Briefly unavailable for scheduled "
    "maintenance. Check back in a minute.</h1></body></html>"
)
_LOGIN = "<!DOCTYPE html><html><head><title>Log In</title></head><body><form name='loginform'></form></body></html>"
_NOT_ALLOWED = {
    "GET": ("woocommerce_rest_cannot_view", "Sorry, you cannot list resources."),
    "POST": ("woocommerce_rest_cannot_create", "Sorry, you are not allowed to create resources."),
    "PUT": ("woocommerce_rest_cannot_edit", "Sorry, you are not allowed to edit this resource."),
    "DELETE": ("woocommerce_rest_cannot_delete", "Sorry, you are not allowed to delete this resource."),
}


def _authorize(box: WooCommerceSandbox, request: web.Request) -> None:
    """Raises `WpError`."""
    https = box.settings.https or request.headers.get("X-Forwarded-Proto", "").casefold() == "https"
    header = "" if box.settings.drops_authorization else request.headers.get("Authorization", "")
    # WordPress signs with its own idea of the address: behind a server that ends TLS it says https.
    url = f"{'https' if https else 'http'}://{request.host}{request.rel_url.raw_path}"
    query = request.raw_path.partition("?")[2]
    if not box.keys.knows(request.method, url, query, header, https=https):
        code, message = _NOT_ALLOWED[request.method]
        raise WpError(code, message, 401)


def _body(raw: bytes) -> Json:
    try:
        return body_of(json.loads(raw) if raw.strip() else {})
    except ValueError:
        raise WpError("rest_invalid_json", "Invalid JSON body passed.", 400) from None


def _bound(box: WooCommerceSandbox, call: Call) -> Any:
    async def handler(request: web.Request) -> web.Response:
        try:
            _authorize(box, request)
            status, body, headers = await call(box, request, _body(await request.read()))
            return web.json_response(body, status=status, headers=headers)
        except WpError as problem:
            return web.json_response(problem.body, status=problem.status)
        finally:
            box.deliveries.end_call()

    return handler


def create_app(sandbox: WooCommerceSandbox) -> web.Application:
    """The application of one store. Its deliveries start and stop with it.

    Books are changed between two awaits only, so every call is one transaction.
    """

    @web.middleware
    async def pages(request: web.Request, handler: Handler) -> web.StreamResponse:
        """Pages that come from in front of the REST server, and what it says of a route it has not."""
        if request.path.startswith(CONTROL_PREFIX):
            return await handler(request)
        if sandbox.settings.maintenance:
            return web.Response(status=503, text=_MAINTENANCE, content_type="text/html", headers={"Retry-After": "600"})
        if sandbox.settings.login_page:
            return web.Response(text=_LOGIN, content_type="text/html")
        try:
            return await handler(request)
        except (web.HTTPNotFound, web.HTTPMethodNotAllowed):
            told = "No route was found matching the URL and request method."
            return web.json_response(WpError("rest_no_route", told, 404).body, status=404)

    async def life(_app: web.Application) -> AsyncIterator[None]:
        async with aiohttp.ClientSession(skip_auto_headers=("User-Agent",)) as session:
            sandbox.deliveries.start(session, lambda topic, subject: views.delivery_body(sandbox, topic, subject))
            yield
            await sandbox.close()

    app = web.Application(middlewares=[sandbox.faults.middleware, pages], client_max_size=16 * 1024**2)
    app.cleanup_ctx.append(life)
    app.add_routes(sandbox.faults.routes())
    app.add_routes(control_routes(sandbox))
    for method, path, call in CALLS:
        app.router.add_route(method, API + path, _bound(sandbox, call))
    return app
