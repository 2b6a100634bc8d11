"""The seller's Amazon as an aiohttp application: the token endpoint, and both versions of the API behind their gate."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web

from bridge.sandbox.amazon import life, version_2020, version_2026
from bridge.sandbox.amazon.control import control_routes
from bridge.sandbox.amazon.model import Json, Refused
from bridge.sandbox.amazon.state import AmazonSandbox
from bridge.sandbox.amazon.tokens import Denied
from bridge.sandbox.amazon.wire import Call

CALLS: tuple[tuple[str, str, str, Call], ...] = (
    ("createFulfillmentOrder", "POST", version_2020.ORDERS, version_2020.create),
    ("listAllFulfillmentOrders", "GET", version_2020.ORDERS, version_2020.list_orders),
    ("getFulfillmentPreview", "POST", f"{version_2020.ORDERS}/preview", version_2020.preview),
    ("getFulfillmentOrder", "GET", f"{version_2020.ORDERS}/{{order}}", version_2020.get),
    ("cancelFulfillmentOrder", "PUT", f"{version_2020.ORDERS}/{{order}}/cancel", version_2020.cancel),
    ("submitFulfillmentOrderStatusUpdate", "PUT", f"{version_2020.ORDERS}/{{order}}/status", version_2020.set_status),
    ("createOrder", "POST", version_2026.ORDERS, version_2026.create),
    ("listOrders", "GET", version_2026.ORDERS, version_2026.list_orders),
    ("getOrder", "GET", f"{version_2026.ORDERS}/{{order}}", version_2026.get),
    ("cancelOrder", "PUT", f"{version_2026.ORDERS}/{{order}}/cancel", version_2026.cancel),
    ("updateOrderStatus", "PUT", f"{version_2026.ORDERS}/{{order}}/status", version_2026.set_status),
    ("getOrderPreview", "POST", version_2026.PREVIEWS, version_2026.preview),
)
DENIED = "Access to requested resource is denied."


async def _token(box: AmazonSandbox, request: web.Request) -> web.Response:
    given = await request.post()
    form = {name: value for name, value in given.items() if isinstance(value, str)}
    try:
        return web.json_response(box.tokens.grant(form), headers={"Cache-Control": "no-store"})
    except Denied as problem:
        body = {"error": problem.error, "error_description": problem.description}
        return web.json_response(body, status=problem.status, headers={"Cache-Control": "no-store"})


def _gate(box: AmazonSandbox, request: web.Request, operation: str) -> None:
    """Token, role, rate: in this order, and before anything is looked at. Raises `Refused`."""
    problem = box.tokens.problem(request.headers.get("x-amz-access-token"))
    if problem is not None:
        raise Refused(DENIED, "Unauthorized", box.settings.bad_token_status, problem)
    if not box.tokens.role_granted:
        raise Refused(DENIED, "Unauthorized", 403)
    if not box.rates.let_through(operation):
        raise Refused("You exceeded your quota for the requested resource.", "QuotaExceeded", 429)


def _body(raw: bytes) -> Json:
    try:
        body = json.loads(raw) if raw.strip() else {}
    except ValueError:
        raise Refused("Could not match input arguments.") from None
    if not isinstance(body, dict):
        raise Refused("Could not match input arguments.")
    return body


def _bound(box: AmazonSandbox, operation: str, method: str, call: Call) -> Any:
    async def handler(request: web.Request) -> web.Response:
        headers = {"x-amzn-RequestId": str(uuid.uuid4())}
        if box.settings.rate_told:
            headers["x-amzn-RateLimit-Limit"] = str(box.settings.rate)
        life.run_due(box)
        try:
            _gate(box, request, operation)
            status, body = await call(box, request, _body(await request.read()))
        except Refused as problem:
            status, body = problem.status, problem.body()
            if status == 400 and method != "GET" and box.settings.errors_in_success > 0:
                box.settings.errors_in_success -= 1
                status = 200
        if body is None:
            return web.Response(status=status, headers=headers)
        return web.json_response(body, status=status, headers=headers)

    return handler


def create_app(sandbox: AmazonSandbox) -> web.Application:
    """The application of one seller. Books are changed between two awaits only, so every call is one transaction."""

    async def token(request: web.Request) -> web.Response:
        return await _token(sandbox, request)

    async def life_of_app(_app: web.Application) -> AsyncIterator[None]:
        yield
        await sandbox.close()

    app = web.Application(middlewares=[sandbox.faults.middleware], client_max_size=16 * 1024**2)
    app.cleanup_ctx.append(life_of_app)
    app.add_routes(sandbox.faults.routes())
    app.add_routes(control_routes(sandbox))
    app.router.add_post("/auth/o2/token", token)
    for operation, method, path, call in CALLS:
        app.router.add_route(method, path, _bound(sandbox, operation, method, call))
    return app
