"""`/api/v1/doctor`, and doctor of one connection."""

from __future__ import annotations

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage.connections import Connection
from bridge.web.api.alert_models import AlertTargetOut
from bridge.web.api.alerts import targets_shown
from bridge.web.api.connections import joined_out, named_connection
from bridge.web.api.doctor_models import ConnectionHealth, Health, Look
from bridge.web.api.models import ConnectionOut, FindingOut
from bridge.web.bodies import read_query
from bridge.web.connecting import CONNECTING
from bridge.web.desk import DESK, public_url
from bridge.web.doctor import alerting
from bridge.web.doctor.connection import Doctor, ordered
from bridge.web.problems import Problem
from bridge.web.routes import WHO, ok
from bridge.web.states import State, public


async def doctor_service(request: web.Request) -> web.Response:
    """What is right and wrong with the service itself now; with each connection, as last looked at."""
    desk = request.app[DESK]

    async def read(conn: AsyncConnection) -> tuple[list[Connection], list[AlertTargetOut]]:
        return await desk.connections.all(conn), await targets_shown(conn, desk)

    connections, targets = await desk.db.read(read)
    found = ordered([*await desk.checkup(), *alerting.findings(targets)])
    shown = [
        ConnectionHealth(
            id=one.id,
            kind=one.kind,
            name=one.name,
            state=one.state,
            because=one.because,
            looked_at=public(one.facts).get("looked_at"),
            findings=[FindingOut.model_validate(finding) for finding in public(one.facts).get("findings", [])],
        )
        for one in connections
    ]
    findings = [FindingOut(level=one.level, code=one.code, text=one.text) for one in found]
    return ok(Health(version=desk.version, findings=findings, connections=shown))


async def doctor_connection(request: web.Request) -> web.Response:
    """Look at everything now. What is wrong, an outage too, is a finding and not a problem of the request."""
    return ok(await look(request, read_query(request, Look)))


async def look(request: web.Request, asked: Look) -> ConnectionOut:
    """Raises `Problem` where it is only announced."""
    desk = request.app[DESK]
    connection = await named_connection(request)
    if connection.state == State.ANNOUNCED:
        raise Problem("conflict", "It is announced and not connected yet: there is nothing to look at.")
    doctor = Doctor(desk, request.app[CONNECTING])
    joined = await doctor.look(connection, public_url(request), request[WHO], mend=asked.mend)
    return joined_out(desk, joined)
