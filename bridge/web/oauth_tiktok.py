"""Authorizing a TikTok Shop: out to TikTok with a `state` that works once, back with a code that does too."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from aiohttp import web
from pydantic import BaseModel, Field

from bridge.domain.outcomes import RemoteProblem
from bridge.storage.api_tokens import Scope
from bridge.storage.connections import Connection
from bridge.web import onetime
from bridge.web.auth import is_authorized
from bridge.web.bodies import Asked, read_query
from bridge.web.connecting import CONNECTING
from bridge.web.desk import DESK, public_url
from bridge.web.notices import page
from bridge.web.oauth_magento import announced_facts
from bridge.web.problems import Problem
from bridge.web.states import public

LINK_LIFE: Final = timedelta(minutes=30)
STATE_LIFE: Final = timedelta(hours=1)
_CONNECTIONS: Final = ("/connections", "To the connections")


class Start(Asked):
    connection: str = Field(min_length=1, max_length=40, description="Id of the TikTok Shop connection")
    link: str = Field(default="", max_length=200, description="One-time secret of a link the API made")


class Back(BaseModel):
    """What TikTok Shop may send back; more of it is no mistake."""

    code: str | None = Field(default=None, description="What the seller's agreement is exchanged for, once")
    state: str | None = Field(default=None, description="What the way out carried; good once, for an hour")
    error: str | None = Field(default=None, description="Why the seller did not agree")


async def tiktok_start(request: web.Request) -> web.Response:
    """To TikTok's page where the seller agrees. Needs an API token, or a link that the API made (good once)."""
    desk = request.app[DESK]
    asked = read_query(request, Start)
    if await is_authorized(request, Scope.CONFIGURE):
        connection = await desk.db.read(lambda conn: desk.connections.get(conn, asked.connection))
    else:
        connection = await onetime.redeem(desk, "link", asked.link)
        if connection is None or connection.id != asked.connection:
            if "text/html" in request.headers.get("Accept", ""):
                text = "The link was used, is too old, or is not whole. Nothing was changed: ask for a new one."
                return page("The link is used up", text, status=403, link=_CONNECTIONS)
            detail = "The link was used, is too old, or is not whole. Ask for a new one: connect the TikTok Shop again."
            raise Problem("link-used", detail)
    if connection is None or connection.kind not in desk.authorizations:
        raise Problem("not-found", "There is no TikTok Shop connection of this id.")
    state = await onetime.issue(desk, connection.id, "state", STATE_LIFE)
    try:
        target = desk.authorizations[connection.kind].authorize_url(public(connection.credentials), state)
    except (ValueError, KeyError):
        detail = "The connection lacks what TikTok's authorization needs (service_id, from Partner Center). Add it."
        raise Problem("conflict", detail) from None
    return web.Response(status=302, headers={"Location": target})


async def start_link(desk_request: web.Request, connection_id: str) -> str:
    """An address for a browser that begins the authorization, good once, for half an hour."""
    secret = await onetime.issue(desk_request.app[DESK], connection_id, "link", LINK_LIFE)
    return f"{public_url(desk_request)}/oauth/tiktok/start?connection={connection_id}&link={secret}"


async def tiktok_callback(request: web.Request) -> web.Response:
    """Where TikTok sends the seller back: `code` and `state`, or a refusal."""
    desk = request.app[DESK]
    code, state = request.query.get("code", ""), request.query.get("state", "")
    if not state:
        return page(
            "One step is missing",
            "TikTok Shop sent no state: the app was installed from its app store, so it is not known for which "
            "connection.",
            "Nothing was connected. Begin the authorization from the bridge: make or open the TikTok Shop connection "
            "there and choose Authorize.",
            status=400,
            link=_CONNECTIONS,
        )
    connection = await onetime.redeem(desk, "state", state)
    if connection is None:
        text = "This authorization was used before, is older than an hour, or was not begun here. Begin it again."
        return page("Not valid any more", text, status=403, link=_CONNECTIONS)
    if request.query.get("error") or code in {"", "null"}:
        text = "The seller did not agree on TikTok Shop. Nothing was changed; begin again whenever you like."
        return page("Not authorized", text, link=back_to(connection))
    return await _finish(request, connection, code)


async def _finish(request: web.Request, connection: Connection, code: str) -> web.Response:
    desk = request.app[DESK]
    try:
        credentials = await desk.authorizations[connection.kind].exchange(public(connection.credentials), code)
        base = connection.facts.get(next(iter(announced_facts("")))) or public_url(request)
        joined = await request.app[CONNECTING].authorized(connection, credentials, base, "TikTok Shop's authorization")
    except RemoteProblem as problem:
        because = problem.outcome.because
        return page("Not connected", because, "Begin the authorization again.", status=502, link=back_to(connection))
    names = ", ".join(shop.name for shop in joined.shops) or "no shop"
    wrong = [one.text for one in joined.findings if one.level == "error"]
    text = f"Connected: {names}. You can close this page, or go back to see what is next."
    return page("Connected", text, *wrong, link=back_to(joined.connection))


def back_to(connection: Connection) -> tuple[str, str]:
    """The connection's own page, where whoever signed in goes on."""
    return f"/connections/{connection.id}", f"Back to {connection.name}"
