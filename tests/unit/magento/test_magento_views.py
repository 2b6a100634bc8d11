from __future__ import annotations

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from bridge.connectors.magento.client import Client
from bridge.connectors.magento.signing import Credentials
from bridge.connectors.magento.views import find_view, read_report, read_views
from bridge.ports import StoreView

CONFIGS = [
    {
        "id": 3,
        "code": "fr",
        "website_id": 2,
        "base_currency_code": "EUR",
        "default_display_currency_code": "CHF",
        "extension_attributes": {"aftership_tiktok": "1.0.26", "permissions": "Magento_Backend::all"},
    },
    {"id": "1", "code": "main", "website_id": "1", "base_currency_code": "USD"},
    {"id": 0, "code": "admin", "website_id": 0, "base_currency_code": "USD"},
]
WEBSITES = [{"id": 1, "code": "base"}, {"id": 2, "code": "eu"}]
VIEWS = [{"id": 1, "code": "main", "name": "Main"}, {"id": 3, "code": "fr", "name": "Français"}]


async def test_views_have_the_base_currency_that_amounts_are_kept_in() -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.json_response(
            {"storeConfigs": CONFIGS, "websites": WEBSITES}.get(request.path.split("/")[-1], VIEWS)
        )

    app = web.Application()
    app.router.add_get("/{tail:.*}", handler)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        client = Client(session, str(server.make_url("/")), Credentials(bearer_token="b"), allow_private=True)
        report = await read_report(client)
        views = await read_views(client, report.configs)
    assert report.version.reported == "1.0.26"
    assert views == (StoreView("main", "1", "base", "USD", "Main"), StoreView("fr", "3", "eu", "EUR", "Français"))
    assert find_view(views, "") == views[0]
    assert find_view(views, "fr") == find_view(views, "3") == views[1]
    assert find_view(views, "de") is None
    assert find_view((), "") is None
