"""The route table: what registers a route is what documents it, so no route can be missing from the document."""

from __future__ import annotations

import re
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
    """A successful answer: its JSON model, or what it is made of otherwise."""

    model: type[BaseModel] | None = None
    content_types: tuple[str, ...] = ()
    """Of what has no model; none: it has no body."""
    says: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Headers that it always has, and what each says."""


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    path: str
    handler: Handler
    summary: str
    answers: Mapping[int, Answer]
    problems: tuple[int, ...] = ()
    """Statuses of problems beyond 400, 500 and 503 and, with a token, 401 and 403."""
    body: type[BaseModel] | None = None
    form: tuple[str, ...] = ()
    """Fields of an urlencoded body."""
    query: type[BaseModel] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """Request headers that it needs, and what each says."""
    token: bool = True
    may_use: Scope | None = None
    """Without `token`: the scope that a token needs, where one is sent for more."""
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
        always = {400, 500, 503, *({401, 403} if self.token else ()), *({413, 408, 415, 422} if self.body else ())}
        # A page says itself what is wrong with a link.
        asked = {422} if self.query and not self.shows_pages else set()
        return sorted({*self.answers, *self.problems, *always, *asked})

    @property
    def shows_pages(self) -> bool:
        return any("text/html" in answer.content_types for answer in self.answers.values())

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
    described: bytes = b""
    """The OpenAPI document, once somebody asked for it."""

    def add(self, routes: Iterable[Route]) -> None:
        self.routes.extend(routes)

    def register(self, app: web.Application) -> None:
        """An address that is written out is nobody's id: with another method it is 405, and what is possible there."""
        for route in self.routes:
            app.router.add_route(route.method, route.path, route.registered())
        patterns = [re.sub(r"{\w+}", "[^/]+", path) for path in {route.path for route in self.routes} if "{" in path]
        for path in dict.fromkeys(route.path for route in self.routes if "{" not in route.path):
            if any(re.fullmatch(pattern, path) for pattern in patterns):
                methods = {route.method for route in self.routes if route.path == path}
                app.router.add_route("*", path, _not_allowed(methods))


def _not_allowed(methods: set[str]) -> Handler:
    async def refuse(request: web.Request) -> web.StreamResponse:
        raise web.HTTPMethodNotAllowed(request.method, methods)

    return refuse


ROUTES: web.AppKey[RouteTable] = web.AppKey("routes", RouteTable)


def ok(model: BaseModel, status: int = HTTPStatus.OK, headers: Mapping[str, str] | None = None) -> web.Response:
    """A model as JSON; every default is written out, so that a reader sees what holds."""
    return web.Response(
        body=model.model_dump_json().encode(), status=status, headers=headers, content_type="application/json"
    )
