"""`/api/v1/alert-targets` and `/api/v1/alerts`: who is told of what needs attention, and what was told."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.outcomes import Done
from bridge.storage import alerts, audit
from bridge.storage.alert_targets import AlertTarget
from bridge.web.api.alert_models import (
    AlertOut,
    AlertPage,
    AlertQuery,
    AlertTargetChange,
    AlertTargetList,
    AlertTargetOut,
    AlertTested,
    NewAlertTarget,
)
from bridge.web.bodies import read_json, read_query
from bridge.web.desk import DESK, WebDesk
from bridge.web.problems import Problem, invalid, unknown
from bridge.web.routes import WHO, ok

_NAME: Final = 191
"""Characters of a name's column."""


async def list_alert_targets(request: web.Request) -> web.Response:
    desk = request.app[DESK]
    return ok(AlertTargetList(targets=await desk.db.read(lambda conn: targets_shown(conn, desk))))


async def targets_shown(conn: AsyncConnection, desk: WebDesk) -> list[AlertTargetOut]:
    found = await desk.alert_targets.all(conn)
    numbers = await alerts.counts(conn, [one.id for one in found])
    return [_out(one, numbers.get(one.id, {})) for one in found]


async def add_alert_target(request: web.Request) -> web.Response:
    asked = await read_json(request, NewAlertTarget)
    return ok(await add_target(request.app[DESK], asked, request[WHO]), 201)


async def add_target(desk: WebDesk, asked: NewAlertTarget, who: str) -> AlertTargetOut:
    """With its secret, this once, where one was made. Raises `Problem` 422."""
    made, _ = await _add(desk, asked, who, anew=True)
    return made


async def ensure_target(desk: WebDesk, asked: NewAlertTarget, who: str) -> tuple[AlertTargetOut, bool]:
    """As `add_target`; but one that is there with the same settings stays the only one. And whether it was added."""
    return await _add(desk, asked, who, anew=False)


async def _add(desk: WebDesk, asked: NewAlertTarget, who: str, *, anew: bool) -> tuple[AlertTargetOut, bool]:
    try:
        checked = desk.alert_senders[asked.kind].check(asked.address, asked.secret)
    except ValueError as problem:
        raise invalid("/secret" if "secret" in str(problem) else "/address", str(problem)) from None
    options: dict[str, Any] = {} if asked.kinds is None else {"kinds": [kind.value for kind in asked.kinds]}

    name = asked.name or _fitting(checked.shown)
    # A secret that was made up just now is of no target that is there.
    told = {key: value for key, value in checked.secrets.items() if value != checked.once}

    def is_same(one: AlertTarget) -> bool:
        same = one.enabled and (one.kind, one.name, one.address) == (asked.kind, name, checked.shown)
        return same and one.options == options and told.items() <= one.secrets.items()

    async def write(conn: AsyncConnection) -> tuple[AlertTarget, bool]:
        known = [] if anew else [one for one in await desk.alert_targets.all(conn) if is_same(one)]
        if known:
            return known[0], False
        made = await desk.alert_targets.add(
            conn, kind=asked.kind, name=name, address=checked.shown, secrets=checked.secrets, options=options
        )
        await audit.write(conn, who, f"alert target {made.id}", None, _audited(made))
        return made, True

    target, is_new = await desk.db.write(write)
    return _out(target, {}).model_copy(update={"secret": checked.once if is_new else None}), is_new


def _fitting(address: str) -> str:
    return address if len(address) <= _NAME else f"{address[: _NAME - 1]}…"


async def show_alert_target(request: web.Request) -> web.Response:
    return ok(await target_of(request.app[DESK], request.match_info["target"]))


async def target_of(desk: WebDesk, target_id: str) -> AlertTargetOut:
    """Raises `Problem` 404."""
    target = await _named(desk, target_id)
    numbers = await desk.db.read(lambda conn: alerts.counts(conn, [target.id]))
    return _out(target, numbers.get(target.id, {}))


async def change_alert_target(request: web.Request) -> web.Response:
    asked = await read_json(request, AlertTargetChange)
    return ok(await change_target(request.app[DESK], request.match_info["target"], asked, request[WHO]))


