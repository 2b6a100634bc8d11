"""Values that nobody types and anybody may send: a page says what is wrong, or shows what there is."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.web.pages.filters import Times
from bridge.web.pages.visits import ZONE_COOKIE
from tests.integration.pages.browsing import Browser
from tests.integration.web.house import House

AUCKLAND, HONOLULU = "Pacific/Auckland", "Pacific/Honolulu"


async def test_a_cursor_that_is_too_long_is_a_page_that_says_so(browser: Browser) -> None:
    page = await browser.get(f"/audit?cursor={'a' * 1001}")
    assert page.status == 422
    assert "at most 1000 characters" in page.words


@pytest.mark.parametrize("zone", ["UTC", AUCKLAND, HONOLULU])
@pytest.mark.parametrize("span", [{"since": "0001-01-01"}, {"until": "9999-12-30"}, {"until": "9999-12-31"}])
async def test_the_ends_of_the_calendar_are_days_or_said_to_be_none(
    browser: Browser, zone: str, span: dict[str, str]
) -> None:
    browser.cookies[ZONE_COOKIE] = zone
    page = await browser.get(f"/audit?{urlencode(span)}")
    assert ("user admin" if page.status == 200 else "is no day") in page.words
    assert page.status in {200, 422}


@pytest.mark.parametrize("address", ["http://[", "http://[::1", "http://]/", "//[/x"])
async def test_an_address_that_is_none_is_an_address_of_somebody_else(browser: Browser, address: str) -> None:
    csrf = dict((await browser.get("/account")).form("/sign-out").fields)["csrf"]
    for path in ("/sign-out", "/sign-in", "/users"):
        page = await browser.send("POST", path, data={"csrf": csrf}, headers={"Origin": address})
        assert page.status == 403, path
        assert "did not come from a page of this service" in page.words
    browser.cookies.clear()
    page = await browser.send("POST", "/users", data={"csrf": csrf}, headers={"Referer": address})
    assert page.status in {200, 403}
    assert "Sign in" in page.words


async def test_a_number_of_days_behind_many_zeros_is_a_mistake_in_the_form(house: House, browser: Browser) -> None:
    shop_id, _ = await house.tied_shop()
    page = await browser.get(f"/history/{shop_id}")
    for days in ("0000000301", "00000000000000000001", "²", "9" * 5000):
        answer = await browser.submit(page, f"/history/{shop_id}", days=days)
        assert answer.status == 422, days[:20]
        assert "whole number of days from 1 to 90" in answer.words


@pytest.mark.parametrize("zone", [AUCKLAND, HONOLULU])
@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"])
async def test_a_moment_at_the_end_of_the_calendar_can_be_shown_everywhere(
    house: House, browser: Browser, zone: str, moment: str
) -> None:
    """Stored before its years were bounded."""
    shop_id, _ = await house.tied_shop()
    settings = (await house.shop(shop_id)).settings.model_dump(mode="json")
    for part in ("store_to_channel", "channel_to_store", "buyer_requests"):
        settings["cancellation_sync"][part]["effective_from"] = moment
        settings["cancellation_sync"][part]["enabled"] = part != "buyer_requests"
    settings["orders_since"] = moment

    async def write(conn: AsyncConnection) -> None:
        query = text("UPDATE shops SET settings = :settings WHERE id = :id")
        await conn.execute(query, {"settings": json.dumps(settings), "id": shop_id})

    await house.db.write(write)
    browser.cookies[ZONE_COOKIE] = zone
    for path in ("/settings/cancellation-sync", "/settings/buyer-requests", "/history"):
        page = await browser.get(f"{path}/{shop_id}")
        assert page.status == 200, page.words


def test_times_at_the_end_of_the_calendar_are_told_in_utc() -> None:
    from datetime import UTC, datetime
    from zoneinfo import ZoneInfo

    end = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
    times = Times(ZoneInfo(AUCKLAND), AUCKLAND, datetime(2026, 6, 1, tzinfo=UTC))
    assert "31 Dec 9999, 23:59" in times.when(end)
    assert times.day(end) == "31 Dec 9999"
    assert "9999" in times.ago(end)
