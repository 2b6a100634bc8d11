"""Values that nobody types and anybody may send: told what is wrong, or taken as they are; never a mistake of ours."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest

from bridge.storage import users
from bridge.storage.engine import Database
from bridge.storage.errors import InUse
from bridge.storage.rows import BadCursor, unpack_cursor
from bridge.storage.users import Role, User
from tests.integration.web.house import House
from tests.integration.web.lived_in import lived_in

LISTS = ("orders", "audit", "attention", "alerts", "drifts")


def cursor_of(*parts: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


@pytest.mark.parametrize("listed", LISTS)
async def test_a_cursor_that_no_driver_takes_is_no_cursor_of_this_list(each_house: House, listed: str) -> None:
    for cursor in (cursor_of("\ud800"), cursor_of("a", "\udfff"), "W" * 1000):
        answer = await each_house.ask("GET", f"/api/v1/{listed}?{urlencode({'cursor': cursor})}")
        assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, "#/cursor"), answer.text


@pytest.mark.parametrize("stage", ["²", "٣", "9", "-1", "", "\ud800"])
async def test_a_stage_of_a_search_that_is_no_number_is_no_cursor(house: House, stage: str) -> None:
    query = urlencode({"query": "57", "cursor": cursor_of(stage, "a", "b")})
    answer = await house.ask("GET", f"/api/v1/orders?{query}")
    assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, "#/cursor"), answer.text


def test_a_cursor_of_nothing_but_brackets_is_none() -> None:
    for text in ("[" * 100_000, '["a"' + "]" * 3):
        with pytest.raises(BadCursor):
            unpack_cursor(base64.urlsafe_b64encode(text.encode()).decode(), 1)


async def test_the_ends_of_the_calendar_bound_a_search(database: Database) -> None:
    span = urlencode({"since": "0001-01-01T00:00:00Z", "until": "9999-12-31T23:59:59Z"})
    async with lived_in(database) as home:
        for path in ("audit", "export/audit", "export/changelog", "export/attention", "export/money"):
            whole = await home.house.ask("GET", f"/api/v1/{path}")
            bounded = await home.house.ask("GET", f"/api/v1/{path}?{span}")
            assert (bounded.status, bounded.raw) == (200, whole.raw), path
        early = await home.house.ask("GET", "/api/v1/audit?until=0001-01-01T00:00:00Z")
        late = await home.house.ask("GET", "/api/v1/audit?since=9999-12-31T23:59:59Z")
        assert early.json["changes"] == late.json["changes"] == []
        drifts = await home.house.ask("GET", "/api/v1/drifts?since=0001-01-01T00:00:00Z")
        assert drifts.status == 200


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59Z", "2200-01-01T00:00:00Z", "1999-12-31T23:59:59Z"])
async def test_what_counts_from_a_moment_on_counts_within_sane_years(house: House, moment: str) -> None:
    shop_id, _ = await house.tied_shop()
    path = f"/api/v1/shops/{shop_id}"
    sync = f"{path}/cancellation-sync"
    for method, address, body, pointer in (
        ("PUT", path, {"orders_since": moment}, "#/orders_since"),
        ("PUT", sync, {"store_to_channel": {"effective_from": moment}}, "#/store_to_channel/effective_from"),
        ("PUT", sync, {"channel_to_store": {"effective_from": moment}}, "#/channel_to_store/effective_from"),
        ("PUT", sync, {"buyer_requests": {"effective_from": moment}}, "#/buyer_requests/effective_from"),
    ):
        answer = await house.ask(method, address, json=body)
        assert answer.status == 422, (address, answer.text)
        [error] = answer.json["errors"]
        assert error["pointer"] == pointer
        assert "must lie in the years 2000 to 2199" in error["detail"]
    in_time = await house.ask("PUT", path, json={"orders_since": "2199-12-31T23:59:59Z"})
    assert in_time.status == 200, in_time.text
    assert (await house.shop(shop_id)).settings.orders_since == datetime(2199, 12, 31, 23, 59, 59, tzinfo=UTC)


async def test_a_name_fits_as_it_is_compared(each_house: House) -> None:
    password = "a sentence to remember"
    fits = await each_house.ask("POST", "/api/v1/users", json={"name": "ß" * 32, "password": password})
    assert fits.status == 201, fits.text
    longer = await each_house.ask("POST", "/api/v1/users", json={"name": "ß" * 40, "password": password})
    assert longer.status == 422, longer.text
    [error] = longer.json["errors"]
    assert error["pointer"] == "#/name"
    assert "shorter" in error["detail"]


async def test_of_two_who_add_one_name_at_once_one_is_told_that_it_is_taken(database: Database) -> None:
    async def add(name: str) -> User:
        return await database.write(lambda conn: users.add(conn, name, "hash", Role.VIEWER))

    for number in range(5):
        names = [f"kim {number}", f"KIM {number}"] * 3
        answers = await asyncio.gather(*map(add, names), return_exceptions=True)
        made = [one for one in answers if isinstance(one, User)]
        taken = [one for one in answers if isinstance(one, InUse)]
        assert (len(made), len(taken)) == (1, 5), answers
