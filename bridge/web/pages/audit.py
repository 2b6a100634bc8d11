"""Audit: who changed what by hand, and what it was before."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import web

from bridge.storage import audit
from bridge.web.desk import DESK
from bridge.web.pages.rendering import show
from bridge.web.pages.routes import PageRoute

_LONGEST: Final = 400
"""A page of fifty changes stays small; what is longer is cut, and said to be."""


def said(value: object) -> str:
    """A value as people read it."""
    match value:
        case None | "":
            text = "none"
        case True:
            text = "yes"
        case False:
            text = "no"
        case str():
            text = value
        case list() if all(isinstance(one, (str, int)) for one in value):
            text = ", ".join(str(one) for one in value) or "none"
        case _:
            text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} … ({len(text)} characters)"


def _flat(value: object, under: str = "") -> dict[str, object]:
    """Fields by their path. A value that is no object has the empty path."""
    if not isinstance(value, Mapping):
        return {under: value}
    found: dict[str, object] = {}
    for name, one in value.items():
        found |= _flat(one, f"{under} › {name}" if under else str(name))
    return found


def _told(value: object) -> object:
    """An empty text or list says no more than none does."""
    return None if value in ("", []) else value


def differences(before: Any, after: Any) -> list[tuple[str, str, str]]:
    """Field, before and after, of the fields that differ; a field that is only on one side was, or becomes, none."""
    was, is_now = ({} if one is None else _flat(one) for one in (before, after))
    names = list(dict.fromkeys([*was, *is_now]))
    pairs = [(name, was.get(name), is_now.get(name)) for name in names]
    return [(name.replace("_", " "), said(old), said(new)) for name, old, new in pairs if _told(old) != _told(new)]


async def show_audit(request: web.Request) -> web.Response:
    """`what`: only changes of exactly this; `cursor`: the next page, as the page before says."""
    what, cursor = request.query.get("what", "").strip()[:191], request.query.get("cursor", "")
    found, following = await request.app[DESK].db.read(
        lambda conn: audit.search(conn, what=what or None, cursor=cursor or None)
    )
    kept = {"what": what} if what else {}
    first = "/audit" + (f"?{urlencode(kept)}" if kept else "")
    return show(
        request,
        "audit.html",
        title="Audit",
        page="audit",
        rows=[{"one": one, "changed": differences(one.before, one.after)} for one in found],
        what=what,
        first=first if cursor else "",
        next=f"/audit?{urlencode({**kept, 'cursor': following})}" if following else "",
    )


ROUTES: Final = (PageRoute("GET", "/audit", show_audit, "Who changed what by hand"),)
