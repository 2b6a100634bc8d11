"""The store as an aiohttp application."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import unquote
from wsgiref.handlers import format_date_time

from aiohttp import web

from bridge.sandbox.faults import CONTROL_PREFIX
from bridge.sandbox.magento import handshake, oauth
from bridge.sandbox.magento.control import control_routes
from bridge.sandbox.magento.integrations import Caller, unauthorized
from bridge.sandbox.magento.rest_sales import SALES
from bridge.sandbox.magento.rest_store import STORE
from bridge.sandbox.magento.routes import Call, Route
from bridge.sandbox.magento.state import MagentoSandbox, Store
from bridge.sandbox.magento.wire import ApplicationError, RestError, error_answer, read_json

ROUTES = [*SALES, *STORE]
_REST = re.compile(r"/rest/(?:(?P<store>[^/]+)/)?V1/(?P<path>.+)")
NO_ROUTE = "Request does not match any route."
MAINTENANCE = """<!doctype html>
<html xmlns="http://www.w3.org/1999/xhtml" >
<head><title>Error 503: Service Unavailable</title></head>
<body>
    <main class="page-main">
<h1>Service Temporarily Unavailable</h1>
<p>
    The server is temporarily unable to service your request due to maintenance downtime or capacity problems.
    Please try again later.
</p>
    </main>
</body>
</html>
"""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def site(request: web.Request) -> str:
    """Scheme and host as the caller named them."""
    return f"{request.scheme}://{request.headers.get('Host', request.host)}"


def _caller(box: MagentoSandbox, request: web.Request, resource: str) -> Caller:
    header = request.headers.get("Authorization", "")
    signed = oauth.read_header(header)
    if signed is not None:
        url, _, query = f"{site(request)}{request.raw_path}".partition("?")
        return box.integrations.signed_caller(signed, request.method, url, query, resource)
    scheme, _, token = header.partition(" ")
    if scheme.casefold() != "bearer":
        raise unauthorized(resource)
    return box.integrations.bearer_caller(token.strip(), resource, allowed=box.bearer_allowed)


def _store(box: MagentoSandbox, code: str | None) -> Store:
    if code is None or code == "all":
        return box.stores[0]
    found = next((view for view in box.stores if view.code == code), None)
    if found is None:
        raise RestError(404, NO_ROUTE)
    return found


def _match(box: MagentoSandbox, method: str, path: str) -> tuple[Route, tuple[str, ...]]:
    for one in ROUTES:
        found = one.pattern.fullmatch(path)
        is_there = (box.plugin is not None or not one.of_plugin) and (box.inventory or not one.of_inventory)
        if found and one.method == method and is_there:
            return one, tuple(unquote(part) for part in found.groups())
    raise RestError(404, NO_ROUTE)


def _rest(box: MagentoSandbox, request: web.Request, raw: bytes) -> web.Response:
    path, _, query = request.raw_path.partition("?")
    found = _REST.fullmatch(path)
    if found is None:
        raise RestError(404, NO_ROUTE)
    store = _store(box, found["store"])
    one, parts = _match(box, request.method, found["path"])
    caller = _caller(box, request, one.resource)
    behaviour = request.headers.get("as-inventory-behaviour")
    call = Call(box, caller, store, f"{site(request)}/", query, read_json(raw), behaviour, parts)
    return one.handler(call).response()


def create_app(sandbox: MagentoSandbox) -> web.Application:
    """The application of one store. Its delivery consumer starts and stops with it.

    Books are changed between two awaits only, so every call is one transaction.
    """

    @web.middleware
    async def as_store(request: web.Request, handler: Handler) -> web.StreamResponse:
        if sandbox.maintenance and not request.path.startswith(CONTROL_PREFIX):
            response: web.StreamResponse = web.Response(status=503, text=MAINTENANCE, content_type="text/html")
        else:
            response = await handler(request)
        response.headers["Date"] = format_date_time(sandbox.now().timestamp())
        response.headers["Server"] = "nginx/1.22.1"
        return response

    async def rest(request: web.Request) -> web.Response:
        raw = await request.read()
        try:
            return _rest(sandbox, request, raw)
        except (RestError, ApplicationError) as problem:
            return error_answer(problem)

    async def token(request: web.Request) -> web.Response:
        await request.read()
        return handshake.answer(sandbox, request, f"{site(request)}{request.path}")

    async def login_success(_request: web.Request) -> web.Response:
        return web.Response(text="<html><body><script>window.close();</script></body></html>", content_type="text/html")

    async def life(_app: web.Application) -> AsyncIterator[None]:
        sandbox.deliveries.start()
        yield
        await sandbox.close()

    app = web.Application(middlewares=[sandbox.faults.middleware, as_store], client_max_size=16 * 1024**2)
    app.cleanup_ctx.append(life)
    app.add_routes(sandbox.faults.routes())
    app.add_routes(control_routes(sandbox))
    app.router.add_post("/oauth/token/request", token)
    app.router.add_post("/oauth/token/access", token)
    app.router.add_get("/admin/admin/integration/loginSuccessCallback/", login_success)
    app.router.add_route("*", "/rest/{tail:.*}", rest)
    return app
