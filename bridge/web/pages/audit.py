"""Audit: who changed what by hand, and what it was before."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, Final
from urllib.parse import quote, urlencode

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.attention import TEXTS, AttentionKind
from bridge.storage import attention, shops, users
from bridge.web.api.audit import changes_of
from bridge.web.api.audit_models import AuditPage, AuditQuery, ChangeOut
from bridge.web.bodies import as_model
from bridge.web.desk import DESK, WebDesk
from bridge.web.pages.forms import wrong_fields
from bridge.web.pages.in_words import said
from bridge.web.pages.rendering import show
from bridge.web.pages.routes import PageRoute
from bridge.web.pages.visits import VISIT
from bridge.web.problems import Problem, invalid

_PLACES: Final[Mapping[str, str]] = {
    "connection": "/connections/",
    "shop": "/settings/cancellation-sync/",
    "order": "/orders/",
    "user": "/users/",
    "alert target": "/alerts/",
    "attention item": "/attention/",
    "attention kind": "/attention/items?state=all&kind=",
}
"""Kind of thing → where its page is."""
_KINDS: Final[Mapping[str, str]] = {
    "shop": "TikTok Shop",
    "attention item": "question",
    "attention kind": "all questions of the kind",
}
_THING: Final = re.compile(r"(connection|shop|order|alert target|attention item|attention kind) (\S+)(?: (.+))?")
_USER: Final = re.compile(r"(user) (.+) (added|role|password|removed)")
"""A user's id; of earlier changes the name, which may hold blanks: the last word is what was done."""
Known = Mapping[tuple[str, str], tuple[str, str]]
"""Kind of thing and its id, or a user's name → its name and its id. A thing may be gone by now."""
_LONGEST: Final = 400
"""A page of fifty changes stays small; what is longer is cut, and said to be."""

_ORDER: Final = "in this order"


def _cut(value: object) -> str:
    text = said(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} … ({len(text)} characters)"


def _flat(value: object, under: str = "") -> dict[str, object]:
    """Fields by their path. A value that is no object has the empty path; of objects with names, the name leads on."""
    if isinstance(value, list) and (named := _by_name(value)):
        value = {**named, _ORDER: list(named)}
    if not isinstance(value, Mapping):
        return {under: value}
    found: dict[str, object] = {}
    for name, one in value.items():
        found |= _flat(one, f"{under} › {name}" if under else str(name))
    return found


def _by_name(value: list[object]) -> dict[str, object]:
    """Such as the rules for buyers' requests. Empty where they are no objects, or of one name."""
    found: dict[str, object] = {}
    for one in value:
        if not isinstance(one, Mapping) or not isinstance(one.get("name"), str) or one["name"] in {*found, _ORDER}:
            return {}
        found[one["name"]] = {name: field for name, field in one.items() if name != "name"}
    return found


def _told(value: object) -> object:
    """An empty text or list says no more than none does."""
    return None if value in ("", []) else value


def differences(before: Any, after: Any) -> list[tuple[str, str, str]]:
    """Field, before and after, of the fields that differ; a field that is only on one side was, or becomes, none."""
    was, is_now = ({} if one is None else _flat(one) for one in (before, after))
    names = list(dict.fromkeys([*was, *is_now]))
    pairs = [(name, was.get(name), is_now.get(name)) for name in names]
    return [(name.replace("_", " "), _cut(old), _cut(new)) for name, old, new in pairs if _told(old) != _told(new)]


@dataclass(frozen=True, slots=True)
class Thing:
    """What was changed, as people know it: what kind of thing, its name, where it is shown, and what was done."""

    kind: str
    name: str
    address: str
    rest: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}" + (f": {self.rest}" if self.rest else "")


