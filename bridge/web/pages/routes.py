"""How a page is registered: only for who signed in, changed only by who may, and errors are pages too."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Literal

from aiohttp import web

from bridge.storage.errors import StorageProblem
from bridge.web.guard import mistake
from bridge.web.pages.forms import CSRF_FIELD, FORM, check_csrf, check_origin, is_ours, read_form
from bridge.web.pages.kept_forms import keep
from bridge.web.pages.rendering import problem_page, see_other, sign_in_page
from bridge.web.pages.visits import VISIT, cookie_name, csrf_of, holding_page, sign_in_path, visit
from bridge.web.problems import Problem, as_problem
from bridge.web.routes import WHO

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class PageRoute:
    """A page (GET), or a form of one (POST)."""

    method: Literal["GET", "POST"]
    path: str
    handler: Handler
    summary: str
    own: bool = False
    """A POST about the user's own account, which viewers may send too."""
    open: bool = False
    """For visitors who did not sign in."""

    def registered(self) -> Handler:
        inner = self.handler

        async def guarded(request: web.Request) -> web.StreamResponse:
            try:
                if self.open:
                    return await inner(request)
                return await self._for_visitors(request)
            except Exception as error:  # noqa: BLE001 -- the edge: what is nobody's answer is logged and becomes a page
                problem = as_problem(error) or mistake(request, error)
                return problem_page(request, problem, None if self.own else request.get(FORM))

        guarded.__name__ = inner.__name__
        return guarded

    async def _for_visitors(self, request: web.Request) -> web.StreamResponse:
        try:
            found = await visit(request)
        except StorageProblem:
            if self.method == "POST":
                await _take_unread(request)
            raise
        if found is None:
            return await _sign_in_first(request, may_keep=self.method == "POST" and not self.own)
        request[VISIT] = found
        request[WHO] = found.who
        if self.method == "POST":
            check_origin(request)
            form = await read_form(request)
            check_csrf(form, found.csrf)
            request[FORM] = form
            if not self.own and not found.may_change:
                raise Problem("not-allowed", "You may look, not change things. A manager can do it, or make you one.")
        return await self.handler(request)


async def _take_unread(request: web.Request) -> None:
    """A form of our own page, while nobody can say whose session it is: nothing is done, and it is shown again."""
    check_origin(request)
    form = await read_form(request)
    if is_ours(form, csrf_of(request.cookies.get(cookie_name(request), ""))):
        request[FORM] = form


async def _sign_in_first(request: web.Request, *, may_keep: bool) -> web.Response:
    """A page is asked for again after the sign-in. A form is kept, as far as it came from our own page and holds no
    secret; else the page that held it is shown, and says that nothing was changed.
    """
    cookie = request.cookies.get(cookie_name(request), "")
    if may_keep:
        check_origin(request)
        form = await read_form(request)
        # A browser that has dropped the cookie by itself still tells where the form came from.
        if form.has(CSRF_FIELD) and (not cookie or is_ours(form, csrf_of(cookie))):
            held = keep(request.path, holding_page(request), form)
            if held:
                return sign_in_page(request, holding_page(request), ended=True, held=held, status=403)
    return see_other(sign_in_path(request, ended=bool(cookie)))


def register(app: web.Application, routes: tuple[PageRoute, ...]) -> None:
    for route in routes:
        app.router.add_route(route.method, route.path, route.registered())


@web.middleware
async def strangers_meet_pages(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whoever follows a dead link in a browser, or opens an address of forms, is shown a page, not a line of JSON."""
    try:
        return await handler(request)
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed) as missing:
        asked_for_page = "text/html" in request.headers.get("Accept", "") and request.method in {"GET", "HEAD"}
        problem = as_problem(missing)
        if not asked_for_page or problem is None or request.path.startswith("/api/"):
            raise
        with contextlib.suppress(StorageProblem):  # the page says the same without a visitor's name
            found = await visit(request)
            if found is not None:
                request[VISIT] = found
        return problem_page(request, Problem(problem.slug, _NO_PAGE[problem.slug], headers=problem.headers))


_NO_PAGE: Final = {
    "not-found": "There is no page at this address.",
    "method-not-allowed": "Nothing is shown at this address: a form or a program sends something to it.",
}
