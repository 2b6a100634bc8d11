"""Long lists that move while they are read, over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bridge.connectors.woocommerce import finding, sweeping
from bridge.connectors.woocommerce.client import Client
from bridge.connectors.woocommerce.signing import ApiKey
from bridge.domain.outcomes import RemoteProblem, Retry

SINCE = datetime(2026, 11, 22, tzinfo=UTC)


class Shelf:
    """Orders by id as WordPress counts them out: an offset and a number of rows."""

    def __init__(self) -> None:
        self.ids = list(range(1, 451))
        self.asked: list[dict[str, str]] = []
        self.before: Callable[[], None] = lambda: None
        self.page: web.Response | None = None

    async def orders(self, request: web.Request) -> web.Response:
        self.before()
        self.asked.append(dict(request.query))
        if request.query["orderby"] == "modified":
            return web.json_response({"code": "rest_invalid_param", "message": "orderby", "data": {}}, status=400)
        if self.page is not None:
            return web.Response(status=self.page.status, body=self.page.body, content_type="text/html")
        begin, most = int(request.query.get("offset", "0")), int(request.query["per_page"])
        rows = [self._row(one) for one in self.ids[begin : begin + most]]
        return web.json_response(rows, headers={"X-WP-Total": str(len(self.ids))})

    def _row(self, number: int) -> dict[str, Any]:
        fields = [{"key": "_bridge_tiktok_order_id", "value": f"577{number:015d}"}]
        when = "2026-11-22T01:00:00"
        return {"id": number, "number": str(number), "date_modified_gmt": when, "meta_data": fields}


@pytest.fixture
async def shelf() -> AsyncIterator[tuple[Shelf, Client]]:
    shelf = Shelf()
    app = web.Application()
    app.router.add_get("/blog/wp-json/wc/v3/orders", shelf.orders)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        yield shelf, Client(session, str(server.make_url("/blog")), ApiKey("ck_1", "cs_1"), allow_private=True)


async def swept(client: Client) -> list[str]:
    found: list[str] = []
    page: str | None = None
    for _ in range(50):
        read = await sweeping.changed(client, "orders", SINCE, page, ())
        found += [one.order_id for one in read.items]
        page = read.next_page
        if page is None:
            return found
    raise AssertionError("the sweep does not end")


async def test_every_order_comes_and_the_query_says_which_clock(shelf: tuple[Shelf, Client]) -> None:
    here, client = shelf
    assert {int(one) for one in await swept(client)} == set(here.ids)
    assert here.asked[0]["dates_are_gmt"] == "true"
    assert here.asked[0]["modified_after"] == "2026-11-21T23:59:59"
    assert len({one["_"] for one in here.asked}) == len(here.asked)


async def test_orders_that_leave_while_it_runs_make_it_step_over_none(shelf: tuple[Shelf, Client]) -> None:
    here, client = shelf
    calls = iter(range(100))

    def trash() -> None:
        if (call := next(calls)) in {1, 2, 4}:
            del here.ids[call * 10 : call * 10 + 7 + 100 * (call == 2)]

    here.before = trash
    found = {int(one) for one in await swept(client)}
    assert set(here.ids) <= found


async def test_a_store_that_cannot_sort_by_the_time_of_change_is_swept_all_the_same(
    shelf: tuple[Shelf, Client],
) -> None:
    here, client = shelf
    assert await sweeping.newest(client, "orders") == datetime(2026, 11, 22, 1, tzinfo=UTC)
    here.ids = []
    assert await sweeping.newest(client, "orders") is None


async def test_orders_that_come_in_while_it_runs_are_no_harm(shelf: tuple[Shelf, Client]) -> None:
    here, client = shelf
    here.ids = list(range(100, 500, 2))
    calls = iter(range(100))
    here.before = lambda: here.ids.insert(0, 50 - next(calls))
    assert set(range(100, 500, 2)) <= {int(one) for one in await swept(client)}


async def test_a_sale_is_found_by_its_field_among_all_that_was_touched(shelf: tuple[Shelf, Client]) -> None:
    _, client = shelf
    found = await finding.ids(client, f"577{321:015d}", (), (), SINCE, ())
    assert found == {"321"}
    assert await finding.ids(client, "577999999999999999", (), (), SINCE, ()) == set()


async def test_what_could_not_be_read_to_the_end_is_not_called_absent(
    shelf: tuple[Shelf, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, client = shelf
    monkeypatch.setattr(finding, "MOST_PAGES", 3)
    with pytest.raises(RemoteProblem, match="cannot be searched"):
        await finding.ids(client, "577999999999999999", (), (), SINCE, ())


@pytest.mark.parametrize("status", [200, 403, 503])
async def test_a_page_in_front_of_wordpress_is_never_an_empty_list(shelf: tuple[Shelf, Client], status: int) -> None:
    here, client = shelf
    here.page = web.Response(status=status, body=b"<html>Briefly unavailable</html>")
    with pytest.raises(RemoteProblem) as problem:
        await swept(client)
    assert isinstance(problem.value.outcome, Retry)
