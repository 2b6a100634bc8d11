"""How the application is served: what aiohttp leaves open is set here, once."""

from __future__ import annotations

from typing import Any, Final

import structlog
from aiohttp import web
from aiohttp.abc import AbstractAccessLogger
from aiohttp.web_request import BaseRequest

from bridge.web.guard import HEADERS
from bridge.web.problems import Problem

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


class Protocol(web.RequestHandler):
    """What cannot be read as HTTP never reaches the application; its answer is a problem all the same.

    aiohttp would say the beginning of the line that it could not read, to the sender and in the log, traceback and
    all: a code or a key may stand there, and strangers could fill the log.
    """

    __slots__ = ()

    def handle_error(
        self,
        request: BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if status >= 500:
            return super().handle_error(request, status, exc, message)
        if request.writer.output_size > 0:
            raise ConnectionError("an answer was begun: nothing else can be said on this connection")
        _log.info("request_unreadable", error=type(exc).__name__, status=status)
        detail = "The request is not one that HTTP allows, or its first line or a header is longer than 8190 bytes."
        answer = Problem("bad-request", detail).response()
        answer.headers.update(HEADERS)
        answer.force_close()
        return answer


class _Server(web.Server):
    def __init__(self, plain: web.Server, handling: dict[str, Any]) -> None:
        super().__init__(plain.request_handler, request_factory=plain.request_factory, **handling)
        self._handling = handling

    def __call__(self) -> web.RequestHandler:
        return Protocol(self, loop=self._loop, **self._handling)


class _Runner(web.AppRunner):
    """aiohttp has no public place for a protocol of one's own: the server that it makes is put into ours."""

    async def _make_server(self) -> web.Server:
        return _Server(await super()._make_server(), self._kwargs)


def make_runner(app: web.Application) -> web.AppRunner:
    """Bodies stay as they came (signatures are over raw bytes); shutting down waits for requests under way."""
    return _Runner(
        app,
        access_log_class=AccessLog,
        auto_decompress=False,
        keepalive_timeout=75.0,
        lingering_time=5.0,
        shutdown_timeout=SHUTDOWN_SECONDS,
        max_line_size=8190,
        max_field_size=8190,
    )
