"""Adding a connection, giving it new credentials, and authorizing it again."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from bridge.ports import Platform
from bridge.storage.connections import Connection
from bridge.storage.errors import StorageDown
from bridge.web.api.connections import create, forget, named_connection
from bridge.web.api.models import ConnectionOut, NewConnection
from bridge.web.bodies import as_model
from bridge.web.desk import DESK, WebDesk, public_url
from bridge.web.notices import page as notice
from bridge.web.oauth_tiktok import start_link
from bridge.web.pages import asked
from bridge.web.pages.forms import CSRF_FIELD, FORM, Form
from bridge.web.pages.rendering import see_other, show
from bridge.web.pages.routes import PageRoute
from bridge.web.pages.visits import remember
from bridge.web.problems import Problem, of_storage
from bridge.web.states import State, public

ONCE: Final = "once"
"""A field of chance: by it a form that is sent twice is told from another one filled in alike."""
_AFTER: Final[Mapping[str, str]] = {
    "credentials-refused": "Compare what you typed with what the other side shows, and type the secrets again: this "
    "form does not keep them.",
    "remote-refused": "Mend it on the other side as it says, type the secrets again, and send the form once more.",
    "remote-unavailable": "Check the address, and whether this server reaches it. Then type the secrets again and send "
    "the form once more.",
    "busy": "Wait a moment and send the form again.",
    "storage-unavailable": "Look under Connections whether it is there. Then type the secrets again and send the form "
    "once more.",
}
"""Slug of a problem that the form can be sent again for → what to do."""


@dataclass(frozen=True, slots=True)
class Failed:
    """What the other side said to what was typed."""

    because: str
    findings: list[Mapping[str, str]]
    advice: str
    is_sure: bool = True
    """Nothing was stored."""


async def choose_platform(request: web.Request) -> web.Response:
    desk = request.app[DESK]
    sides = [
        ("Where you sell", [one for one in desk.platforms.values() if one.side == "channel"]),
        ("Your store, or who sends the parcels", [one for one in desk.platforms.values() if one.side == "store"]),
    ]
    return show(request, "connect_choose.html", title="Add a connection", page="connections", sides=sides, ways=_ways)


def _ways(platform: Platform) -> str:
    if platform.asks.activate:
        return "Connects itself from its own admin; nothing secret is typed."
    return f"{platform.asks.first[0]}" if platform.asks.first else ""


def _known(desk: WebDesk, kind: str) -> Platform:
    found = desk.platforms.get(kind)
    if found is None or kind not in desk.connectors:
        raise Problem("not-found", "This version knows no such platform. Add a connection shows those it knows.")
    return found


async def new_connection(request: web.Request) -> web.Response:
    return _form(request, _known(request.app[DESK], request.match_info["kind"]))


async def add_connection(request: web.Request) -> web.Response:
    platform, form = _known(request.app[DESK], request.match_info["kind"]), request[FORM]
    given = asked.typed(platform.asks, form)
    try:
        told = _asking(request.app[DESK], platform, form.text("url"), form.text("name"), given)
        made = await create(request, told, _mark(request))
    except (Problem, StorageDown) as error:
        problem = of_storage(error) if isinstance(error, StorageDown) else error
        errors, failed = _wrong(problem, platform, given)
        return _form(request, platform, form=form, errors=errors, failed=failed, status=problem.status)
    return await _made(request, platform, made)


def _mark(request: web.Request) -> str:
    """The same for the same form sent twice, and for nothing else; empty where the form has no mark of its own."""
    form = request[FORM]
    if not form.text(ONCE):
        return ""
    fields = [field for field in form.fields if field[0] != CSRF_FIELD]
    return hashlib.sha256(json.dumps([request.path, fields]).encode()).hexdigest()


def _asking(desk: WebDesk, platform: Platform, url: str, name: str, given: Mapping[str, Any]) -> NewConnection:
    """What holds anyway is not stored: it may change with the next version. Raises `Problem`."""
    usual = {one.name: one.choices[0][0] for one in platform.asks.fields if one.choices}
    told = {key: value for key, value in given.items() if usual.get(key) != value}
    body: dict[str, Any] = {"kind": platform.kind, "url": url or None, "name": name or None}
    if told or platform.kind not in desk.handshakes:
        body["credentials"] = told
    return as_model(body, NewConnection)


def _wrong(problem: Problem, platform: Platform, given: Mapping[str, str]) -> tuple[dict[str, str], Failed | None]:
    """Mistakes by field, or what the other side said. Raises what no form is sent again for."""
    if problem.slug == "invalid":
        return asked.placed(problem, platform.asks, given), None
    if problem.slug not in _AFTER:
        raise problem
    found = [one for one in problem.more.get("findings", ()) if one["text"] not in problem.detail]
    is_sure = problem.slug != "storage-unavailable"
    return {}, Failed(problem.detail, found, _AFTER[problem.slug], is_sure)


async def _made(request: web.Request, platform: Platform, made: ConnectionOut) -> web.Response:
    if made.state == State.ANNOUNCED:
        step = "activate it in the store's admin" if platform.side == "store" else "authorize it"
        await remember(request, f"{made.name} is named. Now {step}, as this page says.", "note")
    elif made.state == State.CONNECTED:
        bad = sum(one.level == "error" for one in made.findings)
        said = f", with {bad} to mend" if bad else ""
        await remember(request, f"{made.name} is connected{said}.", "warning" if bad else "ok")
    else:
        await remember(request, f"{made.name} is stored, but does not work yet: {made.because}", "error")
    return see_other(f"/connections/{made.id}")


def _form(
    request: web.Request,
    platform: Platform,
    *,
    connection: Connection | None = None,
    form: Form | None = None,
    errors: Mapping[str, str] | None = None,
    failed: Failed | None = None,
    status: int = 200,
) -> web.Response:
    """`connection`: the one that is given new credentials; `form`: what was sent and is wrong."""
    stored = public(connection.credentials) if connection else {}
    wrong = dict(errors or {})
    if form is not None:
        values = asked.typed(platform.asks, form)
    else:
        values = {one.name: str(stored.get(one.name) or "") for one in platform.asks.fields if not one.secret}
    desk = request.app[DESK]
    keeps = {} if connection is None else _kept(desk, platform, connection)
    return show(
        request,
        "connect_form.html",
        title=f"New credentials of {connection.name}" if connection else f"Connect {platform.name}",
        page="connections",
        status=status,
        platform=platform,
        connection=connection,
        first=[text.replace("{public_url}", public_url(request)) for text in platform.asks.first],
        groups=asked.groups(platform.asks, values, wrong, keeps),
        url=form.text("url") if form else "",
        name=form.text("name") if form else "",
        connects_itself=platform.kind in desk.handshakes,
        authorizes=platform.kind in desk.authorizations,
        errors=wrong,
        failed=failed,
        once=secrets.token_urlsafe(16),
    )


async def show_credentials(request: web.Request) -> web.Response:
    connection = await named_connection(request)
    return _form(request, _known(request.app[DESK], connection.kind), connection=connection)


async def save_credentials(request: web.Request) -> web.Response:
    """Connecting again at the same address, with what was typed over what is stored."""
    desk, form = request.app[DESK], request[FORM]
    connection = await named_connection(request)
    platform = _known(desk, connection.kind)
    whole = _merged(platform, _kept(desk, platform, connection), asked.typed(platform.asks, form))
    # A channel is known by its shops: it is announced anew, and joins the one before when it is authorized.
    name = connection.name if platform.side == "channel" else ""
    try:
        made = await create(request, _asking(desk, platform, connection.url, name, whole), _mark(request))
    except (Problem, StorageDown) as error:
        problem = of_storage(error) if isinstance(error, StorageDown) else error
        errors, failed = _wrong(problem, platform, whole)
        for place in ("url", "name"):  # they are not asked for here
            if place in errors:
                errors[""] = errors.pop(place)
        return _form(
            request, platform, connection=connection, form=form, errors=errors, failed=failed, status=problem.status
        )
    if made.id != connection.id and connection.state == State.ANNOUNCED:
        await forget(request)  # the new one stands in its place
    return await _made(request, platform, made)


def _kept(desk: WebDesk, platform: Platform, connection: Connection) -> dict[str, str]:
    """Stored credentials that may stay. Never what a seller's consent brought: those tokens are renewed beside us, and
    an older pair stored over a newer one would end the authorization.
    """
    stored = public(connection.credentials)
    is_renewed = platform.kind in desk.authorizations
    return {
        one.name: str(stored[one.name])
        for one in platform.asks.fields
        if stored.get(one.name)
        and not (is_renewed and one.granted)
        # Nor what was made from the others, and would hide that they are wrong until it ends.
        and not (one.instead_of and all(stored.get(name) for name in one.instead_of))
    }


def _merged(platform: Platform, kept: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """A secret left empty is kept, unless what was typed stands for it; any other field is as the form has it."""
    hidden = {one.name for one in platform.asks.fields if one.secret}
    replaced = {name for one in platform.asks.fields if given.get(one.name) for name in one.instead_of}
    return {name: value for name, value in kept.items() if name in hidden - replaced} | dict(given)


async def authorize(request: web.Request) -> web.Response:
    """To the platform's page where the seller agrees, or a link for whoever shall agree."""
    desk = request.app[DESK]
    connection = await named_connection(request)
    if connection.kind not in desk.authorizations:
        raise Problem("conflict", "It is not authorized in a browser: give it new credentials instead.")
    platform = _known(desk, connection.kind)
    try:
        desk.authorizations[connection.kind].authorize_url(public(connection.credentials), "")
    except (ValueError, KeyError) as problem:
        await remember(request, f"It cannot be authorized in a browser yet: {problem}.", "error")
        return see_other(f"/connections/{connection.id}/credentials")
    link = await start_link(request, connection.id)
    if request[FORM].text("who") == "other":
        title = f"A link to authorize {connection.name}"
        return show(
            request, "connect_link.html", title=title, page="connections", one=connection, platform=platform, link=link
        )
    # Led on by a page and not by a redirect: our policy lets no form lead to another site, by whatever way.
    text = "Nothing was changed yet. Your browser goes on by itself."
    return notice(f"On the way to {platform.name}", text, link=(link, f"Go on to {platform.name}"), go_on_after=0)


ROUTES: Final = (
    PageRoute("GET", "/connections/new", choose_platform, "Which platform to connect"),
    PageRoute("GET", "/connections/new/{kind}", new_connection, "What the platform asks for"),
    PageRoute("POST", "/connections/new/{kind}", add_connection, "Connect it, or announce it"),
    PageRoute("GET", "/connections/{connection}/credentials", show_credentials, "New credentials for a connection"),
    PageRoute("POST", "/connections/{connection}/credentials", save_credentials, "Connect again with them"),
    PageRoute("POST", "/connections/{connection}/authorize", authorize, "Have the seller authorize it in a browser"),
)
