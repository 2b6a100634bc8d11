"""The web application, put together from what `bootstrap` hands in."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from aiohttp import web

from bridge.storage.errors import StorageProblem
from bridge.web import outside
from bridge.web.api import table
from bridge.web.background import BACKGROUND, Background
from bridge.web.bodies import MAX_BODY
from bridge.web.connecting import CONNECTING, Connecting
from bridge.web.desk import DESK, WebDesk
from bridge.web.guard import errors_to_problems, set_headers
from bridge.web.handshake import HANDSHAKES, Handshakes
from bridge.web.hooks import KEYRING
from bridge.web.keyring import Keyring
from bridge.web.metrics import METRICS, Metrics
from bridge.web.pages.rendering import SCRIPT_PATH, script
from bridge.web.pages.routes import register, strangers_meet_pages
from bridge.web.pages.table import ROUTES as PAGES
from bridge.web.routes import ROUTES, RouteTable


def create_app(desk: WebDesk) -> web.Application:
    """The inbox of `desk` must be started, and outlive the application."""
    app = web.Application(middlewares=[errors_to_problems, strangers_meet_pages], client_max_size=MAX_BODY)
    background = Background()
    keyring = Keyring(desk.db, desk.connections, desk.platforms)
    connecting = Connecting(desk, keyring)
    app[DESK] = desk
    app[KEYRING] = keyring
    app[METRICS] = Metrics(desk.metrics, desk.version)
    app[BACKGROUND] = background
    app[CONNECTING] = connecting
    app[HANDSHAKES] = Handshakes(desk, connecting, background)
    app[ROUTES] = RouteTable()
    app[ROUTES].add(outside.ROUTES)
    app[ROUTES].add(table.ROUTES)
    app[ROUTES].register(app)
    register(app, PAGES)
    app.router.add_get(SCRIPT_PATH, script)
    app.on_response_prepare.append(set_headers)
    app.cleanup_ctx.append(_tasks)
    return app


async def _tasks(app: web.Application) -> AsyncIterator[None]:
    # Where it fails, deliveries get 503 until the keyring could be read.
    with contextlib.suppress(StorageProblem):
        await app[KEYRING].refresh()
    keeping = asyncio.create_task(app[KEYRING].run(), name="keyring")
    yield
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    await app[BACKGROUND].close()
