"""Pages about one TikTok Shop: which shop it is when nobody said."""

from __future__ import annotations

from aiohttp import web

from bridge.storage import shops
from bridge.web.desk import DESK
from bridge.web.pages.rendering import see_other, show
from bridge.web.pages.routes import Handler


def to_a_shop(path: str, title: str, page: str) -> Handler:
    """Leads to `path` of the shop that `shop` names, else of the first; without any, says what to do first."""

    async def choose_shop(request: web.Request) -> web.Response:
        found = await request.app[DESK].db.read(shops.all)
        wanted = request.query.get("shop", "")
        if found:
            chosen = next((one for one in found if one.id == wanted), found[0])
            return see_other(f"{path}/{chosen.id}")
        return show(request, "no_shop.html", title=title, page=page)

    return choose_shop
