"""Around every request: errors become problems, answers get their security headers, nothing secret is logged."""

from __future__ import annotations

import traceback
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from bridge.web.problems import Problem, as_problem

log: structlog.stdlib.BoundLogger = structlog.get_logger("bridge.web")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"),
    ("Cache-Control", "no-store"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
)


@web.middleware
async def errors_to_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as answer:
        if answer.status < 400:
            raise
        problem = as_problem(answer)
        assert problem is not None
        return problem.response()
    except Exception as error:  # noqa: BLE001 -- the edge of the program: what is nobody's answer is logged and becomes a 500
        problem = as_problem(error)
        if problem is None:
            problem = mistake(request, error)
        return problem.response()


def mistake(request: web.Request, error: Exception) -> Problem:
    """A mistake of ours, logged."""
    _log_mistake(request, error)
    detail = "A mistake of the bridge itself: its log has the place."
    if request.method not in {"GET", "HEAD"}:
        detail += " Look whether what was asked is done before you ask again."
    return Problem("internal", detail)


def _log_mistake(request: web.Request, error: Exception) -> None:
    """Where it happened, and no values: messages and locals may hold credentials."""
    frames = [
        f"{frame.filename.rsplit('/', 2)[-1]}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)[-12:]
    ]
    log.error("request_failed", method=request.method, path=request.path, error=type(error).__name__, frames=frames)


async def set_headers(request: web.Request, response: web.StreamResponse) -> None:
    """`on_response_prepare`. A page may set its own policy first. The server does not say what it runs on."""
    del request
    headers = response.headers
    for name, value in HEADERS:
        if name not in headers:
            headers[name] = value
    headers.popall("Server", None)
