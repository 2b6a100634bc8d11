"""Connections: the shops and stores, how they are, and what to do where one is not well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage import loads, shops
from bridge.storage.connections import Connection
from bridge.storage.errors import InUse
from bridge.storage.loads import Load, Loads
from bridge.storage.shops import Shop
from bridge.web.api.connections import change, forget, named_connection, shown, shown_alone
from bridge.web.api.doctor import look
from bridge.web.api.doctor_models import Look
from bridge.web.api.models import ConnectionChange, ConnectionOut, FindingOut
from bridge.web.bodies import as_model
from bridge.web.connecting import NOT_YET
from bridge.web.desk import DESK, WebDesk, public_url
from bridge.web.pages.first_steps import first_steps
from bridge.web.pages.forms import FORM, Form, wrong_fields
from bridge.web.pages.rendering import see_other, show
from bridge.web.pages.routes import PageRoute
from bridge.web.pages.standing import standing_of
from bridge.web.pages.visits import remember
from bridge.web.problems import Problem
from bridge.web.states import State

_STATES: Final[Mapping[str, tuple[str, str]]] = {
    State.ANNOUNCED: ("Waits to be authorized", "note"),
    State.CONNECTED: ("Connected", "good"),
    State.REAUTH: ("Authorize again", "bad"),
    State.FAILED: ("Something has to be mended", "bad"),
}
_LEVELS: Final[Mapping[str, tuple[str, str]]] = {
    "error": ("{} to mend", "bad"),
    "warning": ("{} to know", "warn"),
    "ok": ("All is well", "good"),
}
_FACTS: Final[Mapping[str, str]] = {
    "plugin_version": "Plugin version, as it reports itself",
    "mode": "How messages come",
    "region": "Region",
    "version": "Version",
    "clock_offset": "Our clock less its clock, in seconds",
}
_NOTHING: Final = Load(0, 0)
_MODES: Final[Mapping[str, str]] = {
    "full": "Sent to us, and looked for by ourselves",
    "sweep-only": "Not sent to us: looked for by ourselves, so they are seen later",
}


def state_shown(state: str) -> tuple[str, str]:
    """Its words, and the badge's tone; a state we do not know is shown as it is."""
    return _STATES.get(state, (state, ""))


def worst(findings: Sequence[FindingOut]) -> tuple[str, str] | None:
    """The worst level of what was last found, with how many are as bad. None: it was not looked at."""
    for level, (text, tone) in _LEVELS.items():
        count = sum(one.level == level for one in findings)
        if count:
            return text.format(count), tone
    return None


def _looked_at(one: ConnectionOut) -> datetime | None:
    told = one.facts.get("looked_at")
    return datetime.fromisoformat(told) if isinstance(told, str) else None


def _facts(one: ConnectionOut) -> list[tuple[str, str]]:
    """Those that say something to people; `GET /api/v1/connections/…` has them all."""
    found = []
    for name, label in _FACTS.items():
        value = one.facts.get(name)
        if isinstance(value, (str, int, float)) and value != "":
            found.append((label, _MODES.get(str(value), str(value)) if name == "mode" else str(value)))
    views = one.facts.get("views")
    if isinstance(views, list) and views:
        codes = [str(view["code"]) for view in views if isinstance(view, dict) and "code" in view]
        found.append(("Store views", ", ".join(codes)))
    return found


def _platform(desk: WebDesk, one: ConnectionOut) -> tuple[str, str]:
    """The platform's name, and what the connection is."""
    known = desk.platforms.get(one.kind)
    if known is None:
        return one.kind, "Unknown to this version"
    return known.name, "Shops" if known.side == "channel" else "Store"


