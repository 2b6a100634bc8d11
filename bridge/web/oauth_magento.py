"""The two addresses an operator pastes into Magento's *Add New Integration*: callback and identity link.

Magento posts the callback unsigned and goes on when it is answered within 5 s; then it opens the identity link in the
admin's browser with `oauth_consumer_key` and `success_call_back` (Magento\\Integration, measured on 2.4.6-p11).
"""

from __future__ import annotations

from urllib.parse import parse_qs

from aiohttp import web
from pydantic import Field
from yarl import URL

from bridge.storage.connections import Connection
from bridge.web.bodies import Asked, read_query, read_raw
from bridge.web.desk import DESK, public_url
from bridge.web.handshake import HANDSHAKES
from bridge.web.notices import page
from bridge.web.problems import Problem

_MAX_FORM = 16 * 1024
_WAIT_SECONDS = 8.0
_PUBLIC = "_public_url"


class Identity(Asked):
    oauth_consumer_key: str = Field(min_length=1, max_length=255, description="The integration's consumer key")
    success_call_back: str = Field(
        default="", max_length=2000, description="Magento's page to go back to; only on the announced store's host"
    )


async def magento_callback(request: web.Request) -> web.Response:
    """Answered at once; the exchange runs behind it."""
    raw = await read_raw(request, _MAX_FORM, 4.0)
    try:
        values = parse_qs(raw.decode("ascii"), max_num_fields=20)
    except ValueError:
        raise Problem("bad-request", "The body is no form; only Magento's Activate posts here.") from None
    form = {name: found[0] for name, found in values.items()}
    handshakes = request.app[HANDSHAKES]
    connection = await handshakes.announced_for(form.get("store_base_url", ""))
    if connection is None:
        detail = (
            "No connection was made for this store's address. Make one first (POST /api/v1/connections without "
            "credentials, or `bridge connect magento`), with the address the store itself names, then Activate again."
        )
        raise Problem("not-announced", detail)
    try:
        # To the address the operator announced, whatever the form says.
        announced = (
            request.app[DESK].handshakes[connection.kind].read_callback(form | {"store_base_url": connection.url})
        )
    except ValueError as problem:
        raise Problem("bad-request", str(problem)) from None
    await handshakes.accept(connection, announced, connection.facts.get(_PUBLIC) or public_url(request))
    return web.Response()


async def magento_identity(request: web.Request) -> web.Response:
    """How the exchange stands, for the admin who chose Activate."""
    try:
        asked = read_query(request, Identity)
    except Problem:
        return page("Not a link of Magento", "Magento opens this page when an integration is activated.", status=400)
    found = await request.app[HANDSHAKES].standing(asked.oauth_consumer_key, _WAIT_SECONDS)
    if found is None:
        return page(
            "No activation is known",
            "Magento has not told this service of the integration, or its store address was not announced.",
            "Check the callback URL in System › Integrations, and make a connection for the store's address first.",
            status=404,
        )
    connection, standing = found
    back = _back(asked.success_call_back, connection)
    if standing.state == "connected":
        text = f"The store {connection.name} is connected. You can go back to Magento."
        return page("Connected", text, link=(back, "Back to Magento") if back else None, go_on_after=2)
    if standing.state == "failed":
        return page("Not connected", standing.because, "Nothing was changed.", status=200)
    text = "The exchange with the store is under way. This page looks again by itself."
    return page("Connecting …", text, reload_after=3)


def _back(address: str, connection: Connection) -> str:
    """The admin page to go back to, if it is on the announced store's host; else nothing."""
    try:
        given, store = URL(address), URL(connection.url)
    except ValueError:
        return ""
    is_plain = given.scheme in {"http", "https"} and given.user is None and given.password is None
    return str(given) if is_plain and given.host and given.host == store.host else ""


def addresses(base: str) -> dict[str, str]:
    """What to paste into Magento."""
    return {"callback_url": f"{base}/oauth/magento/callback", "identity_url": f"{base}/oauth/magento/identity"}


def addresses_of(connection: Connection, base: str) -> dict[str, str]:
    """The same ones as when it was announced; with `base` where it never was; none where that is empty."""
    found = str(connection.facts.get(_PUBLIC) or base)
    return addresses(found) if found else {}


def announced_facts(base: str) -> dict[str, str]:
    return {_PUBLIC: base}