def thing(one: ChangeOut, known: Known) -> Thing | None:
    """None for what is no single thing."""
    found = _USER.fullmatch(one.what) or _THING.fullmatch(one.what)
    if found is None:
        return None
    kind, key, rest = found.groups()
    name, there = known.get((kind, key), (key, key if kind == "order" else ""))
    if kind == "user" and not there:
        name = _name_beside(one) or key
    address = f"{_PLACES[kind]}{quote(there, safe='')}" if there else ""
    return Thing(_KINDS.get(kind, kind), name, address, rest or "")


def _name_beside(one: ChangeOut) -> str:
    """What was changed was called so then; empty where the change does not say."""
    for side in (one.after, one.before):
        if isinstance(side, Mapping) and isinstance(side.get("name"), str):
            return str(side["name"])
    return ""


def _day(text: str, name: str, zone: tzinfo, *, after: int = 0) -> datetime | None:
    """The beginning of a day in the viewer's calendar, or of the one after it. Raises `Problem` 422."""
    if not text:
        return None
    try:
        day = date.fromisoformat(text) + timedelta(days=after)
        return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        raise invalid(f"/{name}", "is no day; write it as 2026-11-26.") from None


async def _known(desk: WebDesk, changes: Sequence[ChangeOut]) -> Known:
    parts = [found.groups() for one in changes if (found := _THING.fullmatch(one.what))]
    items = {key for kind, key, _ in parts if kind == "attention item"}

    async def read(conn: AsyncConnection) -> Known:
        people = await users.all(conn)
        found = {("user", one.name): (one.name, one.id) for one in people}
        found |= {("user", one.id): (one.name, one.id) for one in people}
        found |= {("connection", one.id): (one.name, one.id) for one in await desk.connections.all(conn)}
        found |= {("shop", one.id): (one.name, one.id) for one in await shops.all(conn)}
        found |= {("alert target", one.id): (one.name, one.id) for one in await desk.alert_targets.all(conn)}
        found |= {("attention item", key): (title, key) for key, title in (await attention.titles(conn, items)).items()}
        return found | {("attention kind", kind.value): (TEXTS[kind].title, kind.value) for kind in AttentionKind}

    return await desk.db.read(read)


async def show_audit(request: web.Request) -> web.Response:
    """`who`, `what`: only exactly these; `since`, `until`: days of the viewer's calendar, both in it."""
    desk, zone = request.app[DESK], request[VISIT].zone
    typed = {name: request.query.get(name, "").strip()[:191] for name in ("who", "what", "since", "until")}
    cursor = request.query.get("cursor", "")
    errors: dict[str, str] = {}
    found, status = AuditPage(changes=[], next=None), 200
    try:
        span = {
            "since": _day(typed["since"], "since", zone),
            "until": _day(typed["until"], "until", zone, after=1),
        }
        if span["since"] and span["until"] and span["since"] >= span["until"]:
            raise invalid("/until", "lies before the first day, so nothing can be found.")
        given = {"who": typed["who"] or None, "what": typed["what"] or None, "cursor": cursor or None}
        asked = as_model({**given, **span}, AuditQuery)
        found = await changes_of(desk, asked)
    except Problem as problem:
        if problem.slug != "invalid":
            raise
        errors, status = wrong_fields(problem), problem.status
    known = await _known(desk, found.changes)
    things = [thing(one, known) for one in found.changes]
    kept = {name: text for name, text in typed.items() if text}
    first = "/audit" + (f"?{urlencode(kept)}" if kept else "")
    return show(
        request,
        "audit.html",
        title="Audit",
        page="audit",
        status=status,
        rows=[
            {"one": one, "thing": about, "changed": differences(one.before, one.after)}
            for one, about in zip(found.changes, things, strict=True)
        ],
        only=str(things[0] or typed["what"]) if things else typed["what"],
        typed=typed,
        is_filtered=bool(kept),
        errors=errors,
        first=first if cursor else "",
        next=f"/audit?{urlencode({**kept, 'cursor': found.next})}" if found.next else "",
    )


ROUTES: Final = (PageRoute("GET", "/audit", show_audit, "Who changed what by hand"),)
