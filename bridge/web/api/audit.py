"""`/api/v1/audit`."""

from __future__ import annotations

from aiohttp import web

from bridge.storage import audit
from bridge.web.api.audit_models import AuditPage, AuditQuery, ChangeOut
from bridge.web.bodies import read_query
from bridge.web.desk import DESK, WebDesk
from bridge.web.routes import ok


async def list_audit(request: web.Request) -> web.Response:
    """Who changed what by hand, the newest first."""
    return ok(await changes_of(request.app[DESK], read_query(request, AuditQuery)))


async def changes_of(desk: WebDesk, asked: AuditQuery) -> AuditPage:
    """Raises `BadCursor`."""
    found, following = await desk.db.read(
        lambda conn: audit.search(
            conn,
            who=asked.who,
            what=asked.what,
            since=asked.since,
            until=asked.until,
            cursor=asked.cursor,
            limit=asked.limit,
        )
    )
    changes = [ChangeOut(at=one.at, who=one.who, what=one.what, before=one.before, after=one.after) for one in found]
    return AuditPage(changes=changes, next=following)
