"""The route table: what registers a route is what documents it, so no route can be missing from the document."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from aiohttp import web
from pydantic import BaseModel

from bridge.storage.api_tokens import Scope
from bridge.web.auth import caller

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
WHO: web.RequestKey[str] = web.RequestKey("who", str)
"""Who asks, for the audit; set on routes that need a token."""
SCOPES: web.RequestKey[frozenset[Scope]] = web.RequestKey("scopes", frozenset)
"""What the token that asks may do."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer: its JSON model, or another content type."""

    model: type[BaseModel] | None = None
    content_type: str = "application/json"
    says: str = ""


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    path: str
    handler: Handler
    summary: str
    answers: Mapping[int, Answer]
    problems: tuple[int, ...] = ()
    """Statuses of problems beyond 500 and 503 and, with a token, 401 and 403."""
    body: type[BaseModel] | None = None
    form: tuple[str, ...] = ()
    """Fields of an urlencoded body."""
    query: type[BaseModel] | None = None
    headers: tuple[str, ...] = ()
    """Request headers that matter."""
    token: bool = True
    act: bool = False
    """It decides about orders; what else changes things configures."""
    tag: str = "api"
    notes: str = ""

    @property
    def name(self) -> str:
        return self.handler.__name__

    @property
    def scope(self) -> Scope:
        """What a token needs."""
        if self.method == "GET":
            return Scope.READ
        return Scope.ACT if self.act else Scope.CONFIGURE

    @property
    def statuses(self) -> list[int]:
        always = {500, 503, *({401, 403} if self.token else ()), *({413, 408, 415, 422, 400} if self.body else ())}
        asked = {422} if self.query else set()
        return sorted({*self.answers, *self.problems, *always, *asked})

    def registered(self) -> Handler:
        if not self.token:
            return self.handler
        inner, scope = self.handler, self.scope

        async def with_token(request: web.Request) -> web.StreamResponse:
            found = await caller(request, scope)
            request[WHO], request[SCOPES] = found.who, found.scopes
            return await inner(request)

        return with_token


@dataclass(slots=True)
class RouteTable:
    routes: list[Route] = field(default_factory=list)

    def add(self, routes: Iterable[Route]) -> None:
        self.routes.extend(routes)

    def register(self, app: web.Application) -> None:
        for route in self.routes:
            app.router.add_route(route.method, route.path, route.registered())


ROUTES: web.AppKey[RouteTable] = web.AppKey("routes", RouteTable)


def ok(model: BaseModel, status: int = HTTPStatus.OK, headers: Mapping[str, str] | None = None) -> web.Response:
    """A model as JSON; every default is written out, so that a reader sees what holds."""
    return web.Response(
        body=model.model_dump_json().encode(), status=status, headers=headers, content_type="application/json"
    )
