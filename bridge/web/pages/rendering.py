"""Rendering: templates, the frame around every page, and the policy a browser holds it to."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from datetime import UTC
from functools import cache
from importlib import resources
from typing import Any, Final

from aiohttp import web
from jinja2 import DictLoader, Environment, StrictUndefined

from bridge.web.desk import DESK
from bridge.web.pages import filters
from bridge.web.pages.forms import Form
from bridge.web.pages.kept_forms import keep, kept
from bridge.web.pages.visits import HOME, VISIT, cookie_name, csrf_of, holding_page, local_path, page_above
from bridge.web.problems import Problem

NAVIGATION: Final[tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...]] = (
    (
        "",
        (
            ("overview", HOME, "Overview"),
            ("attention", "/attention", "Needs attention"),
            ("orders", "/orders", "Orders"),
            ("history", "/history", "History"),
        ),
    ),
    (
        "Settings",
        (
            ("cancellation-sync", "/settings/cancellation-sync", "Channel settings"),
            ("buyer-requests", "/settings/buyer-requests", "Buyers' requests"),
            ("connections", "/connections", "Connections"),
            ("alerts", "/alerts", "Alerts"),
        ),
    ),
    ("Access", (("users", "/users", "Users"), ("tokens", "/tokens", "API tokens"), ("audit", "/audit", "Audit"))),
)
"""Groups of pages: their heading, then each page's word, address and name."""


def _texts(folder: str) -> dict[str, str]:
    """Read while the module is: nothing is read from a disk while requests wait."""
    return {
        one.name: one.read_text(encoding="utf-8")
        for one in (resources.files("bridge.web.pages") / folder).iterdir()
        if one.name.endswith((".html", ".css", ".js"))
    }


_TEMPLATES: Final = _texts("templates")
_ASSETS: Final = _texts("assets")
STYLE: Final = _ASSETS["pages.css"]
SCRIPT_PATH: Final = f"/assets/pages-{hashlib.sha256(_ASSETS['pages.js'].encode()).hexdigest()[:12]}.js"
"""Its address changes with what it says, so that browsers may keep it for ever."""


@cache
def environment() -> Environment:
    """Made when the first page is asked for: a process that only settles does not pay for it."""
    made = Environment(
        loader=DictLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters.update(filters.FILTERS)
    made.globals["home"] = HOME
    made.globals["style"] = STYLE
    made.globals["script_path"] = SCRIPT_PATH
    return made


@cache
def policy() -> str:
    """No inline script, no script of others; the one style sheet is in the page, named by its hash."""
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; script-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )


async def script(request: web.Request) -> web.Response:
    """The script that makes some things quicker; every page works without it."""
    del request
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return web.Response(text=_ASSETS["pages.js"], content_type="text/javascript", headers=headers)


def show(
    request: web.Request, template: str, *, title: str, page: str = "", status: int = 200, **values: Any
) -> web.Response:
    """A page. `page`: its word in the navigation. `values`: what the template names."""
    visit = request.get(VISIT)
    zone_name, found = (visit.zone_name, visit.zone) if visit else ("UTC", UTC)
    text = (
        environment()
        .get_template(template)
        .render(
            title=title,
            page=page,
            visit=visit,
            may_change=bool(visit and visit.may_change),
            csrf=visit.csrf if visit else "",
            said=visit.said if visit else None,
            navigation=NAVIGATION if visit else (),
            version=request.app[DESK].version,
            now=filters.Times(found, zone_name, request.app[DESK].clock.now()),
            path=request.path,
            **values,
        )
    )
    return web.Response(text=text, status=status, content_type="text/html", headers=_headers())


def _headers() -> dict[str, str]:
    # A form says which page of ours it was on; nobody else is told.
    return {"Content-Security-Policy": policy(), "Referrer-Policy": "same-origin", "Vary": "Cookie"}


def sign_in_page(
    request: web.Request,
    going_to: str,
    *,
    ended: bool = False,
    held: str = "",
    name: str = "",
    errors: Mapping[str, str] | None = None,
    status: int = 200,
) -> web.Response:
    """`held`: a form that waits for the sign-in, as `kept_forms.keep` has it."""
    return show(
        request,
        "sign_in.html",
        title="Sign in",
        status=status,
        ended=ended,
        next=going_to,
        held=held,
        name=name,
        errors=errors or {},
    )


def see_other(path: str) -> web.Response:
    """After a form: a page that may be reloaded without sending the form again."""
    return web.Response(status=303, headers={"Location": path} | _headers())


PASSES: Final = frozenset({"storage-unavailable", "secret-unavailable", "internal", "remote-unavailable", "busy"})
"""Slugs of what may be over when the same is asked again."""


def problem_page(request: web.Request, problem: Problem, form: Form | None = None) -> web.Response:
    """`form`: one of ours that failed. It can be sent again from here, as far as it may be shown."""
    again = None
    if form is not None and problem.slug in PASSES:
        again = kept(keep(request.path_qs, holding_page(request), form))
    answer = show(
        request,
        "problem.html",
        title=problem.title,
        status=problem.status,
        detail=problem.detail,
        ways=_ways_on(request, problem),
        again=again,
        token=csrf_of(request.cookies.get(cookie_name(request), "")) if again else "",
        lost=form is not None and again is None and problem.slug in PASSES,
    )
    for name, value in problem.headers.items():
        answer.headers[name] = value
    return answer


def _ways_on(request: web.Request, problem: Problem) -> list[tuple[str, str]]:
    """Addresses and words, the likeliest first."""
    found = []
    if problem.slug == "method-not-allowed":
        found.append((page_above(request, request.path), "To the page that belongs to it"))
    elif request.method not in {"GET", "HEAD"}:
        held = holding_page(request)
        found.append((page_above(request, request.path) if held == HOME else held, "To the page with the form"))
    elif problem.slug in PASSES:
        found.append((local_path(request.path_qs), "Try again"))
    if VISIT in request:
        found.append((HOME, "To the first page"))
    elif problem.slug not in PASSES:
        found.append(("/sign-in", "To the sign-in"))
    return found
