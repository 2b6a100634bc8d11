"""What can go wrong on the way to a shop, made to happen on purpose, and a journal of every call that arrived.

A fault is queued through the control API and taken by the next call that matches it:

- `fail`   answer with `status`, `body` and `content_type`; nothing is done
- `slow`   wait `seconds`, then do the work and answer
- `refuse` cut the connection before anything is done
- `cut`    do the work, then cut the connection: the caller never learns
- `late`   cut the connection at once and do the work later: after `seconds`, or, when that is null,
           at `POST /_control/release`

The journal lets a test wait for a call to arrive instead of sleeping.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

CONTROL_PREFIX = "/_control"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Fault(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: Literal["fail", "slow", "refuse", "cut", "late"]
    method: str = Field(default=".*", description="regular expression over the HTTP method")
    path: str = Field(default=".*", description="regular expression searched in the path with its query")
    containing: str = Field(default="", description="regular expression searched in the request's body")
    times: int = Field(default=1, ge=1, le=10_000, description="how many calls it takes before it is used up")
    status: int = Field(default=500, ge=200, le=599)
    body: str = ""
    content_type: str = "text/plain"
    headers: dict[str, str] = Field(default_factory=dict)
    seconds: float | None = Field(default=0.0, ge=0, le=600)

    def matches(self, request: web.Request, body: str) -> bool:
        return bool(
            re.fullmatch(self.method, request.method)
            and re.search(self.path, request.path_qs)
            and re.search(self.containing, body)
        )


class Call(BaseModel):
    """One call that arrived, in the order of arrival."""

    number: int
    at: datetime
    method: str
    path: str
    headers: dict[str, str]
    body: str
    status: int | None = Field(default=None, description="null while it runs, 0 when the connection was cut")
    fault: str | None = None


class Faults:
    """The queue of faults and the journal of one sandbox server."""

    def __init__(self) -> None:
        self._queue: list[Fault] = []
        self._calls: list[Call] = []
        self._arrived = asyncio.Condition()
        self._release = asyncio.Event()
        self._late: set[asyncio.Task[None]] = set()

    def add(self, fault: Fault) -> None:
        self._queue.append(fault)

    def calls(self, after: int = 0, method: str = ".*", path: str = ".*") -> list[Call]:
        return [
            call for call in self._calls[after:] if re.fullmatch(method, call.method) and re.search(path, call.path)
        ]

    def _take(self, request: web.Request, body: str) -> Fault | None:
        for position, fault in enumerate(self._queue):
            if fault.matches(request, body):
                fault.times -= 1
                if fault.times == 0:
                    del self._queue[position]
                return fault
        return None

    async def _note(self, request: web.Request, body: str, fault: Fault | None) -> Call:
        call = Call(
            number=len(self._calls) + 1,
            at=datetime.now(UTC),
            method=request.method,
            path=request.path_qs,
            headers=dict(request.headers),
            body=body,
            fault=fault.kind if fault else None,
        )
        self._calls.append(call)
        await self._tell()
        return call

    async def _tell(self) -> None:
        async with self._arrived:
            self._arrived.notify_all()

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith(CONTROL_PREFIX):
            return await handler(request)
        body = (await request.read()).decode("utf-8", "replace")
        fault = self._take(request, body)
        call = await self._note(request, body, fault)
        try:
            response = await self._serve(request, handler, fault)
        except web.HTTPException as problem:
            call.status = problem.status
            raise
        else:
            call.status = response.status if fault is None or fault.kind in {"fail", "slow"} else 0
            return response
        finally:
            await self._tell()

    async def _serve(self, request: web.Request, handler: Handler, fault: Fault | None) -> web.StreamResponse:
        if fault is None:
            return await handler(request)
        if fault.kind == "fail":
            return web.Response(
                status=fault.status, text=fault.body, content_type=fault.content_type, headers=fault.headers
            )
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds or 0.0)
            return await handler(request)
        if fault.kind == "cut":
            response = await handler(request)
        elif fault.kind == "late":
            task = asyncio.create_task(self._work_later(request, handler, fault.seconds))
            self._late.add(task)
            task.add_done_callback(self._late.discard)
            response = web.Response()
        else:
            response = web.Response()
        if request.transport is not None:
            request.transport.abort()
        return response

    async def _work_later(self, request: web.Request, handler: Handler, seconds: float | None) -> None:
        if seconds is None:
            await self._release.wait()
        else:
            await asyncio.sleep(seconds)
        await handler(request)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post(f"{CONTROL_PREFIX}/faults", self._post_fault),
            web.delete(f"{CONTROL_PREFIX}/faults", self._clear_faults),
            web.get(f"{CONTROL_PREFIX}/calls", self._get_calls),
            web.post(f"{CONTROL_PREFIX}/release", self._post_release),
        ]

    async def _post_fault(self, request: web.Request) -> web.Response:
        fault = Fault.model_validate_json(await request.read())
        self.add(fault)
        return web.json_response(fault.model_dump(), status=201)

    async def _clear_faults(self, _request: web.Request) -> web.Response:
        self._queue.clear()
        return web.json_response({})

    async def _get_calls(self, request: web.Request) -> web.Response:
        """`?after=N&method=&path=&wait=SECONDS`: matching calls after number N, waiting for the first."""
        query = request.query
        after = int(query.get("after", "0"))
        method, path = query.get("method", ".*"), query.get("path", ".*")
        wait = min(float(query.get("wait", "0")), 60.0)

        def found() -> list[Call]:
            return self.calls(after, method, path)

        if wait and not found():
            try:
                async with asyncio.timeout(wait), self._arrived:
                    await self._arrived.wait_for(lambda: bool(found()))
            except TimeoutError:
                pass  # an empty list says so
        body: list[dict[str, Any]] = [call.model_dump(mode="json") for call in found()]
        return web.json_response({"calls": body, "last": len(self._calls)})

    async def _post_release(self, _request: web.Request) -> web.Response:
        """Let every `late` call without a time do its work now; answers when all are done."""
        waiting = list(self._late)
        self._release.set()
        await asyncio.gather(*waiting)
        self._release.clear()
        return web.json_response({"done": len(waiting)})

    async def close(self) -> None:
        """End what is still waiting to be done late."""
        for task in list(self._late):
            task.cancel()
        await asyncio.gather(*self._late, return_exceptions=True)
