"""A page about something that is not there says so in people's words; the API goes on with the route that lists it."""

from __future__ import annotations

import re

from bridge.web.pages.table import ROUTES
from tests.integration.pages.browsing import Browser
from tests.integration.web.house import House


async def test_a_page_about_nothing_names_no_route(house: House, browser: Browser) -> None:
    asked = 0
    for route in ROUTES:
        if route.method != "GET" or "{" not in route.path:
            continue
        page = await browser.get(re.sub(r"{\w+}", "nobody-s", route.path))
        asked += 1
        assert page.status == 404, route.path
        assert "/api/" not in page.html, route.path
    assert asked >= 4
    for path, words in (
        ("connections", "There is no connection of this id. GET /api/v1/connections lists them."),
        ("shops", "There is no shop of this id. GET /api/v1/shops lists them."),
    ):
        answer = await house.ask("GET", f"/api/v1/{path}/nobody-s")
        assert (answer.status, answer.json["detail"]) == (404, words)
