"""Alerts: who is told of what needs attention, and the outbox of what was told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import web

from bridge.domain.alerting import NOT_BY_ITSELF
from bridge.domain.attention import TEXTS, AttentionKind
from bridge.web.api.alert_models import (
    AlertOut,
    AlertQuery,
    AlertTargetChange,
    AlertTargetOut,
    NewAlertTarget,
)
from bridge.web.api.alerts import (
    change_target,
    ensure_target,
    find_alerts,
    forget_target,
    target_of,
    targets_shown,
    try_target,
)
from bridge.web.bodies import as_model, read_query
from bridge.web.desk import DESK
from bridge.web.pages.forms import FORM, Form, wrong_fields
from bridge.web.pages.refusals import REFUSALS, UNSAVED, told
from bridge.web.pages.rendering import see_other, show
from bridge.web.pages.routes import PageRoute
from bridge.web.pages.visits import VISIT, remember
from bridge.web.problems import Problem, invalid

PATH: Final = "/alerts"
OUTBOX: Final = "/alerts/outbox"
KINDS: Final[tuple[tuple[str, str, bool], ...]] = tuple(
    (kind.value, TEXTS[kind].title, kind in NOT_BY_ITSELF) for kind in AttentionKind
)
"""Each kind of attention: its word, its title, and whether only targets that name it are told of it."""
TARGET_STATES: Final[Mapping[str, tuple[str, str]]] = {
    "off": ("switched off", ""),
    "untried": ("nothing sent yet", "note"),
    "works": ("works", "good"),
    "failing": ("does not get through", "bad"),
}
ALERT_STATES: Final[Mapping[str, tuple[str, str]]] = {
    "waiting": ("waiting", "note"),
    "sent": ("sent", "good"),
    "failed": ("given up", "bad"),
    "dropped": ("dropped", ""),
}
WAYS: Final[Mapping[str, tuple[str, str]]] = {
    "email": ("E-mail", "Its address is a mailbox, such as night-shift@example.com."),
    "webhook": (
        "Webhook",
        "Its address is an https address, such as https://hooks.example.com/bridge. Only its host is shown again.",
    ),
}
"""How a kind of target is called, and what its address looks like."""


async def show_targets(request: web.Request) -> web.Response:
    return await _page(request)


async def _page(request: web.Request, errors: Mapping[str, str] | None = None, status: int = 200) -> web.Response:
    desk = request.app[DESK]
    form = request.get(FORM)
    ways = [(kind, *WAYS.get(kind, (kind, ""))) for kind in desk.alert_senders]
    return show(
        request,
        "alerts.html",
        title="Alerts",
        page="alerts",
        status=status,
        targets=await desk.db.read(lambda conn: targets_shown(conn, desk)),
        states=TARGET_STATES,
        ways=ways,
        ways_by_kind={kind: name for kind, name, _ in ways},
        titles={kind: title for kind, title, _ in KINDS},
        kinds=KINDS,
        typed={
            "kind": form.text("kind") if form else (ways[0][0] if ways else ""),
            "address": form.text("address") if form else "",
            "name": form.text("name") if form else "",
            "which": form.text("which", "all") if form else "all",
            "kinds": form.all("kinds") if form else (),
        },
        errors=dict(errors or {}),
    )


def _chosen(form: Form) -> list[str] | None:
    """The kinds that were ticked; None: all that block something or run out. Raises `Problem`."""
    if form.text("which", "all") == "all":
        return None
    if not form.all("kinds"):
        raise invalid("/kinds", "Tick at least one kind, or choose all that blocks something or runs out.")
    return list(form.all("kinds"))


async def add(request: web.Request) -> web.Response:
    """Answered at once where a secret was made: what is shown once must not be kept for the page after this one."""
    form = request[FORM]
    try:
        if not form.text("address"):
            raise invalid("/address", "Say where to: an e-mail address, or a webhook's https address.")
        given: dict[str, Any] = {
            "kind": form.text("kind"),
            "address": form.text("address"),
            "name": form.text("name") or None,
            "kinds": _chosen(form),
            "secret": form.text("secret") or None,
        }
        made, is_new = await ensure_target(request.app[DESK], as_model(given, NewAlertTarget), request[VISIT].who)
    except UNSAVED as error:
        return await _page(request, *told(error))
    if made.secret:
        return show(request, "alert_secret.html", title="Your new webhook", page="alerts", made=made)
    text = f"{made.name} is told from now on. Send a test to see that it arrives."
    if not is_new:
        text = f"{made.name} is there already, with just these settings, so nothing was added."
        if made.kind == "webhook" and not form.text("secret"):
            text += " Its secret was shown when it was added; for another one, remove it and add it again."
    await remember(request, text)
    return see_other(f"{PATH}/{made.id}")


async def show_target(request: web.Request) -> web.Response:
    return await _one(request)


async def _one(request: web.Request, errors: Mapping[str, str] | None = None, status: int = 200) -> web.Response:
    target = await target_of(request.app[DESK], request.match_info["target"])
    form = request.get(FORM)
    changing = form if form is not None and form.has("which") else None
    known = {kind for kind, _, _ in KINDS}
    return show(
        request,
        "alert_target.html",
        title=target.name,
        page="alerts",
        status=status,
        target=target,
        state=TARGET_STATES.get(target.state, (target.state, "")),
        way=WAYS.get(target.kind, (target.kind, ""))[0],
        titles={kind: title for kind, title, _ in KINDS},
        kinds=(*KINDS, *((one, one, False) for one in target.kinds or () if one not in known)),
        typed={
            "name": changing.text("name") if changing else target.name,
            "which": changing.text("which") if changing else ("all" if target.kinds is None else "only"),
            "kinds": changing.all("kinds") if changing else tuple(target.kinds or ()),
            "enabled": changing.has("enabled") if changing else target.enabled,
        },
        errors=dict(errors or {}),
    )


async def change(request: web.Request) -> web.Response:
    desk, form, target_id = request.app[DESK], request[FORM], request.match_info["target"]
    before = await target_of(desk, target_id)
    try:
        if not form.text("name"):
            raise invalid("/name", "Give it a name.")
        given = {"name": form.text("name"), "kinds": _chosen(form), "enabled": form.has("enabled")}
        after = await change_target(desk, target_id, as_model(given, AlertTargetChange), request[VISIT].who)
    except UNSAVED as error:
        return await _one(request, *told(error))
    changes = _changes(before, after)
    await remember(request, f"Saved. {' '.join(changes)}" if changes else "Nothing was different, so nothing changed.")
    return see_other(f"{PATH}/{target_id}")


def _changes(before: AlertTargetOut, after: AlertTargetOut) -> list[str]:
    """What changed, in a sentence each."""
    found = []
    if before.name != after.name:
        found.append(f"It is called {after.name} now.")
    if before.kinds != after.kinds:
        count = len(after.kinds or ())
        only = f"only {count} {'kind' if count == 1 else 'kinds'}"
        found.append(f"It is told of {'all that blocks something or runs out' if after.kinds is None else only}.")
    if before.enabled != after.enabled:
        found.append("It is on." if after.enabled else "It is off; what waited for it was dropped.")
    return found


async def test(request: web.Request) -> web.Response:
    try:
        said = await try_target(request.app[DESK], request.match_info["target"])
    except REFUSALS as error:
        return await _one(request, *told(error))
    if said.delivered:
        text = f"The test arrived. {said.because}. What waited goes out now."
    else:
        text = f"The test did not arrive: {said.because}. Mend what it names and test again."
    await remember(request, text, "ok" if said.delivered else "bad")
    return see_other(f"{PATH}/{request.match_info['target']}")


async def remove(request: web.Request) -> web.Response:
    try:
        gone = await forget_target(request.app[DESK], request.match_info["target"], request[VISIT].who)
        text = f"{gone.name} is told nothing more. What was told stays in the outbox."
    except Problem as problem:
        if problem.status != 404:
            raise
        text = "There is no such target any more: it is told nothing."
    await remember(request, text)
    return see_other(PATH)


# --- the outbox -------------------------------------------------------------------------------------------------------


async def show_outbox(request: web.Request) -> web.Response:
    desk = request.app[DESK]
    errors: dict[str, str] = {}
    status = 200
    try:
        asked = read_query(request, AlertQuery)
    except Problem as problem:
        asked, errors, status = AlertQuery(), wrong_fields(problem), problem.status
    found = await find_alerts(desk, asked)
    targets = await desk.db.read(lambda conn: targets_shown(conn, desk))
    kept = {name: value for name, value in (("state", asked.state), ("target", asked.target)) if value}
    return show(
        request,
        "alert_outbox.html",
        title="What was told",
        page="alerts",
        status=status,
        rows=[(one, _next_step(one)) for one in found.alerts],
        states=ALERT_STATES,
        names={one.id: one.name for one in targets},
        asked=asked,
        errors=errors,
        first=_outbox(kept) if asked.cursor else None,
        following=_outbox({**kept, "cursor": found.next}) if found.next else None,
    )


def _next_step(one: AlertOut) -> str:
    """What comes now, or what somebody can do."""
    if one.state == "waiting":
        return "It is tried again by itself." if one.attempts else "It goes out within about a minute."
    if one.state == "failed":
        return "It is not tried again. Mend what the reason names, then send the target a test; see the item itself."
    return ""


def _outbox(query: Mapping[str, str]) -> str:
    return f"{OUTBOX}?{urlencode(query)}" if query else OUTBOX


ROUTES: Final = (
    PageRoute("GET", PATH, show_targets, "Who is told of what needs attention"),
    PageRoute("POST", PATH, add, "Tell an e-mail address or a webhook from now on"),
    PageRoute("GET", OUTBOX, show_outbox, "What was told, what waits, and why something was given up"),
    PageRoute("GET", PATH + "/{target}", show_target, "One target, and how its last message went"),
    PageRoute("POST", PATH + "/{target}", change, "Rename it, choose its kinds, switch it off or on"),
    PageRoute("POST", PATH + "/{target}/test", test, "Send a test now, and say what came of it"),
    PageRoute("POST", PATH + "/{target}/remove", remove, "Tell it nothing more"),
)