async def show_connections(request: web.Request) -> web.Response:
    desk = request.app[DESK]

    async def read(conn: AsyncConnection) -> tuple[Loads, list[Connection], list[Shop]]:
        return await loads.read(conn), await desk.connections.all(conn), await shops.all(conn)

    waits, stored, of_all = await desk.db.read(read)
    rows = [
        {
            "one": one,
            "platform": _platform(desk, one),
            "state": state_shown(one.state),
            "worst": worst(one.findings),
            "looked_at": _looked_at(one),
            "load": waits.of.get(one.id, _NOTHING),
        }
        for one in shown(desk, stored, of_all)
    ]
    return show(
        request,
        "connections.html",
        title="Connections",
        page="connections",
        rows=rows,
        whole=waits.is_whole,
        steps=first_steps(desk, stored, of_all),
    )


async def show_connection(request: web.Request) -> web.Response:
    return await _page(request)


async def _page(
    request: web.Request, form: Form | None = None, errors: dict[str, str] | None = None, status: int = 200
) -> web.Response:
    """`form`: what was sent and is wrong; it is shown as it was typed."""
    desk = request.app[DESK]
    connection = await named_connection(request)
    one = await shown_alone(desk, connection)
    waits = await desk.db.read(loads.read)
    stored: dict[str, Any] = {"name": one.name, "plugin_version_override": one.plugin_version_override or ""}
    stored["admin_url"] = one.admin_url or ""
    known = desk.platforms.get(one.kind)
    return show(
        request,
        "connection.html",
        title=one.name,
        page="connections",
        status=status,
        one=one,
        platform=_platform(desk, one),
        state=state_shown(one.state),
        announced=one.state == State.ANNOUNCED,
        why="" if one.because == NOT_YET else one.because,
        has_plugin="plugin_version" in one.facts or one.plugin_version_override is not None,
        looked_at=_looked_at(one),
        facts=_facts(one),
        standing=await standing_of(desk, one, connection, public_url(request)),
        load=waits.of.get(one.id, _NOTHING),
        whole=waits.is_whole,
        admin_is_told=known is not None and known.admin_is_told,
        typed={name: form.text(name) for name in stored} if form else stored,
        errors=errors or {},
    )


async def change_connection(request: web.Request) -> web.Response:
    form = request[FORM]
    given: dict[str, Any] = {"name": form.text("name")}
    for optional in ("plugin_version_override", "admin_url"):
        if any(name == optional for name, _ in form.fields):
            given[optional] = form.text(optional) or None
    try:
        stored = await change(request, as_model(given, ConnectionChange))
    except Problem as problem:
        if problem.status != 422:
            raise
        return await _page(request, form, wrong_fields(problem), problem.status)
    await remember(request, f"{stored.name} was saved.")
    return see_other(f"/connections/{stored.id}")


async def run_doctor(request: web.Request) -> web.Response:
    try:
        found = await look(request, Look())
    except Problem as problem:
        if problem.slug != "conflict":
            raise
        return await _page(request, None, {"": problem.detail}, problem.status)
    said = worst(found.findings)
    level = next((one for one in _LEVELS if any(each.level == one for each in found.findings)), "note")
    text = f"Doctor looked at {found.name}: {said[0].lower() if said else 'nothing was found'}."
    await remember(request, text, level)
    return see_other(f"/connections/{found.id}#findings")


async def forget_connection(request: web.Request) -> web.Response:
    try:
        gone = await forget(request)
    except InUse as problem:
        return await _page(request, None, {"": f"It was kept: {problem}."}, 409)
    await remember(request, f"{gone.name} was forgotten, with its credentials.")
    return see_other("/connections")


ROUTES: Final = (
    PageRoute("GET", "/connections", show_connections, "The shops and stores, and how they are"),
    PageRoute("GET", "/connections/{connection}", show_connection, "One connection: its state, findings and facts"),
    PageRoute(
        "POST",
        "/connections/{connection}/change",
        change_connection,
        "Rename it, state its plugin version, or say where its admin is",
    ),
    PageRoute("POST", "/connections/{connection}/doctor", run_doctor, "Run doctor on it now"),
    PageRoute("POST", "/connections/{connection}/forget", forget_connection, "Forget it"),
)
