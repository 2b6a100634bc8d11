"""The store as an aiohttp application."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
from aiohttp import web

from bridge.sandbox.shopify import cancelling
from bridge.sandbox.shopify.control import control_routes
from bridge.sandbox.shopify.engine import Throttled, run
from bridge.sandbox.shopify.state import ShopifySandbox

BAD_TOKEN = "[API] Invalid API key or access token (unrecognized login or wrong password)"  # noqa: S105 - the text of an error
JOB_TICK = 0.02
"""Seconds between two looks at cancel jobs that are due."""


def served_version(asked: str, supported: list[str]) -> str:
    """A version that is not supported falls forward to the oldest one that is, without a word but in the header."""
    if asked in supported or asked == "unstable" or asked > supported[-1]:
        return asked
    return next((one for one in supported if one >= asked), supported[-1])


def _answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.json_response(body, status=status, headers=headers)


async def _token(box: ShopifySandbox, request: web.Request) -> web.Response:
    raw: Mapping[str, Any]
    if request.content_type == "application/json":
        try:
            raw = json.loads(await request.read())
        except ValueError:
            raw = {}
    else:
        raw = await request.post()
    given = {key: str(raw.get(key, "")) for key in ("grant_type", "client_id", "client_secret")}
    if given["grant_type"] != "client_credentials":
        return _answer({"error": "unsupported_grant_type", "error_description": "Unsupported grant type"}, 400)
    if not box.tokens.knows(given["client_id"], given["client_secret"]):
        return _answer({"error": "invalid_client", "error_description": "Client authentication failed"}, 400)
    if not box.tokens.installed:
        return _answer({"error": "app_not_installed", "error_description": "The app is not installed"}, 400)
    token = box.tokens.grant()
    return _answer(
        {"access_token": token.value, "scope": ",".join(token.scopes), "expires_in": box.settings.token_seconds}
    )


def _read(raw: bytes) -> tuple[str, dict[str, Any], str | None] | None:
    """Query, variables and operation name of a body; None when it is none."""
    try:
        body = json.loads(raw)
    except ValueError:
        return None
    if not isinstance(body, dict) or not isinstance(body.get("query"), str):
        return None
    variables = body.get("variables") or {}
    return (body["query"], variables, body.get("operationName")) if isinstance(variables, dict) else None


async def _graphql(box: ShopifySandbox, request: web.Request) -> web.Response:
    version = served_version(request.match_info["version"], box.settings.api_versions)
    headers = {"X-Shopify-API-Version": version}
    read = _read(await request.read())
    token = box.tokens.find(request.headers.get("X-Shopify-Access-Token", ""))
    if token is None:
        return _answer({"errors": BAD_TOKEN}, 401, headers)
    if read is None:
        return _answer({"errors": {"query": "Required parameter missing or invalid"}}, 400, headers)
    try:
        return _answer(run(box, token, version, *read), headers=headers)
    except Throttled as problem:
        return _answer(problem.body, box.settings.throttled_status, headers)


async def _run_jobs(box: ShopifySandbox) -> None:
    while True:
        await asyncio.sleep(JOB_TICK)
        cancelling.run_due(box)


def create_app(sandbox: ShopifySandbox) -> web.Application:
    """The application of one store. Its deliveries and its cancel jobs start and stop with it.

    Books are changed between two awaits only, so every call is one transaction.
    """

    async def token(request: web.Request) -> web.Response:
        return await _token(sandbox, request)

    async def graphql(request: web.Request) -> web.Response:
        return await _graphql(sandbox, request)

    async def life(_app: web.Application) -> AsyncIterator[None]:
        async with aiohttp.ClientSession(skip_auto_headers=("User-Agent",)) as session:
            sandbox.deliveries.start(session)
            jobs = asyncio.create_task(_run_jobs(sandbox))
            yield
            jobs.cancel()
            await asyncio.gather(jobs, return_exceptions=True)
            await sandbox.close()

    app = web.Application(middlewares=[sandbox.faults.middleware], client_max_size=16 * 1024**2)
    app.cleanup_ctx.append(life)
    app.add_routes(sandbox.faults.routes())
    app.add_routes(control_routes(sandbox))
    app.router.add_post("/admin/oauth/access_token", token)
    app.router.add_post("/admin/api/{version}/graphql.json", graphql)
    return app
