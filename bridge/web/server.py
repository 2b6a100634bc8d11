"""How the application is served: what aiohttp leaves open is set here, once."""

from __future__ import annotations

from typing import Final

import structlog
from aiohttp import web
from aiohttp.abc import AbstractAccessLogger
from aiohttp.web_request import BaseRequest

SHUTDOWN_SECONDS: Final = 3.0
"""Requests under way get so long to end: longer than a delivery may take, and a stop is over within 10 s."""

_log: structlog.stdlib.BoundLogger = structlog.get_logger("bridge.access")
_QUIET = ("/hooks/", "/healthz", "/readyz", "/metrics")


class AccessLog(AbstractAccessLogger):
    """Method, path, status and time. Never a query string (codes, states, consumer keys stand there), never a header.

    Deliveries and probes are counted in the metrics and logged only when they fail on our side.
    """

    def log(self, request: BaseRequest, response: web.StreamResponse, time: float) -> None:
        if response.status < 500 and request.path.startswith(_QUIET):
            return
        _log.info(
            "request",
            method=request.method,
            path=request.path[:200],
            status=response.status,
            ms=round(time * 1000, 1),
        )


def make_runner(app: web.Application) -> web.AppRunner:
    """Bodies stay as they came (signatures are over raw bytes); shutting down waits for requests under way."""
    return web.AppRunner(
        app,
        access_log_class=AccessLog,
        auto_decompress=False,
        keepalive_timeout=75.0,
        lingering_time=5.0,
        shutdown_timeout=SHUTDOWN_SECONDS,
        max_line_size=8190,
        max_field_size=8190,
    )
