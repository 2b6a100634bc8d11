"""The aiohttp application: consent and token pages, the control API, and the Open API behind its gate."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from email.utils import formatdate

import aiohttp
from aiohttp import web

from bridge.sandbox.tiktok import auth, control, control_orders, control_webhooks, gate
from bridge.sandbox.tiktok.sandbox import TikTokSandbox

SANDBOX = web.AppKey("tiktok_sandbox", TikTokSandbox)

BoxHandler = Callable[[TikTokSandbox, web.Request], Awaitable[web.StreamResponse]]


def create_app(sandbox: TikTokSandbox | None = None) -> web.Application:
    """A server over `sandbox`, or over a fresh one with shops in the US, the UK, Germany and Mexico.

    The application owns the sandbox's background work: messages are sent while it runs.
    """
    box = sandbox or TikTokSandbox()

    def bound(handler: BoxHandler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def call(request: web.Request) -> web.StreamResponse:
            return await handler(box, request)

        return call

    app = web.Application(middlewares=[box.faults.middleware], client_max_size=4 * 1024 * 1024)
    app[SANDBOX] = box
    app.add_routes(box.faults.routes())
    for method, path, handler in (*control.ROUTES, *control_orders.ROUTES, *control_webhooks.ROUTES):
        app.router.add_route(method, path, bound(handler))
    app.router.add_get("/open/authorize", bound(auth.authorize))
    app.router.add_get("/api/v2/token/get", bound(auth.get_token))
    app.router.add_get("/api/v2/token/refresh", bound(auth.refresh_token))
    app.router.add_route("*", "/{path:.*}", bound(gate.serve))

    async def background(_app: web.Application) -> AsyncIterator[None]:
        async with aiohttp.ClientSession() as session:
            box.deliveries.start(session)
            yield
            await box.close()

    async def shop_time(_request: web.Request, response: web.StreamResponse) -> None:
        response.headers["Date"] = formatdate(box.clock.now(), usegmt=True)

    app.cleanup_ctx.append(background)
    app.on_response_prepare.append(shop_time)
    return app
