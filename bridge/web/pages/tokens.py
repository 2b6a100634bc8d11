"""API tokens: what programs may do here. A token is shown once, on the page that answers its making."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from bridge.storage import api_tokens
from bridge.storage.errors import InUse
from bridge.web.desk import DESK
from bridge.web.pages.forms import FORM
from bridge.web.pages.refusals import UNSAVED, told
from bridge.web.pages.rendering import see_other, show
from bridge.web.pages.routes import PageRoute
from bridge.web.pages.visits import VISIT, remember
from bridge.web.tokens import LONGEST_NAME, end_token, make_token


async def show_tokens(request: web.Request) -> web.Response:
    return await _page(request)


async def _page(
    request: web.Request,
    errors: dict[str, str] | None = None,
    status: int = 200,
    name: str = "",
    scopes: tuple[str, ...] = ("read",),
) -> web.Response:
    return show(
        request,
        "tokens.html",
        title="API tokens",
        page="tokens",
        status=status,
        tokens=await request.app[DESK].db.read(api_tokens.listed),
        errors=errors or {},
        name=name,
        scopes=scopes,
        longest=LONGEST_NAME,
    )


async def create_token(request: web.Request) -> web.Response:
    """Answered at once: what is shown once must not be kept for the page after this one."""
    form = request[FORM]
    name, scopes = form.text("name"), form.all("scopes")
    try:
        made, text = await make_token(request.app[DESK].db, name, scopes, request[VISIT].who)
    except UNSAVED as error:
        return await _page(request, *told(error), name, scopes)
    except InUse as problem:
        return await _page(request, {"name": f"{str(problem).capitalize()}."}, 409, name, scopes)
    return show(request, "token.html", title="Your new API token", page="tokens", made=made, text=text)


async def delete_token(request: web.Request) -> web.Response:
    ended = await end_token(request.app[DESK].db, request.match_info["token"], request[VISIT].who)
    await remember(request, f"The token {ended.name} is refused from now on.")
    return see_other("/tokens")


ROUTES: Final = (
    PageRoute("GET", "/tokens", show_tokens, "What programs may do here"),
    PageRoute("POST", "/tokens", create_token, "Make an API token, shown once"),
    PageRoute("POST", "/tokens/{token}/end", delete_token, "End the token"),
)