async def change_target(desk: WebDesk, target_id: str, asked: AlertTargetChange, who: str) -> AlertTargetOut:
    """What was sent of it; the rest keeps its value. Raises `Problem` 404."""

    async def write(conn: AsyncConnection) -> AlertTarget:
        before = await desk.alert_targets.get(conn, target_id)
        if before is None:
            raise _unknown()
        fields: dict[str, Any] = {}
        if "name" in asked.model_fields_set and asked.name is not None:
            fields["name"] = asked.name
        if "enabled" in asked.model_fields_set:
            fields["enabled"] = asked.enabled
        if "kinds" in asked.model_fields_set:
            rest = {name: value for name, value in before.options.items() if name != "kinds"}
            fields["options"] = rest if asked.kinds is None else {**rest, "kinds": [one.value for one in asked.kinds]}
        after = await desk.alert_targets.update(conn, before.id, **fields)
        if after is None:
            raise _unknown()
        if _audited(before) != _audited(after):
            await audit.write(conn, who, f"alert target {after.id}", _audited(before), _audited(after))
        return after

    changed = await desk.db.write(write)
    numbers = await desk.db.read(lambda conn: alerts.counts(conn, [changed.id]))
    return _out(changed, numbers.get(changed.id, {}))


async def remove_alert_target(request: web.Request) -> web.Response:
    await forget_target(request.app[DESK], request.match_info["target"], request[WHO])
    return web.Response(status=204)


async def forget_target(desk: WebDesk, target_id: str, who: str) -> AlertTarget:
    """Nothing more is told to it; what was told stays in the outbox. Raises `Problem` 404."""
    target = await _named(desk, target_id)

    async def write(conn: AsyncConnection) -> None:
        if await desk.alert_targets.remove(conn, target.id):
            await audit.write(conn, who, f"alert target {target.id}", _audited(target), None)

    await desk.db.write(write)
    return target


async def test_alert_target(request: web.Request) -> web.Response:
    return ok(await try_target(request.app[DESK], request.match_info["target"]))


async def try_target(desk: WebDesk, target_id: str) -> AlertTested:
    """Send a test now, and say what came of it. Raises `Problem`: 404, 409."""
    target = await _named(desk, target_id)
    if not target.enabled:
        raise Problem("conflict", 'The target is switched off; switch it on first: PATCH {"enabled": true}.')
    outcome = await desk.test_alert(target)
    if isinstance(outcome, Done):
        return AlertTested(delivered=True, because=f"It was taken: {outcome.reference}")
    return AlertTested(delivered=False, because=outcome.because)


async def list_alerts(request: web.Request) -> web.Response:
    return ok(await find_alerts(request.app[DESK], read_query(request, AlertQuery)))


async def find_alerts(desk: WebDesk, asked: AlertQuery) -> AlertPage:
    """The outbox, the newest first. Raises `BadCursor`."""
    found, following = await desk.db.read(
        lambda conn: alerts.search(
            conn, state=asked.state, target_id=asked.target, cursor=asked.cursor, limit=asked.limit
        )
    )
    return AlertPage(alerts=[_alert(one) for one in found], next=following)


async def _named(desk: WebDesk, target_id: str) -> AlertTarget:
    target = await desk.db.read(lambda conn: desk.alert_targets.get(conn, target_id))
    if target is None:
        raise _unknown()
    return target


def _unknown() -> Problem:
    return unknown("alert target", "/api/v1/alert-targets")


def _audited(target: AlertTarget) -> dict[str, Any]:
    return {
        "kind": target.kind,
        "name": target.name,
        "address": target.address,
        "kinds": target.options.get("kinds"),
        "enabled": target.enabled,
    }


def _out(target: AlertTarget, numbers: dict[str, int]) -> AlertTargetOut:
    state = "works" if target.sent_at is not None else "untried"
    if not target.enabled:
        state = "off"
    elif target.failing_since is not None:
        state = "failing"
    return AlertTargetOut.model_validate(
        {
            **_audited(target),
            "id": target.id,
            "state": state,
            "because": target.because,
            "failing_since": target.failing_since,
            "sent_at": target.sent_at,
            "counts": numbers,
            "created_at": target.created_at,
            "updated_at": target.updated_at,
        }
    )


def _alert(one: alerts.Alert) -> AlertOut:
    return AlertOut(
        id=one.id,
        target=one.target_id,
        attention=one.attention_id,
        message=one.message_id,
        state=one.state,
        attempts=one.attempts,
        due_at=one.due_at,
        because=one.because,
        body=one.body,
        created_at=one.created_at,
        ended_at=one.ended_at,
    )
